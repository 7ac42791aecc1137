//! What is wrong with a configuration before any program names its parts.
//!
//! A QOP looks at the whole configuration when a machine is opened or a program simulated, and names the
//! part and the rule of each finding; the one message of a real QOP that is public reads
//! `CONFIG ERROR in key "elements.x" [elements.allPulsesExist] : …`. Paths and groups follow its form.

use std::collections::{BTreeMap, HashMap};

use pulsewire_wire::qua_config::qua_config as c;
use pulsewire_wire::qua_config::qua_config::element_dec::ElementInputsOneOf;
use pulsewire_wire::qua_config::qua_config::fem_types::FemTypeOneOf;
use pulsewire_wire::qua_config::qua_config::waveform_dec::WaveformOneof;

use super::mixers::quantize;
use super::ports::controllers;
use super::pulses::{WEIGHT_NS, is_in_range, sample_count};
use super::resolved::ResolvedConfig;

/// Ports of an OPX+.
pub(crate) const ANALOG_OUTPUTS: u32 = 10;
pub(crate) const ANALOG_INPUTS: u32 = 2;
const DIGITAL_OUTPUTS: u32 = 10;
/// Of analog inputs, dB.
const GAINS: std::ops::RangeInclusive<i32> = -12..=20;
/// Of digital inputs, nanoseconds.
const DEADTIMES: std::ops::RangeInclusive<u32> = 4..=16;
/// Of digital inputs, volts.
const MOST_THRESHOLD: f64 = 3.3;
/// Nanoseconds.
const LEAST_TIME_OF_FLIGHT: u32 = 24;
/// Findings that are told; a hostile configuration has no end of them.
pub(crate) const MOST_FINDINGS: usize = 1_000;

/// Bytes of a path or a message.
const MOST_TEXT: usize = 500;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The part of the configuration: `elements.qubit`.
    pub path: String,
    /// The rule: `elements.allPulsesExist`.
    pub group: &'static str,
    /// What is wrong, and what would be right.
    pub message: String,
    /// Whether the hardware cannot do it, rather than the configuration not say it.
    pub physical: bool,
}

/// Everything that is wrong with a configuration, in the order of its sections and names.
pub(super) fn validate(config: &c::QuaConfigV1) -> Vec<Finding> {
    let mut report = Report::default();
    if report.modules(config) {
        // What is connected to modules of another system would be wrong because of them.
        return report.findings;
    }
    report.controllers(config);
    report.elements(config);
    report.pulses(config);
    report.waveforms(config);
    report.weights(config);
    report.mixers(config);
    report.findings
}

