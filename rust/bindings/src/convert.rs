//! Values of the client as objects of Python.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pulsewire_client::{CompilerMessage, Dtype, DtypeKind, Error, Header, Level, Timeout};
use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};

use crate::array::Destination;
use crate::errors;

/// A bound in seconds; none for the connection's own.
pub(crate) fn bound(timeout: Option<f64>) -> Option<Duration> {
    timeout.map(|seconds| Timeout::from_seconds(seconds).duration())
}

/// A message of the compiler; the level is one of "error", "warning", "info".
#[pyclass(name = "Message", module = "pulsewire._native", frozen, get_all)]
pub(crate) struct PyMessage {
    level: &'static str,
    text: String,
}

impl From<CompilerMessage> for PyMessage {
    fn from(message: CompilerMessage) -> Self {
        let level = match message.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Info => "info",
        };
        Self { level, text: message.text }
    }
}

/// Messages of the compiler, in their order.
pub(crate) fn messages(py: Python<'_>, given: Vec<CompilerMessage>) -> PyResult<Py<PyList>> {
    let given = given.into_iter().map(|message| Py::new(py, PyMessage::from(message)));
    Ok(PyList::new(py, given.collect::<PyResult<Vec<_>>>()?)?.unbind())
}

/// A dtype as numpy takes it (`fields` make tuples) or as the vendor's client shows it (lists,
/// with tuples for dimensions only).
pub(crate) fn describe<'py>(
    py: Python<'py>,
    dtype: &Dtype,
    for_numpy: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let fields = match &dtype.kind {
        DtypeKind::Plain(name) => {
            let name = if for_numpy { Dtype::numpy_name(name) } else { name };
            return Ok(PyString::new(py, name).into_any());
        }
        DtypeKind::Struct(fields) => fields,
    };
    let mut described = Vec::with_capacity(fields.len());
    for field in fields {
        let mut parts =
            vec![PyString::new(py, &field.name).into_any(), describe(py, &field.dtype, for_numpy)?];
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

/// A result that numpy cannot hold.
fn refused(name: &str, job: &str, reason: String) -> Error {
    Error::Fetch { name: name.to_owned(), job: job.to_owned(), reason }
}

/// The dtype of numpy for a result, checked to be what the gateway means.
pub(crate) fn described_as<'py>(
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

/// A new array of the type of a result; what numpy refuses is told of that result.
pub(crate) fn new_array<'py>(
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
