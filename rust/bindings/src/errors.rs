//! Errors of the client as the exceptions of `pulsewire.exceptions`: one exhaustive match.

use std::collections::HashMap;

use pulsewire_client::{CompilerMessage, Error, JobManagerError, Level};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyException, PyRuntimeError, PyTimeoutError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};

/// The exception of a class of `pulsewire.exceptions`, with attributes.
fn raise(py: Python<'_>, class: &str, message: &str, attributes: &[(&str, Py<PyAny>)]) -> PyErr {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let make = || -> PyResult<PyErr> {
        let module = MODULE
            .get_or_try_init(py, || py.import("pulsewire.exceptions").map(Bound::unbind))?
            .bind(py);
        let class = module.getattr(class)?.cast_into::<PyType>()?;
        let keywords = PyDict::new(py);
        for (name, value) in attributes {
            keywords.set_item(name, value)?;
        }
        Ok(PyErr::from_value(class.call((message,), Some(&keywords))?))
    };
    make().unwrap_or_else(|error| error)
}

fn texts(messages: &[CompilerMessage]) -> Vec<String> {
    let mistakes = messages.iter().filter(|message| message.level == Level::Error);
    mistakes.map(|message| message.text.clone()).collect()
}

fn object<'py>(py: Python<'py>, value: impl IntoPyObjectExt<'py>) -> Py<PyAny> {
    // A value that cannot become an object would be out of memory: the message still says it.
    value.into_py_any(py).unwrap_or_else(|_| py.None())
}

/// The exception that says the same.
pub(crate) fn to_python(py: Python<'_>, error: Error) -> PyErr {
    let message = error.to_string();
    converted(py, &message, error)
}

/// The exception of a value that cannot be sent.
pub(crate) fn refused_value(py: Python<'_>, message: String) -> PyErr {
    to_python(py, Error::Value(message))
}

/// The exception of an error's class, with a message.
fn converted(py: Python<'_>, message: &str, error: Error) -> PyErr {
    match error {
        Error::WaitTimeout { .. } => PyTimeoutError::new_err(message.to_owned()),
        Error::Busy(_) => PyRuntimeError::new_err(message.to_owned()),
        Error::InDoubt { error, .. } => with_doubt(py, converted(py, message, *error), true),
        Error::JobManager { kind, .. } => refusal(py, message, kind),
        other => {
            let (class, attributes) = class_of(py, other);
            raise(py, class, message, &attributes)
        }
    }
}

