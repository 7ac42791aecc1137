//! Results as numpy arrays.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pulsewire_client::{Dtype, DtypeKind, Fetched, Header, Results, Selection, Timeout};
use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PySlice, PyString, PyTuple};

use crate::array::Destination;
use crate::blocking::{block_on, block_on_lane};
use crate::client::Connection;
use crate::errors;
use crate::runtime::{Lane, OfProcess};

/// The results of a job: the schema is asked for once, the rest at each call.
#[pyclass(name = "Results", module = "pulsewire._native", frozen)]
pub(crate) struct PyResults {
    connection: Arc<Connection>,
    job: String,
    machine: String,
    schema: Arc<Vec<pulsewire_client::Schema>>,
    /// With what is known of them in this process; a forked child begins anew.
    results: Mutex<Option<OfProcess<Results>>>,
}

/// An array, whether its items are wrapped records, whether the job met runtime errors.
type Items<'py> = (Bound<'py, PyAny>, bool, bool);

/// Dtype, shape, first item, count, bytes of an item, whether the job met runtime errors.
type Plan<'py> = (Bound<'py, PyAny>, Bound<'py, PyTuple>, u64, u64, usize, bool);

/// Name, dtype description, whether single, expected count.
type Schema = (String, Py<PyAny>, bool, i32);

impl PyResults {
    pub(crate) fn new(connection: Arc<Connection>, results: Results) -> Self {
        Self {
            connection,
            job: results.job().id().to_owned(),
            machine: results.job().machine().to_owned(),
            schema: Arc::clone(results.schema()),
            results: Mutex::new(Some(OfProcess::new(results))),
        }
    }

    /// The results over the connection of this process.
    pub(crate) fn current(&self, py: Python<'_>) -> PyResult<Results> {
        let client = self.connection.client(py)?;
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = results.as_ref().and_then(OfProcess::get) {
            return Ok(known.clone());
        }
        let job = client.job(&*self.job, &*self.machine);
        let anew = Results::of(job, Arc::clone(&self.schema));
        *results = Some(OfProcess::new(anew.clone()));
        Ok(anew)
    }

    /// Puts what was fetched into arrays, and what is large with it, all at once.
    fn arrays<'py>(
        &self,
        py: Python<'py>,
        fetched: Vec<(&str, Fetched, Destination<'py>)>,
        timeout: Option<Duration>,
    ) -> PyResult<Vec<Items<'py>>> {
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
            (destination.finish(), dtype.is_wrapped_record(), *has_execution_errors)
        };
        Ok(items.into_iter().map(finish).collect())
    }
}

/// A dtype as numpy takes it (`fields` make tuples) or as the vendor's client shows it (lists,
/// with tuples for dimensions only).
fn describe<'py>(py: Python<'py>, dtype: &Dtype, for_numpy: bool) -> PyResult<Bound<'py, PyAny>> {
    match &dtype.kind {
        DtypeKind::Plain(name) => {
            let name = if for_numpy { Dtype::numpy_name(name) } else { name };
            Ok(PyString::new(py, name).into_any())
        }
        DtypeKind::Struct(fields) => {
            let mut described = Vec::with_capacity(fields.len());
            for field in fields {
                let mut parts = vec![
                    PyString::new(py, &field.name).into_any(),
                    describe(py, &field.dtype, for_numpy)?,
                ];
                if !field.shape.is_empty() {
                    parts.push(PyTuple::new(py, &field.shape)?.into_any());
                }
                described.push(if for_numpy {
                    PyTuple::new(py, parts)?.into_any()
                } else {
                    PyList::new(py, parts)?.into_any()
                });
            }
            Ok(PyList::new(py, described)?.into_any())
        }
    }
}

/// What numpy calls the types of results, each found out once in a process.
static DESCRIBED: Mutex<Vec<(Dtype, Py<PyAny>)>> = Mutex::new(Vec::new());

/// More types than any program has; what is beyond is described anew.
const MOST_DESCRIBED: usize = 256;

fn described() -> MutexGuard<'static, Vec<(Dtype, Py<PyAny>)>> {
    DESCRIBED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The dtype of numpy.
fn descr<'py>(py: Python<'py>, dtype: &Dtype) -> PyResult<Bound<'py, PyAny>> {
    let known = |(ty, descr): &(Dtype, Py<PyAny>)| (ty == dtype).then(|| descr.bind(py).clone());
    let found = described().iter().find_map(known);
    if let Some(found) = found {
        return Ok(found);
    }
    let made = py.import("numpy")?.getattr("dtype")?.call1((describe(py, dtype, true)?,))?;
    let mut all = described();
    if all.len() < MOST_DESCRIBED {
        all.push((dtype.clone(), made.clone().unbind()));
    }
    Ok(made)
}

/// An array for `count` items, of the shape that the vendor's client gives it.
pub(crate) fn allocate<'py>(
    py: Python<'py>,
    name: &str,
    job: &str,
    header: &Header,
    count: u64,
) -> PyResult<Destination<'py>> {
    new_array(py, name, job, header, header.array_shape(count))
}

