//! An experiment run many times over a distribution as it was seen: what the tests would have said.
//!
//! With the same distribution in both arms the rejections are false ones, and show what peeking costs; with another one
//! in the treatment they are power. Seeds come from the caller.

use super::PlanError;
use super::empirical::Empirical;
use crate::estimate::Estimate;
use crate::moments::Moments;
use crate::parameter::{Alpha, InvalidParameter};
use crate::sequential::{Side, Tuning, confidence_sequence};
use crate::welch::welch;
use rand::Rng;

/// Most values drawn by one call: some ten seconds.
pub const DRAWS_MAX: u64 = 2_000_000_000;
/// Most looks evaluated by one call.
pub const LOOKS_EVALUATED_MAX: u64 = 10_000_000;

/// How often, when, and how the simulated experiment is looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulation {
    /// Units of (A, B) at each look; they never fall.
    pub looks: Vec<(u64, u64)>,
    /// Experiments.
    pub runs: u32,
    /// Level of every test and interval.
    pub alpha: Alpha,
    /// Units of both arms at which the confidence sequence is narrowest.
    pub n_star: f64,
}

/// A share of the runs with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// The share.
    pub estimate: f64,
    /// Its binomial standard error.
    pub standard_error: f64,
}

/// What the tests said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SimulationReport {
    /// Experiments.
    pub runs: u32,
    /// The difference of the two distributions' means.
    pub true_effect: f64,
    /// Welch's test rejected at the last look.
    pub fixed: Share,
    /// Welch's test rejected at any look: what peeking makes of it.
    pub fixed_peeked: Share,
    /// The confidence sequence excluded zero at any look.
    pub sequential: Share,
    /// Welch's interval of the last look contained the true effect.
    pub coverage: Share,
    /// The sequence contained the true effect at every look.
    pub sequential_coverage: Share,
    /// Mean of the estimates at the last look.
    pub mean_estimate: f64,
    /// Standard deviation of the estimates at the last look.
    pub deviation_of_estimates: f64,
    /// Mean magnitude of the estimate where Welch's test rejected, over that of the true effect: by how much winners are
    /// exaggerated. `None` without a true effect or without rejections.
    pub exaggeration: Option<f64>,
    /// Units of both arms until the sequence stopped, on average.
    pub mean_units: f64,
    /// Runs whose estimate at the last look carried a warning.
    pub warned: Share,
    /// Runs in which a look could not be computed, such as without any conversion; they count as no rejection.
    pub undefined: u32,
}

/// Counts over the runs.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    fixed: u32,
    peeked: u32,
    sequential: u32,
    covered: u32,
    always_covered: u32,
    warned: u32,
    undefined: u32,
    estimates: f64,
    squares: f64,
    won: f64,
    units: f64,
}

/// Runs the experiment.
///
/// # Errors
/// [`PlanError::Invalid`] without runs or looks, or when units fall from look to look or an arm starts with fewer than two;
/// [`PlanError::TooLong`] beyond [`DRAWS_MAX`] or [`LOOKS_EVALUATED_MAX`].
pub fn simulate<R: Rng + ?Sized>(
    control: &Empirical,
    treatment: &Empirical,
    simulation: &Simulation,
    rng: &mut R,
) -> Result<SimulationReport, PlanError> {
    check(simulation)?;
    let tuning = Tuning::new(simulation.alpha, simulation.n_star, Side::TwoSided)?;
    let true_effect = treatment.mean() - control.mean();
    let mut tally = Tally::default();
    for _ in 0..simulation.runs {
        run(control, treatment, simulation, &tuning, true_effect, &mut tally, rng);
    }
    let runs = f64::from(simulation.runs);
    let share = |count: u32| {
        let estimate = f64::from(count) / runs;
        Share { estimate, standard_error: (estimate * (1.0 - estimate) / runs).sqrt() }
    };
    let mean = tally.estimates / runs;
    let exaggerates = true_effect != 0.0 && tally.fixed > 0;
    Ok(SimulationReport {
        runs: simulation.runs,
        true_effect,
        fixed: share(tally.fixed),
        fixed_peeked: share(tally.peeked),
        sequential: share(tally.sequential),
        coverage: share(tally.covered),
        sequential_coverage: share(tally.always_covered),
        mean_estimate: true_effect + mean,
        deviation_of_estimates: (tally.squares / runs - mean * mean).max(0.0).sqrt(),
        exaggeration: exaggerates.then(|| tally.won / f64::from(tally.fixed) / true_effect.abs()),
        mean_units: tally.units / runs,
        warned: share(tally.warned),
        undefined: tally.undefined,
    })
}

