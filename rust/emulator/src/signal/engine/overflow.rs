//! What goes beyond the range of the outputs.

use pulsewire_common::correction::Matrix;

use super::{Engine, PlayCommand, PlayKind, UNITY};
use crate::config::range::is_beyond;
use crate::signal::timeline::{Outputs, Source};

/// Samples that are looked at to find how far a waveform reaches.
const MOST_SEEN: u64 = 65_536;

impl Engine {
    /// Whether a play by itself goes beyond the range of its outputs at some phase. A simulation sees the
    /// sum of all, when it is rendered.
    pub(crate) fn overflows(&self, play: &PlayCommand) -> bool {
        let PlayKind::Pulse(pulse) = play.what else { return false };
        if !self.may_overflow(play.element, pulse, &play.amplitude, play.target) {
            return false;
        }
        // Turned as a whole, it reaches that far at some phase: no need to look at each sample.
        let index = self.resolved.elements[play.element as usize].oscillator;
        let whole = play.duration.is_none() && play.truncate.is_none();
        let offset = self.reached_offset(play.element, play.target);
        if is_scalar(&play.amplitude) && index.is_some() && whole && offset == 0.0 {
            return true;
        }
        self.certainly_overflows(play, self.correction(play.element))
    }

    /// Whether a play by itself could go beyond the range, as far as the largest samples tell.
    #[inline]
    pub(crate) fn may_overflow(
        &self,
        element: u32,
        pulse: u32,
        amplitude: &[f64; 4],
        target: Option<usize>,
    ) -> bool {
        if self.records() {
            return false;
        }
        let norm = if is_scalar(amplitude) { amplitude[0].abs() } else { length(amplitude) };
        let index = self.resolved.elements[element as usize].oscillator;
        let row = index.map_or(1.0, |index| self.rows[index]);
        let largest = norm * self.sizes[pulse as usize] * row;
        is_beyond(largest + self.reached_offset(element, target))
    }

    /// The largest offset of the outputs of an element: another port's is not its concern.
    fn reached_offset(&self, element: u32, target: Option<usize>) -> f64 {
        match &self.outputs[element as usize] {
            _ if target.is_some() => self.largest_offset,
            Some(Outputs::Mixed { i, q }) => self.offsets[*i].abs().max(self.offsets[*q].abs()),
            Some(Outputs::Single(all)) => {
                all.iter().fold(0.0, |m, o| self.offsets[*o].abs().max(m))
            }
            None => 0.0,
        }
    }

    fn correction(&self, element: u32) -> Matrix {
        let index = self.resolved.elements[element as usize].oscillator;
        index.map_or(UNITY, |index| self.oscillators[index].correction)
    }

    #[cold]
    fn certainly_overflows(&self, play: &PlayCommand, correction: Matrix) -> bool {
        let element = &self.resolved.elements[play.element as usize];
        let Some(outputs) = self.outputs(play.element, play.target) else { return false };
        let (whole, length) = (self.whole(play), self.length(play));
        let (Some(source), _) = self.source(play, whole, length) else { return false };
        let turned = element.oscillator.is_some();
        let (low, high) = reach(&source, length, &play.amplitude, &correction, turned);
        let over = |output: usize, side: usize| {
            let offset = self.offsets[output];
            is_beyond(low[side] + offset) || is_beyond(high[side] + offset)
        };
        match outputs {
            Outputs::Mixed { i, q } => over(i, 0) || over(q, 1),
            Outputs::Single(outputs) => outputs.iter().any(|output| over(*output, 0)),
        }
    }
}

fn length(all: &[f64]) -> f64 {
    all.iter().map(|entry| entry * entry).sum::<f64>().sqrt()
}

/// Whether an amplitude is a factor of both.
fn is_scalar([a00, a01, a10, a11]: &[f64; 4]) -> bool {
    *a01 == 0.0 && *a10 == 0.0 && a00 == a11
}

/// The lowest and the highest that the first `length` samples of a source reach on either input; of one
/// that is turned, whatever its phase.
fn reach(
    source: &Source,
    length: u64,
    amplitude: &[f64; 4],
    correction: &[f64; 4],
    turned: bool,
) -> ([f64; 2], [f64; 2]) {
    let [a00, a01, a10, a11] = *amplitude;
    let [c00, c01, c10, c11] = *correction;
    let (mut low, mut high) = ([0.0f64; 2], [0.0f64; 2]);
    let mut see = |x: f64, y: f64| {
        let (i, q) = (a00 * x + a01 * y, a10 * x + a11 * y);
        let size = i.hypot(q);
        let sides = if turned {
            [(size * c00.hypot(c01), true), (size * c10.hypot(c11), true)]
        } else {
            [(c00 * i + c01 * q, false), (c10 * i + c11 * q, false)]
        };
        for (side, (value, both)) in sides.into_iter().enumerate() {
            low[side] = low[side].min(if both { -value } else { value });
            high[side] = high[side].max(value);
        }
    };
    match source {
        Source::Constant([x, y]) => see(*x, *y),
        Source::Samples([x, y]) => {
            let all = [x, y].iter().map(|samples| samples.span()).max().unwrap_or(0);
            let count = length.min(all);
            // Of a very long one some are enough.
            let step = (count / MOST_SEEN).max(1);
            for index in (0..count).step_by(step as usize) {
                see(x.at(index as usize), y.at(index as usize));
            }
        }
        Source::Ramp(_) | Source::Fall => {}
    }
    (low, high)
}
