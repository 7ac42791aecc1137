//! Literals: texts of the wire as cells.

use pulsewire_wire::qua::qua_program::Type as WireType;

use crate::qua::value::{Kind, fixed_from_f64};

/// What is wrong with a literal's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct LiteralError(String);

/// The kind that a declaration or a literal carries on the wire.
pub(super) fn kind_of(number: i32) -> Option<Kind> {
    match WireType::try_from(number).ok()? {
        WireType::Int => Some(Kind::Int),
        WireType::Bool => Some(Kind::Bool),
        WireType::Real => Some(Kind::Fixed),
    }
}

/// Reads a literal's text as a cell of kind `want`.
///
/// `own` is the kind written on the literal itself: an INT literal takes the kind of its context
/// (`x > 0` with a fixed `x` arrives as the INT literal "0"), a REAL one serves as an int only
/// when it has no fraction.
///
/// # Errors
/// [`LiteralError`].
pub(super) fn parse_literal(text: &str, own: Kind, want: Kind) -> Result<i32, LiteralError> {
    match (own, want) {
        (Kind::Bool, Kind::Bool) => match text {
            "True" | "true" | "1" => Ok(1),
            "False" | "false" | "0" | "" => Ok(0),
            _ => Err(LiteralError(format!("bad literal: '{text}' is not a bool (True or False)"))),
        },
        (Kind::Bool, other) => Err(LiteralError(format!(
            "bad literal: the bool {text} where {} is needed",
            article(other)
        ))),
        (Kind::Int, Kind::Int) => parse_int(text),
        (Kind::Int, Kind::Bool) => parse_int(text).map(|value| i32::from(value != 0)),
        (Kind::Int | Kind::Fixed, Kind::Fixed) => parse_real(text).and_then(|value| {
            fixed_from_f64(value)
                .ok_or_else(|| LiteralError(format!("bad literal: '{text}' is not finite")))
        }),
        (Kind::Fixed, Kind::Int) => {
            let value = parse_real(text)?;
            if value.fract() != 0.0 || !value.is_finite() {
                return Err(LiteralError(format!(
                    "bad literal: {text} where an int is needed; write a whole number or use a fixed variable"
                )));
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

fn parse_int(text: &str) -> Result<i32, LiteralError> {
    let value: i128 =
        text.parse().map_err(|_| LiteralError(format!("bad literal: '{text}' is not an int")))?;
    int_in_range(value, text)
}

fn int_in_range(value: i128, text: &str) -> Result<i32, LiteralError> {
    i32::try_from(value).map_err(|_| {
        LiteralError(format!(
            "bad literal: {text} does not fit an int (32 bits, -2147483648 to 2147483647)"
        ))
    })
}

fn parse_real(text: &str) -> Result<f64, LiteralError> {
    // Rust also reads "inf" and "nan", which are no QUA numbers.
    text.parse::<f64>()
        .ok()
        .filter(|value| value.is_finite())
        .ok_or_else(|| LiteralError(format!("bad literal: '{text}' is not a number")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qua::value::ONE;

    #[test]
    fn literals_take_the_kind_of_their_context() {
        use Kind::{Bool, Fixed, Int};
        assert_eq!(parse_literal("5", Int, Fixed), Ok(5 * ONE));
        assert_eq!(parse_literal("1e-09", Fixed, Fixed), Ok(0));
        assert_eq!(parse_literal("4000000.0", Fixed, Int), Ok(4_000_000));
        assert_eq!(parse_literal("1e3", Fixed, Int), Ok(1000));
        assert_eq!(parse_literal("True", Bool, Bool), Ok(1));
        assert_eq!(parse_literal("2", Int, Bool), Ok(1));
        for (text, own, want) in [
            ("abc", Int, Int),
            ("2147483648", Int, Int),
            ("1e10", Fixed, Int),
            ("0.5", Fixed, Int),
            ("nan", Fixed, Fixed),
            ("inf", Fixed, Fixed),
            ("1e999", Fixed, Fixed),
            ("True", Bool, Int),
            ("Yes", Bool, Bool),
            ("", Int, Int),
        ] {
            let error = parse_literal(text, own, want).unwrap_err();
            assert!(error.to_string().starts_with("bad literal"), "{text}: {error}");
        }
    }
}
