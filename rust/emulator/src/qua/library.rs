//! The library functions of QUA (`Math`, `Cast`, `Util`, `Random`) on raw cells.
//!
//! Functions without an exact integer form are computed in f64 and rounded once to the nearest
//! 2⁻²⁸; an f64 carries 53 bits, so the result is the correctly rounded one but for ties that
//! no test can tell apart. Domains are those of the client's own docstrings (`qm/qua/lib.py`).

use super::value::{self, ONE, fixed_from_f64, fixed_to_f64};

/// A function of one `fixed` that gives a `fixed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unary {
    Log2,
    Log10,
    Ln,
    Exp,
    Pow2,
    Sqrt,
    InvSqrt,
    Inv,
    Elu,
    Selu,
    Relu,
    Lrelu,
    Sin,
    Cos,
    Sin2Pi,
    Cos2Pi,
    Atan,
    Atan2Pi,
}

/// A function of two `fixed` that gives a `fixed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Log,
    Pow,
    Plrelu,
    Atan2,
    Atan2In2Pi,
}

const SELU_SCALE: f64 = 1.050_700_98;
const SELU_ALPHA: f64 = 1.673_263_24;

impl Unary {
    /// The function named so on the wire.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "log2" => Self::Log2,
            "log10" => Self::Log10,
            "ln" => Self::Ln,
            "exp" => Self::Exp,
            "pow2" => Self::Pow2,
            "sqrt" => Self::Sqrt,
            "inv_sqrt" => Self::InvSqrt,
            "inv" => Self::Inv,
            // aelu is the hardware's approximation of elu; its error is not documented.
            "elu" | "aelu" => Self::Elu,
            "selu" => Self::Selu,
            "relu" => Self::Relu,
            "lrelu" => Self::Lrelu,
            "sin" => Self::Sin,
            "cos" => Self::Cos,
            "sin2pi" => Self::Sin2Pi,
            "cos2pi" => Self::Cos2Pi,
            "atan" => Self::Atan,
            "atan_2pi" => Self::Atan2Pi,
            _ => return None,
        })
    }

    /// The value, or `None` outside the function's domain.
    pub(crate) fn apply(self, raw: i32) -> Option<i32> {
        let x = fixed_to_f64(raw);
        let within = match self {
            Self::Log2 => x > (-8f64).exp2(),
            Self::Log10 => x > 1e-8,
            Self::Ln => x > (-8f64).exp(),
            Self::Exp => x < 8f64.ln(),
            Self::Pow2 => x < 3.0,
            Self::Sqrt => x >= 0.0,
            Self::InvSqrt => x > 1.0 / 64.0,
            Self::Inv => x <= -0.125 || x > 0.125,
            Self::Atan | Self::Atan2Pi => (-1.0..=1.0).contains(&x),
            _ => true,
        };
        if !within {
            return None;
        }
        let turns = |x: f64| x * std::f64::consts::TAU;
        fixed_from_f64(match self {
            Self::Log2 => x.log2(),
            Self::Log10 => x.log10(),
            Self::Ln => x.ln(),
            Self::Exp => x.exp(),
            Self::Pow2 => x.exp2(),
            Self::Sqrt => x.sqrt(),
            Self::InvSqrt => 1.0 / x.sqrt(),
            Self::Inv => 1.0 / x,
            Self::Elu => x.max(0.0) + x.min(0.0).exp_m1(),
            Self::Selu => SELU_SCALE * (x.max(0.0) + SELU_ALPHA * x.min(0.0).exp_m1()),
            Self::Relu => x.max(0.0),
            Self::Lrelu => x.max(0.0) + 0.01 * x.min(0.0),
            Self::Sin => x.sin(),
            Self::Cos => x.cos(),
            // The range of `fixed` is a whole number of turns: the wrap does not show.
            Self::Sin2Pi => turns(x - x.floor()).sin(),
            Self::Cos2Pi => turns(x - x.floor()).cos(),
            Self::Atan => x.atan(),
            Self::Atan2Pi => x.atan() / std::f64::consts::TAU,
        })
    }
}

impl Binary {
    /// The function named so on the wire.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "log" => Self::Log,
            "pow" => Self::Pow,
            "plrelu" => Self::Plrelu,
            "atan2" => Self::Atan2,
            "atan2_2pi" => Self::Atan2In2Pi,
            _ => return None,
        })
    }

    /// The value, or `None` outside the function's domain.
    pub(crate) fn apply(self, first: i32, second: i32) -> Option<i32> {
        let (x, y) = (fixed_to_f64(first), fixed_to_f64(second));
        let within = match self {
            Self::Log => x > (-8f64).exp2() && y > 0.125f64.exp2(),
            Self::Pow => x >= 0.0 && x != 1.0 && !(x == 0.0 && y == 0.0),
            _ => true,
        };
        if !within {
            return None;
        }
        fixed_from_f64(match self {
            Self::Log => x.log2() / y.log2(),
            Self::Pow => x.powf(y),
            Self::Plrelu => x.max(0.0) + y * x.min(0.0),
            Self::Atan2 => x.atan2(y),
            Self::Atan2In2Pi => x.atan2(y) / std::f64::consts::TAU,
        })
    }
}

/// `floor(log2|x|)` of an int; 0 for 0.
pub(crate) fn msb_int(raw: i32) -> i32 {
    raw.unsigned_abs().checked_ilog2().map_or(0, |bit| bit as i32)
}

