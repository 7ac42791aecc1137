//! Changes to a machine's configuration at run time (`PerformQmRequest`).

use pulsewire_wire::qm_api::high_qm_api_request as request;
use pulsewire_wire::qm_api::high_qm_api_request::ApiOneof as Change;
use pulsewire_wire::qm_api::{DigitalInputPort, Matrix as ApiMatrix};
use pulsewire_wire::qua_config::qua_config as c;
use pulsewire_wire::qua_config::qua_config::element_dec::{ElementInputsOneOf, OscillatorOneOf};
use pulsewire_wire::qua_config::qua_config::fem_types::FemTypeOneOf;

use super::mixers::quantize;
use super::validation::{Finding, validate, wrong_deadtime, wrong_threshold};

/// Why the configuration was not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ChangeError {
    /// The number that the real system has for it; 0 where that is not known.
    pub code: i32,
    /// What is wrong.
    pub message: String,
}

/// The real system's numbers for a digital input's threshold and deadtime that cannot be.
const THRESHOLD_CODE: i32 = 3003;
const DEADTIME_CODE: i32 = 3004;

fn refuse<T>(message: impl Into<String>) -> Result<T, ChangeError> {
    Err(ChangeError { code: 0, message: message.into() })
}

fn finite(value: f64, what: &str) -> Result<f64, ChangeError> {
    if value.is_finite() { Ok(value) } else { refuse(format!("{what} {value} is not finite")) }
}

/// Applies one change; IO values are the machine's and not handled here. What comes of it is checked as a
/// configuration is.
///
/// # Errors
/// [`ChangeError`] with what does not exist or cannot be; the caller drops the configuration then.
pub(super) fn apply_change(
    config: &mut c::QuaConfigV1,
    change: &Change,
) -> Result<(), ChangeError> {
    apply(config, change)?;
    match validate(config).into_iter().next() {
        None => Ok(()),
        Some(Finding { path, message, .. }) => refuse(format!("{path}: {message}")),
    }
}

fn apply(config: &mut c::QuaConfigV1, change: &Change) -> Result<(), ChangeError> {
    match change {
        Change::SetCorrection(set) => set_correction(config, set),
        Change::SetFrequency(set) => set_frequency(config, set),
        Change::SetOutputDcOffset(set) => {
            use request::set_output_dc_offset::OneofSetDc;
            let Some(OneofSetDc::Qe(port)) = &set.oneof_set_dc else {
                return missing_port();
            };
            set_output_offset(config, port, set.i, set.q)
        }
        Change::SetDcOffset(set) => {
            use request::set_dc_offset::OneofSetDc;
            let Some(OneofSetDc::Qe(port)) = &set.oneof_set_dc else {
                return missing_port();
            };
            set_output_offset(config, port, set.i, set.q)
        }
        Change::SetInputDcOffset(set) => {
            use request::set_input_dc_offset::OneofSetDc;
            let Some(OneofSetDc::Qe(port)) = &set.oneof_set_dc else {
                return missing_port();
            };
            set_input_offset(config, port, set.offset)
        }
        Change::SetOutputFilterTaps(set) => {
            use request::set_output_filter_taps::OneofSetFilterTaps;
            let Some(OneofSetFilterTaps::Qe(port)) = &set.oneof_set_filter_taps else {
                return missing_port();
            };
            set_filter(config, port, &set.filter.clone().unwrap_or_default())
        }
        Change::SetDigitalRoute(set) => set_digital_route(config, set),
        Change::SetDigitalInputThreshold(set) => {
            let threshold = finite(set.threshold, "the threshold")?;
            if let Some(message) = wrong_threshold(threshold) {
                return Err(ChangeError { code: THRESHOLD_CODE, message });
            }
            on_digital_input(config, set.digital_port.as_ref(), |input| {
                input.threshold = Some(threshold);
            })
        }
        Change::SetDigitalInputDeadtime(set) => {
            if let Some(message) = wrong_deadtime(set.deadtime) {
                return Err(ChangeError { code: DEADTIME_CODE, message });
            }
            on_digital_input(config, set.digital_port.as_ref(), |input| {
                input.deadtime = Some(set.deadtime);
            })
        }
        Change::SetDigitalInputPolarity(set) => {
            on_digital_input(config, set.digital_port.as_ref(), |input| {
                input.polarity = Some(set.polarity);
            })
        }
        Change::SetIoValues(_) => Ok(()),
    }
}

