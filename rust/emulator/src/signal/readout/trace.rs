//! What an input hears of the readout model during one measurement, made piece by piece: windows may be
//! long, and a job that is halted does not wait for the whole of one.

use std::collections::VecDeque;

use crate::signal::random::mix;

/// Nanoseconds of a window that are computed together.
pub(crate) const PIECE: usize = 1 << 16;
/// Pieces that are kept for the other values of the same statement.
const MOST_PIECES: usize = 16;

/// The counts of an input, from some nanosecond on.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) input: usize,
    from: i64,
    len: u64,
    /// Volts, the same for the whole of it.
    pub(super) noise: f64,
    seed: u64,
    pieces: VecDeque<(u64, Vec<f64>)>,
}

impl Trace {
    pub(super) fn new(input: usize, from: i64, to: i64, noise: f64, seed: u64) -> Self {
        let len = u64::try_from(to - from).unwrap_or(0);
        Self { input, from, len, noise, seed, pieces: VecDeque::new() }
    }

    /// Some counts; 0 outside of what is heard. `make` makes those from a nanosecond on, of a length and a seed:
    /// made again, they are the same.
    pub(super) fn counts(
        &mut self,
        from: i64,
        len: usize,
        make: impl Fn(i64, usize, u64) -> Vec<f64>,
    ) -> Vec<f64> {
        let mut out = vec![0.0; len];
        let mut at = from.max(self.from);
        let end = (from + len as i64).min(self.from.saturating_add_unsigned(self.len));
        while at < end {
            let inside = (at - self.from) as u64;
            let index = inside / PIECE as u64;
            let begins = self.from + (index * PIECE as u64) as i64;
            let until = end.min(begins + PIECE as i64);
            let piece = self.piece(index, &make);
            let made = &piece[(at - begins) as usize..(until - begins) as usize];
            out[(at - from) as usize..(until - from) as usize].copy_from_slice(made);
            at = until;
        }
        out
    }

    fn piece(&mut self, index: u64, make: &impl Fn(i64, usize, u64) -> Vec<f64>) -> &[f64] {
        let place = self.pieces.iter().position(|(one, _)| *one == index);
        let place = place.unwrap_or_else(|| {
            if self.pieces.len() >= MOST_PIECES {
                self.pieces.pop_front();
            }
            let begins = index * PIECE as u64;
            let len = (self.len - begins).min(PIECE as u64) as usize;
            let counts = make(self.from + begins as i64, len, mix(self.seed ^ mix(index)));
            self.pieces.push_back((index, counts));
            self.pieces.len() - 1
        });
        &self.pieces[place].1
    }
}
