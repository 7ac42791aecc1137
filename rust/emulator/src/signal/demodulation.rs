//! Demodulation, integration and time tags of what an analog input saw.

use super::phase::{Phase, Speed};
use crate::config::elements::Tagging;
use crate::config::pulses::{WEIGHT_NS, Weights};

/// Nanoseconds by which the carrier of a demodulation lags: with a loopback of the default latency it
/// is in phase with what was played.
pub(crate) const DEMOD_LAG: u64 = 24;
/// The scale of the result, and that of an ADC count as a fraction.
const SCALE: f64 = 1.0 / 4096.0 / 4096.0;

/// The carrier that samples are multiplied with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference {
    /// At the first sample, frame included.
    pub phase: Phase,
    pub speed: Speed,
}

/// Adds the sums of each 4 ns to `sums`, from a whole number of these behind the start of the window on;
/// without a reference, those of an integration.
pub(crate) fn weigh(
    counts: &[f64],
    first: usize,
    weights: &Weights,
    reference: Option<Reference>,
    sums: &mut [f64],
) {
    let chunk = WEIGHT_NS as usize;
    let sums = sums.get_mut(first..).unwrap_or_default();
    for (index, (samples, sum)) in (first..).zip(counts.chunks(chunk).zip(sums)) {
        let cosine = weights.cosine.get(index).copied().unwrap_or(0.0);
        let sine = weights.sine.get(index).copied().unwrap_or(0.0);
        *sum += SCALE
            * match reference {
                None => cosine * samples.iter().sum::<f64>(),
                Some(reference) => {
                    let at = |k: usize| {
                        let ns = (index * chunk + k) as u64;
                        (reference.phase + reference.speed.over(ns)).cos_sin()
                    };
                    let weighted = samples.iter().enumerate().map(|(k, sample)| {
                        let (cos, sin) = at(k);
                        sample * (cosine * cos + sine * sin)
                    });
                    weighted.sum::<f64>()
                }
            };
    }
}

/// Sums of a window, `chunk` times 4 ns each, `count` of them.
pub(crate) fn chunks(sums: &[f64], chunk: usize, count: usize) -> Vec<f64> {
    let part = |index: usize| {
        let from = (index * chunk).min(sums.len());
        let to = ((index + 1) * chunk).min(sums.len());
        sums[from..to].iter().sum()
    };
    (0..count).map(part).collect()
}

/// A result as the hardware holds it: `fixed`, wrapped; with whether it had to be.
pub(crate) fn to_fixed(value: f64) -> (i32, bool) {
    let raw = (value * 268_435_456.0).round_ties_even();
    // The accumulator is wider than a fixed.
    (raw as i64 as i32, !(-2_147_483_648.0..2_147_483_648.0).contains(&raw))
}

/// Finds edges in a window, piece by piece.
///
/// A tag where both conditions become true together, armed again once one
/// is false; `dead` nanoseconds later at the soonest.
#[derive(Debug)]
pub(crate) struct Tagger {
    tagging: Tagging,
    dead: u64,
    most: usize,
    armed: bool,
    last: f64,
    at: u64,
    /// Nanoseconds from the start of the window: whole ones, and where a straight line between the samples
    /// crosses the threshold.
    pub tags: Vec<(u64, f64)>,
}

impl Tagger {
    /// Of at most `most` tags; `before` is the sample ahead of the window.
    pub(crate) fn new(tagging: Tagging, dead: u64, most: usize, before: f64) -> Self {
        Self { tagging, dead, most, armed: true, last: before, at: 0, tags: Vec::new() }
    }

    /// Whether there is room for no more tags.
    pub(crate) fn is_full(&self) -> bool {
        self.tags.len() >= self.most
    }

    /// Looks at the next samples.
    pub(crate) fn look(&mut self, counts: &[f64]) {
        let tagging = self.tagging;
        let meets = |value: f64, threshold: i32, above: bool| {
            if above { value > f64::from(threshold) } else { value < f64::from(threshold) }
        };
        for count in counts {
            if self.is_full() {
                return;
            }
            let step = count - self.last;
            let both = meets(*count, tagging.signal, tagging.signal_above)
                && meets(step, tagging.derivative, tagging.derivative_above);
            let alive = self.tags.last().is_none_or(|(at, _)| self.at >= at + self.dead);
            if both && self.armed && alive {
                let part = (f64::from(tagging.signal) - self.last) / step;
                let within = step != 0.0 && (0.0..=1.0).contains(&part);
                let fine = if within { part - 1.0 } else { 0.0 };
                self.tags.push((self.at, self.at as f64 + fine));
            }
            self.armed = !both || (self.armed && !alive);
            self.last = *count;
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_the_manuals_formula() {
        let speed = Speed::from_hz(10e6);
        let phase = Phase::from_turns(0.1);
        let counts: Vec<f64> = (0..20).map(|n| f64::from(n * 7 % 50)).collect();
        let weights = Weights { cosine: [1.0, 0.5, 0.25, 1.0, 2.0].into(), sine: [0.5; 5].into() };
        let mut sums = [0.0; 5];
        weigh(&counts[..8], 0, &weights, Some(Reference { phase, speed }), &mut sums);
        weigh(&counts[8..], 2, &weights, Some(Reference { phase, speed }), &mut sums);
        let expected: f64 = (0..20)
            .map(|n| {
                let angle = std::f64::consts::TAU * (0.1 + 0.01 * n as f64);
                counts[n] / 4096.0 / 4096.0
                    * (weights.cosine[n / 4] * angle.cos() + 0.5 * angle.sin())
            })
            .sum();
        assert!((sums.iter().sum::<f64>() - expected).abs() < 1e-15);
        let mut plain = [0.0; 5];
        weigh(&counts, 0, &weights, None, &mut plain);
        assert!((plain[4] - 2.0 * counts[16..].iter().sum::<f64>() * SCALE).abs() < 1e-18);
        assert_eq!(chunks(&[1.0, 2.0, 3.0, 4.0, 5.0], 2, 3), [3.0, 7.0, 5.0]);
        assert_eq!(to_fixed(8.5), (to_fixed(-7.5).0, true));
    }

    #[test]
    fn the_manuals_edge_is_tagged() {
        // The manual's example: a dip of 0.4 V, tagged at 210 ns when falling.
        let dip = |n: i32| -1640.0 * (-0.5 * (f64::from(n - 240) / 20.0).powi(2)).exp();
        let counts: Vec<f64> = (0..500).map(dip).collect();
        let mut tagging = Tagging {
            signal: -500,
            signal_above: false,
            derivative: -10_000,
            derivative_above: true,
        };
        let tags = |tagging, dead, piece: usize| {
            let mut tagger = Tagger::new(tagging, dead, 10, 0.0);
            counts.chunks(piece).for_each(|counts| tagger.look(counts));
            tagger.tags
        };
        let times = |tagging| -> Vec<u64> {
            // Wherever the window is cut.
            assert_eq!(tags(tagging, 2, 500), tags(tagging, 2, 7));
            tags(tagging, 2, 500).iter().map(|(at, _)| *at).collect()
        };
        assert_eq!(times(tagging), [210]);
        tagging.signal_above = true;
        assert_eq!(times(tagging), [0, 271]);
        tagging.derivative = 0;
        assert_eq!(times(tagging), [271]);
        let fine = tags(tagging, 84, 100)[0].1;
        assert!((270.0..271.0).contains(&fine));
    }
}
