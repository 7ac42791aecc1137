//! Pulses of a configuration: their waveforms, markers and integration weights.

use std::collections::HashMap;
use std::sync::Arc;

use pulsewire_wire::qua_config::qua_config as c;
use pulsewire_wire::qua_config::qua_config::element_dec::ElementInputsOneOf;
use pulsewire_wire::qua_config::qua_config::waveform_dec::WaveformOneof;

use super::error::ConfigError;
use super::interpolation::stretch;
use super::range::{HIGHEST, LOWEST};

/// Nanoseconds that a stretch of integration weights is a multiple of.
pub(crate) const WEIGHT_NS: u32 = 4;
/// Samples that one waveform, marker or list of weights may have.
const MOST_SAMPLES: usize = 1 << 22;

/// How far beyond half a volt a sample may be by the rounding of whoever computed it.
const ROUNDING: f64 = 1e-9;

/// Whether a waveform may have a sample; not for NaN.
pub(crate) fn is_in_range(sample: f64) -> bool {
    (-0.5 - ROUNDING..=0.5 + ROUNDING).contains(&sample)
}

/// A sample as the hardware stores it, before it is multiplied or turned: below half a volt by a step of
/// 16 bits.
fn stored(sample: f64) -> f64 {
    sample.clamp(LOWEST, HIGHEST)
}

/// Waveforms replaced for one job, by name.
pub(crate) type Overrides = HashMap<String, Vec<f64>>;

/// The samples of a waveform, volts.
#[derive(Clone, Debug, PartialEq)]
pub enum Wave {
    Constant(f64),
    Samples(Arc<[f64]>),
}

/// What a pulse plays.
#[derive(Clone, Debug, PartialEq)]
pub enum Waves {
    /// Only a digital marker.
    None,
    Single(Wave),
    Mixed {
        i: Wave,
        q: Wave,
    },
}

impl Waves {
    /// Whether any is arbitrary: what is stretched, and cannot be pressed together.
    pub fn are_shaped(&self) -> bool {
        let shaped = |wave: &Wave| matches!(wave, Wave::Samples(_));
        match self {
            Self::None => false,
            Self::Single(wave) => shaped(wave),
            Self::Mixed { i, q } => shaped(i) || shaped(q),
        }
    }

    /// The largest sample, I and Q together.
    pub fn size(&self) -> f64 {
        let all = |wave: &Wave| match wave {
            Wave::Constant(value) => vec![*value],
            Wave::Samples(samples) => samples.to_vec(),
        };
        let (i, q) = match self {
            Self::None => return 0.0,
            Self::Single(wave) => (all(wave), vec![0.0]),
            Self::Mixed { i, q } => (all(i), all(q)),
        };
        // A constant holds beside each sample of the other.
        let at = |values: &[f64], index: usize| values[index.min(values.len() - 1)];
        let len = i.len().max(q.len());
        if i.is_empty() || q.is_empty() {
            return 0.0;
        }
        (0..len).fold(0.0, |most, index| most.max(at(&i, index).hypot(at(&q, index))))
    }
}

/// Integration weights: stretches of one value, each a multiple of 4 ns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights {
    /// One value for each 4 ns.
    pub cosine: Arc<[f64]>,
    /// One value for each 4 ns.
    pub sine: Arc<[f64]>,
}

impl Weights {
    /// Nanoseconds that they span.
    pub fn length(&self) -> u64 {
        self.cosine.len().max(self.sine.len()) as u64 * u64::from(WEIGHT_NS)
    }
}

/// A digital marker: levels and how long each holds, ns; 0 for the rest of the pulse.
pub(crate) type Marker = Arc<[(bool, u32)]>;

/// A pulse of the configuration.
#[derive(Clone, Debug)]
pub struct Pulse {
    /// As the configuration names it.
    pub name: String,
    /// As the program names it.
    pub operation: String,
    /// Names of its waveforms: I and Q, or the single one.
    pub waveforms: Vec<String>,
    /// Nanoseconds.
    pub length: u32,
    pub waves: Waves,
    pub marker: Option<Marker>,
    /// The name of the digital waveform.
    pub marker_name: String,
    /// By the name that measure statements give.
    pub weights: HashMap<String, Weights>,
}

/// The pulse that an operation of an element is.
///
/// # Errors
/// The name that is missing, or the length that cannot be.
pub(crate) fn resolve_pulse(
    config: &c::QuaConfigV1,
    element: &str,
    operation: &str,
    overrides: &Overrides,
) -> Result<Pulse, ConfigError> {
    let owner = config
        .elements
        .get(element)
        .ok_or_else(|| format!("the configuration has no element '{element}'"))?;
    let name = owner.operations.get(operation).ok_or_else(|| {
        let mut known: Vec<_> = owner.operations.keys().map(String::as_str).collect();
        known.sort_unstable();
        format!(
            "the element '{element}' has no operation '{operation}'; it has: {}",
            known.join(", ")
        )
    })?;
    let pulse = config.pulses.get(name).ok_or_else(|| {
        format!("the operation '{operation}' of '{element}' is the pulse '{name}', which the configuration does not have")
    })?;
    let reader = PulseReader { config, name, pulse, overrides };
    let (waves, waveforms) = reader.waves(element, owner)?;
    Ok(Pulse {
        name: name.clone(),
        operation: operation.to_owned(),
        waveforms,
        length: pulse.length,
        waves,
        marker: reader.marker()?,
        marker_name: pulse.digital_marker.clone().unwrap_or_default(),
        weights: reader.weights()?,
    })
}

