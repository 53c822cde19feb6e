use super::*;

mod extremes;

use crate::sequential::group_sequential;
use proptest::prelude::*;

fn two_sided() -> TestDesign {
    TestDesign::new(Alpha::FIVE_PERCENT, Sides::Two, 1.0).unwrap()
}

fn means(difference: f64, formula: MeanFormula) -> Target {
    Target::Means { difference, variance_a: 1.0, variance_b: 1.0, formula }
}

fn rates(rate_a: f64, rate_b: f64, formula: ProportionFormula) -> Target {
    Target::Proportions { rate_a, rate_b, formula }
}

/// `(t, df, shift, P(T > t))` by numerical integration with 40 digits (mpmath 1.3).
const NONCENTRAL: [(f64, f64, f64, f64); 8] = [
    (2.0, 5.0, 1.0, 0.22192533738378514),
    (12.706, 1.0, 3.0, 0.18611099998287456),
    (1.96, 10000.0, 2.8, 0.799536929714764),
    (2.5, 17.3, 0.0, 0.011373750087900578),
    (2.2, 12.0, -2.8, 2.376302485903995e-06),
    (63.66, 1.0, 40.0, 0.4701667213066989),
    (1.96, 3e6, 2.8, 0.799545777141252),
    (4.3, 2.0, 0.5, 0.05089840491264204),
];

#[test]
fn noncentral_tails_match_forty_digit_arithmetic() {
    for (t, df, shift, wanted) in NONCENTRAL {
        let got = noncentral_t::noncentral_t_sf(t, df, shift);
        assert!((got - wanted).abs() <= 1e-11 * wanted, "{t} {df} {shift}: {got:e}, wanted {wanted:e}");
    }
}

#[test]
fn group_sequential_bounds_spend_exactly_their_level() {
    let fractions = [0.2, 0.4, 0.6, 0.8, 1.0];
    for two_sided in [true, false] {
        let bounds = group_sequential(&fractions, Alpha::FIVE_PERCENT, two_sided).unwrap();
        let z: Vec<f64> = bounds.iter().map(|bound| bound.z).collect();
        let by_look = crossing(&Boundaries { fractions: &fractions, z: &z, two_sided }, 0.0).unwrap();
        for (fraction, spent) in fractions.iter().zip(&by_look) {
            assert!((spent - 0.05 * fraction * fraction).abs() < 1e-9, "{spent} at {fraction}");
        }
    }
}

/// P(|z| reached 2.5, 2.5 or 2 at 0.5, `gap` later, or at 1), by integration over the second look, given which the
/// first is a Brownian bridge (mpmath 1.3, 30 digits); without the second look it is [`TWO_LOOKS`].
const CLOSE: [(f64, f64); 4] = [
    (1e-3, 0.05215234745822755),
    (1e-4, 0.05189024346124324),
    (1e-6, 0.05177901172930293),
    (1e-7, 0.05177051508077624),
];
const TWO_LOOKS: f64 = 0.05176658348453671;

#[test]
fn a_look_close_to_another_adds_little_and_only_that() {
    let at = |fractions: &[f64], z: &[f64], drift| {
        *crossing(&Boundaries { fractions, z, two_sided: true }, drift).unwrap().last().unwrap()
    };
    let two = at(&[0.5, 1.0], &[2.5, 2.0], 0.0);
    assert!((two - TWO_LOOKS).abs() < 1e-10, "{two}");
    for (gap, wanted) in CLOSE {
        let three = at(&[0.5, 0.5 + gap, 1.0], &[2.5, 2.5, 2.0], 0.0);
        assert!((three - wanted).abs() < 1e-9, "{gap}: {three}");
        assert!(at(&[0.5, 0.5 + gap, 1.0], &[2.5, 2.5, 2.0], 2.0) > at(&[0.5, 1.0], &[2.5, 2.0], 2.0));
        // A bound that is spent over both looks stays the bound of both.
        let spending = group_sequential(&[0.5, 0.5 + gap, 1.0], Alpha::FIVE_PERCENT, true).unwrap();
        let plain = group_sequential(&[0.5, 1.0], Alpha::FIVE_PERCENT, true).unwrap();
        assert!((spending[2].z - plain[1].z).abs() < gap.sqrt(), "{gap}: {spending:?}");
        let z: Vec<f64> = spending.iter().map(|bound| bound.z).collect();
        assert!((at(&[0.5, 0.5 + gap, 1.0], &z, 0.0) - 0.05).abs() < 1e-9);
    }
}

