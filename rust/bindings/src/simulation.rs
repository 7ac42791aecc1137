//! Simulated jobs.
// Deprecated for QOP 3: a client of QOP 2 reads them.
#![allow(deprecated)]

use pulsewire_client::wire::frontend as f;
use pulsewire_client::wire::frontend::execution_request::simulate::SimulationInterface;
use pulsewire_client::wire::frontend::execution_request::simulate::simulation_interface::{
    InterfaceOneof, Loopback, RawInterface, loopback, raw_interface,
};
use pulsewire_client::{Client, SimulateOptions};
use pulsewire_wire::qua::QuaProgram;
use pulsewire_wire::qua_config::QuaConfig;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::array::{Destination, Memory};
use crate::blocking::{block_on, block_on_lane};
use crate::errors;
use crate::runtime::Lane;

/// Controller, fem and port on either side.
type Connection = (String, i32, i32, String, i32, i32);
/// Controller, fem, port and samples.
type Given = (String, i32, i32, Vec<f64>);
/// Two addresses: controller, and whether it is the left connection; or controller and channel.
type Address = ((String, bool), (String, bool));
type Channel = ((String, i32), (String, i32));

/// What analog inputs see, and how controllers are connected, as Python gives it.
#[derive(FromPyObject)]
pub(crate) struct Surroundings {
    #[pyo3(item)]
    cycles: u32,
    #[pyo3(item)]
    analog_waveforms: bool,
    #[pyo3(item)]
    digital_waveforms: bool,
    #[pyo3(item)]
    loopback: Option<(Vec<Connection>, u32, f64)>,
    #[pyo3(item)]
    raw: Option<(Vec<Given>, f64)>,
    #[pyo3(item)]
    addresses: Vec<Address>,
    #[pyo3(item)]
    channels: Vec<Channel>,
    #[pyo3(item)]
    extra_processing_ms: i32,
    #[pyo3(item)]
    flags: Vec<String>,
}

impl Surroundings {
    fn options(self) -> SimulateOptions {
        let interface = match (self.loopback, self.raw) {
            (Some((connections, latency, noise_power)), _) => {
                let connections = connections.into_iter().map(|(from, ff, fp, to, tf, tp)| {
                    loopback::Connections {
                        from_controller: from,
                        from_fem: ff,
                        from_port: fp,
                        to_controller: to,
                        to_fem: tf,
                        to_port: tp,
                    }
                });
                let connections = connections.collect();
                Some(InterfaceOneof::Loopback(Loopback { connections, latency, noise_power }))
            }
            (None, Some((connections, noise_power))) => {
                let connections = connections.into_iter().map(|(from, fem, port, samples)| {
                    raw_interface::Connections {
                        from_controller: from,
                        from_fem: fem,
                        from_port: port,
                        to_samples: samples,
                    }
                });
                let connections = connections.collect();
                Some(InterfaceOneof::Raw(RawInterface { connections, noise_power }))
            }
            (None, None) => None,
        };
        let interface =
            interface.map(|interface| SimulationInterface { interface_oneof: Some(interface) });
        use f::inter_opx_connection::{AddressToAddress, ChannelToChannel, ConnectionType};
        let address = |(controller, left)| Some(f::InterOpxAddress { controller, left });
        let channel =
            |(controller, number)| Some(f::InterOpxChannel { controller, channel_number: number });
        let addresses = self.addresses.into_iter().map(|(source, target)| {
            ConnectionType::AddressToAddress(AddressToAddress {
                source: address(source),
                target: address(target),
            })
        });
        let channels = self.channels.into_iter().map(|(source, target)| {
            ConnectionType::ChannelToChannel(ChannelToChannel {
                source: channel(source),
                target: channel(target),
            })
        });
        let connections = addresses.chain(channels).map(|kind| f::InterOpxConnection {
            connection_type: Some(kind),
            ..Default::default()
        });
        SimulateOptions {
            cycles: self.cycles,
            analog_waveforms: self.analog_waveforms,
            digital_waveforms: self.digital_waveforms,
            interface,
            connections: connections.collect(),
            extra_processing_ms: self.extra_processing_ms,
            flags: self.flags,
        }
    }
}

/// A structure of an answer; one of thousands of pulses becomes objects only when it is looked at.
#[pyclass(name = "Structure", module = "pulsewire._native", frozen)]
pub(crate) struct PyStructure(prost_types::Struct);

#[pymethods]
impl PyStructure {
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        object(py, &self.0)
    }
}

/// The job, what the compiler says, and the three structures of the answer.
pub(crate) type Answer = (
    String,
    Vec<(&'static str, String)>,
    Option<PyStructure>,
    Option<PyStructure>,
    Option<PyStructure>,
);

pub(crate) fn simulate(
    py: Python<'_>,
    client: &Client,
    config: QuaConfig,
    program: QuaProgram,
    surroundings: Surroundings,
) -> PyResult<Answer> {
    let simulated = block_on(py, client.simulate(config, program, surroundings.options()))?;
    let part = simulated.part;
    // An empty structure is one that nobody filled.
    let given = |given: Option<prost_types::Struct>| {
        given.filter(|given| !given.fields.is_empty()).map(PyStructure)
    };
    Ok((
        simulated.job.id().to_owned(),
        crate::client::messages(simulated.messages),
        given(part.waveform_report),
        given(part.analog_outputs),
        given(part.digital_outputs),
    ))
}

/// A structure as a dict.
fn object<'py>(py: Python<'py>, given: &prost_types::Struct) -> PyResult<Bound<'py, PyAny>> {
    // A report of many pulses takes seconds: Ctrl-C ends that too.
    py.check_signals()?;
    let dict = PyDict::new(py);
    for (name, value) in &given.fields {
        dict.set_item(name, self::value(py, value)?)?;
    }
    Ok(dict.into_any())
}

fn value<'py>(py: Python<'py>, given: &prost_types::Value) -> PyResult<Bound<'py, PyAny>> {
    use prost_types::value::Kind;
    Ok(match &given.kind {
        None | Some(Kind::NullValue(_)) => py.None().into_bound(py),
        Some(Kind::NumberValue(number)) => number.into_pyobject(py)?.into_any(),
        Some(Kind::StringValue(text)) => text.into_pyobject(py)?.into_any(),
        Some(Kind::BoolValue(flag)) => flag.into_pyobject(py)?.to_owned().into_any(),
        Some(Kind::StructValue(fields)) => object(py, fields)?,
        Some(Kind::ListValue(list)) => {
            let values = list.values.iter().map(|one| value(py, one));
            PyList::new(py, values.collect::<PyResult<Vec<_>>>()?)?.into_any()
        }
    })
}

/// A controller, whether the port is analog, the port, and its samples.
pub(crate) type Port<'py> = (String, bool, String, Bound<'py, PyAny>);

/// The samples of a simulated job, port by port.
pub(crate) fn samples<'py>(
    py: Python<'py>,
    client: &Client,
    job: &str,
    analog: bool,
    digital: bool,
) -> PyResult<Vec<Port<'py>>> {
    let job = client.job(job, "");
    let stream = block_on_lane(py, Lane::Bulk, job.pull_samples(analog, digital))?;
    let ports = stream.ports().to_vec();
    let mut arrays = Vec::with_capacity(ports.len());
    for port in &ports {
        let descr = port.dtype.as_str().into_pyobject(py)?.into_any();
        let named = |reason: String| pulsewire_client::Error::Samples {
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
    let named = ports.into_iter().zip(arrays);
    Ok(named
        .map(|(port, array)| (port.controller, port.analog, port.port, array.finish()))
        .collect())
}
