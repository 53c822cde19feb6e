use super::*;
use num_bigint::{BigInt, BigUint};
use proptest::prelude::*;

fn total(values: &[i64]) -> Sums {
    values.iter().fold(Sums::default(), |mut sums, value| {
        sums.add(&Sums::of(*value)).unwrap();
        sums
    })
}

/// The variance as a fraction of two integers, rounded once: (n xx - x^2) / (n (n-1)) to 30 decimal places.
fn rational_variance(n: u64, x: i128, xx: u128) -> f64 {
    let spread = BigInt::from(n) * BigInt::from(xx) - BigInt::from(x) * BigInt::from(x);
    let pairs = BigUint::from(n) * BigUint::from(n - 1);
    let scaled = spread.to_biguint().unwrap() * BigUint::from(10_u32).pow(40) / pairs;
    format!("{scaled}e-40").parse().unwrap()
}

fn assert_close(got: f64, wanted: f64) {
    assert!((got - wanted).abs() <= 4.0 * f64::EPSILON * wanted.abs(), "got {got:e}, wanted {wanted:e}");
}

/// Any values of which a hundred thousand fit the bounds.
fn values() -> impl Strategy<Value = Vec<i64>> {
    prop::collection::vec(-50_000_000_000_000_000_i64..50_000_000_000_000_000, 0..50)
}

proptest! {
    #[test]
    fn order_and_grouping_do_not_matter(mut values in values(), cut: prop::sample::Index) {
        let whole = total(&values);
        let (left, right) = values.split_at(if values.is_empty() { 0 } else { cut.index(values.len()) });
        let mut merged = total(right);
        merged.add(&total(left)).unwrap();
        prop_assert_eq!(merged, whole);
        values.reverse();
        prop_assert_eq!(total(&values), whole);
    }

    #[test]
    fn a_slice_of_cells_adds_up_as_one_by_one(values in prop::collection::vec(-50_000_000_000_000_000_i64..50_000_000_000_000_000, 0..70)) {
        let cells: Vec<Sums> = values.iter().map(|value| Sums::of(*value)).collect();
        prop_assert_eq!(Sums::total(&cells), Ok(total(&values)));
    }

    #[test]
    fn subtracting_undoes_adding(kept in values(), gone in values()) {
        let mut sums = total(&kept);
        sums.add(&total(&gone)).unwrap();
        sums.subtract(&total(&gone)).unwrap();
        prop_assert_eq!(sums, total(&kept));
    }

    #[test]
    fn replacing_a_unit_equals_never_having_seen_it(others in values(), before: i64, now: i64) {
        let mut sums = total(&others);
        sums.add(&Sums::of(before)).unwrap();
        sums.replace(&Sums::of(before), &Sums::of(now)).unwrap();
        let mut wanted = total(&others);
        wanted.add(&Sums::of(now)).unwrap();
        prop_assert_eq!(sums, wanted);
    }

    #[test]
    fn variance_equals_rational_arithmetic(offset in -1_000_000_000_000_000_i64..1_000_000_000_000_000,
                                           steps in prop::collection::vec(0_i64..1000, 2..40)) {
        let values: Vec<i64> = steps.iter().map(|step| offset + step).collect();
        let sums = total(&values);
        assert_close(sums.variance().unwrap(), rational_variance(sums.n, sums.x, sums.xx));
    }

    #[test]
    fn variance_of_extreme_values_is_exact_too(values in prop::collection::vec(any::<i64>(), 2..4)) {
        let sums = total(&values);
        assert_close(sums.variance().unwrap(), rational_variance(sums.n, sums.x, sums.xx));
    }
}

