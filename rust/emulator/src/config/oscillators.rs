//! Oscillators: the frequency of an element, and the mixer that it goes with.

use pulsewire_wire::qua_config::qua_config::element_dec::{ElementInputsOneOf, OscillatorOneOf};
use pulsewire_wire::qua_config::qua_config::{ElementDec, QuaConfigV1};

/// The intermediate frequency of an element, signed.
pub(super) fn frequency_of(element: &ElementDec) -> Option<f64> {
    match element.oscillator_one_of.as_ref() {
        Some(OscillatorOneOf::IntermediateFrequencyOscillatorDouble(hz)) => return Some(*hz),
        Some(OscillatorOneOf::IntermediateFrequencyOscillator(hz)) => return Some(*hz as f64),
        Some(OscillatorOneOf::NoOscillator(_)) => return None,
        Some(OscillatorOneOf::NamedOscillator(_)) | None => {}
    }
    let whole = element.intermediate_frequency.map(|hz| hz as f64);
    let hz = if element.intermediate_frequency_double != 0.0 {
        Some(element.intermediate_frequency_double)
    } else {
        whole
    };
    hz.map(|hz| if element.intermediate_frequency_negative { -hz } else { hz })
}

/// The oscillator of an element: its frequency, and the mixer and local oscillator that it goes with.
pub(super) fn oscillator_of(
    config: &QuaConfigV1,
    element: &ElementDec,
) -> Option<(f64, String, f64)> {
    if let Some(OscillatorOneOf::NamedOscillator(name)) = element.oscillator_one_of.as_ref() {
        let oscillator = config.oscillators.get(name)?;
        let mixer = oscillator.mixer.as_ref();
        let (mixer, lo) =
            mixer.map_or((String::new(), 0.0), |m| (m.mixer.clone(), m.lo_frequency_double));
        return Some((oscillator.intermediate_frequency_double, mixer, lo));
    }
    let frequency = frequency_of(element)?;
    Some(match element.element_inputs_one_of.as_ref() {
        Some(ElementInputsOneOf::MixInputs(inputs)) => {
            (frequency, inputs.mixer.clone(), inputs.lo_frequency_double)
        }
        _ => (frequency, String::new(), 0.0),
    })
}
