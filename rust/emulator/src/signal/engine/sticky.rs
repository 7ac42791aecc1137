//! Sticky elements: what they hold, and how they let it go.

use std::sync::Arc;

use super::{ElementState, Engine, UNITY};
use crate::signal::timeline::{Segment, Source};

impl Engine {
    /// Puts what a sticky element held until now on the timeline; whatever changes its phase calls this
    /// first.
    pub(super) fn hold(&mut self, index: u32, until: u64) {
        let ElementState { level, held_from: from, target, .. } = self.states[index as usize];
        if level == [0.0; 2] || from >= until || !self.records() || from >= self.horizon {
            return;
        }
        let resolved = Arc::clone(&self.resolved);
        let element = &resolved.elements[index as usize];
        self.catch_up(index, from);
        let carrier = self.held_carrier(element, from);
        let correction = self.oscillator(index).map_or(UNITY, |o| o.correction);
        if let Some(outputs) = self.outputs(index, target) {
            self.push(Segment {
                outputs,
                start: from,
                length: until - from,
                source: Source::Constant([0.0; 2]),
                amplitude: UNITY,
                level,
                carrier,
                correction,
            });
        }
        self.states[index as usize].held_from = until;
    }

    /// All elements of an oscillator hold their levels up to now with its old phase.
    pub(super) fn hold_all(&mut self, element: u32, until: u64) {
        let Some(oscillator) = self.resolved.elements[element as usize].oscillator else { return };
        for index in 0..self.resolved.elements.len() {
            if self.resolved.elements[index].oscillator == Some(oscillator) {
                self.hold(index as u32, until);
            }
        }
    }

    /// Lets a sticky element go: from its level to zero within `length` nanoseconds.
    pub(crate) fn ramp_to_zero(&mut self, index: u32, at: u64, length: u64) {
        self.settle(index, at);
        self.hold(index, at);
        self.unmark(index, at);
        let resolved = Arc::clone(&self.resolved);
        let element = &resolved.elements[index as usize];
        let ElementState { level, target, .. } = std::mem::take(&mut self.states[index as usize]);
        if level == [0.0; 2] || at >= self.horizon {
            return;
        }
        self.catch_up(index, at);
        let carrier = self.held_carrier(element, at);
        let correction = self.oscillator(index).map_or(UNITY, |o| o.correction);
        if let Some(outputs) = self.outputs(index, target) {
            self.push(Segment {
                outputs,
                start: at,
                length,
                source: Source::Fall,
                amplitude: UNITY,
                level,
                carrier,
                correction,
            });
        }
    }

    /// The last statement of a sticky element is over: it goes to zero as configured.
    pub(crate) fn release(&mut self, element: u32, at: u64) {
        let sticky = self.resolved.elements[element as usize].sticky;
        let cycles = sticky.map_or(0, |sticky| sticky.duration);
        self.ramp_to_zero(element, at, u64::from(cycles) * 4);
    }
}
