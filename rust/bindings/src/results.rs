//! Results as numpy arrays.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pulsewire_client::{Fetched, Header, ResultState, Results, Schema, Selection, Timeout};
use pyo3::prelude::*;
use pyo3::types::{PySlice, PyTuple};

use crate::array::Destination;
use crate::connection::Connection;
use crate::convert::{bound, describe, described_as, new_array};
use crate::errors;
use crate::lifetime::{Lane, ProcessBound, block_on, block_on_lane};

/// The results of a job: the schema is asked for once, the rest at each call.
#[pyclass(name = "Results", module = "pulsewire._native", frozen)]
pub(crate) struct PyResults {
    connection: Arc<Connection>,
    job: String,
    machine: String,
    schema: Arc<Vec<Schema>>,
    /// With what is known of them in this process; a forked child begins anew.
    results: Mutex<Option<ProcessBound<Results>>>,
}

/// A result, as announced; the dtype as the vendor's client shows it.
#[pyclass(name = "Schema", module = "pulsewire._native", frozen, get_all)]
pub(crate) struct PySchema {
    name: String,
    dtype: Py<PyAny>,
    is_single: bool,
    expected_count: i32,
}

/// How many values a result has.
#[pyclass(name = "ResultCount", module = "pulsewire._native", frozen, get_all)]
pub(crate) struct PyResultCount {
    count: u64,
    has_execution_errors: bool,
}

/// How a result stands, or all together.
#[pyclass(name = "ResultState", module = "pulsewire._native", frozen, get_all)]
pub(crate) struct PyResultState {
    done: bool,
    closed: bool,
    has_dataloss: bool,
}

impl From<ResultState> for PyResultState {
    fn from(state: ResultState) -> Self {
        let ResultState { done, closed, has_dataloss } = state;
        Self { done, closed, has_dataloss }
    }
}

/// Items that were fetched; wrapped records are those of a single field `value`.
#[pyclass(name = "FetchedItems", module = "pulsewire._native", frozen, get_all)]
pub(crate) struct PyFetchedItems {
    array: Py<PyAny>,
    is_wrapped: bool,
    has_execution_errors: bool,
}

/// What a fetch would give.
#[pyclass(name = "FetchPlan", module = "pulsewire._native", frozen, get_all)]
pub(crate) struct PyFetchPlan {
    dtype: Py<PyAny>,
    shape: Py<PyTuple>,
    first: u64,
    count: u64,
    item_size: usize,
    has_execution_errors: bool,
}

impl PyResults {
    pub(crate) fn new(connection: Arc<Connection>, results: Results) -> Self {
        Self {
            connection,
            job: results.job().id().to_owned(),
            machine: results.job().machine().to_owned(),
            schema: Arc::clone(results.schema()),
            results: Mutex::new(Some(ProcessBound::new(results))),
        }
    }

    /// The results over the connection of this process.
    pub(crate) fn current(&self, py: Python<'_>) -> PyResult<Results> {
        let client = self.connection.client(py)?;
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = results.as_ref().and_then(ProcessBound::get) {
            return Ok(known.clone());
        }
        let job = client.job(&*self.job, &*self.machine);
        let anew = Results::of(job, Arc::clone(&self.schema));
        *results = Some(ProcessBound::new(anew.clone()));
        Ok(anew)
    }

