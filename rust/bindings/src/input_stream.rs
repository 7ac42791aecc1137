//! Input streams: pushes, and writers that push in the background.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use pulsewire_client::{Entry, InputStream, Timeout, Writer};
use pyo3::prelude::*;

use crate::blocking::block_on;
use crate::client::Connection;
use crate::{array, errors, runtime};

/// An input stream of a job, with what its requests begin with.
#[derive(Debug)]
pub(crate) struct Input {
    connection: Arc<Connection>,
    job: String,
    machine: String,
    name: String,
    /// Made for the connection of one process.
    prepared: Mutex<Option<(u64, Arc<InputStream>)>>,
}

impl Input {
    pub(crate) fn new(
        connection: Arc<Connection>,
        job: String,
        machine: String,
        name: String,
    ) -> Self {
        Self { connection, job, machine, name, prepared: Mutex::new(None) }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The stream over the connection of this process.
    pub(crate) fn stream(&self, py: Python<'_>) -> PyResult<Arc<InputStream>> {
        let client = self.connection.client(py)?;
        let now = runtime::generation();
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((generation, stream)) = prepared.as_ref()
            && *generation == now
        {
            return Ok(Arc::clone(stream));
        }
        let stream = client.job(&*self.job, &*self.machine).input_stream(&self.name);
        let stream = Arc::new(stream.map_err(|error| errors::to_python(py, error))?);
        // One of the parent's must not be dropped here.
        std::mem::forget(prepared.replace((now, Arc::clone(&stream))));
        Ok(stream)
    }

    /// An entry of the stream.
    pub(crate) fn entry(&self, stream: &InputStream, value: &Bound<'_, PyAny>) -> PyResult<Entry> {
        array::with_entry(&self.name, value, |values| stream.entry(values))?
            .map_err(|error| errors::to_python(value.py(), error))
    }

    pub(crate) fn push(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = value.py();
        let stream = self.stream(py)?;
        let entry = self.entry(&stream, value)?;
        block_on(py, stream.send(entry))
    }

    pub(crate) fn push_many(&self, value: &Bound<'_, PyAny>) -> PyResult<u64> {
        let py = value.py();
        let acknowledged = AtomicU64::new(0);
        let pushed = array::entries(&self.name, value).and_then(|entries| {
            let stream = self.stream(py)?;
            let values = entries.values();
            block_on(py, stream.push_many(values.iter().copied(), &acknowledged))
        });
        // Also of an interrupt: what was taken is taken.
        pushed.map_err(|error| {
            errors::with_acknowledged(py, error, acknowledged.load(Ordering::Relaxed))
        })?;
        Ok(acknowledged.into_inner())
    }

    pub(crate) fn writer(&self, py: Python<'_>, most: usize) -> PyResult<PyWriter> {
        let (client, background) = self.connection.background(py)?;
        let stream = self.stream(py)?.over(&client);
        let (writer, send) = Writer::new(stream, most);
        background.spawn(send);
        Ok(PyWriter { name: self.name.clone(), generation: runtime::generation(), writer })
    }
}

/// Sends entries in the background, in their order.
#[pyclass(name = "Writer", module = "pulsewire._native", frozen)]
pub(crate) struct PyWriter {
    name: String,
    generation: u64,
    writer: Writer,
}

impl PyWriter {
    /// The writer, in the process that made it.
    fn own(&self) -> PyResult<&Writer> {
        if self.generation == runtime::generation() {
            return Ok(&self.writer);
        }
        Err(pyo3::exceptions::PyRuntimeError::new_err(format!(
            "the writer of the input stream '{}' belongs to the process that made it, not to its \
             fork; make a new one",
            self.name
        )))
    }

    fn told<T>(&self, py: Python<'_>, outcome: PyResult<T>) -> PyResult<T> {
        outcome.map_err(|error| errors::with_acknowledged(py, error, self.writer.acknowledged()))
    }
}

#[pymethods]
impl PyWriter {
    #[getter]
    fn acknowledged(&self) -> PyResult<u64> {
        Ok(self.own()?.acknowledged())
    }

    #[getter]
    fn pending(&self) -> PyResult<usize> {
        Ok(self.own()?.pending())
    }

    fn push(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let writer = self.own()?;
        let entry = array::with_entry(&self.name, value, |values| writer.stream().entry(values))?;
        let taken = entry.and_then(|entry| writer.try_push(entry));
        match taken {
            Ok(None) => Ok(()),
            Ok(Some(entry)) => self.told(py, block_on(py, writer.push(entry))),
            Err(error) => self.told(py, Err(errors::to_python(py, error))),
        }
    }

    fn flush(&self, py: Python<'_>, timeout: f64) -> PyResult<u64> {
        let writer = self.own()?;
        self.told(py, block_on(py, writer.flush(Timeout::from_seconds(timeout))))
    }

    fn close(&self, py: Python<'_>, timeout: f64) -> PyResult<u64> {
        let writer = self.own()?;
        self.told(py, block_on(py, writer.close(Timeout::from_seconds(timeout))))
    }

    fn discard(&self) -> PyResult<usize> {
        Ok(self.own()?.discard())
    }
}