/// A new array of the type of a result; what numpy refuses is told of that result.
fn new_array<'py>(
    py: Python<'py>,
    name: &str,
    job: &str,
    header: &Header,
    shape: Vec<usize>,
) -> PyResult<Destination<'py>> {
    let descr = described_as(py, name, job, &header.dtype)?;
    Destination::new(py, &descr, shape.clone()).map_err(|raised| {
        let told = format!("{shape:?} of items of {} bytes", header.item_size());
        if raised.is_instance_of::<PyMemoryError>(py) {
            let advice = "fetch it in parts, or with fetch_to(), which needs no memory";
            return errors::renamed(py, raised, |reason| {
                refused(name, job, format!("{reason} ({told}): {advice}"))
            });
        }
        errors::renamed(py, raised, |reason| refused(name, job, reason))
    })
}

/// A result that numpy cannot hold.
fn refused(name: &str, job: &str, reason: String) -> pulsewire_client::Error {
    pulsewire_client::Error::Fetch { name: name.to_owned(), job: job.to_owned(), reason }
}

/// The dtype of numpy for a result, checked to be what the gateway means.
fn described_as<'py>(
    py: Python<'py>,
    name: &str,
    job: &str,
    dtype: &Dtype,
) -> PyResult<Bound<'py, PyAny>> {
    let made = descr(py, dtype)
        .map_err(|raised| errors::renamed(py, raised, |reason| refused(name, job, reason)))?;
    let size: usize = made.getattr("itemsize")?.extract()?;
    if size != dtype.size {
        let reason =
            format!("numpy's items have {size} bytes where the gateway's have {}", dtype.size);
        return Err(errors::to_python(py, refused(name, job, reason)));
    }
    Ok(made)
}

fn bound(timeout: Option<f64>) -> Option<Duration> {
    timeout.map(|seconds| Timeout::from_seconds(seconds).duration())
}

#[pymethods]
impl PyResults {
    fn schema(&self, py: Python<'_>) -> PyResult<Vec<Schema>> {
        let read = |schema: &pulsewire_client::Schema| {
            let dtype = describe(py, &schema.dtype, false)?.unbind();
            Ok((schema.name.clone(), dtype, schema.is_single, schema.expected_count))
        };
        self.schema.iter().map(read).collect()
    }

    /// (values so far, whether the job met runtime errors).
    fn count(&self, py: Python<'_>, name: &str) -> PyResult<(u64, bool)> {
        let results = self.current(py)?;
        let header = block_on(py, results.header(name, false, None))?;
        Ok((header.count, header.has_execution_errors))
    }

    /// (done, closed, data loss) of a result, or of all together.
    fn state(&self, py: Python<'_>, name: Option<&str>) -> PyResult<(bool, bool, bool)> {
        let results = self.current(py)?;
        let state = block_on(py, results.state(name))?;
        Ok((state.done, state.closed, state.has_dataloss))
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
    fn fetch<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        start: i64,
        stop: Option<i64>,
        flat: bool,
        timeout: Option<f64>,
        out: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Items<'py>> {
        let results = self.current(py)?;
        let (timeout, started) = (bound(timeout), Instant::now());
        let fetched = block_on(py, results.take(name, Selection { start, stop }, flat, timeout))?;
        // The bound is of the whole call, not of each request in it.
        let timeout = timeout.map(|timeout| timeout.saturating_sub(started.elapsed()));
        let destination = match out {
            None => allocate(py, name, &self.job, &fetched.header, fetched.count)?,
            Some(out) => {
                let descr = described_as(py, name, &self.job, &fetched.header.dtype)?;
                Destination::of(out, &descr, &fetched.header.rows_shape(fetched.count))?
            }
        };
        let count = fetched.count;
        let mut items = self.arrays(py, vec![(name, fetched, destination)], timeout)?;
        let (array, wrapped, errors) = items.remove(0);
        let rows = match out {
            None => array,
            Some(_) => array.get_item(PySlice::new(py, 0, count as isize, 1))?,
        };
        Ok((rows, wrapped, errors))
    }

    /// Items `start` to `stop` of several results, asked for at once; with `rows` there is an axis for
    /// them also where there is a single one.
    fn fetch_many<'py>(
        &self,
        py: Python<'py>,
        wanted: Vec<(String, i64, Option<i64>)>,
        flat: bool,
        timeout: Option<f64>,
        rows: bool,
    ) -> PyResult<Vec<Items<'py>>> {
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
            let array = if rows {
                let shape = taken.header.rows_shape(taken.count);
                new_array(py, name, &self.job, &taken.header, shape)?
            } else {
                allocate(py, name, &self.job, &taken.header, taken.count)?
            };
            fetched.push((name.as_str(), taken, array));
        }
        self.arrays(py, fetched, timeout)
    }

    /// What `fetch` would give: dtype, shape, first item, count, bytes of an item, whether the job
    /// met runtime errors.
    fn plan<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        start: i64,
        stop: Option<i64>,
        flat: bool,
        timeout: Option<f64>,
    ) -> PyResult<Plan<'py>> {
        let results = self.current(py)?;
        let header = block_on(py, results.header(name, flat, bound(timeout)))?;
        let (first, count) = Selection { start, stop }.resolve(header.count);
        // For its refusal of lost data.
        let stream = results.fetch(name, &header, first, count, None);
        stream.map_err(|error| errors::to_python(py, error))?;
        let descr = described_as(py, name, &self.job, &header.dtype)?;
        let shape = PyTuple::new(py, header.array_shape(count))?;
        Ok((descr, shape, first, count, header.item_size(), header.has_execution_errors))
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
