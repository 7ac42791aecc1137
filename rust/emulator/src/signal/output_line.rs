//! What stands between the sum of the elements and a port: filter, delay, offset, range.

use std::collections::VecDeque;

use super::timeline::{Offset, Timeline};
use crate::config::ports::Output;
use crate::config::range::{HIGHEST, LOWEST, is_beyond};

/// What stands between the sum of the elements and a port.
#[derive(Debug)]
pub(super) struct OutputLine {
    feedforward: Vec<f64>,
    /// Poles, and their last outputs.
    poles: Vec<(f64, f64)>,
    /// The inputs before, the oldest first: one fewer than taps.
    past: Vec<f64>,
    delayed: VecDeque<f64>,
    /// When the offset changes, and what it is then.
    offsets: Vec<(u64, f64)>,
    offset: f64,
    next_offset: usize,
    pub(super) clipped: bool,
}

impl OutputLine {
    pub(super) fn new(index: usize, output: &Output, delay: u32, timeline: &Timeline) -> Self {
        let changes = timeline.offsets.iter().filter(|offset| offset.output == index);
        let ns = output.delay.saturating_add(delay) as usize;
        // An offset changes when what is played from then on leaves the port.
        let late = |change: &Offset| (change.from.saturating_add(ns as u64), change.volts);
        let mut offsets: Vec<_> = changes.map(late).collect();
        offsets.sort_by_key(|(from, _)| *from);
        Self {
            feedforward: output.feedforward.clone(),
            poles: output.feedback.iter().map(|pole| (*pole, 0.0)).collect(),
            past: vec![0.0; output.feedforward.len().saturating_sub(1)],
            delayed: std::iter::repeat_n(0.0, ns).collect(),
            offsets,
            offset: output.offset,
            next_offset: 0,
            clipped: false,
        }
    }

    /// A filter of feedforward taps, then one section for each
    /// feedback tap, y[n] = x[n] + p·y[n−1].
    pub(super) fn filter(&mut self, port: &mut [f64]) {
        if self.feedforward.is_empty() && self.poles.is_empty() {
            return;
        }
        if !self.feedforward.is_empty() {
            let mut input = std::mem::take(&mut self.past);
            let before = input.len();
            input.extend_from_slice(port);
            for (n, sample) in port.iter_mut().enumerate() {
                let past = input[n..=n + before].iter().rev();
                *sample = self.feedforward.iter().zip(past).map(|(tap, x)| tap * x).sum();
            }
            self.past = input.split_off(input.len() - before);
        }
        for (pole, last) in &mut self.poles {
            for sample in port.iter_mut() {
                *last = *sample + *pole * *last;
                *sample = *last;
            }
        }
        self.clip(port);
    }

    pub(super) fn delay(&mut self, port: &mut [f64]) {
        if self.delayed.is_empty() {
            return;
        }
        for sample in port {
            self.delayed.push_back(*sample);
            *sample = self.delayed.pop_front().unwrap_or(0.0);
        }
    }

    /// Adds the offset, which may change.
    pub(super) fn shift(&mut self, at: u64, port: &mut [f64]) {
        let mut rest = port;
        let mut now = at;
        loop {
            let next = self.offsets.get(self.next_offset).copied();
            let until = next.map_or(u64::MAX, |(from, _)| from.max(now));
            let count = usize::try_from(until - now).unwrap_or(usize::MAX).min(rest.len());
            let (here, later) = rest.split_at_mut(count);
            if self.offset != 0.0 {
                here.iter_mut().for_each(|sample| *sample += self.offset);
            }
            rest = later;
            now += count as u64;
            match next {
                Some((from, volts)) if from <= now => {
                    self.offset = volts;
                    self.next_offset += 1;
                }
                _ => return,
            }
        }
    }

    pub(super) fn clip(&mut self, port: &mut [f64]) {
        let mut over = false;
        for sample in port {
            over |= is_beyond(*sample);
            *sample = sample.clamp(LOWEST, HIGHEST);
        }
        self.clipped |= over;
    }
}
