use super::*;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

const SEED: u64 = 20_260_101;

fn revenue() -> Empirical {
    Empirical::new(&[(0.0, 700), (5.0, 150), (10.0, 100), (20.0, 40), (50.0, 10)]).unwrap()
}

fn daily(runs: u32) -> Simulation {
    let looks = (1..=14).map(|day| (day * 100, day * 100)).collect();
    Simulation { looks, runs, alpha: Alpha::FIVE_PERCENT, n_star: 2800.0 }
}

#[test]
fn draws_have_the_distribution_they_are_drawn_from() {
    let from = revenue();
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let draws: Vec<f64> = (0..200_000).map(|_| from.draw(&mut rng)).collect();
    for (value, share) in [(0.0, 0.7), (5.0, 0.15), (10.0, 0.1), (20.0, 0.04), (50.0, 0.01)] {
        let seen = draws.iter().filter(|draw| **draw == value).count() as f64 / draws.len() as f64;
        let error = (share * (1.0 - share) / draws.len() as f64).sqrt();
        assert!((seen - share).abs() < 5.0 * error, "{value}: {seen}");
    }
    assert!((from.mean() - 3.05).abs() < 1e-12);
}

#[test]
fn no_effect_is_found_at_the_level_and_peeking_costs() {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let got = simulate(&revenue(), &revenue(), &daily(2000), &mut rng).unwrap();
    let bound = 0.05 + 4.0 * (0.05_f64 * 0.95 / 2000.0).sqrt();
    assert!(got.fixed.estimate < bound && got.sequential.estimate < bound, "{got:?}");
    assert!(got.fixed_peeked.estimate > 0.12, "{got:?}");
    assert!(
        (got.coverage.unwrap().estimate - 0.95).abs() < 0.02 && got.sequential_coverage.unwrap().estimate > 0.95 - 0.02
    );
    assert_eq!((got.true_effect, got.exaggeration), (0.0, None));
}

#[test]
fn an_effect_is_found_with_the_power_that_was_planned_and_exaggerated_by_winners() {
    let control = revenue();
    let treatment = control.with_zeros_converted(0.06).unwrap();
    let design = crate::planning::TestDesign::new(Alpha::FIVE_PERCENT, crate::planning::Sides::Two, 1.0).unwrap();
    let target = crate::planning::Target::Means {
        difference: treatment.mean() - control.mean(),
        variance_a: control.variance(),
        variance_b: treatment.variance(),
        formula: crate::planning::MeanFormula::Normal,
    };
    let planned = design.power(&target, 1400.0).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let got = simulate(&control, &treatment, &daily(1500), &mut rng).unwrap();
    assert!((got.fixed.estimate - planned).abs() < 0.05, "{got:?} planned {planned}");
    assert!(got.exaggeration.unwrap() > 1.0 && got.mean_units < 2800.0);
    assert!((got.mean_estimate.unwrap() - got.true_effect).abs() < 0.05);
    assert!((control.scaled(1.1).unwrap().mean() - 3.355).abs() < 1e-12);
}

#[test]
fn the_same_seed_gives_the_same_report_and_limits_are_kept() {
    let at = |seed| simulate(&revenue(), &revenue(), &daily(20), &mut ChaCha8Rng::seed_from_u64(seed)).unwrap();
    assert_eq!(at(1), at(1));
    assert_ne!(at(1), at(2));
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut with = |looks: Vec<(u64, u64)>, runs| {
        simulate(&revenue(), &revenue(), &Simulation { looks, runs, ..daily(1) }, &mut rng).map(|got| got.runs)
    };
    assert!(matches!(with(vec![], 1), Err(PlanError::Invalid(_))));
    assert!(matches!(with(vec![(10, 10)], 0), Err(PlanError::Invalid(_))));
    assert!(matches!(with(vec![(10, 10), (9, 10)], 1), Err(PlanError::Invalid(_))));
    assert!(matches!(with(vec![(1, 10)], 1), Err(PlanError::Invalid(_))));
    assert!(matches!(with(vec![(u64::MAX, 10)], 2), Err(PlanError::TooLong { .. })));
    assert_eq!(with(vec![(2, 2)], 3), Ok(3));
    assert!(Empirical::new(&[]).is_err() && Empirical::new(&[(1.0, 0)]).is_err());
    assert!(Empirical::new(&[(f64::NAN, 1)]).is_err());
    assert!(Empirical::new(&[(0.0, 5)]).unwrap().with_zeros_converted(0.5).is_err());
}

