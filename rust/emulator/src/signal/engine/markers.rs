//! Digital markers: when they are high.

use std::sync::Arc;

use super::{Engine, PlayCommand, PlayKind, room};
use crate::signal::timeline::High;

impl Engine {
    /// Puts the digital marker of a pulse on the timeline. One of a pulse behind the horizon may begin
    /// before it, by its buffer.
    pub(super) fn mark(&mut self, play: &PlayCommand, at: u64, length: u64) {
        let PlayKind::Pulse(pulse) = play.what else { return };
        if !self.records() || at >= self.horizon.saturating_add(self.resolved.widest()) {
            return;
        }
        let resolved = Arc::clone(&self.resolved);
        let element = &resolved.elements[play.element as usize];
        let pulse = &resolved.pulses[pulse as usize];
        let Some(marker) = pulse.marker.as_ref() else { return };
        let keeps = element.sticky.is_some_and(|sticky| sticky.digital);
        let highs = highs(marker, u64::from(pulse.length), length);
        let state = &mut self.states[play.element as usize];
        let held = state.marks.take();
        let at = at as i64;
        if keeps && highs.last().is_some_and(|(_, to)| *to == length) {
            state.marks = Some(at + length as i64);
        }
        let Some(timeline) = &mut self.timeline else { return };
        for input in &element.markers {
            let (delay, buffer) = (i64::from(input.delay), i64::from(input.buffer));
            let mut high = |from: i64, to: i64| {
                if room(&mut timeline.full, timeline.markers.len()) {
                    let (from, to) = (from + delay - buffer, to + delay + buffer);
                    timeline.markers.push(High { output: input.output, from, to });
                }
            };
            if let Some(since) = held {
                high(since, at);
            }
            highs.iter().for_each(|(from, to)| high(at + *from as i64, at + *to as i64));
        }
    }

    /// Ends what a sticky element's digital inputs hold.
    pub(super) fn unmark(&mut self, index: u32, at: u64) {
        let Some(since) = self.states[index as usize].marks.take() else { return };
        let Some(timeline) = &mut self.timeline else { return };
        for input in &self.resolved.elements[index as usize].markers {
            let (delay, buffer) = (i64::from(input.delay), i64::from(input.buffer));
            let (from, to) = (since + delay - buffer, at as i64 + delay + buffer);
            if !room(&mut timeline.full, timeline.markers.len()) {
                return;
            }
            timeline.markers.push(High { output: input.output, from, to });
        }
    }
}

/// When a marker is high, in nanoseconds from the start of its pulse, which is `configured` long and played
/// for `length`.
pub(crate) fn highs(marker: &[(bool, u32)], configured: u64, length: u64) -> Vec<(u64, u64)> {
    let mut highs: Vec<(u64, u64)> = Vec::new();
    let mut at = 0;
    for (index, (value, ns)) in marker.iter().enumerate() {
        // 0 lasts for the rest, and what reaches the end of the configured pulse pads a longer one.
        let end = at + u64::from(*ns);
        let last = index + 1 == marker.len();
        let rest = *ns == 0 || (last && end >= configured);
        let end = if rest { length } else { end.min(length) };
        if *value && at < end {
            match highs.last_mut() {
                Some(last) if last.1 == at => last.1 = end,
                _ => highs.push((at, end)),
            }
        }
        at = end;
    }
    highs
}
