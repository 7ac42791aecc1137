//! Simulated jobs.

use std::time::Duration;

use pulsewire_client::{
    Client, Configuration, ControllerConnection, Error, Fields, Interface, LoopbackConnection,
    Node, Program, RawConnection, SimulateOptions, Structure,
};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::array::{Destination, Memory};
use crate::convert::messages;
use crate::errors;
use crate::lifetime::{Lane, block_on, block_on_lane};

/// A port: controller, module, port.
type Port = (String, i32, i32);

/// An output that is connected to an input, as the attributes of an object of Python.
#[derive(FromPyObject)]
struct GivenConnection {
    output: Port,
    input: Port,
}

/// Samples of an input.
#[derive(FromPyObject)]
struct GivenSamples {
    input: Port,
    samples: Vec<f64>,
}

/// What analog inputs see.
#[derive(FromPyObject)]
enum GivenInterface {
    Loopback { connections: Vec<GivenConnection>, latency: u32, noise_power: f64 },
    Raw { inputs: Vec<GivenSamples>, noise_power: f64 },
}

/// A connection of two controllers: each with whether it is its left one, or with its channel.
#[derive(FromPyObject)]
enum GivenLink {
    Addresses { source: (String, bool), target: (String, bool) },
    Channels { source_channel: (String, i32), target_channel: (String, i32) },
}

/// What is to be simulated, as the attributes of an object of Python.
#[derive(FromPyObject)]
pub(crate) struct SimulationRequest {
    cycles: u32,
    analog_waveforms: bool,
    digital_waveforms: bool,
    interface: Option<GivenInterface>,
    controller_connections: Vec<GivenLink>,
    extra_processing_ms: i32,
    flags: Vec<String>,
}

impl From<GivenInterface> for Interface {
    fn from(given: GivenInterface) -> Self {
        match given {
            GivenInterface::Loopback { connections, latency, noise_power } => {
                let connection = |given: GivenConnection| LoopbackConnection {
                    from: given.output,
                    to: given.input,
                };
                let connections = connections.into_iter().map(connection).collect();
                Self::Loopback { connections, latency, noise_power }
            }
            GivenInterface::Raw { inputs, noise_power } => {
                let connection = |given: GivenSamples| RawConnection {
                    input: given.input,
                    samples: given.samples,
                };
                let connections = inputs.into_iter().map(connection).collect();
                Self::Raw { connections, noise_power }
            }
        }
    }
}

impl From<GivenLink> for ControllerConnection {
    fn from(given: GivenLink) -> Self {
        match given {
            GivenLink::Addresses { source, target } => Self::Addresses(source, target),
            GivenLink::Channels { source_channel, target_channel } => {
                Self::Channels(source_channel, target_channel)
            }
        }
    }
}

impl From<SimulationRequest> for SimulateOptions {
    fn from(request: SimulationRequest) -> Self {
        let connections = request.controller_connections.into_iter();
        Self {
            cycles: request.cycles,
            analog_waveforms: request.analog_waveforms,
            digital_waveforms: request.digital_waveforms,
            interface: request.interface.map_or(Interface::None, Interface::from),
            connections: connections.map(ControllerConnection::from).collect(),
            extra_processing_ms: request.extra_processing_ms,
            flags: request.flags,
        }
    }
}

/// A structure of an answer; one of thousands of pulses becomes objects only when it is looked at.
#[pyclass(name = "Structure", module = "pulsewire._native", frozen)]
pub(crate) struct PyStructure(Structure);

#[pymethods]
impl PyStructure {
    /// Of the bytes that another client was given.
    #[staticmethod]
    fn of_bytes(py: Python<'_>, bytes: Vec<u8>) -> PyResult<Self> {
        let read = Structure::from_bytes(bytes);
        Ok(Self(read.map_err(|error| errors::to_python(py, error))?))
    }

    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        dict(py, self.0.fields())
    }
}

