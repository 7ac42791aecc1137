//! One job.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use pulsewire_client::{
    Acquiring, AnnouncedResult, ClosedLoop, ExecutionError, Job, JobStatus, Severity, Timeout,
};
use pyo3::prelude::*;

use crate::closed_loop::PyClosedLoop;
use crate::connection::Connection;
use crate::errors;
use crate::input_stream::{Input, PyWriter};
use crate::lifetime::block_on;
use crate::results::PyResults;

/// A job, by its id; every call asks the gateway.
#[pyclass(name = "Job", module = "pulsewire._native", frozen)]
pub(crate) struct PyJob {
    connection: Arc<Connection>,
    id: String,
    machine: String,
    /// The input streams that were pushed to.
    inputs: Mutex<HashMap<String, Arc<Input>>>,
}

/// A job's status; the time is in seconds since the epoch.
#[pyclass(name = "JobStatus", module = "pulsewire._native", frozen, get_all)]
pub(crate) struct PyJobStatus {
    state: &'static str,
    added_by: Option<String>,
    time_added: Option<f64>,
    position: Option<i32>,
    errors: Vec<String>,
}

impl From<JobStatus> for PyJobStatus {
    fn from(status: JobStatus) -> Self {
        let details = status.details;
        let seconds = details
            .time_added
            .map(|time| time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64()));
        Self {
            state: status.state.name(),
            added_by: details.added_by,
            time_added: seconds,
            position: details.position,
            errors: details.errors,
        }
    }
}

/// A runtime error of a job, or a warning.
#[pyclass(name = "ExecutionError", module = "pulsewire._native", frozen, get_all)]
pub(crate) struct PyExecutionError {
    code: i32,
    is_error: bool,
    message: String,
}

impl From<ExecutionError> for PyExecutionError {
    fn from(error: ExecutionError) -> Self {
        let is_error = error.severity == Severity::Error;
        Self { code: error.code, is_error, message: error.message }
    }
}

impl PyJob {
    pub(crate) fn new(connection: Arc<Connection>, id: String, machine: String) -> Self {
        Self { connection, id, machine, inputs: Mutex::default() }
    }

    fn input(&self, name: &str) -> Arc<Input> {
        let mut inputs = self.inputs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(input) = inputs.get(name) {
            return Arc::clone(input);
        }
        let (job, machine) = (self.id.clone(), self.machine.clone());
        let input = Input::new(Arc::clone(&self.connection), job, machine, name.to_owned());
        let input = Arc::new(input);
        inputs.insert(name.to_owned(), Arc::clone(&input));
        input
    }

    fn job(&self, py: Python<'_>) -> PyResult<Job> {
        Ok(self.connection.client(py)?.job(&*self.id, &*self.machine))
    }
}

#[pymethods]
impl PyJob {
    #[getter]
    fn id(&self) -> &str {
        &self.id
    }

    #[getter]
    fn machine_id(&self) -> &str {
        &self.machine
    }

    fn status(&self, py: Python<'_>) -> PyResult<PyJobStatus> {
        let job = self.job(py)?;
        Ok(block_on(py, job.status())?.into())
    }

    fn wait_for_execution(&self, py: Python<'_>, timeout: f64) -> PyResult<()> {
        let job = self.job(py)?;
        block_on(py, job.wait_for_execution(Timeout::from_seconds(timeout)))
    }

    fn cancel_pending(&self, py: Python<'_>) -> PyResult<bool> {
        let job = self.job(py)?;
        block_on(py, job.cancel_pending())
    }

    fn halt(&self, py: Python<'_>) -> PyResult<bool> {
        let job = self.job(py)?;
        block_on(py, job.halt())
    }

    fn resume(&self, py: Python<'_>) -> PyResult<()> {
        let job = self.job(py)?;
        block_on(py, job.resume())
    }

    fn is_paused(&self, py: Python<'_>) -> PyResult<bool> {
        let job = self.job(py)?;
        block_on(py, job.is_paused())
    }

    fn is_running(&self, py: Python<'_>) -> PyResult<bool> {
        let job = self.job(py)?;
        block_on(py, job.is_running())
    }

    /// 0: stopped, 1: nothing to acquire, 2: data to acquire.
    fn acquiring(&self, py: Python<'_>) -> PyResult<u8> {
        let job = self.job(py)?;
        Ok(match block_on(py, job.acquiring())? {
            Acquiring::Stopped => 0,
            Acquiring::Nothing => 1,
            Acquiring::Data => 2,
        })
    }

    fn errors(&self, py: Python<'_>) -> PyResult<Vec<PyExecutionError>> {
        let job = self.job(py)?;
        Ok(block_on(py, job.errors())?.into_iter().map(PyExecutionError::from).collect())
    }

    fn correction(&self, py: Python<'_>, element: &str) -> PyResult<(f64, f64, f64, f64)> {
        let job = self.job(py)?;
        Ok(block_on(py, job.correction(element))?.into())
    }

    fn set_correction(
        &self,
        py: Python<'_>,
        element: &str,
        matrix: (f64, f64, f64, f64),
    ) -> PyResult<(f64, f64, f64, f64)> {
        let job = self.job(py)?;
        Ok(block_on(py, job.set_correction(element, matrix.into()))?.into())
    }

    fn push(&self, stream: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.input(stream).push(value)
    }

    fn push_many(&self, stream: &str, value: &Bound<'_, PyAny>) -> PyResult<u64> {
        self.input(stream).push_many(value)
    }

    fn writer(&self, py: Python<'_>, stream: &str, max_pending: usize) -> PyResult<PyWriter> {
        self.input(stream).writer(py, max_pending)
    }

    fn closed_loop(
        &self,
        py: Python<'_>,
        streams: Vec<String>,
        results: &PyResults,
        names: Vec<String>,
    ) -> PyResult<PyClosedLoop> {
        let inputs: Vec<_> = streams.iter().map(|stream| self.input(stream)).collect();
        let mut prepared = Vec::with_capacity(inputs.len());
        for input in &inputs {
            prepared.push(input.stream(py)?.get()?.clone());
        }
        let results = results.current(py)?;
        let steps = block_on(py, ClosedLoop::new(prepared, results, &names))?;
        Ok(PyClosedLoop::new(inputs, steps))
    }

    fn results(&self, py: Python<'_>) -> PyResult<PyResults> {
        let job = self.job(py)?;
        let results = block_on(py, job.results())?;
        Ok(PyResults::new(Arc::clone(&self.connection), results))
    }

    /// The results as another client was told of them: name, type, whether it is single, expected count, shape.
    fn announced_results(
        &self,
        py: Python<'_>,
        announced: Vec<(String, String, bool, i32, Vec<i64>)>,
    ) -> PyResult<PyResults> {
        let read = |(name, dtype, is_single, expected_count, shape)| AnnouncedResult {
            name,
            dtype,
            is_single,
            expected_count,
            shape,
        };
        let results = self.job(py)?.announced(announced.into_iter().map(read).collect());
        let results = results.map_err(|error| errors::to_python(py, error))?;
        Ok(PyResults::new(Arc::clone(&self.connection), results))
    }
}
