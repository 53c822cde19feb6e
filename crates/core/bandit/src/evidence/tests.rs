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
    assert_eq!((got.units.rounded(), got.mean().rounded()), (1e9, 0.0));
    assert!(close(got.spread, 1e9), "{}", got.spread);
    let origin = i128::from(c);
    let lifted = Sums::from_parts(2 * half, x + 1, xx + 2 * u128::from(c.unsigned_abs()) + 3);
    assert_eq!(values(0, &[lifted], origin, 1.0).unwrap().mean().rounded(), 1e-9);
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
    assert_eq!((got.units.rounded(), got.mean().rounded(), got.spread), (2.0, 6.0, 4.0 + 32.0));
    // What has faded for long enough is gone, without a trace in the arithmetic.
    let long_ago = [vec![total(&[7, 9])], vec![Sums::default(); 400]].concat();
    assert_eq!(values(0, &long_ago, 0, 0.5), Ok(Values::default()));
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
        prop_assert!(twice.mean().minus(once.mean()).rounded().abs() <= 1e-28);
        prop_assert!(close(twice.spread, once.spread), "{} {}", twice.spread, once.spread);
    }

    /// Sums that some rewards have are used, and by how far others miss them decides whether those are refused.
    #[test]
    fn exactly_the_sums_that_rewards_can_have_are_used(
        n in 1_u64..=MAX_UNITS,
        mean in -1_000_000_000_000_i64..1_000_000_000_000,
        spread in prop_oneof![Just(-1_i64), -1_000_i64..1_000, any::<i64>()],
        origin in -2_000_000_000_000_i64..2_000_000_000_000,
        retained in 0.01..=1.0_f64,
    ) {
        // All rewards at the mean, and then the sum of squares off by `spread`.
        let squares = u128::from(n) * u128::from(mean.unsigned_abs()).pow(2);
        prop_assume!(spread >= 0 || squares >= u128::from(spread.unsigned_abs()));
        let xx = squares.strict_add_signed(i128::from(spread));
        let sums = Sums::from_parts(n, i128::from(n) * i128::from(mean), xx);
        let consistent = spread == 0 || (spread > 0 && n > 1);
        match values(0, &[sums, Sums::of(mean)], i128::from(origin), retained) {
            Ok(got) => {
                prop_assert!(consistent, "{sums:?}");
                // The mean is the same whole number in both periods, so nothing is lost by fading.
                let distance = got.mean().minus(DoubleDouble::of_integer(i128::from(mean - origin))).rounded();
                prop_assert!(distance.abs() <= 1e-18, "{distance:e}");
                let units = n as f64 * retained + 1.0;
                prop_assert!((got.units.rounded() / units - 1.0).abs() < 1e-12);
                let wanted = spread as f64 * retained;
                prop_assert!((got.spread - wanted).abs() <= 1e-9 * wanted + 1e-6, "{} {wanted}", got.spread);
            }
            Err(error) => {
                prop_assert!(!consistent, "{sums:?} {error}");
                prop_assert_eq!(error, InvalidSums::Sums { arm: 0, source: Undefined::InconsistentSums });
            }
        }
        let converted = mean.unsigned_abs();
        let conversions = Sums::from_parts(n, i128::from(converted), u128::from(converted));
        match outcomes(0, &[conversions], retained) {
            Ok(got) => prop_assert!(converted <= n && got.successes == converted as f64 && got.failures == (n - converted) as f64),
            Err(_) => prop_assert!(converted > n),
        }
    }
}