/// Names and values of an exception's attributes.
type Attributes = Vec<(&'static str, Py<PyAny>)>;

/// The class of `pulsewire.exceptions` for an error, and its attributes.
fn class_of(py: Python<'_>, error: Error) -> (&'static str, Attributes) {
    let class = match &error {
        Error::Detection { .. } => "QmServerDetectionError",
        Error::Location { .. } => "QmLocationParsingError",
        Error::HealthCheck { .. } => "QMHealthCheckError",
        Error::Timeout { .. } => "QMTimeoutError",
        Error::Connection { .. } => "QMConnectionError",
        Error::Unimplemented { .. } => "GatewayNotImplementedError",
        Error::Unsupported { .. } => "UnsupportedCapabilitiesError",
        Error::OpenMachine { .. } => "OpenQmException",
        Error::CloseMachine { .. } => "QmFailedToCloseQuantumMachineError",
        Error::ChangeMachine { .. } => "QMRequestError",
        Error::ReadMachine { .. } => "QMRequestDataError",
        Error::AddToQueue { .. } => "FailedToAddJobToQueueException",
        Error::Compilation { .. } => "CompilationException",
        Error::Simulation { .. } => "FailedToExecuteJobException",
        Error::Samples { .. } => "QMSimulationError",
        Error::JobFailed { .. } => "ErrorJobStateError",
        Error::JobCancelled { .. } => "JobCancelledError",
        Error::UnknownState { .. } => "UnknownJobStateError",
        Error::EndedShort { .. } => "ResultEndedError",
        Error::DataLoss { .. } => "StreamProcessingDataLossError",
        Error::Fetch { .. } => "DataFetchingError",
        Error::Schema { .. } => "QmInvalidSchemaError",
        Error::Value(_) => "QmValueError",
        Error::OutOfStep { .. } => "ClosedLoopError",
        // Those with exceptions of their own.
        Error::WaitTimeout { .. }
        | Error::Busy(_)
        | Error::InDoubt { .. }
        | Error::JobManager { .. } => "QmQuaException",
    };
    let attributes = match error {
        Error::AddToQueue { messages, .. }
        | Error::Compilation { messages, .. }
        | Error::Simulation { messages, .. } => vec![("errors", object(py, texts(&messages)))],
        Error::ChangeMachine { errors, .. } => {
            let errors: Vec<_> = errors.into_iter().map(|error| error.message).collect();
            vec![("errors", object(py, errors))]
        }
        Error::JobFailed { messages, .. } => vec![("error_list", object(py, messages))],
        Error::EndedShort { got, wanted, .. } => {
            vec![("got", object(py, got)), ("wanted", object(py, wanted))]
        }
        Error::OutOfStep { streams, .. } => {
            let pushes: HashMap<String, u64> =
                streams.into_iter().map(|stream| (stream.name, stream.in_doubt)).collect();
            vec![("pushes", object(py, pushes))]
        }
        _ => Vec::new(),
    };
    (class, attributes)
}

/// What the JobManager refuses.
fn refusal(py: Python<'_>, message: &str, kind: JobManagerError) -> PyErr {
    let class = match &kind {
        JobManagerError::Unspecified => "UnspecifiedError",
        JobManagerError::MissingJob => "MissingJobError",
        JobManagerError::InvalidJobExecutionStatus => "InvalidJobExecutionStatusError",
        JobManagerError::InvalidOperationOnSimulatorJob => "InvalidOperationOnSimulatorJobError",
        JobManagerError::InvalidOperationOnRealJob => "InvalidOperationOnRealJobError",
        JobManagerError::UnknownInputStream => "UnknownInputStreamError",
        JobManagerError::ElementWithSingleInput { .. } => "ElementWithSingleInputError",
        JobManagerError::InvalidElementCorrection { .. } => "InvalidElementCorrectionError",
        JobManagerError::ElementWithoutIntermediateFrequency { .. } => {
            "ElementWithoutIntermediateFrequencyError"
        }
        JobManagerError::MissingElement => "MissingElementError",
    };
    let attributes = match kind {
        JobManagerError::ElementWithSingleInput { element }
        | JobManagerError::ElementWithoutIntermediateFrequency { element } => {
            vec![("element_name", object(py, element))]
        }
        JobManagerError::InvalidElementCorrection { element, correction } => vec![
            ("element_name", object(py, element)),
            ("correction", object(py, <(f64, f64, f64, f64)>::from(correction))),
        ],
        _ => Vec::new(),
    };
    raise(py, class, message, &attributes)
}

/// An error of numpy's as one of ours, which says of what; Ctrl-C stays what it is.
pub(crate) fn renamed(py: Python<'_>, raised: PyErr, wrap: impl FnOnce(String) -> Error) -> PyErr {
    if !raised.is_instance_of::<PyException>(py) {
        return raised;
    }
    let told: String = raised.value(py).to_string().chars().take(MOST_TOLD).collect();
    let renamed = to_python(py, wrap(format!("no array can be made of it: {told}")));
    renamed.set_cause(py, Some(raised));
    renamed
}

/// Characters of another library's message that are told.
const MOST_TOLD: usize = 300;

/// The exception that ended a push, with whether the entry may have been taken; Ctrl-C says it in words, too.
pub(crate) fn with_doubt(py: Python<'_>, raised: PyErr, in_doubt: bool) -> PyErr {
    let value = raised.value(py);
    // A class that takes no attributes keeps its message; notes are Python 3.11's.
    let _ = value.setattr("in_doubt", in_doubt);
    if in_doubt && !raised.is_instance_of::<PyException>(py) {
        let note = "pulsewire: the entry that was being pushed may have been taken";
        let _ = value.call_method1("add_note", (note,));
    }
    raised
}

/// The exception that ended a `push_many`, with how many entries were acknowledged before.
pub(crate) fn with_acknowledged(py: Python<'_>, raised: PyErr, acknowledged: u64) -> PyErr {
    // A class that takes no attributes keeps its message.
    let _ = raised.value(py).setattr("acknowledged", acknowledged);
    raised
}
