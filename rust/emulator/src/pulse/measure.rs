//! Demodulation, integration and time tags of what an analog input saw (F5.6).

use super::phase::{Phase, Speed};
use super::rig::Tagging;
use super::shapes::{WEIGHT_NS, Weights};

/// Nanoseconds by which the carrier of a demodulation lags: with a loopback of the default latency it
/// is in phase with what was played.
pub const DEMOD_LAG: u64 = 24;
/// docs/1.1.7/Guides/demod: the scale of the result, and that of an ADC count as a fraction.
const SCALE: f64 = 1.0 / 4096.0 / 4096.0;

/// The carrier that samples are multiplied with.
#[derive(Clone, Copy, Debug)]
pub struct Reference {
    /// At the first sample, frame included.
    pub phase: Phase,
    pub speed: Speed,
}

/// Adds the sums of each 4 ns to `sums`; without a reference, those of an integration.
pub fn weigh(counts: &[f64], weights: &Weights, reference: Option<Reference>, sums: &mut [f64]) {
    let chunk = WEIGHT_NS as usize;
    for (index, (samples, sum)) in counts.chunks(chunk).zip(sums).enumerate() {
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
pub fn chunks(sums: &[f64], chunk: usize, count: usize) -> Vec<f64> {
    let part = |index: usize| {
        let from = (index * chunk).min(sums.len());
        let to = ((index + 1) * chunk).min(sums.len());
        sums[from..to].iter().sum()
    };
    (0..count).map(part).collect()
}

/// A result as the hardware holds it: `fixed`, wrapped; with whether it had to be.
pub fn to_fixed(value: f64) -> (i32, bool) {
    let raw = (value * 268_435_456.0).round_ties_even();
    // The accumulator is wider than a fixed.
    (raw as i64 as i32, !(-2_147_483_648.0..2_147_483_648.0).contains(&raw))
}

/// Times of edges, in nanoseconds from the start of the window; `before` is the sample ahead of it.
///
/// docs/1.1.7/Guides/features: a tag where both conditions become true together, armed again once one
/// is false; `dead` nanoseconds later at the soonest.
pub fn tags(counts: &[f64], before: f64, tagging: Tagging, dead: u64) -> Vec<(u64, f64)> {
    let meets = |value: f64, threshold: i32, above: bool| {
        if above { value > f64::from(threshold) } else { value < f64::from(threshold) }
    };
    let mut tags: Vec<(u64, f64)> = Vec::new();
    let (mut armed, mut last) = (true, before);
    for (n, count) in counts.iter().enumerate() {
        let both = meets(*count, tagging.signal, tagging.signal_above)
            && meets(count - last, tagging.derivative, tagging.derivative_above);
        let alive = tags.last().is_none_or(|(at, _)| n as u64 >= at + dead);
        if both && armed && alive {
            // Where a straight line between the samples crosses the threshold.
            let step = count - last;
            let part = (f64::from(tagging.signal) - last) / step;
            let fine = if step != 0.0 && (0.0..=1.0).contains(&part) { part - 1.0 } else { 0.0 };
            tags.push((n as u64, n as f64 + fine));
        }
        armed = !both || (armed && !alive);
        last = *count;
    }
    tags
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
        weigh(&counts, &weights, Some(Reference { phase, speed }), &mut sums);
        let expected: f64 = (0..20)
            .map(|n| {
                let angle = std::f64::consts::TAU * (0.1 + 0.01 * n as f64);
                counts[n] / 4096.0 / 4096.0
                    * (weights.cosine[n / 4] * angle.cos() + 0.5 * angle.sin())
            })
            .sum();
        assert!((sums.iter().sum::<f64>() - expected).abs() < 1e-15);
        let mut plain = [0.0; 5];
        weigh(&counts, &weights, None, &mut plain);
        assert!((plain[4] - 2.0 * counts[16..].iter().sum::<f64>() * SCALE).abs() < 1e-18);
        assert_eq!(chunks(&[1.0, 2.0, 3.0, 4.0, 5.0], 2, 3), [3.0, 7.0, 5.0]);
        assert_eq!(to_fixed(8.5), (to_fixed(-7.5).0, true));
    }

    #[test]
    fn the_manuals_edge_is_tagged() {
        // docs/1.1.7/Guides/features: a dip of 0.4 V, tagged at 210 ns when falling.
        let dip = |n: i32| -1640.0 * (-0.5 * (f64::from(n - 240) / 20.0).powi(2)).exp();
        let counts: Vec<f64> = (0..500).map(dip).collect();
        let mut tagging = Tagging {
            signal: -500,
            signal_above: false,
            derivative: -10_000,
            derivative_above: true,
        };
        let times = |tagging| -> Vec<u64> {
            tags(&counts, 0.0, tagging, 2).iter().map(|(at, _)| *at).collect()
        };
        assert_eq!(times(tagging), [210]);
        tagging.signal_above = true;
        assert_eq!(times(tagging), [0, 271]);
        tagging.derivative = 0;
        assert_eq!(times(tagging), [271]);
        let fine = tags(&counts, 0.0, tagging, 84)[0].1;
        assert!((270.0..271.0).contains(&fine));
    }
}
