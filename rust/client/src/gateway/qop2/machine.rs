//! Changes to open machines of QOP 2, and what they are set to.

use std::collections::BTreeMap;

use pulsewire_wire::WholeMessage;
use pulsewire_wire::frontend as f;
use pulsewire_wire::general_messages::ErrorMessage;
use pulsewire_wire::qm_api as api;
use pulsewire_wire::qm_api::high_qm_api_request as request;
use pulsewire_wire::qm_api::high_qm_api_request::ApiOneof;
use pulsewire_wire::qm_api::high_qm_api_request::io_value_set_data::OneofIoType;
use pulsewire_wire::qm_manager as m;
use pulsewire_wire::qua_config::qua_config as c;
use pulsewire_wire::qua_config::qua_config::element_dec::{ElementInputsOneOf, OscillatorOneOf};

use crate::gateway::dialect::Call;
use crate::types::{
    Configuration, DigitalInput, DigitalPolarity, ElementSettings, IoValue, IoValues,
    MachineChange, MachineError, MachineSettings, MixerEntry,
};

/// The texts of some errors, one behind the other.
pub(super) fn joined(errors: Vec<ErrorMessage>) -> String {
    let texts: Vec<_> = errors.into_iter().map(|error| error.message).collect();
    texts.join("; ")
}

fn port(qe: &str, port: &str) -> request::QePort {
    request::QePort { qe: qe.to_owned(), port: port.to_owned() }
}

fn digital_port(input: &DigitalInput) -> Option<api::DigitalInputPort> {
    Some(api::DigitalInputPort {
        controller_name: input.controller.clone(),
        port_number: input.number,
        fem_number: input.fem,
    })
}

fn io_values_of(given: &[(u8, IoValue)]) -> request::SetIoValues {
    let one = |(number, value): &(u8, IoValue)| request::IoValueSetData {
        io_number: i32::from(*number),
        oneof_io_type: Some(match *value {
            IoValue::Int(value) => OneofIoType::IntValue(value),
            IoValue::Fixed(value) => OneofIoType::DoubleValue(value),
            IoValue::Bool(value) => OneofIoType::BooleanValue(value),
        }),
    };
    request::SetIoValues {
        oneof_set_type: Some(request::set_io_values::OneofSetType::All(true)),
        io_value_set_data: given.iter().map(one).collect(),
    }
}

fn correction(entry: &MixerEntry, [v00, v01, v10, v11]: [f64; 4]) -> request::SetCorrection {
    let info = request::SetCorrectionMixerInfo {
        mixer: entry.mixer.clone(),
        intermediate_frequency: entry.intermediate_frequency.abs() as u64,
        lo_frequency: entry.lo_frequency as u64,
        frequency_negative: entry.intermediate_frequency < 0.0,
        intermediate_frequency_double: entry.intermediate_frequency.abs(),
        lo_frequency_double: entry.lo_frequency,
    };
    request::SetCorrection {
        correction: Some(api::Matrix { v00, v01, v10, v11 }),
        oneof_set_correction: Some(request::set_correction::OneofSetCorrection::Mixer(info)),
    }
}

fn digital_route(route: request::set_digital_route::OneofSetDigitalRoute, value: u32) -> ApiOneof {
    let oneof_set_digital_route = Some(route);
    ApiOneof::SetDigitalRoute(request::SetDigitalRoute { value, oneof_set_digital_route })
}

fn output_filter(port: request::QePort, filter: request::AnalogOutputPortFilter) -> ApiOneof {
    ApiOneof::SetOutputFilterTaps(request::SetOutputFilterTaps {
        filter: Some(filter),
        oneof_set_filter_taps: Some(request::set_output_filter_taps::OneofSetFilterTaps::Qe(port)),
    })
}

