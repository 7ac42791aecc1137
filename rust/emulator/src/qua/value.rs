//! QUA's numbers: `int` (32-bit two's complement), `fixed` (4.28 in an `i32`) and `bool` (0 or 1).
//!
//! Every value of a running program is an `i32` cell; its kind is known when the program is
//! compiled. Arithmetic is integer arithmetic that wraps, as the manual says. Roundings that the manual leaves open are listed in
//! docs/emulator.md.

pub(crate) use pulsewire_common::fixed::FRACTION_BITS;

/// 1.0 as `fixed`.
pub(crate) const ONE: i32 = 1 << FRACTION_BITS;
const SCALE: f64 = ONE as f64;
const WRAP: f64 = 4_294_967_296.0;

/// The type of a QUA value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// 32-bit two's complement.
    Int,
    /// Signed 4.28 fixed point, [-8, 8).
    Fixed,
    /// 0 or 1.
    Bool,
}

impl Kind {
    /// The name a QUA user knows it by.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Fixed => "fixed",
            Self::Bool => "bool",
        }
    }
}

/// The nearest 4.28 number (ties to even), wrapped into [-8, 8). `None` for NaN and infinities.
pub(crate) fn fixed_from_f64(value: f64) -> Option<i32> {
    if !value.is_finite() {
        return None;
    }
    // Scaling by a power of two is exact; so is the remainder.
    let scaled = (value * SCALE).round_ties_even().rem_euclid(WRAP);
    Some(scaled as u32 as i32)
}

/// The value of a 4.28 number; exact.
pub(crate) fn fixed_to_f64(value: i32) -> f64 {
    f64::from(value) / SCALE
}

/// `a * b` of two 4.28 numbers: the 64-bit product shifted right by 28 bits (towards minus
/// infinity), then wrapped. The same shift makes an int of an int times a 4.28 number.
pub(crate) fn mul_fixed(a: i32, b: i32) -> i32 {
    ((i64::from(a) * i64::from(b)) >> FRACTION_BITS) as i32
}

fn floor_div(a: i64, b: i64) -> i64 {
    let quotient = a / b;
    if a % b != 0 && ((a < 0) != (b < 0)) { quotient - 1 } else { quotient }
}

/// `floor(a / b)` of two ints, wrapped; `None` for `b == 0`.
pub(crate) fn div_int(a: i32, b: i32) -> Option<i32> {
    (b != 0).then(|| floor_div(i64::from(a), i64::from(b)) as i32)
}

/// The 4.28 quotient of two numbers of one kind (two ints or two fixed), towards minus infinity
/// and wrapped; `None` for `b == 0`.
pub(crate) fn div_to_fixed(a: i32, b: i32) -> Option<i32> {
    (b != 0).then(|| floor_div(i64::from(a) << FRACTION_BITS, i64::from(b)) as i32)
}

/// Fractional bits of a literal's reciprocal.
const RECIPROCAL_BITS: u32 = 26;

/// The reciprocal of a 4.28 literal, cut to 26 fractional bits; `None` for 0.
pub(crate) fn reciprocal(literal: i32) -> Option<i64> {
    (literal != 0).then(|| (1i64 << (FRACTION_BITS + RECIPROCAL_BITS)) / i64::from(literal))
}

/// The product of a 4.28 number with a literal's reciprocal: the nearest, wrapped. So the real compiler
/// divides a `fixed` by a literal.
pub(crate) fn mul_reciprocal(a: i32, reciprocal: i64) -> i32 {
    let product = i128::from(a) * i128::from(reciprocal);
    ((product + (1 << (RECIPROCAL_BITS - 1))) >> RECIPROCAL_BITS) as i32
}

/// `a << b` on the raw 32 bits; a shift by 32 or more (or by less than 0) leaves 0.
pub(crate) fn shl(a: i32, b: i32) -> i32 {
    u32::try_from(b).ok().and_then(|b| a.checked_shl(b)).unwrap_or(0)
}

/// Arithmetic `a >> b` on the raw 32 bits; a shift by 32 or more (or by less than 0) leaves the
/// sign: 0 or -1.
pub(crate) fn shr(a: i32, b: i32) -> i32 {
    u32::try_from(b).ok().and_then(|b| a.checked_shr(b)).unwrap_or(if a < 0 { -1 } else { 0 })
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;
