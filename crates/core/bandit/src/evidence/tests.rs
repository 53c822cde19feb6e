use super::*;
use proptest::prelude::*;

fn total(values: &[i64]) -> Sums {
    values.iter().fold(Sums::default(), |mut sums, value| {
        sums.add(&Sums::of(*value)).unwrap();
        sums
    })
}

fn close(got: f64, wanted: f64) -> bool {
    (got - wanted).abs() <= 1e-11 * wanted.abs().max(1e-9)
}

#[test]
fn a_large_common_offset_costs_no_digits() {
    // A billion units half at c - 1 and half at c + 1; the other arm one unit higher in total.
    let (half, c) = (500_000_000_u64, 1_000_000_000_000_i64);
    let (low, high) = (u128::from((c - 1).unsigned_abs()), u128::from((c + 1).unsigned_abs()));
    let xx = u128::from(half) * (low * low + high * high);
    let x = i128::from(2 * half) * i128::from(c);
    let plain = Sums::from_parts(2 * half, x, xx);
    let got = values(0, &[plain], origin([plain].iter()), 1.0).unwrap();
    assert_eq!((got.units, got.mean), (1e9, 0.0));
    assert!(close(got.spread, 1e9), "{}", got.spread);
    let origin = i128::from(c);
    let lifted = Sums::from_parts(2 * half, x + 1, xx + 2 * u128::from(c.unsigned_abs()) + 3);
    assert_eq!(values(0, &[lifted], origin, 1.0).unwrap().mean, 1e-9);
}

#[test]
fn what_no_rewards_can_be_is_refused_by_arm() {
    let invalid = |source| InvalidSums::Sums { arm: 3, source };
    for sums in [total(&[2]), total(&[-1]), Sums::from_parts(1, 2, 2), Sums::from_parts(0, 1, 1)] {
        assert_eq!(outcomes(3, &[sums], 1.0), Err(invalid(Undefined::NotConversions)), "{sums:?}");
    }
    for sums in [Sums::from_parts(0, 1, 1), Sums::from_parts(1, 2, 3), Sums::from_parts(2, 10, 1)] {
        assert_eq!(values(3, &[sums], 0, 1.0), Err(invalid(Undefined::InconsistentSums)), "{sums:?}");
    }
    let far = values(3, &[total(&[1, 2])], i128::MAX, 1.0);
    assert_eq!(far, Err(invalid(Undefined::OutOfRange)));
    assert_eq!(units(3, &[Sums::from_parts(MAX_UNITS, 0, 0)]), Ok(MAX_UNITS));
    let many = [Sums::from_parts(MAX_UNITS, 0, 0), Sums::from_parts(1, 0, 0)];
    assert_eq!(units(3, &many), Err(InvalidSums::TooManyUnits { arm: 3 }));
    assert_eq!(units(3, &[Sums::from_parts(u64::MAX, 0, 0); 2]), Err(InvalidSums::TooManyUnits { arm: 3 }));
}

#[test]
fn nothing_observed_is_nothing_known() {
    assert_eq!(outcomes(0, &[], 0.5), Ok(Outcomes::default()));
    assert_eq!(values(0, &[Sums::default(); 3], 7, 0.5), Ok(Values::default()));
    assert_eq!(origin([].iter()), 0);
}

#[test]
fn old_periods_fade() {
    let periods = [total(&[1, 1, 0, 0]), Sums::default(), total(&[1, 0, 0])];
    let got = outcomes(0, &periods, 0.5).unwrap();
    assert_eq!((got.successes, got.failures), (1.5, 2.5));
    let got = values(0, &[total(&[0, 4]), total(&[10])], 0, 0.5).unwrap();
    // One unit's worth at mean 2 with spread 4, one unit at 10.
    assert_eq!((got.units, got.mean, got.spread), (2.0, 6.0, 4.0 + 32.0));
}

proptest! {
    #[test]
    fn periods_do_not_matter_where_nothing_fades(values_of in prop::collection::vec(-1000_i64..1000, 2..60), cut: prop::sample::Index) {
        let (before, after) = values_of.split_at(cut.index(values_of.len()));
        let whole = [total(&values_of)];
        let origin = origin(whole.iter());
        let once = values(0, &whole, origin, 1.0).unwrap();
        let twice = values(0, &[total(before), total(after)], origin, 1.0).unwrap();
        prop_assert_eq!(once.units, twice.units);
        prop_assert!(close(twice.mean, once.mean) || (twice.mean - once.mean).abs() < 1e-12);
        prop_assert!(close(twice.spread, once.spread), "{} {}", twice.spread, once.spread);
    }

    #[test]
    fn any_sums_are_used_or_refused(n: u64, x: i128, xx: u128, origin: i128, retained in 0.01..=1.0_f64) {
        let periods = [Sums::from_parts(n, x, xx), Sums::of(5)];
        if let Ok(got) = values(0, &periods, origin, retained) {
            prop_assert!(got.units.is_finite() && got.mean.is_finite() && got.spread.is_finite() && got.spread >= 0.0);
        }
        if let Ok(got) = outcomes(0, &periods, retained) {
            prop_assert!(got.successes >= 0.0 && got.failures >= 0.0 && (got.successes + got.failures).is_finite());
        }
    }
}