#[test]
fn ten_billion_units_of_a_million_cents_keep_their_variance() {
    // Half the units at 1,000,000 cents, half at 1,000,002: variance n / (n - 1).
    let (half, n) = (5_000_000_000_u64, 10_000_000_000_u64);
    let x = i128::from(half) * 2_000_002;
    let xx = u128::from(half) * (1_000_000_u128.pow(2) + 1_000_002_u128.pow(2));
    let sums = Sums::from_parts(n, x, xx);
    assert_eq!(sums.mean(), Ok(1_000_001.0));
    assert_close(sums.variance().unwrap(), 1.0 + 1e-10);

    // The same in 10^-6 fixed point, where n * xx no longer fits 128 bits.
    let micro = Sums::from_parts(n, x * 1_000_000, xx * 1_000_000_000_000);
    assert!(u128::from(n).checked_mul(micro.xx).is_none());
    let moments = micro.moments(1e6).unwrap();
    assert_eq!(moments.mean(), 1_000_001.0);
    assert_close(moments.variance(), 1.0 + 1e-10);
}

#[test]
fn an_error_names_the_sum_and_changes_nothing() {
    let mut full = Sums::from_parts(u64::MAX, 0, 0);
    assert_eq!(full.add(&Sums::of(1)), Err(SumsError::TooLarge { field: "n" }));
    assert_eq!(full, Sums::from_parts(u64::MAX, 0, 0));
    let mut squares = Sums::from_parts(1, 0, u128::MAX);
    assert_eq!(squares.add(&Sums::of(1)), Err(SumsError::TooLarge { field: "xx" }));
    let mut one = Sums::of(3);
    assert_eq!(one.subtract(&Sums::of(4)), Err(SumsError::BelowZero { field: "xx" }));
    assert_eq!(one.replace(&Sums::of(4), &Sums::of(5)), Err(SumsError::BelowZero { field: "xx" }));
    assert_eq!(one, Sums::of(3));
    assert_eq!(Sums::default().subtract(&Sums::of(0)), Err(SumsError::BelowZero { field: "n" }));
}

#[test]
fn a_total_that_fits_is_found_although_parts_of_it_do_not() {
    // The third and fourth cell, one part of the walk, add up beyond an i128; what comes before them takes it back.
    let large = |x: i128| Sums::from_parts(1, x, 0);
    let (half, most) = (i128::MAX / 2, i128::MAX / 4 * 3);
    let mut cells = vec![large(0); 24];
    cells.splice(0..5, [-half, -half, most, most, -half].map(large));
    assert_eq!(Sums::total(&cells), Ok(Sums::from_parts(24, 2 * (most - half) - half, 0)));
    assert_eq!(Sums::total(&[large(i128::MAX); 30]), Err(SumsError::TooLarge { field: "x" }));
    let units = vec![Sums::from_parts(u64::MAX / 20, 0, 0); 30];
    assert_eq!(Sums::total(&units), Err(SumsError::TooLarge { field: "n" }));
}

#[test]
fn what_is_undefined_says_why() {
    assert_eq!(Sums::default().mean(), Err(Undefined::NoUnits));
    assert_eq!(Sums::default().variance(), Err(Undefined::TooFewUnits { units: 0, needed: 2 }));
    assert_eq!(Sums::of(7).variance(), Err(Undefined::TooFewUnits { units: 1, needed: 2 }));
    assert_eq!(Sums::from_parts(2, 10, 1).variance(), Err(Undefined::InconsistentSums));
    assert_eq!(total(&[5, 5, 5]).variance(), Ok(0.0));
    for scale in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-320] {
        assert_eq!(total(&[1, 2]).moments(scale), Err(Undefined::OutOfRange));
    }
}

#[test]
fn only_zeros_and_ones_are_conversions() {
    assert_eq!(total(&[0, 1, 1]).conversions(), Conversions::new(3, 2));
    assert_eq!(total(&[0, 2]).conversions(), Err(Undefined::NotConversions));
    assert_eq!(total(&[0, -1]).conversions(), Err(Undefined::NotConversions));
    assert_eq!(Sums::default().conversions(), Err(Undefined::NoUnits));
}
