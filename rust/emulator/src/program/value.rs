//! QUA's numbers: `int` (32-bit two's complement), `fixed` (4.28 in an `i32`) and `bool` (0 or 1).
//!
//! Every value of a running program is an `i32` cell; its kind is known when the program is
//! compiled. Arithmetic is integer arithmetic that wraps, as the manual says
//! (docs/1.1.7/Guides/variables). Roundings that the manual leaves open are listed in
//! docs/emulator.md.

use pulsewire_wire::qua::qua_program::Type as WireType;

/// Fractional bits of `fixed`.
pub const FRACTION_BITS: u32 = 28;
/// 1.0 as `fixed`.
pub const ONE: i32 = 1 << FRACTION_BITS;
const SCALE: f64 = ONE as f64;
const WRAP: f64 = 4_294_967_296.0;

/// The type of a QUA value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// 32-bit two's complement.
    Int,
    /// Signed 4.28 fixed point, [-8, 8).
    Fixed,
    /// 0 or 1.
    Bool,
}

impl Kind {
    /// The kind that a declaration or a literal carries on the wire.
    pub fn from_wire(value: i32) -> Option<Self> {
        match WireType::try_from(value).ok()? {
            WireType::Int => Some(Self::Int),
            WireType::Bool => Some(Self::Bool),
            WireType::Real => Some(Self::Fixed),
        }
    }

    /// The name a QUA user knows it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Fixed => "fixed",
            Self::Bool => "bool",
        }
    }
}

/// The nearest 4.28 number (ties to even), wrapped into [-8, 8). `None` for NaN and infinities.
pub fn fixed_from_f64(value: f64) -> Option<i32> {
    if !value.is_finite() {
        return None;
    }
    // Scaling by a power of two is exact; so is the remainder.
    let scaled = (value * SCALE).round_ties_even().rem_euclid(WRAP);
    Some(scaled as u32 as i32)
}

/// The value of a 4.28 number; exact.
pub fn fixed_to_f64(value: i32) -> f64 {
    f64::from(value) / SCALE
}

/// `a * b` of two 4.28 numbers: the 64-bit product shifted right by 28 bits (towards minus
/// infinity), then wrapped. The same shift makes an int of an int times a 4.28 number.
pub fn mul_fixed(a: i32, b: i32) -> i32 {
    ((i64::from(a) * i64::from(b)) >> FRACTION_BITS) as i32
}

fn floor_div(a: i64, b: i64) -> i64 {
    let quotient = a / b;
    if a % b != 0 && ((a < 0) != (b < 0)) { quotient - 1 } else { quotient }
}

/// `floor(a / b)` of two ints, wrapped; `None` for `b == 0`.
pub fn div_int(a: i32, b: i32) -> Option<i32> {
    (b != 0).then(|| floor_div(i64::from(a), i64::from(b)) as i32)
}

/// The 4.28 quotient of two numbers of one kind (two ints or two fixed), towards minus infinity
/// and wrapped; `None` for `b == 0`.
pub fn div_to_fixed(a: i32, b: i32) -> Option<i32> {
    (b != 0).then(|| floor_div(i64::from(a) << FRACTION_BITS, i64::from(b)) as i32)
}

/// Fractional bits of a literal's reciprocal.
const RECIPROCAL_BITS: u32 = 26;

/// The reciprocal of a 4.28 literal, cut to 26 fractional bits; `None` for 0.
pub fn reciprocal(literal: i32) -> Option<i64> {
    (literal != 0).then(|| (1i64 << (FRACTION_BITS + RECIPROCAL_BITS)) / i64::from(literal))
}

/// The product of a 4.28 number with a literal's reciprocal: the nearest, wrapped. So the real compiler
/// divides a `fixed` by a literal.
pub fn mul_reciprocal(a: i32, reciprocal: i64) -> i32 {
    let product = i128::from(a) * i128::from(reciprocal);
    ((product + (1 << (RECIPROCAL_BITS - 1))) >> RECIPROCAL_BITS) as i32
}

/// `a << b` on the raw 32 bits; a shift by 32 or more (or by less than 0) leaves 0.
pub fn shl(a: i32, b: i32) -> i32 {
    u32::try_from(b).ok().and_then(|b| a.checked_shl(b)).unwrap_or(0)
}

/// Arithmetic `a >> b` on the raw 32 bits; a shift by 32 or more (or by less than 0) leaves the
/// sign: 0 or -1.
pub fn shr(a: i32, b: i32) -> i32 {
    u32::try_from(b).ok().and_then(|b| a.checked_shr(b)).unwrap_or(if a < 0 { -1 } else { 0 })
}

/// Reads a literal's text as a cell of kind `want`.
///
/// `own` is the kind written on the literal itself: an INT literal takes the kind of its context
/// (`x > 0` with a fixed `x` arrives as the INT literal "0"), a REAL one serves as an int only
/// when it has no fraction.
///
/// # Errors
/// A sentence that says what is wrong with the text.
pub fn parse_literal(text: &str, own: Kind, want: Kind) -> Result<i32, String> {
    match (own, want) {
        (Kind::Bool, Kind::Bool) => match text {
            "True" | "true" | "1" => Ok(1),
            "False" | "false" | "0" | "" => Ok(0),
            _ => Err(format!("bad literal: '{text}' is not a bool (True or False)")),
        },
        (Kind::Bool, other) => {
            Err(format!("bad literal: the bool {text} where {} is needed", article(other)))
        }
        (Kind::Int, Kind::Int) => parse_int(text),
        (Kind::Int, Kind::Bool) => parse_int(text).map(|value| i32::from(value != 0)),
        (Kind::Int | Kind::Fixed, Kind::Fixed) => parse_real(text).and_then(|value| {
            fixed_from_f64(value).ok_or_else(|| format!("bad literal: '{text}' is not finite"))
        }),
        (Kind::Fixed, Kind::Int) => {
            let value = parse_real(text)?;
            if value.fract() != 0.0 || !value.is_finite() {
                return Err(format!(
                    "bad literal: {text} where an int is needed; write a whole number or use a fixed variable"
                ));
            }
            int_in_range(value as i128, text)
        }
        (Kind::Fixed, Kind::Bool) => parse_real(text).map(|value| i32::from(value != 0.0)),
    }
}

fn article(kind: Kind) -> &'static str {
    match kind {
        Kind::Int => "an int",
        Kind::Fixed => "a fixed",
        Kind::Bool => "a bool",
    }
}

fn parse_int(text: &str) -> Result<i32, String> {
    let value: i128 = text.parse().map_err(|_| format!("bad literal: '{text}' is not an int"))?;
    int_in_range(value, text)
}

fn int_in_range(value: i128, text: &str) -> Result<i32, String> {
    i32::try_from(value).map_err(|_| {
        format!("bad literal: {text} does not fit an int (32 bits, -2147483648 to 2147483647)")
    })
}

fn parse_real(text: &str) -> Result<f64, String> {
    // Rust also reads "inf" and "nan", which are no QUA numbers.
    text.parse::<f64>()
        .ok()
        .filter(|value| value.is_finite())
        .ok_or_else(|| format!("bad literal: '{text}' is not a number"))
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;
