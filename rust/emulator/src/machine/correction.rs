//! Mixer corrections: 1 sign bit, 1 integer bit, 16 fractional bits.

use pulsewire_wire::qua_config::QuaConfig;
use pulsewire_wire::qua_config::qua_config::element_dec::{ElementInputsOneOf, OscillatorOneOf};
use pulsewire_wire::qua_config::qua_config::{ConfigVersion, ElementDec, QuaConfigV1};

/// v00, v01, v10, v11.
pub type Matrix = [f64; 4];

const STEPS: f64 = 65_536.0;

/// Why an element has no correction, or cannot take one (F2.7).
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CorrectionError {
    /// The configuration has no such element.
    #[error("the configuration of the job has no element '{0}'")]
    MissingElement(String),
    /// It has a single input.
    #[error("the element '{0}' has no pair of inputs I and Q")]
    SingleInput(String),
    /// It has no intermediate frequency.
    #[error("the element '{0}' has no intermediate frequency")]
    NoIntermediateFrequency(String),
    /// An entry is out of range.
    #[error("the correction of '{element}' has the entry {value}, outside [-2, 2 - 2^-16]")]
    Invalid { element: String, value: f64 },
}

/// The first version of a configuration: the one of QOP 2.
pub(super) fn first_version(config: &QuaConfig) -> Option<&QuaConfigV1> {
    match config.config_version.as_ref()? {
        ConfigVersion::V1beta(config) => Some(config),
        ConfigVersion::V2(_) => None,
    }
}

/// Why a configuration is none of QOP 2.
pub(super) fn no_config(config: &QuaConfig) -> &'static str {
    match config.config_version {
        Some(ConfigVersion::V2(_)) => {
            "the configuration is of the second version, which belongs to QOP 3 (OPX1000 and its FEMs); this is a QOP 2"
        }
        _ => "the request carries no configuration of the first version (QOP 2)",
    }
}

/// The nearest entries that the hardware holds; ties to even.
pub(super) fn quantize(element: &str, matrix: Matrix) -> Result<Matrix, CorrectionError> {
    let mut out = [0.0; 4];
    for (out, value) in out.iter_mut().zip(matrix) {
        // Also false for NaN.
        if !(-2.0..=2.0 - 1.0 / STEPS).contains(&value) {
            return Err(CorrectionError::Invalid { element: element.to_owned(), value });
        }
        *out = (value * STEPS).round_ties_even() / STEPS;
    }
    Ok(out)
}

/// The intermediate frequency of an element, signed.
fn frequency_of(element: &ElementDec) -> Option<f64> {
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
pub fn oscillator_of(config: &QuaConfigV1, element: &ElementDec) -> Option<(f64, String, f64)> {
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

/// The correction that a mixer has at a frequency; the identity when it has none.
pub fn entry_of(
    config: &QuaConfigV1,
    element: &str,
    mixer: &str,
    frequency: f64,
    lo: f64,
) -> Result<Matrix, CorrectionError> {
    let entries = config.mixers.get(mixer).map_or(&[][..], |mixer| &mixer.correction);
    let found = entries.iter().find(|entry| {
        let sign = if entry.frequency_negative { -1.0 } else { 1.0 };
        sign * entry.frequency_double == frequency && entry.lo_frequency_double == lo
    });
    match found.and_then(|entry| entry.correction.as_ref()) {
        Some(matrix) => quantize(element, [matrix.v00, matrix.v01, matrix.v10, matrix.v11]),
        None => Ok([1.0, 0.0, 0.0, 1.0]),
    }
}

/// The correction that the configuration gives an element; the identity when it names none.
pub(super) fn of_element(config: &QuaConfig, name: &str) -> Result<Matrix, CorrectionError> {
    let missing = || CorrectionError::MissingElement(name.to_owned());
    let config = first_version(config).ok_or_else(missing)?;
    let element = config.elements.get(name).ok_or_else(missing)?;
    let Some(ElementInputsOneOf::MixInputs(_)) = element.element_inputs_one_of.as_ref() else {
        return Err(CorrectionError::SingleInput(name.to_owned()));
    };
    let (frequency, mixer, lo) = oscillator_of(config, element)
        .ok_or_else(|| CorrectionError::NoIntermediateFrequency(name.to_owned()))?;
    entry_of(config, name, &mixer, frequency, lo)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_rounded_to_the_hardwares_step() {
        let step = 1.0 / STEPS;
        let rounded = quantize("q", [0.4 * step, 1.6 * step, -2.0, 2.0 - step]).unwrap();
        assert_eq!(rounded, [0.0, 2.0 * step, -2.0, 2.0 - step]);
        for value in [2.0, -2.1, f64::NAN, f64::INFINITY] {
            let error = quantize("q", [1.0, 0.0, 0.0, value]).unwrap_err();
            assert!(error.to_string().contains("'q'"), "{error}");
        }
    }
}