fn wire_change(change: &MachineChange) -> ApiOneof {
    use request::set_digital_route::OneofSetDigitalRoute as Route;
    match change {
        MachineChange::IoValues(values) => ApiOneof::SetIoValues(io_values_of(values)),
        MachineChange::IntermediateFrequency { element, hertz } => {
            let of = request::set_frequency::OneofSetFrequency::Qe(element.clone());
            let oneof_set_frequency = Some(of);
            ApiOneof::SetFrequency(request::SetFrequency { value: *hertz, oneof_set_frequency })
        }
        MachineChange::MixerCorrection(entry, matrix) => {
            ApiOneof::SetCorrection(correction(entry, *matrix))
        }
        MachineChange::OutputOffset { element, input, volts } => {
            let of = request::set_output_dc_offset::OneofSetDc::Qe(port(element, input));
            // The one that is not meant is not looked at.
            let (i, q) = if input == "Q" { (0.0, *volts) } else { (*volts, 0.0) };
            let oneof_set_dc = Some(of);
            ApiOneof::SetOutputDcOffset(request::SetOutputDcOffset { i, q, oneof_set_dc })
        }
        MachineChange::OutputFilter { element, input, feedforward, feedback } => {
            let filter = request::AnalogOutputPortFilter {
                feedforward: feedforward.clone(),
                feedback: feedback.clone(),
            };
            output_filter(port(element, input), filter)
        }
        MachineChange::InputOffset { element, output, volts } => {
            let of = request::set_input_dc_offset::OneofSetDc::Qe(port(element, output));
            let (offset, oneof_set_dc) = (*volts, Some(of));
            ApiOneof::SetInputDcOffset(request::SetInputDcOffset { offset, oneof_set_dc })
        }
        MachineChange::DigitalDelay { element, input, ns } => {
            digital_route(Route::Delay(port(element, input)), *ns)
        }
        MachineChange::DigitalBuffer { element, input, ns } => {
            digital_route(Route::Buffer(port(element, input)), *ns)
        }
        MachineChange::DigitalInputThreshold(input, threshold) => {
            ApiOneof::SetDigitalInputThreshold(request::SetDigitalInputThreshold {
                digital_port: digital_port(input),
                threshold: *threshold,
            })
        }
        MachineChange::DigitalInputDeadtime(input, deadtime) => {
            ApiOneof::SetDigitalInputDeadtime(request::SetDigitalInputDeadtime {
                digital_port: digital_port(input),
                deadtime: *deadtime,
            })
        }
        MachineChange::DigitalInputPolarity(input, polarity) => {
            let polarity = match polarity {
                DigitalPolarity::Rising => api::DigitalInputPortPolarity::Rising,
                DigitalPolarity::Falling => api::DigitalInputPortPolarity::Falling,
            };
            ApiOneof::SetDigitalInputPolarity(request::SetDigitalInputPolarity {
                digital_port: digital_port(input),
                polarity: polarity as i32,
            })
        }
    }
}

/// A change to a machine.
pub(super) fn change(
    path: &'static str,
    machine: &str,
    change: &MachineChange,
) -> Call<Result<(), Vec<MachineError>>> {
    let request = api::HighQmApiRequest {
        quantum_machine_id: machine.to_owned(),
        api_oneof: Some(wire_change(change)),
        ..Default::default()
    };
    Call::new(path, &request, |answer| {
        let answer = api::HighQmApiResponse::from_bytes(answer)?;
        let errors = answer.errors.into_iter();
        let errors = errors.map(|error| MachineError { code: error.code, message: error.message });
        Ok(if answer.ok { Ok(()) } else { Err(errors.collect()) })
    })
}

/// Both IO registers of a machine.
pub(super) fn io_values(path: &'static str, machine: &str) -> Call<Result<[IoValues; 2], String>> {
    use f::io_value_request::IdentifierOneOf;
    let one = |io_number| f::IoValueRequest {
        io_number,
        identifier_one_of: Some(IdentifierOneOf::QuantumMachineId(machine.to_owned())),
        ..Default::default()
    };
    let request = f::QmDataRequest { io_value_request: vec![one(1), one(2)] };
    Call::new(path, &request, |answer| {
        let answer = f::QmDataResponse::from_bytes(answer)?;
        if !answer.success {
            return Ok(Err(joined(answer.errors)));
        }
        let mut read = [IoValues::default(); 2];
        for one in answer.io_value_response {
            let number = one.request.unwrap_or_default().io_number;
            let place = (number as usize).checked_sub(1).and_then(|place| read.get_mut(place));
            if let (Some(place), Some(values)) = (place, one.values) {
                *place = IoValues {
                    int: values.int_value as i32,
                    fixed: values.double_value,
                    bool: values.boolean_value,
                };
            }
        }
        Ok(Ok(read))
    })
}

/// The configuration of a machine, as bytes.
pub(super) fn configuration(
    path: &'static str,
    machine: &str,
) -> Call<Result<Configuration, String>> {
    let request = m::GetQuantumMachineRequest { machine_id: machine.to_owned() };
    Call::new(path, &request, |answer| {
        let answer = m::GetQuantumMachineResponse::from_bytes(answer)?;
        if !answer.success {
            return Ok(Err(joined(answer.errors)));
        }
        let config = answer.config.unwrap_or_default();
        Ok(Ok(Configuration::from_bytes(config.to_bytes())))
    })
}

/// How a machine is set.
pub(super) fn settings(path: &'static str, machine: &str) -> Call<Result<MachineSettings, String>> {
    let request = m::GetQuantumMachineRequest { machine_id: machine.to_owned() };
    Call::new(path, &request, |answer| {
        let answer = m::GetQuantumMachineResponse::from_bytes(answer)?;
        if !answer.success {
            return Ok(Err(joined(answer.errors)));
        }
        let version = answer.config.unwrap_or_default().config_version;
        Ok(match version {
            Some(c::ConfigVersion::V1beta(config)) => Ok(settings_of(&config)),
            _ => Err("the gateway tells no configuration of the machine".to_owned()),
        })
    })
}

