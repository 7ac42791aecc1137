use proptest::prelude::*;

use super::*;

#[test]
fn fixed_wraps_as_the_manual_says() {
    for (value, wrapped) in [(8.0, -8.0), (9.0, -7.0), (17.0, 1.0), (100.0, 4.0), (-8.0, -8.0)] {
        assert_eq!(fixed_to_f64(fixed_from_f64(value).unwrap()), wrapped, "{value}");
    }
    assert_eq!(fixed_from_f64(f64::NAN), None);
    assert_eq!(fixed_from_f64(f64::INFINITY), None);
}

#[test]
fn shifts_act_on_the_raw_bits() {
    assert_eq!(shl(6, 5), 192);
    assert_eq!(shr(6, 1), 3);
    assert_eq!(shr(-6, 1), -3);
    assert_eq!((shl(1, 32), shl(1, -1), shr(-1, 40), shr(5, 40)), (0, 0, -1, 0));
}

#[test]
fn division_floors_and_knows_zero() {
    assert_eq!(div_int(7, 2), Some(3));
    assert_eq!(div_int(-7, 2), Some(-4));
    assert_eq!(div_int(i32::MIN, -1), Some(i32::MIN));
    assert_eq!(div_int(1, 0), None);
    assert_eq!(div_to_fixed(1, 2), fixed_from_f64(0.5));
    assert_eq!(div_to_fixed(ONE, 3 * ONE), Some(ONE / 3));
    assert_eq!(div_to_fixed(ONE, 0), None);
}

proptest! {
    // The reference is exact arithmetic in i128, reduced to 32 bits at the end.
    #[test]
    fn products_are_exact_before_the_shift(a: i32, b: i32) {
        let exact = (i128::from(a) * i128::from(b)).div_euclid(1 << FRACTION_BITS);
        prop_assert_eq!(mul_fixed(a, b), exact as i32);
    }

    #[test]
    fn quotients_floor(a: i32, b in any::<i32>().prop_filter("zero", |b| *b != 0)) {
        let floor = |n: i128, d: i128| if d < 0 { (-n).div_euclid(-d) } else { n.div_euclid(d) };
        let (wide_a, wide_b) = (i128::from(a), i128::from(b));
        prop_assert_eq!(div_int(a, b), Some(floor(wide_a, wide_b) as i32));
        prop_assert_eq!(div_to_fixed(a, b), Some(floor(wide_a << FRACTION_BITS, wide_b) as i32));
    }

    #[test]
    fn fixed_survives_the_way_through_f64(raw: i32) {
        prop_assert_eq!(fixed_from_f64(fixed_to_f64(raw)), Some(raw));
    }
}
