//! What the SDK answered is in `tests/vectors.rs`; here are the corners that no vector reaches.

use super::*;
use proptest::prelude::*;

fn plain() -> ExperimentParameters {
    ExperimentParameters {
        seed: "seed".to_owned(),
        variations: 2,
        weights: None,
        coverage: None,
        ranges: None,
        namespace: None,
        filters: Vec::new(),
    }
}

fn owned(change: impl FnOnce(&mut ExperimentParameters)) -> Vec<u32> {
    let mut parameters = plain();
    change(&mut parameters);
    Experiment::new(Version::V2, parameters).unwrap().weights().to_vec()
}

#[test]
fn the_cases_that_all_sdks_share_hold() {
    let first = [("", "a", 220), ("", "b", 77), ("b", "a", 946), ("ef", "d", 652), ("", "123", 11)];
    for (seed, unit, expected) in first {
        assert_eq!(bucket(Version::V1, seed, unit), expected, "{seed:?} {unit:?}");
    }
    for (seed, unit, expected) in
        [("seed", "a", 505), ("seed", "b", 2_696), ("foo", "ab", 2_575), ("foo", "def", 2_019)]
    {
        assert_eq!(bucket(Version::V2, seed, unit), expected, "{seed:?} {unit:?}");
    }
}

#[test]
fn weights_that_the_sdk_refuses_split_evenly() {
    assert_eq!(owned(|_| ()), [5_000, 5_000]);
    assert_eq!(owned(|p| p.weights = Some(vec![0.3, 0.3, 0.4])), [5_000, 5_000]);
    assert_eq!(owned(|p| p.weights = Some(vec![0.3, 0.3])), [5_000, 5_000]);
    assert_eq!(owned(|p| p.weights = Some(vec![0.3, 0.695])), [3_000, 6_950]);
}

#[test]
fn coverage_is_clamped_and_shrinks_every_arm_in_place() {
    assert_eq!(owned(|p| p.coverage = Some(7.0)), [5_000, 5_000]);
    assert_eq!(owned(|p| p.coverage = Some(-1.0)), [0, 0]);
    assert_eq!(owned(|p| p.coverage = Some(0.1)), [500, 500]);
}

#[test]
fn ranges_past_the_last_variation_take_nobody_in() {
    assert_eq!(owned(|p| p.ranges = Some(vec![(0.0, 0.2), (0.1, 0.3), (0.3, 1.0)])), [2_000, 1_000]);
    assert_eq!(owned(|p| p.ranges = Some(vec![(0.5, 0.2)])), [0, 0]);
}

#[test]
fn a_filter_without_ranges_lets_nobody_pass_and_hides_the_namespace() {
    let mut parameters = plain();
    parameters.namespace = Some(("space".to_owned(), 0.0, 0.0));
    let filter = |ranges| vec![Filter { seed: "filter".to_owned(), hash_version: Version::V2, ranges }];
    let arm = |parameters: &ExperimentParameters| Experiment::new(Version::V2, parameters.clone()).unwrap().arm("unit");
    assert_eq!(arm(&parameters), None);
    parameters.filters = filter(vec![(0.0, 1.0)]);
    assert!(arm(&parameters).is_some());
    parameters.filters = filter(Vec::new());
    assert_eq!(arm(&parameters), None);
}

#[test]
fn a_rollout_without_share_needs_no_id() {
    let rollout = |coverage, range| {
        let parameters = RolloutParameters { seed: "s".to_owned(), coverage, range, filters: Vec::new() };
        Rollout::new(Version::V1, parameters).unwrap()
    };
    assert_eq!(rollout(None, None).arm(""), Some(0));
    assert_eq!(rollout(Some(1.0), None).arm(""), None);
    assert_eq!(rollout(Some(0.0), Some((0.0, 1.0))).arm("unit"), Some(0));
    assert_eq!(rollout(Some(0.0), None).arm("unit"), None);
}

#[test]
fn parameters_out_of_range_are_named() {
    let refused = |change: fn(&mut ExperimentParameters)| {
        let mut parameters = plain();
        change(&mut parameters);
        Experiment::new(Version::V1, parameters).unwrap_err().to_string()
    };
    assert!(refused(|p| p.seed = "s".repeat(1_025)).starts_with("seed must"));
    assert!(refused(|p| p.variations = 1).starts_with("variations must be at least 2"));
    assert!(refused(|p| p.variations = 257).starts_with("variations must have"));
    assert!(refused(|p| p.weights = Some(vec![f64::NAN, 1.0])).starts_with("weights must"));
    assert!(refused(|p| p.coverage = Some(f64::INFINITY)).starts_with("coverage must"));
    assert!(refused(|p| p.ranges = Some(vec![(0.0, f64::NAN)])).starts_with("ranges must"));
    assert!(refused(|p| p.namespace = Some((String::new(), f64::NAN, 1.0))).starts_with("namespace must"));
    let filter = Filter { seed: String::new(), hash_version: Version::V1, ranges: Vec::new() };
    let mut parameters = plain();
    parameters.filters = vec![filter; 65];
    assert!(Experiment::new(Version::V1, parameters).unwrap_err().to_string().starts_with("filters must"));
}

proptest! {
    #[test]
    fn compiled_bounds_compare_as_floats_do(bound in -0.5_f64..1.5, unit in ".{1,12}") {
        for version in [Version::V1, Version::V2] {
            let ours = bucket(version, "seed", &unit);
            let share = f64::from(ours) / f64::from(version.buckets());
            prop_assert_eq!(ours < version.buckets_below(bound), share < bound);
            prop_assert_eq!(ours < version.buckets_up_to(bound), share <= bound);
            prop_assert_eq!(ours < version.buckets_below(share), false);
            prop_assert_eq!(ours < version.buckets_up_to(share), true);
        }
    }
}
