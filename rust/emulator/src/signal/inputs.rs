//! What the analog inputs of controllers see: the one trait, and the sources without a model.

use std::sync::Arc;

use super::phase::{Phase, Speed};
use super::random::Noise;
use crate::config::pulses::Weights;
use crate::config::resolved::ResolvedConfig;

/// Counts of the converter for a volt; it inverts.
const COUNTS: f64 = -4096.0;
/// The smallest count of the converter.
pub(super) const LOWEST: f64 = -2048.0;
/// The largest count of the converter.
pub(super) const HIGHEST: f64 = 2047.0;

/// The source of what all analog inputs see in one run.
///
/// A run tells it of what it plays and measures, in this order: [`Self::drive`] for each pulse, and for each
/// measurement [`Self::begin`], the values and samples of it, [`Self::end`]. A source that does not care leaves
/// these as they are.
pub(crate) trait InputSource: std::fmt::Debug + Send {
    /// Whether it wants to hear of the pulses of an element.
    fn follows(&self, element: u32) -> bool {
        let _ = element;
        false
    }

    /// A pulse is played on an element that it follows.
    fn drive(&mut self, config: &ResolvedConfig, element: u32, pulse: u32, drive: Drive) {
        let _ = (config, element, pulse, drive);
    }

    /// A measurement begins.
    fn begin(&mut self, config: &ResolvedConfig, measurement: &Measurement) {
        let _ = (config, measurement);
    }

    /// The values that the weighted processes of a measurement compute, one for each list of inputs, when they can be
    /// had without samples. `halted` is looked at where it takes long.
    fn values<'c>(
        &mut self,
        config: &'c ResolvedConfig,
        measurement: &Measurement,
        inputs: &dyn Fn() -> Vec<Vec<PlannedInput<'c>>>,
        halted: &dyn Fn() -> bool,
        out: &mut Vec<f64>,
    ) -> Computed {
        let _ = (config, measurement, inputs, halted, out);
        Computed::FromSamples
    }

    /// Times of photons within a window, nanoseconds, for an element whose photons it knows of.
    fn photons(&mut self, element: u32, window: u64, dead: u64, most: usize) -> Option<Vec<f64>> {
        let _ = (element, window, dead, most);
        None
    }

    /// The counts of an input from a nanosecond on; the offset of the input is added behind the converter.
    fn counts(&mut self, config: &ResolvedConfig, input: usize, from: i64, len: usize) -> Vec<f64>;

    /// Whether an input sees zero volts all the time, its offset aside.
    fn is_still(&self, input: usize) -> bool;

    /// The measurement is over.
    fn end(&mut self) {}
}

/// A measurement that begins.
#[derive(Clone, Debug)]
pub(crate) struct Measurement {
    pub element: u32,
    /// The index among the pulses.
    pub pulse: u32,
    /// Which statement it is.
    pub place: u32,
    /// When its pulse begins, nanoseconds.
    pub at: u64,
    /// The same with the time of flight.
    pub start: u64,
    /// What its pulse is multiplied with.
    pub amplitude: [f64; 4],
    /// Hz; `None` for an element that is not modulated.
    pub frequency: Option<f64>,
    /// The phase (without the frame), the speed and the frame that demodulation begins with.
    pub carrier: Option<(Phase, Speed, Phase)>,
    /// Whether samples are needed, and not only values.
    pub needs_samples: bool,
    /// Nanoseconds that it looks, where weights do not tell.
    pub window: u64,
}

/// A pulse on an element that a source follows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drive {
    /// Nanoseconds.
    pub at: u64,
    /// Nanoseconds.
    pub length: u64,
    /// How much of the configured pulse is played: 1 for all of it.
    pub part: f64,
    pub amplitude: [f64; 4],
    pub phase: Phase,
    /// Hz.
    pub frequency: f64,
}

/// An input of a value that is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlannedInput<'a> {
    pub weights: &'a Weights,
    pub demodulates: bool,
    pub input: usize,
    /// Whether it is the second input, which carries the quadrature.
    pub second: bool,
}

/// What came of asking for values without samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Computed {
    /// They are computed from samples.
    FromSamples,
    /// They are there.
    Values,
    /// The job was halted meanwhile.
    Halted,
}

/// Zero volts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Silent;

impl InputSource for Silent {
    fn counts(&mut self, config: &ResolvedConfig, input: usize, _: i64, len: usize) -> Vec<f64> {
        converted(config, input, 0, len, |_| 0.0)
    }

    fn is_still(&self, _: usize) -> bool {
        true
    }
}

/// Outputs connected to inputs.
#[derive(Clone, Debug)]
pub(crate) struct Loopback {
    /// Outputs and inputs, by index of the resolved configuration's.
    pub connections: Vec<(usize, usize)>,
    /// Nanoseconds.
    pub latency: u64,
    /// Nanoseconds by which windows are moved along with the outputs.
    pub delay: u64,
    pub noise: Noise,
    /// The samples of all outputs, as they were when the program was run before.
    pub outputs: Arc<Vec<Vec<f64>>>,
}

impl InputSource for Loopback {
    fn counts(&mut self, config: &ResolvedConfig, input: usize, from: i64, len: usize) -> Vec<f64> {
        converted(config, input, from, len, |at| {
            let mut volts = 0.0;
            let mut connected = false;
            for (output, to) in &self.connections {
                if *to == input {
                    connected = true;
                    let heard = at + self.delay as i64 - self.latency as i64;
                    volts += sample(&self.outputs[*output], heard);
                }
            }
            if connected { volts + self.noise.at(input, at) } else { 0.0 }
        })
    }

    fn is_still(&self, _: usize) -> bool {
        false
    }
}

/// An input, by its index in the resolved configuration, and what it sees.
pub(crate) type InputSamples = (usize, Arc<[f64]>);

/// Samples given with the simulation, volts, one a nanosecond from the start of the program.
#[derive(Clone, Debug)]
pub(crate) struct Raw {
    pub samples: Vec<InputSamples>,
    /// Nanoseconds by which windows are moved along with the outputs.
    pub delay: u64,
    pub noise: Noise,
}

impl InputSource for Raw {
    fn counts(&mut self, config: &ResolvedConfig, input: usize, from: i64, len: usize) -> Vec<f64> {
        let found = self.samples.iter().find(|(to, _)| *to == input);
        converted(config, input, from, len, |at| {
            let heard = at + self.delay as i64;
            found.map_or(0.0, |(_, samples)| sample(samples, heard) + self.noise.at(input, at))
        })
    }

    fn is_still(&self, _: usize) -> bool {
        false
    }
}

/// A sample by its nanosecond; 0 outside of what is there.
fn sample(samples: &[f64], at: i64) -> f64 {
    usize::try_from(at).ok().and_then(|at| samples.get(at)).copied().unwrap_or(0.0)
}

/// What the converter of an input makes of volts.
pub(super) fn converted(
    config: &ResolvedConfig,
    input: usize,
    from: i64,
    len: usize,
    volts: impl Fn(i64) -> f64,
) -> Vec<f64> {
    let port = &config.inputs()[input];
    let gain = 10f64.powf(f64::from(port.gain_db) / 20.0);
    let offset = (port.offset * -COUNTS).round();
    (0..len as i64)
        .map(|index| {
            let counts = (volts(from + index) * gain * COUNTS).trunc().clamp(LOWEST, HIGHEST);
            (counts + offset).clamp(LOWEST, HIGHEST)
        })
        .collect()
}
