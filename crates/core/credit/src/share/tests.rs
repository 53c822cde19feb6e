use super::*;
use crate::fixture::{conversion, touch};
use crate::{JourneyRules, journeys};
use ids::DAY_MS;
use proptest::prelude::*;

const MODELS: [&str; 13] = [
    "first_touch",
    "last_touch",
    "linear",
    "session",
    "time_window",
    "time_decay",
    "time_decay(half_life=72h)",
    "time_decay(factor=0.85/d)",
    "position",
    "position(first=0.2, milestone=m, middle=0.1, last=0.2)",
    "last_non_direct(direct=a)",
    "shapley",
    "linear(window=30d)",
];

fn sharing(ages_ms: &[i64], model: &str) -> (Vec<f64>, Shares) {
    let t0 = 100 * DAY_MS;
    let mut ages_ms = ages_ms.to_vec();
    ages_ms.sort_unstable_by(|left, right| right.cmp(left));
    let touches: Vec<_> = (1u8..).zip(&ages_ms).map(|(number, age)| touch(number, t0 - age, "a")).collect();
    let conversions = [conversion(200, t0)];
    let found = journeys(&touches, &conversions, &JourneyRules::default());
    let model = model.parse().unwrap();
    (weights(&found[0], &model), shares(&found[0], &model))
}

#[test]
fn without_touches_there_are_no_shares() {
    for model in MODELS {
        let (weights, shares) = sharing(&[], model);
        assert!(weights.is_empty() && shares.is_empty() && shares.as_slice().is_empty(), "{model}");
    }
}

#[test]
fn equal_touches_are_real_ties_and_the_earlier_has_the_odd_unit() {
    assert_eq!(sharing(&[3, 2, 1], "linear").1.into_vec(), [357_913_942, 357_913_941, 357_913_941]);
    assert_eq!(sharing(&[5, 5, 5], "time_decay").1.into_vec(), [357_913_942, 357_913_941, 357_913_941]);
    assert_eq!(sharing(&[5, 5, 5], "time_window").1.into_vec(), [357_913_942, 357_913_941, 357_913_941]);
    assert_eq!(sharing(&[3, 2, 1], "position").1.into_vec(), [429_496_730, 214_748_365, 429_496_729]);
}

proptest! {
    #[test]
    fn shares_sum_exactly_and_follow_the_weights(
        ages in prop::collection::vec(0..=30 * DAY_MS, 1..40),
        model in prop::sample::select(MODELS.to_vec()),
    ) {
        let (weights, shares) = sharing(&ages, model);
        prop_assert_eq!(weights.len(), shares.as_slice().len());
        prop_assert_eq!(shares.unattributed(), 0);
        prop_assert_eq!(shares.as_slice().iter().map(|share| u64::from(*share)).sum::<u64>(), u64::from(SHARE_TOTAL));
        prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for (weight, share) in weights.iter().zip(shares.as_slice()) {
            let exact = weight * f64::from(SHARE_TOTAL);
            prop_assert!((exact - f64::from(*share)).abs() <= ages.len() as f64, "{} against {}", exact, share);
        }
    }

    #[test]
    fn decays_never_favour_the_older_touch(
        ages in prop::collection::btree_set(0..=30 * DAY_MS, 1..30),
        model in prop::sample::select(vec!["time_window", "time_decay", "time_decay(factor=0.85/d)"]),
    ) {
        let ages: Vec<i64> = ages.into_iter().collect();
        let shares = sharing(&ages, model).1.into_vec();
        let by_at_most_a_tie = shares.windows(2).all(|pair| pair[0] <= pair[1].saturating_add(1));
        prop_assert!(by_at_most_a_tie, "{:?}", shares);
    }
}
