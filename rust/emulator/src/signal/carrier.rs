//! The oscillation that a segment is modulated with, block by block.

use super::oscillator::after;
use super::phase::Phase;
use super::timeline::Carrier;

/// Samples of a segment that are made together.
pub(super) const BLOCK: usize = 64;

/// A carrier, block by block.
#[derive(Debug)]
pub(super) struct Oscillation {
    carrier: Carrier,
    /// Cosine and sine of the first steps of a constant frequency.
    steps: ([f64; BLOCK], [f64; BLOCK]),
    cos: [f64; BLOCK],
    sin: [f64; BLOCK],
    /// The section of a chirp, and the turns and Hz that it begins with.
    section: usize,
    begun: (f64, f64),
}

impl Oscillation {
    /// Of a segment of some nanoseconds.
    pub(super) fn new(carrier: Carrier, length: u64) -> Self {
        let mut steps = ([0.0; BLOCK], [0.0; BLOCK]);
        if carrier.chirp.is_none() {
            for k in 0..BLOCK.min(usize::try_from(length).unwrap_or(BLOCK)) {
                (steps.0[k], steps.1[k]) = carrier.speed.over(k as u64).cos_sin();
            }
        }
        let (cos, sin) = ([0.0; BLOCK], [0.0; BLOCK]);
        Self { carrier, steps, cos, sin, section: 0, begun: (0.0, 0.0) }
    }

    /// Cosine and sine from the sample `at` on.
    pub(super) fn block(&mut self, at: usize, n: usize) -> (&[f64; BLOCK], &[f64; BLOCK]) {
        let carrier = &self.carrier;
        match &carrier.chirp {
            None => {
                // The first exactly, the others by what they are beyond it.
                let (c, s) = (carrier.phase + carrier.speed.over(at as u64)).cos_sin();
                for k in 0..BLOCK {
                    self.cos[k] = c * self.steps.0[k] - s * self.steps.1[k];
                    self.sin[k] = s * self.steps.0[k] + c * self.steps.1[k];
                }
            }
            Some(sweeps) => {
                for k in 0..n {
                    let t = (at + k) as u64;
                    while sweeps.get(self.section + 1).is_some_and(|next| next.from <= t) {
                        let (now, next) = (sweeps[self.section], sweeps[self.section + 1]);
                        self.begun = after(self.begun, now.rate, next.from - now.from);
                        self.section += 1;
                    }
                    let sweep = sweeps[self.section];
                    let turns = after(self.begun, sweep.rate, t - sweep.from).0;
                    let phase = carrier.phase + carrier.speed.over(t) + Phase::from_turns(turns);
                    (self.cos[k], self.sin[k]) = phase.cos_sin();
                }
            }
        }
        (&self.cos, &self.sin)
    }
}