    /// Puts what was fetched into arrays, and what is large with it, all at once.
    fn arrays<'py>(
        &self,
        py: Python<'py>,
        fetched: Vec<(&str, Fetched, Destination<'py>)>,
        timeout: Option<Duration>,
    ) -> PyResult<Vec<PyFetchedItems>> {
        let mut large = 0;
        let mut items = Vec::with_capacity(fetched.len());
        for (name, fetched, mut destination) in fetched {
            match &fetched.bytes {
                Some(bytes) => destination.fill(bytes)?,
                None => large += 1,
            }
            items.push((name, fetched, destination));
        }
        if large > 0 {
            let started = Instant::now();
            let results = self.current(py)?.over(&self.connection.bulk(py, timeout)?);
            let timeout = timeout.map(|timeout| timeout.saturating_sub(started.elapsed()));
            let mut streams = Vec::with_capacity(large);
            for (name, fetched, destination) in &mut items {
                let Fetched { header, first, count, bytes: None } = fetched else { continue };
                let stream = results.fetch(name, header, *first, *count, timeout);
                streams.push((stream, destination.memory()));
            }
            block_on_lane(py, Lane::Bulk, async {
                let copies = streams
                    .into_iter()
                    .map(|(stream, mut memory)| async move { stream?.copy_to(&mut memory).await });
                futures_util::future::try_join_all(copies).await
            })?;
        }
        let finish = |(_, fetched, destination): (&str, Fetched, Destination<'py>)| {
            let Header { dtype, has_execution_errors, .. } = &fetched.header;
            PyFetchedItems {
                array: destination.finish().unbind(),
                is_wrapped: dtype.is_wrapped_record(),
                has_execution_errors: *has_execution_errors,
            }
        };
        Ok(items.into_iter().map(finish).collect())
    }
}

#[pymethods]
impl PyResults {
    fn schema(&self, py: Python<'_>) -> PyResult<Vec<PySchema>> {
        let read = |schema: &Schema| {
            Ok(PySchema {
                name: schema.name.clone(),
                dtype: describe(py, &schema.dtype, false)?.unbind(),
                is_single: schema.is_single,
                expected_count: schema.expected_count,
            })
        };
        self.schema.iter().map(read).collect()
    }

    fn count(&self, py: Python<'_>, name: &str) -> PyResult<PyResultCount> {
        let results = self.current(py)?;
        let header = block_on(py, results.header(name, false, None))?;
        let Header { count, has_execution_errors, .. } = header;
        Ok(PyResultCount { count, has_execution_errors })
    }

    /// How a result stands, or all together.
    fn state(&self, py: Python<'_>, name: Option<&str>) -> PyResult<PyResultState> {
        let results = self.current(py)?;
        Ok(block_on(py, results.state(name))?.into())
    }

    fn wait_for_all(&self, py: Python<'_>, name: Option<&str>, timeout: f64) -> PyResult<bool> {
        let results = self.current(py)?;
        block_on(py, results.wait_for_all(name, Timeout::from_seconds(timeout)))
    }

    fn wait_for_values(
        &self,
        py: Python<'_>,
        name: &str,
        count: u64,
        timeout: f64,
    ) -> PyResult<()> {
        let results = self.current(py)?;
        block_on(py, results.wait_for_values(name, count, Timeout::from_seconds(timeout)))?;
        Ok(())
    }

    /// The count that several results all have once it is more than `seen`; `seen` when no more come.
    fn wait_for_more(
        &self,
        py: Python<'_>,
        names: Vec<String>,
        seen: u64,
        timeout: f64,
    ) -> PyResult<u64> {
        let results = self.current(py)?;
        block_on(py, results.wait_for_more(&names, seen, Timeout::from_seconds(timeout)))
    }

    /// The values so far of several results, asked for at once.
    fn counts(&self, py: Python<'_>, names: Vec<String>) -> PyResult<Vec<u64>> {
        let results = self.current(py)?;
        block_on(py, async {
            let headers = names.iter().map(|name| results.header(name, false, None));
            let headers = futures_util::future::try_join_all(headers).await?;
            Ok(headers.iter().map(|header| header.count).collect())
        })
    }