fn set_input_offset(
    config: &mut c::QuaConfigV1,
    port: &request::QePort,
    offset: f64,
) -> Result<(), ChangeError> {
    let offset = finite(offset, "the offset")?;
    let element = element_of(config, &port.qe)?;
    let Some(reference) = element.outputs.get(&port.port).cloned() else {
        return refuse(format!("the element '{}' has no output '{}'", port.qe, port.port));
    };
    on_controllers(config, &reference.controller, |controller| {
        controller.analog_inputs.get_mut(&reference.number).map(|input| {
            input.offset = Some(offset);
        })
    })
}

fn set_filter(
    config: &mut c::QuaConfigV1,
    port: &request::QePort,
    taps: &request::AnalogOutputPortFilter,
) -> Result<(), ChangeError> {
    for tap in taps.feedforward.iter().chain(&taps.feedback) {
        finite(*tap, "the filter tap")?;
    }
    let reference = dac_of(element_of(config, &port.qe)?, &port.qe, &port.port)?;
    on_controllers(config, &reference.controller, |controller| {
        controller.analog_outputs.get_mut(&reference.number).map(|output| {
            let filter = output.filter.get_or_insert_default();
            filter.feedforward.clone_from(&taps.feedforward);
            filter.feedback.clone_from(&taps.feedback);
        })
    })
}

fn missing_port() -> Result<(), ChangeError> {
    refuse("the request names no element and port")
}

fn element_of<'a>(
    config: &'a mut c::QuaConfigV1,
    name: &str,
) -> Result<&'a mut c::ElementDec, ChangeError> {
    match config.elements.get_mut(name) {
        Some(element) => Ok(element),
        None => refuse(format!("the configuration has no element '{name}'")),
    }
}

/// The port that an element's input (`I`, `Q`, `single` or a name) leads to.
fn dac_of(
    element: &c::ElementDec,
    name: &str,
    input: &str,
) -> Result<c::DacPortReference, ChangeError> {
    let found = match element.element_inputs_one_of.as_ref() {
        Some(ElementInputsOneOf::SingleInput(single)) if input == "single" => single.port.as_ref(),
        Some(ElementInputsOneOf::MixInputs(mix)) => match input {
            "I" => mix.i.as_ref(),
            "Q" => mix.q.as_ref(),
            _ => None,
        },
        Some(ElementInputsOneOf::MultipleInputs(inputs)) => inputs.inputs.get(input),
        Some(ElementInputsOneOf::SingleInputCollection(inputs)) => inputs.inputs.get(input),
        _ => None,
    };
    match found {
        Some(reference) => Ok(reference.clone()),
        None => refuse(format!("the element '{name}' has no input '{input}'")),
    }
}

/// Applies a change to a controller wherever the configuration describes it.
fn on_controllers(
    config: &mut c::QuaConfigV1,
    name: &str,
    mut change: impl FnMut(&mut c::ControllerDec) -> Option<()>,
) -> Result<(), ChangeError> {
    let mut changed = config.controllers.get_mut(name).and_then(&mut change).is_some();
    for fem in config.control_devices.get_mut(name).into_iter().flat_map(|d| d.fems.values_mut()) {
        if let Some(FemTypeOneOf::Opx(controller)) = fem.fem_type_one_of.as_mut() {
            changed |= change(controller).is_some();
        }
    }
    if changed { Ok(()) } else { refuse(format!("the controller '{name}' has no such port")) }
}

fn set_output_offset(
    config: &mut c::QuaConfigV1,
    port: &request::QePort,
    i: f64,
    q: f64,
) -> Result<(), ChangeError> {
    let offset = finite(if port.port == "Q" { q } else { i }, "the offset")?;
    let reference = dac_of(element_of(config, &port.qe)?, &port.qe, &port.port)?;
    on_controllers(config, &reference.controller, |controller| {
        controller.analog_outputs.get_mut(&reference.number).map(|output| {
            output.offset = Some(offset);
        })
    })
}

