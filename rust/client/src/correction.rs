//! The fixed-point form of a correction matrix: 1 sign bit, 1 integer bit, 16 fractional bits.

use crate::error::{Error, Result};

/// v00, v01, v10, v11.
pub type Matrix = [f64; 4];

const NAMES: [&str; 4] = ["v00", "v01", "v10", "v11"];
const FRACTION_BITS: i32 = 16;
const STEPS: f64 = (1u32 << FRACTION_BITS) as f64;
const LOWEST: i32 = -2 << FRACTION_BITS;
const HIGHEST: i32 = (2 << FRACTION_BITS) - 1;

/// The raw 18-bit number nearest to a value (ties to even); `None` outside the range.
fn raw(value: f64) -> Option<i32> {
    // Scaling by a power of two changes the exponent alone, and rounding to an integer is exact:
    // from here on it is an integer.
    let scaled = (value * STEPS).round_ties_even();
    // The comparison is of the value itself: 2 - 2^-18 would round to 2, which there is not.
    let in_range = (-2.0..=f64::from(HIGHEST) / STEPS).contains(&value);
    in_range.then_some(scaled as i32).filter(|raw| (LOWEST..=HIGHEST).contains(raw))
}

/// The matrix that the hardware holds for this one.
///
/// # Errors
/// [`Error::Value`] for an entry outside [-2, 2 - 2⁻¹⁶] or not finite, naming `what` and the
/// entry.
pub fn quantize(what: &str, matrix: Matrix) -> Result<Matrix> {
    let mut out = [0.0; 4];
    for ((out, value), name) in out.iter_mut().zip(matrix).zip(NAMES) {
        let raw = raw(value).ok_or_else(|| {
            Error::Value(format!(
                "the correction of {what}: {name} = {value} is outside [-2, 2 - 2^-16]"
            ))
        })?;
        *out = f64::from(raw) / STEPS;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_range_is_the_documented_one() {
        let step = 1.0 / STEPS;
        assert_eq!(
            quantize("q", [-2.0, 2.0 - step, 0.0, step]).unwrap(),
            [-2.0, 2.0 - step, 0.0, step]
        );
        for bad in [2.0, 2.0 - step / 4.0, -2.0 - step, f64::NAN, f64::INFINITY, f64::NEG_INFINITY]
        {
            let error = quantize("the element 'q'", [0.0, 0.0, bad, 0.0]).unwrap_err();
            assert!(error.to_string().contains("'q': v10 = "), "{error}");
        }
    }

    proptest! {
        #[test]
        fn every_step_survives_and_everything_else_goes_to_the_nearest(raw in LOWEST..=HIGHEST, off in -0.49f64..0.49) {
            let exact = f64::from(raw) / STEPS;
            prop_assert_eq!(quantize("q", [exact; 4]).unwrap(), [exact; 4]);
            let near = exact + off / STEPS;
            if (-2.0..=2.0 - 1.0 / STEPS).contains(&near) {
                prop_assert_eq!(quantize("q", [near; 4]).unwrap(), [exact; 4]);
            }
        }
    }
}
