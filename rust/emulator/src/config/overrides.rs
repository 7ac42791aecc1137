//! Waveforms that are replaced for one job.

use pulsewire_wire::qua_config::qua_config::QuaConfigV1;
use pulsewire_wire::qua_config::qua_config::waveform_dec::WaveformOneof;

use super::pulses::is_in_range;

/// Why a waveform cannot be replaced so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct OverrideError(String);

/// Whether a waveform may be replaced: constant ones, and arbitrary ones that are overridable, of their own length
/// and without a sampling rate or an allowed error.
pub(super) fn check_override(
    config: &QuaConfigV1,
    name: &str,
    samples: &[f64],
) -> Result<(), OverrideError> {
    let waveform = config.waveforms.get(name).and_then(|waveform| waveform.waveform_oneof.as_ref());
    // Also false for NaN.
    if let Some(sample) = samples.iter().find(|sample| !is_in_range(**sample)) {
        return Err(OverrideError(format!(
            "the override of '{name}' has the sample {sample} V; samples lie in [-0.5, 0.5]"
        )));
    }
    match waveform {
        None => {
            Err(OverrideError(format!("the configuration has no waveform '{name}' to override")))
        }
        Some(WaveformOneof::Constant(_)) => match samples {
            [_] => Ok(()),
            _ => Err(OverrideError(format!(
                "the constant waveform '{name}' takes 1 sample, not {}",
                samples.len()
            ))),
        },
        Some(WaveformOneof::Arbitrary(arbitrary)) => {
            if !arbitrary.is_overridable {
                return Err(OverrideError(format!(
                    "the waveform '{name}' is not overridable; set is_overridable in the configuration"
                )));
            }
            if samples.len() != arbitrary.samples.len() {
                return Err(OverrideError(format!(
                    "the override of '{name}' has {} samples, the waveform {}",
                    samples.len(),
                    arbitrary.samples.len()
                )));
            }
            Ok(())
        }
        Some(_) => Err(OverrideError(format!(
            "the waveform '{name}' is of a kind that cannot be overridden"
        ))),
    }
}