/// A pulse that is read.
struct PulseReader<'a> {
    config: &'a c::QuaConfigV1,
    name: &'a str,
    pulse: &'a c::PulseDec,
    overrides: &'a Overrides,
}

impl PulseReader<'_> {
    /// What it plays on an element, and the names of the waveforms.
    fn waves(
        &self,
        element: &str,
        owner: &c::ElementDec,
    ) -> Result<(Waves, Vec<String>), ConfigError> {
        let Self { config, name, pulse, overrides } = *self;
        let mut waveforms = Vec::new();
        let mut of = |input: &str| {
            let waveform = pulse.waveforms.get(input).ok_or_else(|| {
                format!("the pulse '{name}' has no waveform '{input}', which the element '{element}' plays")
            })?;
            waveforms.push(waveform.clone());
            wave(config, name, waveform, pulse.length, overrides.get(waveform))
        };
        let waves = match owner.element_inputs_one_of.as_ref() {
            None => Waves::None,
            Some(_) if pulse.waveforms.is_empty() => Waves::None,
            Some(ElementInputsOneOf::MixInputs(_)) => Waves::Mixed { i: of("I")?, q: of("Q")? },
            Some(_) => Waves::Single(of("single")?),
        };
        Ok((waves, waveforms))
    }

    fn marker(&self) -> Result<Option<Marker>, ConfigError> {
        let Some(marker) = self.pulse.digital_marker.as_ref() else { return Ok(None) };
        let found = self.config.digital_waveforms.get(marker).ok_or_else(|| {
            format!("the pulse '{}' has the digital marker '{marker}', which the configuration does not have", self.name)
        })?;
        Ok(Some(found.samples.iter().map(|sample| (sample.value, sample.length)).collect()))
    }

    fn weights(&self) -> Result<HashMap<String, Weights>, ConfigError> {
        let mut weights = HashMap::new();
        // Labels may share weights.
        let mut unrolled: HashMap<&String, Weights> = HashMap::new();
        for (label, reference) in &self.pulse.integration_weights {
            let found = self.config.integration_weights.get(reference).ok_or_else(|| {
                format!("the pulse '{}' has the integration weights '{reference}', which the configuration does not have", self.name)
            })?;
            if !unrolled.contains_key(reference) {
                let side = |samples: &[c::IntegrationWeightSample]| unroll(samples, reference);
                let (cosine, sine) = (side(&found.cosine)?, side(&found.sine)?);
                unrolled.insert(reference, Weights { cosine, sine });
            }
            weights.insert(label.clone(), unrolled[reference].clone());
        }
        Ok(weights)
    }
}

/// Weights as one value for each 4 ns.
fn unroll(samples: &[c::IntegrationWeightSample], name: &str) -> Result<Arc<[f64]>, ConfigError> {
    let mut values = Vec::new();
    for sample in samples {
        if sample.length % WEIGHT_NS != 0 {
            return Err(ConfigError(format!(
                "the integration weights '{name}' hold a value for {} ns, not a multiple of 4",
                sample.length
            )));
        }
        let count = (sample.length / WEIGHT_NS) as usize;
        if values.len() + count > MOST_SAMPLES {
            return Err(ConfigError(format!("the integration weights '{name}' are too long")));
        }
        values.resize(values.len() + count, sample.value);
    }
    Ok(values.into())
}

fn wave(
    config: &c::QuaConfigV1,
    pulse: &str,
    name: &str,
    length: u32,
    replaced: Option<&Vec<f64>>,
) -> Result<Wave, ConfigError> {
    let waveform = config.waveforms.get(name).and_then(|waveform| waveform.waveform_oneof.as_ref());
    let waveform = waveform.ok_or_else(|| {
        format!(
            "the pulse '{pulse}' has the waveform '{name}', which the configuration does not have"
        )
    })?;
    match (waveform, replaced.map(Vec::as_slice)) {
        (WaveformOneof::Constant(_), Some([sample])) => Ok(Wave::Constant(stored(*sample))),
        (WaveformOneof::Constant(constant), _) => Ok(Wave::Constant(stored(constant.sample))),
        (WaveformOneof::Arbitrary(arbitrary), replaced) => {
            let samples = replaced.unwrap_or(&arbitrary.samples);
            let rate = arbitrary.sampling_rate.unwrap_or(1e9);
            let samples: Arc<[f64]> =
                if rate == 1e9 { samples.into() } else { resample(samples, rate, length) };
            if samples.len() != length as usize {
                return Err(ConfigError(format!(
                    "the waveform '{name}' has {} samples where the pulse '{pulse}' is {length} ns long",
                    samples.len()
                )));
            }
            Ok(Wave::Samples(samples.iter().copied().map(stored).collect()))
        }
        _ => {
            Err(ConfigError(format!("the waveform '{name}' is of a kind that QOP 2 does not have")))
        }
    }
}

/// How many samples of a rate (samples a second) a pulse of so many nanoseconds has.
pub(crate) fn sample_count(length: u32, rate: f64) -> usize {
    (f64::from(length) * rate * 1e-9).round() as usize
}

/// A waveform given with fewer samples, at 1 GS/s: the interpolation of a stretch.
fn resample(samples: &[f64], rate: f64, length: u32) -> Arc<[f64]> {
    // What does not fit, or is too long, is refused by its length.
    if sample_count(length, rate) != samples.len() || length as usize > MOST_SAMPLES {
        return samples.into();
    }
    stretch(samples, u64::from(length), length as usize).into()
}
