use super::*;
use proptest::prelude::*;

fn counted(values: &[i64]) -> LogCounts {
    let mut counts = LogCounts::new(7).unwrap();
    values.iter().for_each(|value| counts.add(*value, 1).unwrap());
    counts
}

fn any_magnitude() -> impl Strategy<Value = i64> {
    (any::<i64>(), 0_u32..64).prop_map(|(value, shift)| value >> shift)
}

proptest! {
    #[test]
    fn a_quantile_is_within_the_stated_error_of_the_value_at_its_rank(
        mut values in prop::collection::vec(any_magnitude(), 1..200), share in 0.001..0.999_f64, bits in 1..=PRECISION_BITS_MAX,
    ) {
        let mut counts = LogCounts::new(bits).unwrap();
        values.iter().for_each(|value| counts.add(*value, 1).unwrap());
        values.sort_unstable();
        let rank = (share * values.len() as f64 * (1.0 - 1e-15)).ceil() as usize;
        let wanted = values[rank - 1] as f64;
        let got = counts.quantile(share).unwrap() as f64;
        prop_assert!((got - wanted).abs() <= counts.relative_error() * wanted.abs(), "{got} {wanted}");
    }

    #[test]
    fn buckets_are_in_the_order_of_values(left in any_magnitude(), right in any_magnitude(), bits in 1..=PRECISION_BITS_MAX) {
        let counts = LogCounts::new(bits).unwrap();
        let (one, other) = (counts.bucket(left), counts.bucket(right));
        prop_assert!((left <= right && one <= other) || (left >= right && one >= other));
        if left.unsigned_abs() < 1 << (bits + 1) {
            prop_assert_eq!(i64::from(one), left);
        }
    }

    #[test]
    fn merging_and_taking_back_are_inverse(own in prop::collection::vec(any_magnitude(), 0..50),
                                           others in prop::collection::vec(any_magnitude(), 0..50)) {
        let (first, second) = (counted(&own), counted(&others));
        let mut both = first.clone();
        both.merge(&second).unwrap();
        prop_assert_eq!(&both, &counted(&[own.clone(), others.clone()].concat()));
        both.take_back(&second).unwrap();
        prop_assert_eq!(&both, &first);
        let stored = LogCounts::from_buckets(7, first.buckets()).unwrap();
        prop_assert_eq!(&stored, &first);
        for value in own {
            both.subtract(value, 1).unwrap();
        }
        prop_assert_eq!(both.n(), 0);
        prop_assert_eq!(both.buckets().count(), 0);
    }

    #[test]
    fn comparing_any_counts_gives_numbers_or_a_reason(
        a in prop::collection::vec(any_magnitude(), 0..300), b in prop::collection::vec(any_magnitude(), 0..300),
        share in 0.01..0.99_f64,
    ) {
        let arms = [a, b].map(|values| QuantileArm::of_counts(&counted(&values), share));
        if let [Ok(a), Ok(b)] = arms
            && let Ok(got) = quantile_difference(&a, &b, ClusterUnits::Clusters, Alpha::FIVE_PERCENT)
        {
            prop_assert!(got.difference.is_finite());
        }
    }
}

#[test]
fn what_was_not_added_cannot_be_taken_back() {
    let mut counts = counted(&[1, 2, 1000]);
    let before = counts.clone();
    assert_eq!(counts.subtract(3, 1), Err(LogCountsError::BelowZero { bucket: 3 }));
    assert_eq!(counts.take_back(&counted(&[1, 2, 2])), Err(LogCountsError::BelowZero { bucket: 2 }));
    assert_eq!(counts.merge(&LogCounts::new(6).unwrap()), Err(LogCountsError::PrecisionDiffers { own: 7, other: 6 }));
    assert_eq!(counts.add(1, u64::MAX), Err(LogCountsError::TooLarge));
    assert_eq!(counts, before);
    assert_eq!(LogCounts::new(0), Err(LogCountsError::Precision { given: 0 }));
    assert_eq!(LogCounts::from_buckets(7, [(i32::MIN, 1)]), Err(LogCountsError::NoBucket { bucket: i32::MIN }));
    assert_eq!(counts.at_or_below(2), 2);
}