/// `floor(log2|x|)` of a fixed; -28 for 0.
pub(crate) fn msb_fixed(raw: i32) -> i32 {
    raw.unsigned_abs().checked_ilog2().map_or(-28, |bit| bit as i32 - 28)
}

/// `Cast.to_int` of a fixed: its whole part, towards minus infinity (the raw bits shifted).
pub(crate) fn fixed_to_int(raw: i32) -> i32 {
    raw >> value::FRACTION_BITS
}

/// `Cast.to_fixed` of an int, wrapped into [-8, 8).
pub(crate) fn int_to_fixed(raw: i32) -> i32 {
    raw.wrapping_mul(ONE)
}

const RANDOM_A: u64 = 137_939_405;
const RANDOM_C: u64 = 12_345;
const RANDOM_BITS: u32 = 28;

/// The next state of QUA's generator: a linear congruential one, modulo 2²⁸.
pub(crate) fn random_next(seed: i32) -> i32 {
    let next = (u64::from(seed as u32) * RANDOM_A + RANDOM_C) & ((1 << RANDOM_BITS) - 1);
    next as i32
}

/// `rand_int(max)` from a state: [0, max), or 0 for a `max` that is not positive.
pub(crate) fn random_int(state: i32, max: i32) -> i32 {
    if max <= 0 { 0 } else { ((i64::from(state) * i64::from(max)) >> RANDOM_BITS) as i32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f(x: f64) -> i32 {
        fixed_from_f64(x).unwrap()
    }

    #[test]
    fn unary_functions_match_their_definition() {
        let cases: &[(&str, f64, f64)] = &[
            ("log2", 4.0, 2.0),
            ("log10", 0.1, -1.0),
            ("ln", 2.0, 2f64.ln()),
            ("exp", -1.0, (-1f64).exp()),
            ("pow2", 1.5, 1.5f64.exp2()),
            ("sqrt", 2.0, 2f64.sqrt()),
            ("inv_sqrt", 4.0, 0.5),
            ("inv", -0.5, -2.0),
            ("elu", -1.0, (-1f64).exp() - 1.0),
            ("aelu", 2.0, 2.0),
            ("selu", 1.0, SELU_SCALE),
            ("relu", -3.0, 0.0),
            ("lrelu", -2.0, -0.02),
            ("sin", 1.0, 1f64.sin()),
            ("cos", 1.0, 1f64.cos()),
            ("sin2pi", 0.25, 1.0),
            ("cos2pi", -7.5, -1.0),
            ("atan", 1.0, std::f64::consts::FRAC_PI_4),
            ("atan_2pi", -1.0, -0.125),
        ];
        for (name, x, expected) in cases {
            let raw = Unary::named(name).unwrap().apply(f(*x)).unwrap();
            // The argument itself is rounded to 2^-28, which a steep function magnifies.
            assert!((fixed_to_f64(raw) - expected).abs() < 2f64.powi(-24), "{name}({x})");
        }
    }

    #[test]
    fn functions_refuse_arguments_outside_their_domain() {
        for (name, x) in [
            ("log2", 0.0),
            ("ln", -1.0),
            ("log10", 0.0),
            ("exp", 2.1),
            ("pow2", 3.0),
            ("sqrt", -0.1),
            ("inv_sqrt", 0.0),
            ("inv", 0.1),
            ("atan", 1.5),
        ] {
            assert_eq!(Unary::named(name).unwrap().apply(f(x)), None, "{name}({x})");
        }
        assert_eq!(Binary::Pow.apply(f(1.0), f(2.0)), None);
        assert_eq!(Binary::Pow.apply(0, 0), None);
        assert_eq!(Binary::Log.apply(f(2.0), f(1.0)), None);
        assert!(Unary::named("tan").is_none() && Binary::named("hypot").is_none());
    }

    #[test]
    fn binary_functions_match_their_definition() {
        let cases: &[(&str, f64, f64, f64)] = &[
            ("log", 4.0, 2.0, 2.0),
            ("pow", 2.0, 2.0, 4.0),
            ("plrelu", -2.0, 0.25, -0.5),
            ("atan2", 1.0, -1.0, 3.0 * std::f64::consts::FRAC_PI_4),
            ("atan2_2pi", 1.0, 0.0, 0.25),
        ];
        for (name, x, y, expected) in cases {
            let raw = Binary::named(name).unwrap().apply(f(*x), f(*y)).unwrap();
            assert!((fixed_to_f64(raw) - expected).abs() < 1e-8, "{name}");
        }
    }

    #[test]
    fn casts_and_bits() {
        assert_eq!((msb_int(0), msb_int(1), msb_int(-1024), msb_int(i32::MIN)), (0, 0, 10, 31));
        assert_eq!((msb_fixed(0), msb_fixed(f(0.25)), msb_fixed(f(-8.0))), (-28, -2, 3));
        assert_eq!((fixed_to_int(f(2.75)), fixed_to_int(f(-2.25))), (2, -3));
        assert_eq!((int_to_fixed(3), int_to_fixed(8)), (3 * ONE, -8 * ONE));
    }

    #[test]
    fn the_generator_is_the_documented_one() {
        let mut state = 1;
        let mut expected: u64 = 1;
        for _ in 0..1000 {
            state = random_next(state);
            expected = (137_939_405 * expected + 12_345) % (1 << 28);
            assert_eq!(state as u64, expected);
            let draw = random_int(state, 10);
            assert!((0..10).contains(&draw));
        }
        assert_eq!(random_int(state, 0), 0);
        assert_eq!(random_int(state, -3), 0);
    }
}
