//! Quantum machines: their queues, and how they are changed.

use std::collections::HashMap;
use std::sync::Arc;

use pulsewire_client::{
    CompilerMessage, DigitalInput, DigitalPolarity, ElementSettings, IoValue, IoValues,
    MachineChange, MachineSettings, MixerEntry, PendingQuery, Program, Timeout,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::connection::Connection;
use crate::convert::messages;
use crate::job::PyJob;
use crate::lifetime::block_on;

/// What the gateway made of a program: the id of a job or of a compiled program.
#[pyclass(name = "TakenProgram", module = "pulsewire._native", frozen, get_all)]
pub(crate) struct PyTakenProgram {
    id: String,
    messages: Py<PyList>,
}

impl PyTakenProgram {
    fn new(py: Python<'_>, id: &str, said: Vec<CompilerMessage>) -> PyResult<Self> {
        Ok(Self { id: id.to_owned(), messages: messages(py, said)? })
    }
}

/// An IO register, read as each kind that it may be.
#[pyclass(name = "IoValues", module = "pulsewire._native", frozen, get_all)]
pub(crate) struct PyIoValues {
    int_value: i32,
    fixed_value: f64,
    boolean_value: bool,
}

impl From<IoValues> for PyIoValues {
    fn from(values: IoValues) -> Self {
        Self { int_value: values.int, fixed_value: values.fixed, boolean_value: values.bool }
    }
}

/// A digital input of an element: nanoseconds.
#[pyclass(name = "DigitalInputTiming", module = "pulsewire._native", frozen, get_all)]
#[derive(Clone)]
pub(crate) struct PyDigitalInputTiming {
    delay: u32,
    buffer: u32,
}

/// How an element is set.
#[pyclass(name = "ElementSettings", module = "pulsewire._native", frozen, get_all)]
#[derive(Clone)]
pub(crate) struct PyElementSettings {
    intermediate_frequency: Option<f64>,
    time_of_flight: Option<u32>,
    smearing: Option<u32>,
    output_offsets: HashMap<String, f64>,
    input_offsets: HashMap<String, f64>,
    digital_inputs: HashMap<String, PyDigitalInputTiming>,
}

impl From<ElementSettings> for PyElementSettings {
    fn from(settings: ElementSettings) -> Self {
        let timing = |(name, (delay, buffer))| (name, PyDigitalInputTiming { delay, buffer });
        Self {
            intermediate_frequency: settings.intermediate_frequency,
            time_of_flight: settings.time_of_flight,
            smearing: settings.smearing,
            output_offsets: settings.output_offsets.into_iter().collect(),
            input_offsets: settings.input_offsets.into_iter().collect(),
            digital_inputs: settings.digital_inputs.into_iter().map(timing).collect(),
        }
    }
}

/// How a digital input of a controller is set: volts, nanoseconds, "RISING" or "FALLING".
#[pyclass(name = "DigitalInputSettings", module = "pulsewire._native", frozen, get_all)]
#[derive(Clone)]
pub(crate) struct PyDigitalInputSettings {
    controller: String,
    fem: u32,
    port: u32,
    threshold: f64,
    deadtime: u32,
    polarity: &'static str,
}

const RISING: &str = "RISING";
const FALLING: &str = "FALLING";

/// How a machine is set.
#[pyclass(name = "MachineSettings", module = "pulsewire._native", frozen, get_all)]
pub(crate) struct PyMachineSettings {
    elements: HashMap<String, PyElementSettings>,
    digital_inputs: Vec<PyDigitalInputSettings>,
}

impl From<MachineSettings> for PyMachineSettings {
    fn from(settings: MachineSettings) -> Self {
        let elements = settings.elements.into_iter().map(|(name, element)| (name, element.into()));
        let inputs = settings.digital_inputs.into_iter();
        let inputs = inputs.map(|(input, threshold, deadtime, polarity)| PyDigitalInputSettings {
            controller: input.controller,
            fem: input.fem,
            port: input.number,
            threshold,
            deadtime,
            polarity: match polarity {
                DigitalPolarity::Rising => RISING,
                DigitalPolarity::Falling => FALLING,
            },
        });
        Self { elements: elements.collect(), digital_inputs: inputs.collect() }
    }
}

/// A value for an IO register; a bool is no int.
#[derive(FromPyObject)]
pub(crate) enum GivenIoValue {
    Bool(#[pyo3(from_py_with = exact_bool)] bool),
    Int(i32),
    Fixed(f64),
}

fn exact_bool(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(value.cast::<pyo3::types::PyBool>()?.is_true())
}

impl From<GivenIoValue> for IoValue {
    fn from(given: GivenIoValue) -> Self {
        match given {
            GivenIoValue::Bool(value) => Self::Bool(value),
            GivenIoValue::Int(value) => Self::Int(value),
            GivenIoValue::Fixed(value) => Self::Fixed(value),
        }
    }
}

/// An open machine, by its id; every call asks the gateway.
#[pyclass(name = "Machine", module = "pulsewire._native", frozen)]
pub(crate) struct PyMachine {
    connection: Arc<Connection>,
    id: String,
}

impl PyMachine {
    pub(crate) fn new(connection: Arc<Connection>, id: String) -> Self {
        Self { connection, id }
    }

    fn change(&self, py: Python<'_>, change: &MachineChange) -> PyResult<()> {
        let client = self.connection.client(py)?;
        block_on(py, client.change_machine(&self.id, change))
    }
}

/// The queue.
#[pymethods]
impl PyMachine {
    #[getter]
    fn id(&self) -> &str {
        &self.id
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let client = self.connection.client(py)?;
        block_on(py, client.close_machine(&self.id))
    }

    fn compile(&self, py: Python<'_>, program: &[u8]) -> PyResult<PyTakenProgram> {
        let program = Program::from_bytes(program.to_vec());
        let client = self.connection.client(py)?;
        let (id, said) = block_on(py, client.compile(&self.id, &program))?;
        PyTakenProgram::new(py, &id, said)
    }

    fn add_to_queue(
        &self,
        py: Python<'_>,
        program: &[u8],
        to_start: bool,
    ) -> PyResult<PyTakenProgram> {
        let program = Program::from_bytes(program.to_vec());
        let client = self.connection.client(py)?;
        let (job, said) = block_on(py, client.add_to_queue(&self.id, &program, to_start))?;
        PyTakenProgram::new(py, job.id(), said)
    }

    fn add_compiled(
        &self,
        py: Python<'_>,
        program_id: &str,
        overrides: Vec<(String, Vec<f64>)>,
    ) -> PyResult<String> {
        let client = self.connection.client(py)?;
        let job = block_on(py, client.add_compiled(&self.id, program_id, overrides))?;
        Ok(job.id().to_owned())
    }

    fn execute(&self, py: Python<'_>, program: &[u8], timeout: f64) -> PyResult<PyTakenProgram> {
        let program = Program::from_bytes(program.to_vec());
        let client = self.connection.client(py)?;
        let timeout = Timeout::from_seconds(timeout);
        let (job, said) = block_on(py, client.execute(&self.id, &program, timeout))?;
        PyTakenProgram::new(py, job.id(), said)
    }

    fn running_job(&self, py: Python<'_>) -> PyResult<Option<String>> {
        let client = self.connection.client(py)?;
        let job = block_on(py, client.running_job(&self.id))?;
        Ok(job.map(|job| job.id().to_owned()))
    }

    #[pyo3(signature = (job_id=None, user_id=None, position=None))]
    fn pending_jobs(
        &self,
        py: Python<'_>,
        job_id: Option<String>,
        user_id: Option<String>,
        position: Option<u32>,
    ) -> PyResult<Vec<String>> {
        let client = self.connection.client(py)?;
        block_on(py, client.pending_jobs(&self.id, &PendingQuery { job_id, user_id, position }))
    }

    fn queued_jobs(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let client = self.connection.client(py)?;
        block_on(py, client.queued_jobs(&self.id))
    }

    #[pyo3(signature = (job_id=None, user_id=None, position=None))]
    fn remove_pending(
        &self,
        py: Python<'_>,
        job_id: Option<String>,
        user_id: Option<String>,
        position: Option<u32>,
    ) -> PyResult<i32> {
        let client = self.connection.client(py)?;
        block_on(py, client.remove_pending(&self.id, &PendingQuery { job_id, user_id, position }))
    }

    fn job(&self, id: String) -> PyJob {
        PyJob::new(Arc::clone(&self.connection), id, self.id.clone())
    }

    fn set_io_values(&self, py: Python<'_>, values: Vec<(u8, GivenIoValue)>) -> PyResult<()> {
        let values = values.into_iter().map(|(number, value)| (number, value.into())).collect();
        let client = self.connection.client(py)?;
        block_on(py, client.set_io_values(&self.id, values))
    }

    fn io_values(&self, py: Python<'_>) -> PyResult<Vec<PyIoValues>> {
        let client = self.connection.client(py)?;
        let values = block_on(py, client.io_values(&self.id))?;
        Ok(values.into_iter().map(PyIoValues::from).collect())
    }

    fn configuration<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let client = self.connection.client(py)?;
        let configuration = block_on(py, client.machine_configuration(&self.id))?;
        Ok(PyBytes::new(py, configuration.as_bytes()))
    }

    fn settings(&self, py: Python<'_>) -> PyResult<PyMachineSettings> {
        let client = self.connection.client(py)?;
        Ok(block_on(py, client.machine_settings(&self.id))?.into())
    }

    fn set_intermediate_frequency(
        &self,
        py: Python<'_>,
        element: String,
        hertz: f64,
    ) -> PyResult<()> {
        self.change(py, &MachineChange::IntermediateFrequency { element, hertz })
    }

    fn set_mixer_correction(
        &self,
        py: Python<'_>,
        mixer: String,
        intermediate_frequency: f64,
        lo_frequency: f64,
        matrix: (f64, f64, f64, f64),
    ) -> PyResult<(f64, f64, f64, f64)> {
        let entry = MixerEntry { mixer, intermediate_frequency, lo_frequency };
        let client = self.connection.client(py)?;
        let held = client.set_mixer_correction(&self.id, entry, matrix.into());
        Ok(block_on(py, held)?.into())
    }

    fn set_output_offset(
        &self,
        py: Python<'_>,
        element: String,
        input: String,
        volts: f64,
    ) -> PyResult<()> {
        self.change(py, &MachineChange::OutputOffset { element, input, volts })
    }

    fn set_output_filter(
        &self,
        py: Python<'_>,
        element: String,
        input: String,
        feedforward: Vec<f64>,
        feedback: Vec<f64>,
    ) -> PyResult<()> {
        self.change(py, &MachineChange::OutputFilter { element, input, feedforward, feedback })
    }

    fn set_input_offset(
        &self,
        py: Python<'_>,
        element: String,
        output: String,
        volts: f64,
    ) -> PyResult<()> {
        self.change(py, &MachineChange::InputOffset { element, output, volts })
    }

    fn set_digital_delay(
        &self,
        py: Python<'_>,
        element: String,
        input: String,
        ns: u32,
    ) -> PyResult<()> {
        self.change(py, &MachineChange::DigitalDelay { element, input, ns })
    }

    fn set_digital_buffer(
        &self,
        py: Python<'_>,
        element: String,
        input: String,
        ns: u32,
    ) -> PyResult<()> {
        self.change(py, &MachineChange::DigitalBuffer { element, input, ns })
    }

    fn set_digital_input_threshold(
        &self,
        py: Python<'_>,
        port: (String, u32, u32),
        volts: f64,
    ) -> PyResult<()> {
        self.change(py, &MachineChange::DigitalInputThreshold(digital_input(port), volts))
    }

    fn set_digital_input_deadtime(
        &self,
        py: Python<'_>,
        port: (String, u32, u32),
        ns: u32,
    ) -> PyResult<()> {
        self.change(py, &MachineChange::DigitalInputDeadtime(digital_input(port), ns))
    }

    fn set_digital_input_polarity(
        &self,
        py: Python<'_>,
        port: (String, u32, u32),
        polarity: &str,
    ) -> PyResult<()> {
        let polarity = match polarity {
            RISING => DigitalPolarity::Rising,
            FALLING => DigitalPolarity::Falling,
            other => {
                let text =
                    format!("the polarity of a digital input is RISING or FALLING, not '{other}'");
                return Err(PyValueError::new_err(text));
            }
        };
        self.change(py, &MachineChange::DigitalInputPolarity(digital_input(port), polarity))
    }
}

/// Controller, module and port.
fn digital_input((controller, fem, number): (String, u32, u32)) -> DigitalInput {
    DigitalInput { controller, fem, number }
}
