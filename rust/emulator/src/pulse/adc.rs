//! What the analog inputs of a controller see.

use std::sync::Arc;

use super::rig::Rig;

/// Counts of the converter for a volt; it inverts (docs/1.1.7/Guides/features).
const COUNTS: f64 = -4096.0;
/// The smallest count of the converter.
pub const LOWEST: f64 = -2048.0;
/// The largest count of the converter.
pub const HIGHEST: f64 = 2047.0;

/// The source of all analog inputs.
#[derive(Clone, Debug, Default)]
pub enum Adc {
    /// Zero volts.
    #[default]
    Silent,
    /// Outputs connected to inputs.
    Loopback(Loopback),
    /// Samples given with the simulation.
    Raw(Raw),
}

/// Outputs connected to inputs.
#[derive(Clone, Debug)]
pub struct Loopback {
    /// Outputs and inputs, by index of the rig's.
    pub connections: Vec<(usize, usize)>,
    /// Nanoseconds.
    pub latency: u64,
    /// Nanoseconds by which windows are moved along with the outputs.
    pub delay: u64,
    pub noise: Noise,
    /// The samples of all outputs, as they were when the program was run before.
    pub outputs: Arc<Vec<Vec<f64>>>,
}

/// Samples given with the simulation, volts, one a nanosecond from the start of the program.
#[derive(Clone, Debug)]
pub struct Raw {
    /// By index of the rig's inputs.
    pub samples: Vec<(usize, Arc<[f64]>)>,
    /// Nanoseconds by which windows are moved along with the outputs.
    pub delay: u64,
    pub noise: Noise,
}

impl Adc {
    /// Whether all that can be read is zero.
    pub fn is_silent(&self) -> bool {
        matches!(self, Self::Silent)
    }

    /// The counts of an input from a time on (nanoseconds); the offset of the input is added behind
    /// the converter.
    pub fn counts(&self, rig: &Rig, input: usize, from: i64, len: usize) -> Vec<f64> {
        let port = &rig.inputs[input];
        let gain = 10f64.powf(f64::from(port.gain_db) / 20.0);
        let offset = (port.offset * 4096.0).round();
        (0..len as i64)
            .map(|index| {
                let volts = self.volts(input, from + index);
                let counts = (volts * gain * COUNTS).trunc().clamp(LOWEST, HIGHEST);
                (counts + offset).clamp(LOWEST, HIGHEST)
            })
            .collect()
    }

    fn volts(&self, input: usize, at: i64) -> f64 {
        let sample = |samples: &[f64], at: i64| {
            usize::try_from(at).ok().and_then(|at| samples.get(at)).copied().unwrap_or(0.0)
        };
        match self {
            Self::Silent => 0.0,
            Self::Loopback(loopback) => {
                let mut volts = 0.0;
                let mut connected = false;
                for (output, to) in &loopback.connections {
                    if *to == input {
                        connected = true;
                        let heard = at + loopback.delay as i64 - loopback.latency as i64;
                        volts += sample(&loopback.outputs[*output], heard);
                    }
                }
                if connected { volts + loopback.noise.at(input, at) } else { 0.0 }
            }
            Self::Raw(raw) => {
                let found = raw.samples.iter().find(|(to, _)| *to == input);
                let heard = at + raw.delay as i64;
                found.map_or(0.0, |(_, samples)| sample(samples, heard) + raw.noise.at(input, at))
            }
        }
    }
}

/// Gaussian noise that is the same for the same input and time, so that runs repeat.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Noise {
    /// The standard deviation, volts.
    pub deviation: f64,
    pub seed: u64,
}

impl Noise {
    fn at(self, input: usize, at: i64) -> f64 {
        if self.deviation == 0.0 {
            return 0.0;
        }
        let key = self.seed ^ (input as u64) << 56 ^ at as u64;
        self.deviation * normal(mix(key), mix(key ^ 0x5851_f42d_4c95_7f2d))
    }
}

/// A well mixed number from any (splitmix64).
pub fn mix(key: u64) -> u64 {
    let mut z = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// A normal number from two uniform ones (Box and Muller).
fn normal(a: u64, b: u64) -> f64 {
    let radius = (-2.0 * uniform(a).ln()).sqrt();
    radius * (std::f64::consts::TAU * uniform(b)).cos()
}

/// In (0, 1].
pub fn uniform(bits: u64) -> f64 {
    ((bits >> 11) + 1) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_normal_and_repeats() {
        let noise = Noise { deviation: 0.1, seed: 7 };
        let values: Vec<f64> = (0..100_000).map(|at| noise.at(1, at)).collect();
        let mean = values.iter().sum::<f64>() / 1e5;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 1e5;
        assert!(mean.abs() < 2e-3 && (variance - 0.01).abs() < 2e-4, "{mean} {variance}");
        assert_eq!(noise.at(1, 5), noise.at(1, 5));
        assert!(noise.at(1, 5) != noise.at(0, 5));
    }
}