fn set_frequency(
    config: &mut c::QuaConfigV1,
    set: &request::SetFrequency,
) -> Result<(), ChangeError> {
    let Some(request::set_frequency::OneofSetFrequency::Qe(name)) = &set.oneof_set_frequency else {
        return refuse("the request names no element");
    };
    let hz = finite(set.value, "the frequency")?;
    let element = element_of(config, name)?;
    if matches!(element.oscillator_one_of, Some(OscillatorOneOf::NoOscillator(_))) {
        return refuse(format!("the element '{name}' has no intermediate frequency"));
    }
    element.intermediate_frequency = Some(hz.abs() as u64);
    element.intermediate_frequency_double = hz.abs();
    element.intermediate_frequency_negative = hz < 0.0;
    element.oscillator_one_of = Some(OscillatorOneOf::IntermediateFrequencyOscillatorDouble(hz));
    Ok(())
}

fn set_correction(
    config: &mut c::QuaConfigV1,
    set: &request::SetCorrection,
) -> Result<(), ChangeError> {
    use request::set_correction::OneofSetCorrection;
    let Some(ApiMatrix { v00, v01, v10, v11 }) = set.correction else {
        return refuse("the request carries no correction");
    };
    let Some(OneofSetCorrection::Mixer(info)) = &set.oneof_set_correction else {
        return refuse("a correction is set by its mixer");
    };
    let [v00, v01, v10, v11] =
        quantize(&info.mixer, [v00, v01, v10, v11]).or_else(|error| refuse(error.to_string()))?;
    let matrix = c::Matrix { v00, v01, v10, v11 };
    let Some(mixer) = config.mixers.get_mut(&info.mixer) else {
        return refuse(format!("the configuration has no mixer '{}'", info.mixer));
    };
    let found = mixer.correction.iter_mut().find(|entry| {
        entry.frequency_negative == info.frequency_negative
            && entry.frequency_double == info.intermediate_frequency_double
            && entry.lo_frequency_double == info.lo_frequency_double
    });
    match found {
        Some(entry) => entry.correction = Some(matrix),
        None => mixer.correction.push(c::CorrectionEntry {
            frequency: info.intermediate_frequency,
            lo_frequency: info.lo_frequency,
            correction: Some(matrix),
            frequency_negative: info.frequency_negative,
            frequency_double: info.intermediate_frequency_double,
            lo_frequency_double: info.lo_frequency_double,
        }),
    }
    Ok(())
}

fn set_digital_route(
    config: &mut c::QuaConfigV1,
    set: &request::SetDigitalRoute,
) -> Result<(), ChangeError> {
    use request::set_digital_route::OneofSetDigitalRoute as Route;
    let (name, port, delay) = match &set.oneof_set_digital_route {
        Some(Route::Delay(port)) => (&port.qe, &port.port, true),
        Some(Route::Buffer(port)) => (&port.qe, &port.port, false),
        Some(Route::Tof(element)) => {
            element_of(config, element)?.time_of_flight = Some(set.value);
            return Ok(());
        }
        Some(Route::Smearing(element)) => {
            element_of(config, element)?.smearing = Some(set.value);
            return Ok(());
        }
        None => return missing_port(),
    };
    let Some(input) = element_of(config, name)?.digital_inputs.get_mut(port) else {
        return refuse(format!("the element '{name}' has no digital input '{port}'"));
    };
    if delay {
        input.delay = set.value;
    } else {
        input.buffer = set.value;
    }
    Ok(())
}

fn on_digital_input(
    config: &mut c::QuaConfigV1,
    port: Option<&DigitalInputPort>,
    change: impl Fn(&mut c::DigitalInputPortDec),
) -> Result<(), ChangeError> {
    let Some(port) = port else {
        return missing_port();
    };
    on_controllers(config, &port.controller_name, |controller| {
        controller.digital_inputs.get_mut(&port.port_number).map(&change)
    })
}