    /// Items `start` to `stop`, in a new array or in the first rows of `out`.
    #[pyo3(signature = (name, start, stop, flat, timeout, out=None))]
    #[allow(clippy::too_many_arguments)]
    fn fetch(
        &self,
        py: Python<'_>,
        name: &str,
        start: i64,
        stop: Option<i64>,
        flat: bool,
        timeout: Option<f64>,
        out: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<PyFetchedItems> {
        let results = self.current(py)?;
        let (timeout, started) = (bound(timeout), Instant::now());
        let fetched = block_on(py, results.take(name, Selection { start, stop }, flat, timeout))?;
        // The bound is of the whole call, not of each request in it.
        let timeout = timeout.map(|timeout| timeout.saturating_sub(started.elapsed()));
        let destination = match out {
            None => {
                let shape = fetched.header.array_shape(fetched.count);
                new_array(py, name, &self.job, &fetched.header, shape)?
            }
            Some(out) => {
                let descr = described_as(py, name, &self.job, &fetched.header.dtype)?;
                Destination::of(out, &descr, &fetched.header.rows_shape(fetched.count))?
            }
        };
        let count = fetched.count;
        let mut items = self.arrays(py, vec![(name, fetched, destination)], timeout)?;
        let items = items.remove(0);
        let Some(_) = out else { return Ok(items) };
        let rows = items.array.bind(py).get_item(PySlice::new(py, 0, count as isize, 1))?;
        Ok(PyFetchedItems { array: rows.unbind(), ..items })
    }

    /// Items `start` to `stop` of several results, asked for at once; with `rows` there is an axis for
    /// them also where there is a single one.
    fn fetch_many(
        &self,
        py: Python<'_>,
        wanted: Vec<(String, i64, Option<i64>)>,
        flat: bool,
        timeout: Option<f64>,
        rows: bool,
    ) -> PyResult<Vec<PyFetchedItems>> {
        let results = self.current(py)?;
        let (timeout, started) = (bound(timeout), Instant::now());
        let wanted: Vec<_> = wanted
            .into_iter()
            .map(|(name, start, stop)| (name, Selection { start, stop }))
            .collect();
        let taken = block_on(py, results.take_all(&wanted, flat, timeout))?;
        let timeout = timeout.map(|timeout| timeout.saturating_sub(started.elapsed()));
        let mut fetched = Vec::with_capacity(taken.len());
        for ((name, _), taken) in wanted.iter().zip(taken) {
            let header = &taken.header;
            let shape =
                if rows { header.rows_shape(taken.count) } else { header.array_shape(taken.count) };
            let array = new_array(py, name, &self.job, header, shape)?;
            fetched.push((name.as_str(), taken, array));
        }
        self.arrays(py, fetched, timeout)
    }

    /// What `fetch` would give.
    fn plan(
        &self,
        py: Python<'_>,
        name: &str,
        start: i64,
        stop: Option<i64>,
        flat: bool,
        timeout: Option<f64>,
    ) -> PyResult<PyFetchPlan> {
        let results = self.current(py)?;
        let header = block_on(py, results.header(name, flat, bound(timeout)))?;
        let (first, count) = Selection { start, stop }.resolve(header.count);
        // For its refusal of lost data.
        let stream = results.fetch(name, &header, first, count, None);
        stream.map_err(|error| errors::to_python(py, error))?;
        Ok(PyFetchPlan {
            dtype: described_as(py, name, &self.job, &header.dtype)?.unbind(),
            shape: PyTuple::new(py, header.array_shape(count))?.unbind(),
            first,
            count,
            item_size: header.item_size(),
            has_execution_errors: header.has_execution_errors,
        })
    }

    /// Appends the bytes of items that are there to a file.
    #[pyo3(signature = (name, first, count, item_size, path, timeout))]
    #[allow(clippy::too_many_arguments)]
    fn append_to(
        &self,
        py: Python<'_>,
        name: &str,
        first: u64,
        count: u64,
        item_size: usize,
        path: PathBuf,
        timeout: Option<f64>,
    ) -> PyResult<()> {
        let mut file = std::fs::OpenOptions::new().append(true).open(path)?;
        let (timeout, started) = (bound(timeout), Instant::now());
        let results = self.current(py)?.over(&self.connection.bulk(py, timeout)?);
        let timeout = timeout.map(|timeout| timeout.saturating_sub(started.elapsed()));
        block_on_lane(py, Lane::Bulk, async {
            let mut stream = results.stream(name, item_size, first, count, timeout);
            stream.copy_to(&mut file).await
        })
    }
}
