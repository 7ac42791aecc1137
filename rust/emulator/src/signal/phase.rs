//! Phases as the hardware keeps them: a counter that overflows at a full turn.

use std::f64::consts::TAU;
use std::ops::{Add, AddAssign, Neg, Sub};

/// A phase: 2⁶⁴ is a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Phase(pub u64);

/// A turn in the counter's steps.
pub(crate) const TURN: f64 = 18_446_744_073_709_551_616.0;

impl Phase {
    /// From turns, of which only the fraction counts.
    pub(crate) fn from_turns(turns: f64) -> Self {
        // Fractions of a turn below 1 fit; casts saturate and NaN is 0.
        Self(((turns - turns.floor()) * TURN) as u64)
    }

    /// From a `fixed` in turns: all of its 28 fractional bits. The real frame is finer than 16 bits.
    pub(crate) fn from_frame(raw: i32) -> Self {
        Self((i64::from(raw) as u64) << 36)
    }

    /// In turns, [0, 1).
    pub(crate) fn turns(self) -> f64 {
        // Exact for what a frame holds; below 1 for every phase, as 53 bits are kept.
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Its cosine and sine.
    pub(crate) fn cos_sin(self) -> (f64, f64) {
        // Within half a turn of zero, for which the functions are most exact.
        let turns = (self.0 as i64) as f64 / TURN;
        let (sin, cos) = (turns * TAU).sin_cos();
        (cos, sin)
    }
}

impl Add for Phase {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }
}

impl AddAssign for Phase {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Phase {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.wrapping_sub(other.0))
    }
}

impl Neg for Phase {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.wrapping_neg())
    }
}

/// A frequency: how far the phase goes in a nanosecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Speed(pub u64);

impl Speed {
    /// From Hz, exact for whole microhertz.
    pub(crate) fn from_hz(hz: f64) -> Self {
        // A µHz is 10⁻¹⁵ turns a nanosecond.
        let micro = (hz * 1e6).floor();
        let rest = hz * 1e6 - micro;
        // Beyond any controller's frequencies only the fraction of a turn is left, if that.
        let whole = (micro.clamp(-1e18, 1e18) as i128) << 64;
        let turns = whole.div_euclid(1_000_000_000_000_000);
        let fine = rest * TURN * 1e-15;
        Self((turns as u64).wrapping_add(fine as u64))
    }

    /// How far it goes.
    pub(crate) fn over(self, ns: u64) -> Phase {
        Phase(self.0.wrapping_mul(ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(phase: Phase, turns: f64) -> f64 {
        let off = (phase.turns() - turns).rem_euclid(1.0);
        off.min(1.0 - off)
    }

    #[test]
    fn phases_are_exact_after_long_times() {
        let speed = Speed::from_hz(123_456_789.0);
        // 0.123456789 turns a nanosecond.
        assert!(distance(speed.over(1_000_000_000), 0.0) < 1e-9);
        assert!(distance(speed.over(1_000_000_001), 0.123_456_789) < 1e-9);
        let slow = Speed::from_hz(-0.25);
        assert!(distance(slow.over(1_000_000_000), 0.75) < 1e-9);
        assert!(distance(Speed::from_hz(1e-6).over(1_000_000_000_000_000), 0.0) < 2e-4);
    }

    #[test]
    fn frames_have_the_bits_of_a_fixed() {
        assert_eq!(Phase::from_frame(1 << 26), Phase::from_turns(0.25));
        assert_eq!(Phase::from_frame(-(1 << 26)), Phase::from_turns(0.75));
        // A step of a fixed is 2⁻²⁸ of a turn.
        assert_eq!(Phase::from_frame(1), Phase(1 << 36));
        assert_eq!(Phase::from_frame(-1), Phase(u64::MAX << 36));
        let (cos, sin) = Phase::from_turns(0.25).cos_sin();
        assert!(cos.abs() < 1e-16 && sin == 1.0);
    }
}