#[test]
fn degenerate_counts_have_named_reasons() {
    let empty = LogCounts::new(7).unwrap();
    assert_eq!(empty.quantile(0.5), Err(Undefined::NoUnits));
    assert_eq!(quantile_interval(&empty, 0.5, 1.0, Alpha::FIVE_PERCENT), Err(Undefined::NoUnits));
    let few = counted(&[1, 2, 3]);
    assert_eq!(few.quantile(1.0), Err(Undefined::OutOfRange));
    assert_eq!(quantile_interval(&few, 0.5, 1.0, Alpha::FIVE_PERCENT), Err(Undefined::TooFewForQuantile { units: 3 }));
    assert_eq!(QuantileArm::of_counts(&few, 0.5), Err(Undefined::TooFewForQuantile { units: 3 }));
    let tied = QuantileArm::of_counts(&counted(&[5; 100]), 0.5).unwrap();
    assert_eq!(tied.variance(), Err(Undefined::TiedQuantile));
    let bounds = Bounds { placed: 9, lower: 2.0, upper: 1.0 };
    assert!(QuantileArm::new(9, 0.5, 1.5, bounds).is_err());
}

#[test]
fn clusters_of_one_change_little_and_copies_widen_the_error() {
    let values: Vec<i64> = (0..400).map(|unit| 1000 + unit * unit % 397).collect();
    let plain = QuantileArm::of_counts(&counted(&values), 0.5).unwrap();
    let clusters = |copies: f64| {
        let below = |value: &i64| if *value <= plain.quantile() as i64 { copies } else { 0.0 };
        Joint::of_rows(&values.iter().map(|value| [below(value), copies]).collect::<Vec<_>>()).unwrap()
    };
    let single = plain.with_clusters(clusters(1.0)).design_effect().unwrap();
    assert!((single - 1.0).abs() < 0.01, "{single}");
    let mut nine = LogCounts::new(7).unwrap();
    values.iter().for_each(|value| nine.add(*value, 9).unwrap());
    let copied = QuantileArm::of_counts(&nine, 0.5).unwrap().with_clusters(clusters(9.0));
    assert!((copied.design_effect().unwrap() - 9.0).abs() < 0.1);
    let error = |arm: &QuantileArm| {
        let got = quantile_difference(arm, arm, ClusterUnits::Clusters, Alpha::FIVE_PERCENT).unwrap();
        got.absolute.unwrap().standard_error
    };
    assert!((error(&copied) / error(&plain) - 1.0).abs() < 0.1);
    let narrow = quantile_interval(&nine, 0.5, 1.0, Alpha::FIVE_PERCENT).unwrap();
    let wide = quantile_interval(&nine, 0.5, 9.0, Alpha::FIVE_PERCENT).unwrap();
    assert!(wide.lower() < narrow.lower() && narrow.upper() < wide.upper());
}

#[test]
fn a_quantiles_error_is_known_as_well_as_the_values_between_its_order_statistics_tell() {
    let values: Vec<i64> = (0..500).map(|unit| 10_000 + 37 * unit).collect();
    let arm = QuantileArm::of_counts(&counted(&values), 0.5).unwrap();
    let at = |units| quantile_difference(&arm, &arm, units, Alpha::FIVE_PERCENT).unwrap().absolute.unwrap();
    let (few, all) = (at(ClusterUnits::OrderStatistics), at(ClusterUnits::Values));
    // 2 * 1.96 * sqrt(500 / 4) = 43.8 values, so 22 degrees of freedom an arm.
    assert_eq!((few.df, few.n_a, few.n_b), (Some(44.0), 500, 500));
    assert!(all.df.unwrap() > 990.0 && (few.standard_error / all.standard_error - 1.0).abs() < 1e-12);
    let wider = (few.interval.upper() - few.effect) / (all.interval.upper() - all.effect);
    // Student's quantiles of 2.0154 and 1.9623.
    assert!((wider - 1.02706).abs() < 1e-3, "{wider}");
}