/// Moments of the estimate over the runs that have one, for two units per arm of rates `p` and `q`, by listing all 16.
fn by_listing(p: f64, q: f64) -> (f64, f64, f64) {
    let (mut undefined, mut first, mut second) = (0.0, 0.0, 0.0);
    for outcome in 0..16_u32 {
        let bit = |place: u32| f64::from(outcome >> place & 1);
        let chance = |place, rate: f64| if bit(place) > 0.0 { rate } else { 1.0 - rate };
        let probability = chance(0, p) * chance(1, p) * chance(2, q) * chance(3, q);
        if bit(0) == bit(1) && bit(2) == bit(3) {
            undefined += probability;
        } else {
            let effect = (bit(2) + bit(3) - bit(0) - bit(1)) / 2.0;
            first += probability * effect;
            second += probability * effect * effect;
        }
    }
    let defined = 1.0 - undefined;
    (undefined, first / defined, (second / defined - first * first / defined / defined).sqrt())
}

#[test]
fn runs_without_an_estimate_are_in_no_mean_of_estimates() {
    let rate = |percent: u64| Empirical::new(&[(0.0, 100 - percent), (1.0, percent)]).unwrap();
    let (share, mean, deviation) = by_listing(0.2, 0.3);
    assert!((share - 0.39).abs() < 0.02, "{share}");
    let simulation = Simulation { looks: vec![(2, 2)], runs: 40_000, alpha: Alpha::FIVE_PERCENT, n_star: 4.0 };
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let got = simulate(&rate(20), &rate(30), &simulation, &mut rng).unwrap();
    let runs = f64::from(got.runs);
    assert!((f64::from(got.undefined) / runs - share).abs() < 0.015, "seed {SEED}: {got:?}");
    // Five standard errors of 24,000 estimates.
    assert!((got.mean_estimate.unwrap() - mean).abs() < 5.0 * deviation / 155.0, "seed {SEED}: {got:?} {mean}");
    assert!((got.deviation_of_estimates.unwrap() / deviation - 1.0).abs() < 0.02, "seed {SEED}: {got:?} {deviation}");
    let (coverage, sequential) = (got.coverage.unwrap(), got.sequential_coverage.unwrap());
    assert_eq!((coverage.runs, sequential.runs), (got.runs - got.undefined, got.runs - got.undefined));
    // Intervals of one or two degrees of freedom are wide: they contain the effect wherever they exist.
    assert!(coverage.estimate > 0.97 && sequential.estimate > 0.97, "seed {SEED}: {got:?}");
    assert_eq!((got.fixed.runs, got.warned.unwrap().estimate), (got.runs, 1.0));
}

#[test]
fn without_any_estimate_there_is_a_reason() {
    let constant = Empirical::new(&[(3.0, 1)]).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let got = simulate(&constant, &constant, &daily(10), &mut rng).unwrap();
    assert_eq!((got.undefined, got.fixed.estimate, got.mean_units), (10, 0.0, 2800.0));
    assert_eq!((got.coverage, got.sequential_coverage), (Err(Undefined::NoUnits), Err(Undefined::NoUnits)));
    assert_eq!((got.mean_estimate, got.deviation_of_estimates), (Err(Undefined::NoUnits), Err(Undefined::NoUnits)));
    assert_eq!((got.warned, got.exaggeration), (Err(Undefined::NoUnits), None));
}