/// A text that is not longer than anybody reads; names of a hostile configuration have no end.
fn cut(mut text: String) -> String {
    if text.len() > MOST_TEXT {
        let end = (0..=MOST_TEXT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
        text.shrink_to_fit();
    }
    text
}

/// A map's entries by name, so that findings come in one order.
fn sorted<K: Ord, V>(map: &HashMap<K, V>) -> BTreeMap<&K, &V> {
    map.iter().collect()
}

/// What is wrong with the deadtime of a digital input, nanoseconds.
pub(super) fn wrong_deadtime(deadtime: u32) -> Option<String> {
    let known = DEADTIMES.contains(&deadtime);
    (!known).then(|| {
        let (least, most) = DEADTIMES.into_inner();
        format!("the deadtime of a digital input is {least} to {most} ns, not {deadtime}")
    })
}

/// What is wrong with the threshold of a digital input, volts.
pub(super) fn wrong_threshold(threshold: f64) -> Option<String> {
    let known = (0.0..MOST_THRESHOLD).contains(&threshold);
    (!known).then(|| {
        format!(
            "the threshold of a digital input is from 0 V on and below {MOST_THRESHOLD} V, not {threshold}"
        )
    })
}

#[derive(Default)]
struct Report {
    findings: Vec<Finding>,
}

impl Report {
    fn wrong(&mut self, path: String, group: &'static str, message: impl Into<String>) {
        self.add(path, group, message.into(), false);
    }

    fn impossible(&mut self, path: String, group: &'static str, message: impl Into<String>) {
        self.add(path, group, message.into(), true);
    }

    fn add(&mut self, path: String, group: &'static str, message: String, physical: bool) {
        if !self.is_full() {
            let (path, message) = (cut(path), cut(message));
            self.findings.push(Finding { path, group, message, physical });
        }
    }

    fn is_full(&self) -> bool {
        self.findings.len() >= MOST_FINDINGS
    }

    fn number(&mut self, path: &str, number: u32, most: u32, what: &str) {
        if !(1..=most).contains(&number) {
            self.impossible(
                format!("{path}.{number}"),
                "controllers.portsExist",
                format!("an OPX+ has no {what} {number}; it has 1 to {most}"),
            );
        }
    }

    /// Whether there are modules that an OPX+ does not have.
    fn modules(&mut self, config: &c::QuaConfigV1) -> bool {
        for (name, device) in sorted(&config.control_devices) {
            for (slot, module) in sorted(&device.fems) {
                if !matches!(module.fem_type_one_of, Some(FemTypeOneOf::Opx(_)) | None) {
                    self.impossible(
                        format!("controllers.{name}.fems.{slot}"),
                        "controllers.portsExist",
                        format!(
                            "the module {slot} of '{name}' is a FEM of the OPX1000, which is QOP 3; this is a QOP 2 with OPX+"
                        ),
                    );
                }
            }
        }
        !self.findings.is_empty()
    }

    fn controllers(&mut self, config: &c::QuaConfigV1) {
        for (name, controller) in controllers(config) {
            let path = format!("controllers.{name}");
            let outputs = format!("{path}.analog_outputs");
            for (number, output) in sorted(&controller.analog_outputs) {
                self.number(&outputs, *number, ANALOG_OUTPUTS, "analog output");
                let offset = output.offset.unwrap_or(0.0);
                if !(-0.5..0.5).contains(&offset) {
                    self.impossible(
                        format!("{outputs}.{number}"),
                        "controllers.offsets",
                        format!("the offset is {offset} V; it lies in [-0.5, 0.5)"),
                    );
                }
            }
            let inputs = format!("{path}.analog_inputs");
            for (number, input) in sorted(&controller.analog_inputs) {
                self.number(&inputs, *number, ANALOG_INPUTS, "analog input");
                let gain = input.gain_db.unwrap_or(0);
                if !GAINS.contains(&gain) {
                    self.impossible(
                        format!("{inputs}.{number}"),
                        "controllers.gains",
                        format!("gain_db is {gain}; it is a whole number from -12 to 20"),
                    );
                }
            }
            let digital = format!("{path}.digital_outputs");
            for number in sorted(&controller.digital_outputs).into_keys() {
                self.number(&digital, *number, DIGITAL_OUTPUTS, "digital output");
            }
            let digital = format!("{path}.digital_inputs");
            for (number, input) in sorted(&controller.digital_inputs) {
                let wrong = [
                    input.deadtime.and_then(wrong_deadtime),
                    input.threshold.and_then(wrong_threshold),
                ];
                for message in wrong.into_iter().flatten() {
                    let path = format!("{digital}.{number}");
                    self.impossible(path, "controllers.digitalInputs", message);
                }
            }
        }
        if let Err(error) = ResolvedConfig::of_ports(config) {
            let message = error.to_string();
            self.impossible("controllers".to_owned(), "controllers.outputs", message);
        }
    }

    fn elements(&mut self, config: &c::QuaConfigV1) {
        // Without its ports, every element would be wrong.
        let Ok(mut resolved) = ResolvedConfig::of_ports(config) else { return };
        for (name, element) in sorted(&config.elements) {
            let path = format!("elements.{name}");
            if let Err(error) = resolved.add_element(config, name) {
                self.wrong(path.clone(), "elements.allPortsExist", error.to_string());
            }
            let reads = !element.outputs.is_empty();
            let (tof, smearing) =
                (element.time_of_flight.unwrap_or(0), element.smearing.unwrap_or(0));
            if reads && tof < LEAST_TIME_OF_FLIGHT {
                self.impossible(
                    path.clone(),
                    "elements.timeOfFlight",
                    format!(
                        "time_of_flight of '{name}' is {tof} ns; it is at least {LEAST_TIME_OF_FLIGHT}"
                    ),
                );
            }
            if reads && smearing > 0 && u64::from(smearing) + 8 > u64::from(tof) {
                self.impossible(
                    path.clone(),
                    "elements.smearing",
                    format!(
                        "smearing of '{name}' is {smearing} ns; it is at most time_of_flight less 8, {}",
                        tof.saturating_sub(8)
                    ),
                );
            }
            self.operations(config, name, element, &path);
        }
    }

    fn operations(
        &mut self,
        config: &c::QuaConfigV1,
        name: &str,
        element: &c::ElementDec,
        path: &str,
    ) {
        let inputs: &[&str] = match element.element_inputs_one_of.as_ref() {
            None => &[],
            Some(ElementInputsOneOf::MixInputs(_)) => &["I", "Q"],
            Some(_) => &["single"],
        };
        for (operation, pulse) in sorted(&element.operations) {
            if self.is_full() {
                return;
            }
            let Some(found) = config.pulses.get(pulse) else {
                self.wrong(
                    path.to_owned(),
                    "elements.allPulsesExist",
                    format!(
                        "the operation '{operation}' of '{name}' is the pulse '{pulse}', which the configuration does not have"
                    ),
                );
                continue;
            };
            let missing = inputs.iter().any(|input| !found.waveforms.contains_key(*input));
            if !found.waveforms.is_empty() && missing {
                let given: Vec<_> =
                    sorted(&found.waveforms).into_keys().map(String::as_str).collect();
                self.wrong(
                    path.to_owned(),
                    "elements.allPulsesExist",
                    format!(
                        "'{name}' has the inputs {}, but its operation '{operation}' is the pulse '{pulse}' with waveforms for {}",
                        inputs.join(", "),
                        given.join(", ")
                    ),
                );
            }
        }
    }

    fn pulses(&mut self, config: &c::QuaConfigV1) {
        for (name, pulse) in sorted(&config.pulses) {
            let path = format!("pulses.{name}");
            if pulse.length == 0 || pulse.length % 4 != 0 {
                self.impossible(
                    path.clone(),
                    "pulses.length",
                    format!("'{name}' is {} ns long; lengths are multiples of 4", pulse.length),
                );
            }
            for (input, waveform) in sorted(&pulse.waveforms) {
                self.waveform_of(config, name, pulse.length, input, waveform, &path);
            }
            if let Some(marker) = &pulse.digital_marker
                && !config.digital_waveforms.contains_key(marker)
            {
                self.wrong(
                    path.clone(),
                    "pulses.allDigitalWaveformsExist",
                    format!(
                        "'{name}' has the digital marker '{marker}', which the configuration does not have"
                    ),
                );
            }
            for (label, weights) in sorted(&pulse.integration_weights) {
                if !config.integration_weights.contains_key(weights) {
                    self.wrong(
                        path.clone(),
                        "pulses.allIntegrationWeightsExist",
                        format!(
                            "the weights '{label}' of '{name}' are '{weights}', which the configuration does not have"
                        ),
                    );
                }
            }
        }
    }

    fn waveform_of(
        &mut self,
        config: &c::QuaConfigV1,
        pulse: &str,
        length: u32,
        input: &str,
        waveform: &str,
        path: &str,
    ) {
        let found = config.waveforms.get(waveform).and_then(|w| w.waveform_oneof.as_ref());
        match found {
            None => self.wrong(
                path.to_owned(),
                "pulses.allWaveformsExist",
                format!(
                    "'{pulse}' plays the waveform '{waveform}' on {input}, which the configuration does not have"
                ),
            ),
            Some(WaveformOneof::Arbitrary(arbitrary)) => {
                let rate = arbitrary.sampling_rate.unwrap_or(1e9);
                let expected = sample_count(length, rate);
                if arbitrary.samples.len() != expected {
                    self.wrong(
                        path.to_owned(),
                        "pulses.waveformLengths",
                        format!(
                            "'{pulse}' is {length} ns long, which are {expected} samples, but its waveform '{waveform}' has {}",
                            arbitrary.samples.len()
                        ),
                    );
                }
            }
            Some(WaveformOneof::Constant(_)) => {}
            Some(_) => self.wrong(
                path.to_owned(),
                "pulses.allWaveformsExist",
                format!("the waveform '{waveform}' is of a kind that QOP 2 does not have"),
            ),
        }
    }

    fn waveforms(&mut self, config: &c::QuaConfigV1) {
        for (name, waveform) in sorted(&config.waveforms) {
            let samples = match waveform.waveform_oneof.as_ref() {
                Some(WaveformOneof::Constant(constant)) => std::slice::from_ref(&constant.sample),
                Some(WaveformOneof::Arbitrary(arbitrary)) => &arbitrary.samples[..],
                _ => continue,
            };
            // Also false for NaN.
            let beyond = samples.iter().position(|sample| !is_in_range(*sample));
            if let Some(place) = beyond {
                self.impossible(
                    format!("waveforms.{name}"),
                    "waveforms.range",
                    format!(
                        "the sample {place} of '{name}' is {} V; samples lie in [-0.5, 0.5]",
                        samples[place]
                    ),
                );
            }
        }
    }

    fn weights(&mut self, config: &c::QuaConfigV1) {
        for (name, weights) in sorted(&config.integration_weights) {
            for (side, samples) in [("cosine", &weights.cosine), ("sine", &weights.sine)] {
                let wrong = samples
                    .iter()
                    .find(|sample| sample.length % WEIGHT_NS != 0 || !sample.value.is_finite());
                if let Some(sample) = wrong {
                    self.wrong(
                        format!("integration_weights.{name}"),
                        "integrationWeights.lengths",
                        format!(
                            "{side} of '{name}' holds {} for {} ns; values are numbers, their lengths multiples of 4",
                            sample.value, sample.length
                        ),
                    );
                }
            }
        }
    }

    fn mixers(&mut self, config: &c::QuaConfigV1) {
        for (name, mixer) in sorted(&config.mixers) {
            for entry in &mixer.correction {
                let Some(matrix) = entry.correction.as_ref() else { continue };
                let all = [matrix.v00, matrix.v01, matrix.v10, matrix.v11];
                if quantize(name, all).is_err() {
                    self.impossible(
                        format!("mixers.{name}"),
                        "mixers.correction",
                        format!("the correction {all:?} of '{name}' is outside [-2, 2 - 2^-16]"),
                    );
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_configuration_is_right() {
        assert_eq!(validate(&c::QuaConfigV1::default()), []);
    }

    #[test]
    fn findings_of_a_hostile_configuration_are_bounded() {
        let element = c::ElementDec {
            operations: (0..5_000).map(|n| (format!("o{n}"), "none".to_owned())).collect(),
            ..Default::default()
        };
        let elements = HashMap::from([("e".to_owned(), element)]);
        let config = c::QuaConfigV1 { elements, ..Default::default() };
        let findings = validate(&config);
        assert_eq!(findings.len(), MOST_FINDINGS);
        assert_eq!(findings[0].path, "elements.e");
        assert_eq!(findings[0].group, "elements.allPulsesExist");
    }
}