/// The part of a controller's ports that settings show, of each controller.
fn controllers(config: &c::QuaConfigV1) -> BTreeMap<&str, &c::ControllerDec> {
    use c::fem_types::FemTypeOneOf;
    let mut found = BTreeMap::new();
    for (name, device) in &config.control_devices {
        for fem in device.fems.values() {
            if let Some(FemTypeOneOf::Opx(controller)) = fem.fem_type_one_of.as_ref() {
                found.insert(name.as_str(), controller);
            }
        }
    }
    found.extend(config.controllers.iter().map(|(name, one)| (name.as_str(), one)));
    found
}

fn settings_of(config: &c::QuaConfigV1) -> MachineSettings {
    let controllers = controllers(config);
    let elements = config.elements.iter();
    let mut digital_inputs = Vec::new();
    for (name, controller) in &controllers {
        for (number, port) in &controller.digital_inputs {
            let polarity = match port.polarity {
                Some(edge) if edge == c::digital_input_port_dec::Polarity::Falling as i32 => {
                    DigitalPolarity::Falling
                }
                _ => DigitalPolarity::Rising,
            };
            let input = DigitalInput { controller: (*name).to_owned(), fem: 1, number: *number };
            let threshold = port.threshold.unwrap_or(0.0);
            digital_inputs.push((input, threshold, port.deadtime.unwrap_or(0), polarity));
        }
    }
    MachineSettings {
        elements: elements
            .map(|(name, element)| (name.clone(), element_of(config, &controllers, element)))
            .collect(),
        digital_inputs,
    }
}

fn element_of(
    config: &c::QuaConfigV1,
    controllers: &BTreeMap<&str, &c::ControllerDec>,
    element: &c::ElementDec,
) -> ElementSettings {
    let output_offset = |reference: &c::DacPortReference| {
        let controller = controllers.get(reference.controller.as_str())?;
        controller.analog_outputs.get(&reference.number)?.offset
    };
    let input_offset = |reference: &c::AdcPortReference| {
        let controller = controllers.get(reference.controller.as_str())?;
        controller.analog_inputs.get(&reference.number)?.offset
    };
    let mut ports: Vec<(String, &c::DacPortReference)> = Vec::new();
    match element.element_inputs_one_of.as_ref() {
        Some(ElementInputsOneOf::SingleInput(single)) => {
            ports.extend(single.port.as_ref().map(|port| ("single".to_owned(), port)));
        }
        Some(ElementInputsOneOf::MixInputs(mix)) => {
            ports.extend(mix.i.as_ref().map(|port| ("I".to_owned(), port)));
            ports.extend(mix.q.as_ref().map(|port| ("Q".to_owned(), port)));
        }
        Some(ElementInputsOneOf::MultipleInputs(all)) => {
            ports.extend(all.inputs.iter().map(|(name, port)| (name.clone(), port)));
        }
        Some(ElementInputsOneOf::SingleInputCollection(all)) => {
            ports.extend(all.inputs.iter().map(|(name, port)| (name.clone(), port)));
        }
        _ => {}
    }
    let outputs = element.outputs.iter();
    let digital = element.digital_inputs.iter();
    ElementSettings {
        intermediate_frequency: frequency_of(config, element),
        time_of_flight: element.time_of_flight,
        smearing: element.smearing,
        output_offsets: ports
            .into_iter()
            .map(|(name, port)| (name, output_offset(port).unwrap_or(0.0)))
            .collect(),
        input_offsets: outputs
            .map(|(name, port)| (name.clone(), input_offset(port).unwrap_or(0.0)))
            .collect(),
        digital_inputs: digital
            .map(|(name, input)| (name.clone(), (input.delay, input.buffer)))
            .collect(),
    }
}

fn frequency_of(config: &c::QuaConfigV1, element: &c::ElementDec) -> Option<f64> {
    match element.oscillator_one_of.as_ref() {
        Some(OscillatorOneOf::IntermediateFrequencyOscillatorDouble(hz)) => Some(*hz),
        Some(OscillatorOneOf::IntermediateFrequencyOscillator(hz)) => Some(*hz as f64),
        Some(OscillatorOneOf::NoOscillator(_)) => None,
        Some(OscillatorOneOf::NamedOscillator(name)) => {
            config.oscillators.get(name).map(|one| one.intermediate_frequency_double)
        }
        None => {
            let whole = element.intermediate_frequency.map(|hz| hz as f64);
            let double = element.intermediate_frequency_double;
            let hz = if double != 0.0 { Some(double) } else { whole };
            hz.map(|hz| if element.intermediate_frequency_negative { -hz } else { hz })
        }
    }
}
