//! The fixed-point form of a correction matrix: 1 sign bit, 1 integer bit, 16 fractional bits.

/// v00, v01, v10, v11.
pub type Matrix = [f64; 4];

/// How far a correction reaches: the length of its longer row.
#[must_use]
pub fn longer_row([c00, c01, c10, c11]: &Matrix) -> f64 {
    (c00 * c00 + c01 * c01).max(c10 * c10 + c11 * c11).sqrt()
}

/// The matrix that changes nothing.
pub const IDENTITY: Matrix = [1.0, 0.0, 0.0, 1.0];

/// The names of the entries, in their order.
pub const ENTRY_NAMES: [&str; 4] = ["v00", "v01", "v10", "v11"];

/// Steps of one.
pub const STEPS: f64 = 65_536.0;

/// The smallest entry.
pub const LOWEST: f64 = -2.0;

/// The largest entry: a step below 2.
pub const HIGHEST: f64 = 2.0 - 1.0 / STEPS;

/// An entry that the hardware cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{} = {value} is outside [-2, 2 - 2^-16]", ENTRY_NAMES[*index])]
pub struct OutOfRange {
    /// Which entry.
    pub index: usize,
    /// Its value.
    pub value: f64,
}

/// An entry as the hardware holds it: the nearest step, ties to even. `None` outside the range, and for NaN.
///
/// Scaling by a power of two changes the exponent alone, so that nothing is rounded but to the step.
pub fn quantize_entry(value: f64) -> Option<f64> {
    // The comparison is of the value itself: 2 - 2^-18 would round to 2, which there is not.
    (LOWEST..=HIGHEST).contains(&value).then(|| (value * STEPS).round_ties_even() / STEPS)
}

/// An entry as the hardware holds it, one outside the range as the nearest end of it.
pub fn saturate_entry(value: f64) -> f64 {
    quantize_entry(value.clamp(LOWEST, HIGHEST)).unwrap_or(LOWEST)
}

/// The matrix that the hardware holds for this one.
///
/// # Errors
/// The first entry outside [-2, 2 - 2⁻¹⁶], or not finite.
pub fn quantize(matrix: Matrix) -> Result<Matrix, OutOfRange> {
    let mut held = [0.0; 4];
    for (index, (held, value)) in held.iter_mut().zip(matrix).enumerate() {
        *held = quantize_entry(value).ok_or(OutOfRange { index, value })?;
    }
    Ok(held)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_range_is_the_documented_one() {
        let step = 1.0 / STEPS;
        assert_eq!(quantize([-2.0, 2.0 - step, 0.0, step]), Ok([-2.0, 2.0 - step, 0.0, step]));
        assert_eq!(
            quantize([0.4 * step, 1.6 * step, -2.0, 2.0 - step]),
            Ok([0.0, 2.0 * step, -2.0, 2.0 - step])
        );
        for bad in [2.0, 2.0 - step / 4.0, -2.0 - step, f64::NAN, f64::INFINITY, f64::NEG_INFINITY]
        {
            let error = quantize([0.0, 0.0, bad, 0.0]).unwrap_err();
            assert!(error.to_string().starts_with("v10 = "), "{error}");
        }
    }

    proptest! {
        #[test]
        fn every_step_survives_and_everything_else_goes_to_the_nearest(
            raw in -131_072i32..=131_071, off in -0.49f64..0.49,
        ) {
            let exact = f64::from(raw) / STEPS;
            prop_assert_eq!(quantize([exact; 4]), Ok([exact; 4]));
            let near = exact + off / STEPS;
            if (LOWEST..=HIGHEST).contains(&near) {
                prop_assert_eq!(quantize([near; 4]), Ok([exact; 4]));
            }
        }
    }
}
