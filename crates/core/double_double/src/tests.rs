//! Digits kept, whatever the order.

use super::*;
use proptest::prelude::*;

#[test]
fn a_third_is_known_to_more_than_thirty_digits() {
    let third = DoubleDouble::ONE.over(DoubleDouble::of(3.0));
    let back = third.plus(third).plus(third).minus(DoubleDouble::ONE);
    assert!(back.rounded().abs() < 1e-31, "{back:?}");
    assert_eq!(third.rounded(), 1.0 / 3.0);
}

#[test]
fn counts_above_the_digits_of_a_double_are_exact() {
    let large = (1 << 60) + 1;
    let back = DoubleDouble::of_count(large).minus(DoubleDouble::of_count(1 << 60));
    assert_eq!(back.rounded(), 1.0);
}

#[test]
fn the_ends_of_the_integers_are_numbers() {
    for value in [i128::MAX, i128::MIN, 0] {
        assert_eq!(DoubleDouble::of_integer(value).rounded(), value as f64);
    }
}

proptest! {
    #[test]
    fn integers_differ_by_what_they_differ(value in -(1_i128 << 100)..1 << 100, step in -1_000_000_i32..1_000_000) {
        let next = DoubleDouble::of_integer(value + i128::from(step));
        prop_assert_eq!(next.minus(DoubleDouble::of_integer(value)).rounded(), f64::from(step));
    }

    #[test]
    fn quotients_of_counts_do_not_depend_on_the_order_of_the_sum(
        pairs in prop::collection::vec((1u64..1 << 40, 1u64..1 << 40), 1..40)
    ) {
        let quotient =
            |(top, bottom): &(u64, u64)| DoubleDouble::of_count(*top).over(DoubleDouble::of_count(*bottom));
        let forward: DoubleDouble = pairs.iter().map(quotient).sum();
        let backward: DoubleDouble = pairs.iter().rev().map(quotient).sum();
        prop_assert_eq!(forward.rounded(), backward.rounded());
    }

    #[test]
    fn a_product_divided_again_is_what_it_was(left in 1e-9f64..1e9, right in 1e-9f64..1e9) {
        let product = DoubleDouble::of(left).times(DoubleDouble::of(right));
        prop_assert_eq!(product.rounded(), left * right);
        prop_assert_eq!(product.over(DoubleDouble::of(right)).rounded(), left);
    }
}
