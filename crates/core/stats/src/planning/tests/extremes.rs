//! Any plan gives numbers or reasons.

use super::*;
use crate::sequential::GroupSequential;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

/// Rising fractions from their gaps.
fn rising(gaps: &[f64]) -> Vec<f64> {
    let total: f64 = gaps.iter().sum();
    let mut before = 0.0;
    let mut fractions = Vec::new();
    for gap in gaps {
        before += gap / total;
        fractions.push(before.min(1.0));
    }
    fractions
}

#[test]
fn whoever_converts_always_or_never_has_no_plan_but_a_reason() {
    let design = SequentialDesign { test: two_sided(), looks: 7, n_star: None };
    for rate_a in [0.0, 1.0] {
        let target = rates(rate_a, 0.5, ProportionFormula::Pooled);
        assert_eq!(two_sided().sample_size(&target, 0.8).map_err(PlanError::code), Err("invalid_parameter"));
        assert_eq!(design.power(&target, 100.0).map_err(|why| why.code()), Err("invalid_parameter"));
    }
    // From and to an end a treatment may go.
    for rate_b in [0.0, 1.0] {
        let size = design.sample_size(&rates(0.5, rate_b, ProportionFormula::Pooled), 0.8).unwrap();
        assert!(size.n_a > 1.0 && size.n_a < 100.0, "{size:?}");
    }
    let size = design.sample_size(&rates(0.1, 0.100_02, ProportionFormula::Pooled), 0.8).unwrap();
    assert!(
        size.n_a > 1e9 && design.power(&rates(0.1, 0.2, ProportionFormula::Pooled), 1e9).unwrap().power > 0.999_999
    );
}

#[test]
fn equal_and_enormous_values_have_reasons() {
    let rng = || ChaCha8Rng::seed_from_u64(20_260_102);
    let simulation = Simulation { looks: vec![(2, 2), (5, 9)], runs: 50, alpha: Alpha::FIVE_PERCENT, n_star: 10.0 };
    let large = Empirical::new(&[(-1e140, 1), (1e140, 1)]).unwrap();
    assert!(large.variance().is_finite());
    let got = simulate(&large, &large, &simulation, &mut rng()).unwrap();
    assert!(got.mean_estimate.unwrap().is_finite() && got.deviation_of_estimates.unwrap().is_finite());
    let beyond = Empirical::new(&[(1e141, 1)]).map_err(|why| why.code());
    assert_eq!(beyond, Err("value"));
    let (one, other) = (Empirical::new(&[(1.0, 3)]).unwrap(), Empirical::new(&[(2.0, 1)]).unwrap());
    let got = simulate(&one, &other, &simulation, &mut rng()).unwrap();
    assert_eq!((got.undefined, got.true_effect, got.fixed.estimate), (50, 1.0, 0.0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn crossing_is_a_probability_that_rises(
        logs in prop::collection::vec(-12.0..0.0_f64, 1..9), z in prop::collection::vec(-1.0..9.0_f64, 9), drift in -40.0..40.0_f64,
        two_sided: bool,
    ) {
        let gaps: Vec<f64> = logs.iter().map(|log| libm::pow(10.0, *log)).collect();
        let fractions = rising(&gaps);
        let z: Vec<f64> = z.iter().take(gaps.len()).map(|z| if two_sided { z.abs() } else { *z }).collect();
        match crossing(&Boundaries { fractions: &fractions, z: &z, two_sided }, drift) {
            Ok(stopped) => {
                prop_assert!(stopped.windows(2).all(|pair| pair[0] <= pair[1]), "{stopped:?}");
                prop_assert!(stopped.iter().all(|share| (0.0..=1.0).contains(share)), "{stopped:?}");
                // No look can be missed by the process: what has not stopped is below the last boundary.
                let last = crate::distribution::normal_sf(z[z.len() - 1] - drift * fractions[z.len() - 1].sqrt());
                prop_assert!(stopped[z.len() - 1] >= last - 1e-9, "{stopped:?} {last}");
            }
            Err(why) => prop_assert!(["looks_too_close", "invalid_parameter"].contains(&why.code()), "{why}"),
        }
    }

    #[test]
    fn bounds_spend_their_level_wherever_looks_are(
        logs in prop::collection::vec(-5.0..0.0_f64, 1..7), level in 0.001..0.5_f64, two_sided: bool,
    ) {
        let gaps: Vec<f64> = logs.iter().map(|log| libm::pow(10.0, *log)).collect();
        let fractions = rising(&gaps);
        let bounds = group_sequential(&fractions, Alpha::new(level).unwrap(), two_sided).unwrap();
        let z: Vec<f64> = bounds.iter().map(|GroupSequential { z, .. }| *z).collect();
        let spent = crossing(&Boundaries { fractions: &fractions, z: &z, two_sided }, 0.0).unwrap();
        for (fraction, spent) in fractions.iter().zip(spent) {
            prop_assert!((spent - level * fraction * fraction).abs() < 1e-9, "{spent} at {fraction}: {z:?}");
        }
    }

    #[test]
    fn minimum_effects_are_finite(n_a in any::<f64>(), variance in any::<f64>(), power in 0.0..1.0_f64) {
        for formula in [MeanFormula::Normal, MeanFormula::Student] {
            let target = Target::Means { difference: 1.0, variance_a: variance.abs(), variance_b: 2.0, formula };
            if let Ok(Target::Means { difference, .. }) = two_sided().minimum_effect(&target, n_a.abs(), power) {
                prop_assert!(difference.is_finite() && difference >= 0.0, "{difference}");
            }
            if let Ok(size) = two_sided().sample_size(&target, power) {
                prop_assert!(size.n_a.is_finite());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn sequential_designs_give_numbers_or_reasons(
        rate_a in 0.0..=1.0_f64, rate_b in 0.0..=1.0_f64, log_n in -3.0..18.0_f64, looks in 0_u32..40, log_ratio in -9.0..9.0_f64,
        level in 1e-9..0.999_f64, power in 0.0..=1.0_f64, n_star in prop::option::of(any::<f64>()), two: bool,
    ) {
        let sides = if two { Sides::Two } else { Sides::One };
        let test = TestDesign::new(Alpha::new(level).unwrap(), sides, libm::exp(log_ratio)).unwrap();
        let design = SequentialDesign { test, looks, n_star };
        let target = rates(rate_a, rate_b, ProportionFormula::Pooled);
        let n_a = libm::pow(10.0, log_n);
        if let Ok(reached) = design.power(&target, n_a) {
            prop_assert!((0.0..=1.0).contains(&reached.power) && reached.expected_units.is_finite());
        }
        if let Ok(size) = design.sample_size(&target, power) {
            prop_assert!(size.n_a.is_finite() && size.n_a > 0.0);
        }
        if let Ok(Target::Proportions { rate_b, .. }) = design.minimum_effect(&target, n_a, power) {
            prop_assert!((0.0..=1.0).contains(&rate_b));
        }
        let _: Result<SequentialDuration, PlanError> = design.duration(&target, power, &[n_a]);
    }
}
