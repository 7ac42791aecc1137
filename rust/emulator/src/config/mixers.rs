//! Mixer corrections: 1 sign bit, 1 integer bit, 16 fractional bits.

use pulsewire_common::correction::{self, IDENTITY, Matrix};
use pulsewire_wire::qua_config::qua_config::QuaConfigV1;
use pulsewire_wire::qua_config::qua_config::element_dec::ElementInputsOneOf;

use super::oscillators::oscillator_of;

/// Why an element has no correction, or cannot take one.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum CorrectionError {
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

/// The nearest entries that the hardware holds; ties to even.
pub(crate) fn quantize(element: &str, matrix: Matrix) -> Result<Matrix, CorrectionError> {
    correction::quantize(matrix).map_err(|error| CorrectionError::Invalid {
        element: element.to_owned(),
        value: error.value,
    })
}

/// The correction that a mixer has at a frequency; the identity when it has none.
pub(super) fn entry_of(
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
        None => Ok(IDENTITY),
    }
}

/// The correction that the configuration gives an element; the identity when it names none.
pub(super) fn of_element(config: &QuaConfigV1, name: &str) -> Result<Matrix, CorrectionError> {
    let missing = || CorrectionError::MissingElement(name.to_owned());
    let element = config.elements.get(name).ok_or_else(missing)?;
    let Some(ElementInputsOneOf::MixInputs(_)) = element.element_inputs_one_of.as_ref() else {
        return Err(CorrectionError::SingleInput(name.to_owned()));
    };
    let (frequency, mixer, lo) = oscillator_of(config, element)
        .ok_or_else(|| CorrectionError::NoIntermediateFrequency(name.to_owned()))?;
    entry_of(config, name, &mixer, frequency, lo)
}