/// A simulation that took place.
#[pyclass(name = "Simulation", module = "pulsewire._native", frozen, get_all)]
pub(crate) struct PySimulation {
    job: String,
    messages: Py<PyList>,
    report: Option<Py<PyStructure>>,
    analog: Option<Py<PyStructure>>,
    digital: Option<Py<PyStructure>>,
}

pub(crate) fn simulate(
    py: Python<'_>,
    client: &Client,
    config: &Configuration,
    program: &Program,
    request: SimulationRequest,
) -> PyResult<PySimulation> {
    let simulated = block_on(py, client.simulate(config, program, request.into()))?;
    let object = |given: Option<Structure>| {
        given.map(|structure| Py::new(py, PyStructure(structure))).transpose()
    };
    Ok(PySimulation {
        job: simulated.job.id().to_owned(),
        messages: messages(py, simulated.messages)?,
        report: object(simulated.report)?,
        analog: object(simulated.analog)?,
        digital: object(simulated.digital)?,
    })
}

/// Names and values as a dict.
fn dict<'py>(py: Python<'py>, fields: Fields<'_>) -> PyResult<Bound<'py, PyAny>> {
    // A report of many pulses takes seconds: Ctrl-C ends that too.
    py.check_signals()?;
    let dict = PyDict::new(py);
    for (name, node) in fields.iter() {
        dict.set_item(name, object(py, node)?)?;
    }
    Ok(dict.into_any())
}

fn object<'py>(py: Python<'py>, node: Node<'_>) -> PyResult<Bound<'py, PyAny>> {
    Ok(match node {
        Node::Null => py.None().into_bound(py),
        Node::Number(number) => number.into_pyobject(py)?.into_any(),
        Node::Text(text) => text.into_pyobject(py)?.into_any(),
        Node::Flag(flag) => flag.into_pyobject(py)?.to_owned().into_any(),
        Node::Fields(fields) => dict(py, fields)?,
        Node::List(values) => {
            let values = values.iter().map(|node| object(py, node));
            PyList::new(py, values.collect::<PyResult<Vec<_>>>()?)?.into_any()
        }
    })
}

/// The samples of a port.
#[pyclass(name = "SamplePort", module = "pulsewire._native", frozen, get_all)]
pub(crate) struct PySamplePort {
    controller: String,
    is_analog: bool,
    port: String,
    samples: Py<PyAny>,
}

/// The samples of a simulated job, port by port.
pub(crate) fn samples(
    py: Python<'_>,
    client: &Client,
    job: &str,
    (analog, digital): (bool, bool),
    timeout: Option<Duration>,
) -> PyResult<Vec<PySamplePort>> {
    let job = client.job(job, "");
    let stream = block_on_lane(py, Lane::Bulk, job.pull_samples(analog, digital, timeout))?;
    let ports = stream.ports().to_vec();
    let mut arrays = Vec::with_capacity(ports.len());
    for port in &ports {
        let descr = port.dtype.as_str().into_pyobject(py)?.into_any();
        let named = |reason: String| Error::Samples {
            job: job.id().to_owned(),
            reason: format!(
                "{} samples of the port '{}' of '{}': {reason}",
                stream.count(),
                port.port,
                port.controller
            ),
        };
        let array = Destination::new(py, &descr, vec![stream.count()])
            .map_err(|raised| errors::renamed(py, raised, named))?;
        if array.item_size() != port.size {
            let reason = format!("their type {} is not known", port.dtype);
            return Err(errors::to_python(py, named(reason)));
        }
        arrays.push(array);
    }
    let mut memories: Vec<Memory<'_>> = arrays.iter_mut().map(Destination::memory).collect();
    block_on_lane(py, Lane::Bulk, stream.take(&mut memories))?;
    drop(memories);
    let named = ports.into_iter().zip(arrays).map(|(port, array)| PySamplePort {
        controller: port.controller,
        is_analog: port.analog,
        port: port.port,
        samples: array.finish().unbind(),
    });
    Ok(named.collect())
}
