//! What an input hears of the readout model during one measurement, made piece by piece: windows may be
//! long, and a job that is halted does not wait for the whole of one.

use std::collections::VecDeque;

use super::adc::mix;
use super::model::Model;
use super::rig::Rig;

/// Nanoseconds of a window that are computed together.
pub const PIECE: usize = 1 << 16;
/// Pieces that are kept for the other values of the same statement.
const MOST_PIECES: usize = 16;

/// The counts of an input, from some nanosecond on.
#[derive(Debug)]
pub struct Heard {
    pub input: usize,
    from: i64,
    len: u64,
    /// Volts, the same for the whole of it.
    noise: f64,
    seed: u64,
    pieces: VecDeque<(u64, Vec<f64>)>,
}

impl Heard {
    pub(super) fn new(input: usize, from: i64, to: i64, noise: f64, seed: u64) -> Self {
        let len = u64::try_from(to - from).unwrap_or(0);
        Self { input, from, len, noise, seed, pieces: VecDeque::new() }
    }

    /// Some counts; 0 outside of what is heard.
    pub fn counts(&mut self, model: &Model, rig: &Rig, from: i64, len: usize) -> Vec<f64> {
        let mut out = vec![0.0; len];
        let mut at = from.max(self.from);
        let end = (from + len as i64).min(self.from.saturating_add_unsigned(self.len));
        while at < end {
            let inside = (at - self.from) as u64;
            let index = inside / PIECE as u64;
            let begins = self.from + (index * PIECE as u64) as i64;
            let until = end.min(begins + PIECE as i64);
            let piece = self.piece(model, rig, index);
            let made = &piece[(at - begins) as usize..(until - begins) as usize];
            out[(at - from) as usize..(until - from) as usize].copy_from_slice(made);
            at = until;
        }
        out
    }

    fn piece(&mut self, model: &Model, rig: &Rig, index: u64) -> &[f64] {
        let place = self.pieces.iter().position(|(one, _)| *one == index);
        let place = place.unwrap_or_else(|| {
            if self.pieces.len() >= MOST_PIECES {
                self.pieces.pop_front();
            }
            let begins = index * PIECE as u64;
            let len = (self.len - begins).min(PIECE as u64) as usize;
            let from = self.from + begins as i64;
            // Made again, it is the same.
            let seed = mix(self.seed ^ mix(index));
            let counts = model.counts(rig, self.input, from, len, self.noise, seed);
            self.pieces.push_back((index, counts));
            self.pieces.len() - 1
        });
        &self.pieces[place].1
    }
}
