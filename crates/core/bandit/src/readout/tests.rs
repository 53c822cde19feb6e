use super::*;
use crate::design::{Arm, Definition, Reward};

fn total(values: &[i64]) -> [Sums; 1] {
    [values.iter().fold(Sums::default(), |mut sums, value| {
        sums.add(&Sums::of(*value)).unwrap();
        sums
    })]
}

fn conversions(n: u64, converted: u64) -> [Sums; 1] {
    [Sums::from_parts(n, i128::from(converted), u128::from(converted))]
}

fn of(reward: Reward, objective: Objective, burn_in: u64, observed: &[[Sums; 1]]) -> Vec<Option<ArmPosterior>> {
    let definition = Definition::new(reward, vec![Arm::of_weight(1); observed.len()]);
    let design = Design::new(Definition { objective, min_impressions: burn_in, ..definition }).unwrap();
    posteriors(&design, observed, Alpha::FIVE_PERCENT).unwrap()
}

#[test]
fn a_rate_is_shown_as_it_is_whatever_the_objective() {
    for objective in [Objective::Highest, Objective::Lowest] {
        let got = of(Reward::CONVERSION, objective, 100, &[conversions(1000, 120), conversions(99, 9)]);
        assert!(got[1].is_none());
        let ArmPosterior { mean, interval } = got[0].unwrap();
        assert_eq!(mean, 121.0 / 1002.0);
        // mpmath 1.3.0: roots of betainc(121, 881, 0, x, regularized=True) - p.
        assert!((interval.lower() - 0.101_323_419_644_228_44).abs() < 1e-14, "{}", interval.lower());
        assert!((interval.upper() - 0.141_626_999_748_850_77).abs() < 1e-14, "{}", interval.upper());
    }
}

/// Two arms apart from each other by far more than their spread, a long way from zero: the prior pulls each by one unit
/// in 10,001 towards the middle.
#[test]
fn a_value_is_shown_in_the_units_of_its_sums() {
    let arm = |centre: i64| total(&[centre - 1, centre + 1].repeat(5_000));
    let (low, high) = (arm(1_000_000_000), arm(1_000_000_200));
    for objective in [Objective::Highest, Objective::Lowest] {
        let got = of(Reward::VALUE, objective, 0, &[low, high]);
        let [low, high] = [got[0].unwrap(), got[1].unwrap()];
        let pull = 100.0 / 10_001.0;
        assert!((low.mean - 1_000_000_000.0 - pull).abs() < 1e-6, "{low:?}");
        assert!((high.mean - 1_000_000_200.0 + pull).abs() < 1e-6, "{high:?}");
        // The spread within the arm, that of the prior (10,001) and the pull (100^2 of one unit), in 10,001 units.
        let scale = ((10_001.0_f64 + 10_000.0 + 10_000.0 * 10_000.0 / 10_001.0) / 10_001.0 / 10_001.0).sqrt();
        let half = 0.5 * (low.interval.upper() - low.interval.lower());
        assert!((half / (1.9602 * scale) - 1.0).abs() < 1e-4, "{half} {scale}");
    }
}

#[test]
fn nothing_is_shown_of_rewards_that_never_differ_and_of_arms_that_are_not_there() {
    assert_eq!(of(Reward::VALUE, Objective::Highest, 0, &[total(&[5, 5]), total(&[5])]), [None, None]);
    let definition = Definition::new(Reward::VALUE, vec![Arm::of_weight(1); 2]);
    let design = Design::new(definition).unwrap();
    let error = posteriors(&design, &[total(&[1])], Alpha::FIVE_PERCENT).unwrap_err();
    assert_eq!(error, InvalidSums::ArmsDiffer { given: 1, arms: 2 });
}
