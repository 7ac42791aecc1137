//! Oscillators, and the sweeps of their frequency.

use std::sync::Arc;

use pulsewire_common::correction::Matrix;

use super::phase::{Phase, Speed};
use super::timeline::Sweep;

/// An oscillator: its phase at a time is `speed · (time - origin) + reset + kept`.
#[derive(Clone, Debug)]
pub(super) struct Oscillator {
    /// Nanoseconds from which phases count.
    pub(super) origin: u64,
    pub(super) hz: f64,
    pub(super) speed: Speed,
    /// By the last phase reset.
    pub(super) reset: Phase,
    /// By frequency updates that kept the phase.
    pub(super) kept: Phase,
    pub(super) frame: Phase,
    pub(super) correction: Matrix,
    /// A reset waits for the next play or align.
    pub(super) resetting: bool,
    /// A chirp that goes on behind its pulse: since when, and how.
    pub(super) sweeping: Option<(u64, Arc<[Sweep]>)>,
}

/// A sweep of the frequency.
#[derive(Clone, Debug)]
pub(crate) struct Chirp {
    /// Hz a nanosecond, for each section.
    pub rates: Vec<f64>,
    /// When the sections begin, in nanoseconds; empty for sections of equal length.
    pub times: Vec<u64>,
    /// Whether it goes on behind the pulse.
    pub goes_on: bool,
}

impl Oscillator {
    /// Its phase, without the frame.
    pub(super) fn at(&self, ns: u64) -> Phase {
        self.turned(self.speed, ns) + self.reset + self.kept
    }

    /// How far it would have turned by some time, had it always had a speed.
    pub(super) fn turned(&self, speed: Speed, ns: u64) -> Phase {
        // Phases and speeds wrap at a turn, so that a time before the origin is as good.
        speed.over(ns.wrapping_sub(self.origin))
    }

    /// Moves to the frequency and the phase that a sweep leads to.
    pub(super) fn sweep(&mut self, sweeps: &[Sweep], from: u64, to: u64) {
        let phase = self.at(to) + Phase::from_turns(swept(sweeps, to.saturating_sub(from)));
        self.hz += swept_hz(sweeps, to.saturating_sub(from));
        self.speed = Speed::from_hz(self.hz);
        self.kept = phase - self.turned(self.speed, to) - self.reset;
    }
}

impl Chirp {
    /// Its sections within a pulse; none when it only lets one go on.
    pub(crate) fn sweeps(&self, length: u64) -> Option<Arc<[Sweep]>> {
        let count = self.rates.len() as u64;
        let from = |index: usize| match self.times.get(index) {
            Some(time) => *time,
            None => length * index as u64 / count,
        };
        let sections = self.rates.iter().enumerate();
        let sweeps: Arc<[Sweep]> =
            sections.map(|(index, rate)| Sweep { from: from(index), rate: *rate }).collect();
        (!sweeps.is_empty()).then_some(sweeps)
    }
}

/// Turns that a chirp adds to those of its first frequency within `t` nanoseconds.
///
/// With one rate `a`, the phase is 2π(f₀t + a(t + 1)t/2).
pub(crate) fn swept(sweeps: &[Sweep], t: u64) -> f64 {
    over(sweeps, t).0
}

/// Turns and Hz within `t` nanoseconds.
fn over(sweeps: &[Sweep], t: u64) -> (f64, f64) {
    let mut reached = (0.0, 0.0);
    for (index, sweep) in sweeps.iter().enumerate() {
        let end = sweeps.get(index + 1).map_or(t, |next| next.from.min(t));
        reached = after(reached, sweep.rate, end.saturating_sub(sweep.from));
    }
    reached
}

/// Turns and Hz after some nanoseconds more at a rate.
pub(super) fn after((turns, hz): (f64, f64), rate: f64, ns: u64) -> (f64, f64) {
    let n = ns as f64;
    (turns + 1e-9 * (hz * n + rate * (n + 1.0) * n / 2.0), hz + rate * n)
}

/// Hz that a chirp added within `t` nanoseconds.
pub(crate) fn swept_hz(sweeps: &[Sweep], t: u64) -> f64 {
    over(sweeps, t).1
}
