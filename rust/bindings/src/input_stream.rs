//! Input streams: pushes, and writers that push in the background.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use pulsewire_client::{Entry, InputStream, Timeout, Writer};
use pyo3::prelude::*;

use crate::connection::Connection;
use crate::lifetime::{ProcessBound, block_on};
use crate::{array, errors};

/// An input stream of a job, with what its requests begin with.
#[derive(Debug)]
pub(crate) struct Input {
    connection: Arc<Connection>,
    job: String,
    machine: String,
    name: String,
    /// Made for the connection of one process.
    prepared: Mutex<Option<Arc<ProcessBound<InputStream>>>>,
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
    pub(crate) fn stream(&self, py: Python<'_>) -> PyResult<Prepared> {
        let client = self.connection.client(py)?;
        let lock = || self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(prepared) = &*lock()
            && prepared.get().is_some()
        {
            return Ok(Prepared(Arc::clone(prepared)));
        }
        let stream = client.job(&*self.job, &*self.machine).input_stream(&self.name);
        let stream = stream.map_err(|error| errors::to_python(py, error))?;
        let prepared = Arc::new(ProcessBound::new(stream));
        *lock() = Some(Arc::clone(&prepared));
        Ok(Prepared(prepared))
    }

    /// An entry of the stream.
    pub(crate) fn entry(&self, stream: &InputStream, value: &Bound<'_, PyAny>) -> PyResult<Entry> {
        array::with_entry(&self.name, value, |values| stream.entry(values))?
            .map_err(|error| errors::to_python(value.py(), error))
    }

    pub(crate) fn push(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = value.py();
        let stream = self.stream(py)?;
        let stream = stream.get()?;
        let entry = self.entry(stream, value)?;
        let sent = AtomicBool::new(false);
        let pushed = block_on(py, stream.send_noting(entry, &sent));
        pushed.map_err(|error| errors::with_doubt(py, error, sent.into_inner()))
    }

    pub(crate) fn push_many(&self, value: &Bound<'_, PyAny>) -> PyResult<u64> {
        let py = value.py();
        let (acknowledged, sent) = (AtomicU64::new(0), AtomicBool::new(false));
        let pushed = array::entries(&self.name, value).and_then(|entries| {
            let stream = self.stream(py)?;
            let values = entries.values();
            block_on(py, stream.get()?.push_many(values.iter().copied(), &acknowledged, &sent))
        });
        // Also of an interrupt: what was taken is taken.
        pushed.map_err(|error| {
            let error = errors::with_doubt(py, error, sent.load(Ordering::Relaxed));
            errors::with_acknowledged(py, error, acknowledged.load(Ordering::Relaxed))
        })?;
        Ok(acknowledged.into_inner())
    }

    pub(crate) fn writer(&self, py: Python<'_>, most: usize) -> PyResult<PyWriter> {
        let (client, background) = self.connection.background(py)?;
        let stream = self.stream(py)?.get()?.over(&client);
        let (writer, send) = Writer::new(stream, most);
        background.spawn(send);
        Ok(PyWriter { name: self.name.clone(), writer: ProcessBound::new(writer) })
    }
}

/// A stream that is prepared in this process.
pub(crate) struct Prepared(Arc<ProcessBound<InputStream>>);

impl Prepared {
    pub(crate) fn get(&self) -> PyResult<&InputStream> {
        self.0.own(|| "the input stream".to_owned())
    }
}

/// Sends entries in the background, in their order.
#[pyclass(name = "Writer", module = "pulsewire._native", frozen)]
pub(crate) struct PyWriter {
    name: String,
    writer: ProcessBound<Writer>,
}

impl PyWriter {
    /// The writer, in the process that made it.
    fn own(&self) -> PyResult<&Writer> {
        self.writer.own(|| format!("the writer of the input stream '{}'", self.name))
    }

    fn told<T>(&self, py: Python<'_>, outcome: PyResult<T>) -> PyResult<T> {
        let acknowledged = self.own()?.acknowledged();
        outcome.map_err(|error| errors::with_acknowledged(py, error, acknowledged))
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
