//! QUA's `fixed`: 4 bits before the point, 28 behind it, [-8, 8).

/// Fractional bits of a `fixed`.
pub const FRACTION_BITS: u32 = 28;

/// Half of the step of a `fixed`: what is nearer to zero rounds to it.
pub const HALF_STEP: f64 = 1.0 / (1u64 << (FRACTION_BITS + 1)) as f64;

/// Whether a value is within [-8, 8) also once it is rounded to the nearest `fixed`: half a step below 8
/// the nearest would be 8, which wraps to -8. False for NaN.
#[inline]
pub fn fits(value: f64) -> bool {
    (-8.0..8.0 - HALF_STEP).contains(&value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_wrap_does_not_fit() {
        assert!(fits(-8.0) && fits(8.0 - 2f64.powi(-28)) && fits(-1e-300));
        for bad in [8.0, 8.0 - 2f64.powi(-30), -8.000_000_1, f64::NAN, f64::INFINITY] {
            assert!(!fits(bad), "{bad}");
        }
    }
}