fn check(simulation: &Simulation) -> Result<(), PlanError> {
    let count = |field, given, least, most| PlanError::Invalid(InvalidParameter::Count { field, given, least, most });
    let looks = simulation.looks.len() as u64;
    if simulation.runs == 0 {
        return Err(count("runs", 0, 1, u64::from(u32::MAX)));
    }
    let mut before = (2, 2);
    for (a, b) in simulation.looks.iter().copied() {
        if a < before.0 || b < before.1 {
            return Err(count("units at a look", a.min(b), before.0.min(before.1), u64::MAX));
        }
        before = (a, b);
    }
    let Some((a, b)) = simulation.looks.last() else { return Err(count("looks", 0, 1, u64::MAX)) };
    let runs = u64::from(simulation.runs);
    if a.saturating_add(*b).saturating_mul(runs) > DRAWS_MAX {
        return Err(PlanError::TooLong { what: "draws", most: DRAWS_MAX as f64 });
    }
    if looks.saturating_mul(runs) > LOOKS_EVALUATED_MAX {
        return Err(PlanError::TooLong { what: "looks", most: LOOKS_EVALUATED_MAX as f64 });
    }
    Ok(())
}

/// Units of one arm, as distances from the distribution's mean so that sums do not cancel.
struct Arm<'a> {
    from: &'a Empirical,
    origin: f64,
    n: u64,
    sum: f64,
    squares: f64,
}

impl<'a> Arm<'a> {
    fn new(from: &'a Empirical) -> Self {
        Self { from, origin: from.mean(), n: 0, sum: 0.0, squares: 0.0 }
    }

    fn fill<R: Rng + ?Sized>(&mut self, n: u64, rng: &mut R) {
        for _ in self.n..n {
            let distance = self.from.draw(rng) - self.origin;
            self.sum += distance;
            self.squares += distance * distance;
        }
        self.n = n;
    }

    fn moments(&self) -> Option<Moments> {
        let n = self.n as f64;
        let mean = self.sum / n;
        let variance = ((self.squares - self.sum * mean) / (n - 1.0)).max(0.0);
        Moments::new(self.n, self.origin + mean, variance).ok()
    }
}

fn run<R: Rng + ?Sized>(
    control: &Empirical,
    treatment: &Empirical,
    simulation: &Simulation,
    tuning: &Tuning,
    true_effect: f64,
    tally: &mut Tally,
    rng: &mut R,
) {
    let (mut a, mut b) = (Arm::new(control), Arm::new(treatment));
    let (mut peeked, mut stopped_at, mut always_covered) = (false, None, true);
    let mut last: Option<Estimate> = None;
    let level = simulation.alpha.get();
    let mut units = 0;
    for (n_a, n_b) in simulation.looks.iter().copied() {
        a.fill(n_a, rng);
        b.fill(n_b, rng);
        units = n_a.saturating_add(n_b);
        let compared = a.moments().zip(b.moments()).and_then(|(a, b)| welch(a, b, simulation.alpha).ok());
        last = compared.and_then(|compared| compared.absolute.ok());
        let Some(estimate) = last else { continue };
        peeked |= estimate.p.two_sided <= level;
        let sequence = confidence_sequence(estimate.effect, estimate.standard_error, units, tuning);
        let Ok(interval) = sequence.map(|sequence| sequence.interval) else { continue };
        always_covered &= interval.lower() <= true_effect && true_effect <= interval.upper();
        if stopped_at.is_none() && (interval.lower() > 0.0 || interval.upper() < 0.0) {
            stopped_at = Some(units);
        }
    }
    let count = |counter: &mut u32, holds: bool| *counter = counter.saturating_add(u32::from(holds));
    count(&mut tally.peeked, peeked);
    count(&mut tally.sequential, stopped_at.is_some());
    count(&mut tally.always_covered, always_covered);
    count(&mut tally.undefined, last.is_none());
    tally.units += stopped_at.unwrap_or(units) as f64;
    let Some(estimate) = last else { return };
    let rejected = estimate.p.two_sided <= level;
    count(&mut tally.fixed, rejected);
    count(&mut tally.warned, !estimate.warnings.is_empty());
    let covered = estimate.interval.lower() <= true_effect && true_effect <= estimate.interval.upper();
    count(&mut tally.covered, covered);
    let error = estimate.effect - true_effect;
    tally.estimates += error;
    tally.squares += error * error;
    if rejected {
        tally.won += estimate.effect.abs();
    }
}

#[cfg(test)]
mod tests {
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
        assert!((got.coverage.estimate - 0.95).abs() < 0.02 && got.sequential_coverage.estimate > 0.95 - 0.02);
        assert_eq!((got.true_effect, got.exaggeration), (0.0, None));
    }

    #[test]
    fn an_effect_is_found_with_the_power_that_was_planned_and_exaggerated_by_winners() {
        let control = revenue();
        let treatment = control.with_zeros_converted(0.06).unwrap();
        let design = super::super::TestDesign::new(Alpha::FIVE_PERCENT, super::super::Sides::Two, 1.0).unwrap();
        let target = super::super::Target::Means {
            difference: treatment.mean() - control.mean(),
            variance_a: control.variance(),
            variance_b: treatment.variance(),
            formula: super::super::MeanFormula::Normal,
        };
        let planned = design.power(&target, 1400.0).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        let got = simulate(&control, &treatment, &daily(1500), &mut rng).unwrap();
        assert!((got.fixed.estimate - planned).abs() < 0.05, "{got:?} planned {planned}");
        assert!(got.exaggeration.unwrap() > 1.0 && got.mean_units < 2800.0);
        assert!((got.mean_estimate - got.true_effect).abs() < 0.05);
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
}
