//! What the engine does to oscillators: phases, frames, frequencies, sweeps, corrections.

use std::sync::Arc;

use pulsewire_common::correction::{Matrix, longer_row};

use super::{Engine, PlayCommand, room};
use crate::config::elements::Element;
use crate::signal::phase::{Phase, Speed};
use crate::signal::timeline::{Carrier, PhaseReset, Sweep};

impl Engine {
    /// Whether a phase reset waits for a play or an align.
    pub(crate) fn waits_for_reset(&self) -> bool {
        self.resetting
    }

    /// The phase (without the frame), the speed and the frame of an element's oscillator.
    pub(crate) fn carrier(&self, element: u32, at: u64) -> Option<(Phase, Speed, Phase)> {
        let index = self.resolved.elements[element as usize].oscillator?;
        let oscillator = &self.oscillators[index];
        Some((oscillator.at(at), oscillator.speed, oscillator.frame))
    }

    /// The frequency of an element, Hz.
    pub(crate) fn frequency(&self, element: u32) -> Option<f64> {
        let index = self.resolved.elements[element as usize].oscillator?;
        Some(self.oscillators[index].hz)
    }

    /// The carrier of a play that begins now.
    pub(super) fn start(&mut self, play: &PlayCommand, at: u64, whole: u64) -> Option<Carrier> {
        self.catch_up(play.element, at);
        let chirp = play.chirp.as_ref().and_then(|chirp| chirp.sweeps(whole));
        let oscillator = self.oscillator(play.element)?;
        let going = oscillator.sweeping.as_ref().map(|(_, sweeps)| Arc::clone(sweeps));
        Some(Carrier {
            phase: oscillator.at(at) + oscillator.frame,
            speed: oscillator.speed,
            chirp: chirp.or(going),
        })
    }

    /// A chirp that goes on moves the frequency up to now.
    pub(super) fn catch_up(&mut self, element: u32, at: u64) {
        let Some(oscillator) = self.oscillator(element) else { return };
        // Another element of the same oscillator may be ahead.
        if let Some((since, sweeps)) = oscillator.sweeping.take_if(|(since, _)| *since < at) {
            oscillator.sweep(&sweeps, since, at);
            oscillator.sweeping = Some((at, behind(&sweeps, at - since)));
        }
    }

    /// The frequency stays where a chirp left it; one that is to go on does so until the end of the next
    /// play without one.
    pub(super) fn end_sweep(&mut self, play: &PlayCommand, at: u64, length: u64) {
        let whole = self.whole(play);
        let Some(oscillator) = self.oscillator(play.element) else { return };
        if play.chirp.is_none() && oscillator.sweeping.is_none() {
            return;
        }
        let own = play.chirp.as_ref().and_then(|chirp| chirp.sweeps(whole));
        let going = oscillator.sweeping.take();
        let Some(sweeps) = own.or_else(|| going.map(|(_, sweeps)| sweeps)) else { return };
        oscillator.sweep(&sweeps, at, at + length);
        if play.chirp.as_ref().is_some_and(|chirp| chirp.goes_on) {
            oscillator.sweeping = Some((at + length, behind(&sweeps, length)));
        }
    }

    /// The carrier of what a sticky element holds.
    pub(super) fn held_carrier(&self, element: &Element, from: u64) -> Option<Carrier> {
        let oscillator = &self.oscillators[element.oscillator?];
        Some(Carrier {
            phase: oscillator.at(from) + oscillator.frame,
            speed: oscillator.speed,
            chirp: oscillator.sweeping.as_ref().map(|(_, sweeps)| Arc::clone(sweeps)),
        })
    }

    /// Turns an element's frame.
    pub(crate) fn rotate(&mut self, element: u32, angle: Phase, at: u64) {
        self.hold_all(element, at);
        if let Some(oscillator) = self.oscillator(element) {
            oscillator.frame += angle;
        }
    }

    /// The frame back to zero.
    pub(crate) fn reset_frame(&mut self, element: u32, at: u64) {
        self.hold_all(element, at);
        if let Some(oscillator) = self.oscillator(element) {
            oscillator.frame = Phase::default();
        }
    }

    /// The phase is to be zero from the next play or align on.
    pub(crate) fn reset_phase(&mut self, element: u32) {
        if let Some(oscillator) = self.oscillator(element) {
            oscillator.resetting = true;
            self.resetting = true;
        }
    }

    /// All phases are zero at one time, whatever is played then.
    pub(crate) fn reset_all(&mut self, at: u64) {
        for element in 0..self.resolved.elements.len() as u32 {
            self.reset_now(element, at);
        }
    }

    /// A reset that waits takes place now: a play begins or an align is passed.
    pub(crate) fn settle(&mut self, element: u32, at: u64) {
        if !self.resetting {
            return;
        }
        let Some(oscillator) = self.oscillator(element) else { return };
        if std::mem::take(&mut oscillator.resetting) {
            self.reset_now(element, at);
            self.resetting = self.oscillators.iter().any(|oscillator| oscillator.resetting);
        }
    }

    pub(super) fn reset_now(&mut self, element: u32, at: u64) {
        self.hold_all(element, at);
        self.catch_up(element, at);
        if let Some(oscillator) = self.oscillator(element) {
            oscillator.reset = -oscillator.turned(oscillator.speed, at);
            oscillator.kept = Phase::default();
        } else {
            return;
        }
        if let Some(timeline) = &mut self.timeline
            && room(&mut timeline.full, timeline.resets.len())
        {
            timeline.resets.push(PhaseReset { element, at });
        }
    }

    /// Another frequency from now on.
    pub(crate) fn set_frequency(&mut self, element: u32, hz: f64, keep_phase: bool, at: u64) {
        self.hold_all(element, at);
        self.catch_up(element, at);
        if let Some(oscillator) = self.oscillator(element) {
            let speed = Speed::from_hz(hz);
            // From ω₁t₀ on to ω₁t₀ + ω₂Δt, or to ω₂(t₀ + Δt), which
            // also forgets what was kept before.
            oscillator.kept = if keep_phase {
                oscillator.kept + oscillator.turned(oscillator.speed, at)
                    - oscillator.turned(speed, at)
            } else {
                Phase::default()
            };
            (oscillator.hz, oscillator.speed) = (hz, speed);
            oscillator.sweeping = None;
        }
    }

    /// Another correction of the mixer from now on.
    pub(crate) fn set_correction(&mut self, element: u32, matrix: Matrix, at: u64) {
        self.hold_all(element, at);
        if let Some(index) = self.resolved.elements[element as usize].oscillator {
            let oscillator = &mut self.oscillators[index];
            oscillator.correction = matrix;
            // It also resets the frame.
            oscillator.frame = Phase::default();
            self.rows[index] = longer_row(&matrix);
        }
    }
}

/// What is left of a sweep after some nanoseconds of it.
fn behind(sweeps: &[Sweep], passed: u64) -> Arc<[Sweep]> {
    let now = sweeps.partition_point(|sweep| sweep.from <= passed).saturating_sub(1);
    let left = sweeps[now.min(sweeps.len())..].iter();
    left.map(|sweep| Sweep { from: sweep.from.saturating_sub(passed), ..*sweep }).collect()
}
