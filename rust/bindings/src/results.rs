//! Results as numpy arrays.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pulsewire_client::{Dtype, DtypeKind, Header, Results, Selection, Timeout};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};

use crate::array::Destination;
use crate::blocking::block_on;
use crate::client::Connection;

/// The results of a job: the schema is asked for once, the rest at each call.
#[pyclass(name = "Results", module = "pulsewire._native", frozen)]
pub(crate) struct PyResults {
    connection: Arc<Connection>,
    results: Results,
}

/// Name, dtype description, whether single, expected count.
type Schema = (String, Py<PyAny>, bool, i32);

impl PyResults {
    pub(crate) fn new(connection: Arc<Connection>, results: Results) -> Self {
        Self { connection, results }
    }

    /// The results over the connection of this process.
    fn current(&self, py: Python<'_>) -> PyResult<Results> {
        let client = self.connection.client(py)?;
        Ok(self.results.over(&client))
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

/// An array for `count` items.
fn allocate<'py>(py: Python<'py>, header: &Header, count: u64) -> PyResult<Destination<'py>> {
    let descr = describe(py, &header.dtype, true)?;
    let dtype = py.import("numpy")?.getattr("dtype")?.call1((descr,))?;
    Destination::new(py, dtype, header.array_shape(count))
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
        self.results.schema().iter().map(read).collect()
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
        block_on(py, results.wait_for_values(name, count, Timeout::from_seconds(timeout)))
    }

    /// (items `start` to `stop`, whether they are wrapped records, whether the job met runtime
    /// errors).
    #[pyo3(signature = (name, start, stop, flat, timeout))]
    fn fetch<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        start: i64,
        stop: Option<i64>,
        flat: bool,
        timeout: Option<f64>,
    ) -> PyResult<(Bound<'py, PyAny>, bool, bool)> {
        let results = self.current(py)?;
        let (timeout, started) = (bound(timeout), Instant::now());
        let header = block_on(py, results.header(name, flat, timeout))?;
        // The bound is of the whole call, not of each request in it.
        let timeout = timeout.map(|timeout| timeout.saturating_sub(started.elapsed()));
        let (first, count) = Selection { start, stop }.resolve(header.count);
        let mut destination = allocate(py, &header, count)?;
        let mut bytes = destination.bytes();
        block_on(py, async {
            let mut stream = results.fetch(name, &header, first, count, timeout).await?;
            stream.read_into(bytes.as_mut()).await
        })?;
        let array = destination.finish();
        Ok((array, header.dtype.is_wrapped_record(), header.has_execution_errors))
    }
}
