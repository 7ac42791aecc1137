//! Oscillators, and the sweeps of their frequency.

use std::sync::Arc;

use super::phase::{Phase, Speed};
use super::render::{swept, swept_hz};
use super::tape::Sweep;
use crate::machine::correction::Matrix;

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
pub struct Chirp {
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
    pub fn sweeps(&self, length: u64) -> Option<Arc<[Sweep]>> {
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