#[test]
fn looks_that_cannot_be_told_apart_are_refused() {
    let close = [0.5, 0.5 + 1e-12, 1.0];
    let boundaries = Boundaries { fractions: &close, z: &[2.5, 2.5, 2.0], two_sided: true };
    assert_eq!(crossing(&boundaries, 0.0), Err(PlanError::LooksTooClose { place: 2 }));
    let bounds = group_sequential(&close, Alpha::FIVE_PERCENT, true);
    assert_eq!(bounds, Err(crate::sequential::InvalidLooks::TooClose { place: 2 }));
    // Two hundred looks are no trouble, evenly or one after the other at the end.
    let even: Vec<f64> = (1..=LOOKS_MAX).map(|look| look as f64 / LOOKS_MAX as f64).collect();
    let late: Vec<f64> = (1..=LOOKS_MAX).map(|look| 0.98 + 1e-4 * look as f64).collect();
    for fractions in [&even, &late] {
        let z = vec![3.0; LOOKS_MAX];
        let got = crossing(&Boundaries { fractions, z: &z, two_sided: true }, 0.0).unwrap();
        assert!(got.windows(2).all(|pair| pair[0] <= pair[1]) && got[LOOKS_MAX - 1] < 0.06, "{got:?}");
    }
}

#[test]
fn one_look_is_the_fixed_test_and_drift_is_its_power() {
    let z = [crate::distribution::normal_upper_quantile(0.025)];
    let one = |drift| crossing(&Boundaries { fractions: &[1.0], z: &z, two_sided: true }, drift).unwrap()[0];
    assert!((one(0.0) - 0.05).abs() < 1e-14);
    let wanted = two_sided().power(&means(0.2, MeanFormula::Normal), 300.0).unwrap();
    assert!((one(0.2 * 150_f64.sqrt()) - wanted).abs() < 1e-13);
    // A boundary that never stops stops nobody.
    let never = Boundaries { fractions: &[0.5, 1.0], z: &[f64::INFINITY, f64::INFINITY], two_sided: true };
    assert_eq!(crossing(&never, 3.0).unwrap(), [0.0, 0.0]);
}

#[test]
fn a_confidence_sequence_needs_more_units_and_stops_early() {
    let target = means(0.1, MeanFormula::Normal);
    let design = SequentialDesign { test: two_sided(), looks: 28, n_star: None };
    let fixed = two_sided().sample_size(&target, 0.8).unwrap();
    let size = design.sample_size(&target, 0.8).unwrap();
    let reached = design.power(&target, size.n_a).unwrap();
    assert!((reached.power - 0.8).abs() < 1e-5);
    assert!(size.n_a > 1.2 * fixed.n_a && size.n_a < 2.5 * fixed.n_a, "{} against {}", size.n_a, fixed.n_a);
    assert!(reached.expected_units < 2.0 * size.n_a * 0.75);
    // Peeking 28 times at no effect stays well below the level.
    let nothing = design.power(&means(0.0, MeanFormula::Normal), size.n_a).unwrap();
    assert!(nothing.power < 0.05 && nothing.power > 0.005, "{}", nothing.power);
    assert!(reached.by_look.windows(2).all(|pair| pair[0] <= pair[1]));
}

#[test]
fn a_sequential_design_knows_its_minimum_effect_and_its_days() {
    for (sides, looks, n_star) in [(Sides::Two, 14, None), (Sides::One, 5, Some(3000.0)), (Sides::Two, 1, None)] {
        let test = TestDesign::new(Alpha::FIVE_PERCENT, sides, 1.5).unwrap();
        let design = SequentialDesign { test, looks, n_star };
        for target in [rates(0.1, 0.12, ProportionFormula::Pooled), rates(0.1, 0.08, ProportionFormula::Arcsine)] {
            let size = design.sample_size(&target, 0.8).unwrap();
            let reached = design.power(&target, size.n_a).unwrap();
            let smallest = design.minimum_effect(&target, size.n_a, reached.power).unwrap();
            let rate = |target: Target| if let Target::Proportions { rate_b, .. } = target { rate_b } else { f64::NAN };
            assert!((rate(smallest) / rate(target) - 1.0).abs() < 1e-7, "{smallest:?}");
            let fixed = test.minimum_effect(&target, size.n_a, 0.8).unwrap();
            assert!((rate(fixed) - 0.1).abs() < (rate(smallest) - 0.1).abs());
            let took = design.duration(&target, 0.8, &[500.0]).unwrap();
            let units = (size.n_a_whole + size.n_b_whole) as f64;
            assert_eq!((took.size, f64::from(took.days)), (size, (units / 500.0).ceil()));
            assert_eq!(f64::from(took.expected_days), (reached.expected_units / 500.0).ceil());
            assert!(looks == 1 || took.expected_days < took.days);
        }
    }
    let design = SequentialDesign { test: two_sided(), looks: 3, n_star: None };
    let target = rates(0.5, 0.6, ProportionFormula::Pooled);
    assert_eq!(design.minimum_effect(&target, 2.0, 0.99), Err(PlanError::Unreachable));
    assert_eq!(design.minimum_effect(&target, 2.0, 0.01), Err(PlanError::Power { given: 0.01, alpha: 0.05 }));
    let slow = design.duration(&target, 0.8, &[0.0]);
    assert_eq!(slow, Err(PlanError::TooLong { what: "days", most: 1096.0 }));
}

#[test]
fn days_follow_the_real_traffic() {
    assert_eq!(days_needed(0.0, &[]), Ok(0));
    assert_eq!(days_needed(100.0, &[60.0, 30.0, 20.0]), Ok(3));
    // 400 after eight days, of which the last seven brought 50 each.
    let declining = [50.0; 8];
    assert_eq!(days_needed(450.0, &declining), Ok(9));
    assert_eq!(days_needed(10.0, &[0.0]), Err(PlanError::TooLong { what: "days", most: 1096.0 }));
    assert!(days_needed(10.0, &[f64::NAN]).is_err() && days_needed(f64::INFINITY, &[1.0]).is_err());
    assert_eq!(days_left(100.0, 80.0, 7.0), Ok(3));
    assert_eq!(days_left(100.0, 180.0, 7.0), Ok(0));
    assert_eq!([whole_weeks(0), whole_weeks(7), whole_weeks(8)], [Ok(7), Ok(7), Ok(14)]);
}

#[test]
fn what_cannot_be_planned_says_why() {
    let design = two_sided();
    let alike = rates(0.1, 0.1, ProportionFormula::Pooled);
    assert_eq!(design.sample_size(&alike, 0.8), Err(PlanError::NoEffect));
    let sound = rates(0.1, 0.2, ProportionFormula::Pooled);
    assert_eq!(design.sample_size(&sound, 0.05), Err(PlanError::Power { given: 0.05, alpha: 0.05 }));
    assert_eq!(design.sample_size(&sound, 1.0), Err(PlanError::Power { given: 1.0, alpha: 0.05 }));
    assert_eq!(
        design.minimum_effect(&rates(0.5, 0.6, ProportionFormula::Pooled), 2.0, 0.99),
        Err(PlanError::Unreachable)
    );
    assert!(matches!(design.power(&rates(0.0, 0.2, ProportionFormula::Pooled), 9.0), Err(PlanError::Invalid(_))));
    assert!(matches!(design.power(&sound, f64::NAN), Err(PlanError::Invalid(_))));
    assert!(matches!(design.sample_size(&means(1e-12, MeanFormula::Normal), 0.8), Err(PlanError::TooLong { .. })));
    let no_looks = SequentialDesign { test: design, looks: 0, n_star: None };
    assert!(no_looks.power(&sound, 100.0).is_err());
    assert!(crossing(&Boundaries { fractions: &[0.5, 0.4], z: &[2.0, 2.0], two_sided: true }, 0.0).is_err());
    assert!(crossing(&Boundaries { fractions: &[0.5], z: &[2.0, 2.0], two_sided: true }, 0.0).is_err());
    assert_eq!(design.power(&means(1.0, MeanFormula::Student), 0.5), Ok(0.0));
}

proptest! {
    #[test]
    fn size_power_and_minimum_effect_are_one_relation(
        rate in 0.001..0.9_f64, lift in 0.02..0.5_f64, ratio in 0.1..10.0_f64, power in 0.3..0.99_f64, two: bool,
    ) {
        let sides = if two { Sides::Two } else { Sides::One };
        let design = TestDesign::new(Alpha::FIVE_PERCENT, sides, ratio).unwrap();
        let rate_b = (rate * (1.0 + lift)).min(0.99);
        prop_assume!(rate_b > rate * 1.001);
        for target in [
            rates(rate, rate_b, ProportionFormula::Arcsine), rates(rate, rate_b, ProportionFormula::Pooled),
            rates(rate, rate_b, ProportionFormula::Unpooled), means(lift, MeanFormula::Normal), means(lift, MeanFormula::Student),
        ] {
            let size = design.sample_size(&target, power).unwrap();
            let reached = design.power(&target, size.n_a.max(1e-3)).unwrap();
            // Sizes by the near tail alone leave out the far one, which only adds to the power.
            let near_tail = matches!(target, Target::Proportions { formula, .. } if formula != ProportionFormula::Arcsine);
            prop_assert!(reached >= power - 1e-9, "{target:?}: {reached}");
            if two && near_tail {
                continue;
            }
            prop_assert!((reached - power).abs() < 1e-7, "{target:?}: {reached}");
            let smallest = design.minimum_effect(&target, size.n_a, reached).unwrap();
            let effect = |target: &Target| match target {
                Target::Proportions { rate_a, rate_b, .. } => rate_b - rate_a,
                Target::Means { difference, .. } => *difference,
            };
            prop_assert!((effect(&smallest) / effect(&target) - 1.0).abs() < 1e-6, "{target:?} {smallest:?}");
        }
    }

    #[test]
    fn powers_are_probabilities_for_any_input(
        rate_a in any::<f64>(), rate_b in any::<f64>(), n_a in any::<f64>(), difference in any::<f64>(), variance in any::<f64>(),
    ) {
        let target = Target::Means { difference, variance_a: variance, variance_b: 1.0, formula: MeanFormula::Student };
        for target in [target, rates(rate_a, rate_b, ProportionFormula::Pooled), rates(0.1, 0.2, ProportionFormula::Arcsine)] {
            if let Ok(power) = two_sided().power(&target, n_a) {
                prop_assert!((0.0..=1.0 + 1e-12).contains(&power), "{power}");
            }
            let _ = two_sided().minimum_effect(&target, n_a, 0.8);
            let _ = two_sided().sample_size(&target, 0.8);
        }
    }
}
