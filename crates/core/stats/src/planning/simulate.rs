//! An experiment run many times over a distribution as it was seen: what the tests would have said.
//!
//! With the same distribution in both arms the rejections are false ones, and show what peeking costs; with another one
//! in the treatment they are power. Seeds come from the caller.

#[cfg(test)]
mod tests;

use super::PlanError;
use super::empirical::Empirical;
use crate::estimate::Estimate;
use crate::moments::Moments;
use crate::parameter::{Alpha, InvalidParameter};
use crate::sequential::{Side, Tuning, confidence_sequence};
use crate::undefined::Undefined;
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

/// A share of runs with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// The share.
    pub estimate: f64,
    /// Its binomial standard error.
    pub standard_error: f64,
    /// The runs that it is a share of.
    pub runs: u32,
}

impl Share {
    fn of(count: u32, runs: u32) -> Result<Self, Undefined> {
        if runs == 0 {
            return Err(Undefined::NoUnits);
        }
        let estimate = f64::from(count) / f64::from(runs);
        Ok(Self { estimate, standard_error: (estimate * (1.0 - estimate) / f64::from(runs)).sqrt(), runs })
    }
}

/// What the tests said. A look that cannot be computed, such as one without any conversion, rejects nothing: it counts
/// in the shares of rejections, which are of all runs, and in nothing that is said of estimates and intervals, which is
/// of the runs that have them; without such a run there is a reason instead ([`Undefined::NoUnits`]).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SimulationReport {
    /// Experiments.
    pub runs: u32,
    /// Runs whose last look has no estimate.
    pub undefined: u32,
    /// The difference of the two distributions' means.
    pub true_effect: f64,
    /// Welch's test rejected at the last look; of all runs.
    pub fixed: Share,
    /// Welch's test rejected at any look: what peeking makes of it; of all runs.
    pub fixed_peeked: Share,
    /// The confidence sequence excluded zero at any look; of all runs.
    pub sequential: Share,
    /// Welch's interval of the last look contained the true effect; of the runs that have one there.
    pub coverage: Result<Share, Undefined>,
    /// The sequence contained the true effect at every look that has one; of the runs with such a look.
    pub sequential_coverage: Result<Share, Undefined>,
    /// Mean of the estimates at the last look, over the runs that have one there.
    pub mean_estimate: Result<f64, Undefined>,
    /// Standard deviation of the same estimates.
    pub deviation_of_estimates: Result<f64, Undefined>,
    /// Mean magnitude of the estimate where Welch's test rejected, over that of the true effect: by how much winners
    /// are exaggerated. `None` without a true effect or without rejections.
    pub exaggeration: Option<f64>,
    /// Units of both arms until the sequence stopped, on average over all runs; those that never stop count the last
    /// look.
    pub mean_units: f64,
    /// The estimate at the last look carried a warning; of the runs that have one there.
    pub warned: Result<Share, Undefined>,
}

/// Counts over the runs.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    fixed: u32,
    peeked: u32,
    sequential: u32,
    covered: u32,
    sequenced: u32,
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
/// [`PlanError::Invalid`] without runs or looks, or when units fall from look to look or an arm starts with fewer than
/// two; [`PlanError::TooLong`] beyond [`DRAWS_MAX`] or [`LOOKS_EVALUATED_MAX`].
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
    report(simulation.runs, true_effect, &tally)
}

fn report(runs: u32, true_effect: f64, tally: &Tally) -> Result<SimulationReport, PlanError> {
    let invalid = |_| {
        PlanError::Invalid(InvalidParameter::Count { field: "runs", given: 0, least: 1, most: u64::from(u32::MAX) })
    };
    let of_all = |count: u32| Share::of(count, runs).map_err(invalid);
    let estimated = runs.saturating_sub(tally.undefined);
    let (mean, square) = (tally.estimates / f64::from(estimated), tally.squares / f64::from(estimated));
    let of_estimates = |value: f64| if estimated == 0 { Err(Undefined::NoUnits) } else { Ok(value) };
    let exaggerates = true_effect != 0.0 && tally.fixed > 0;
    Ok(SimulationReport {
        runs,
        undefined: tally.undefined,
        true_effect,
        fixed: of_all(tally.fixed)?,
        fixed_peeked: of_all(tally.peeked)?,
        sequential: of_all(tally.sequential)?,
        coverage: Share::of(tally.covered, estimated),
        sequential_coverage: Share::of(tally.always_covered, tally.sequenced),
        mean_estimate: of_estimates(true_effect + mean),
        deviation_of_estimates: of_estimates((square - mean * mean).max(0.0).sqrt()),
        exaggeration: exaggerates.then(|| tally.won / f64::from(tally.fixed) / true_effect.abs()),
        mean_units: tally.units / f64::from(runs),
        warned: Share::of(tally.warned, estimated),
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
    let (mut peeked, mut stopped_at, mut sequenced, mut always_covered) = (false, None, false, true);
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
        sequenced = true;
        always_covered &= interval.lower() <= true_effect && true_effect <= interval.upper();
        if stopped_at.is_none() && (interval.lower() > 0.0 || interval.upper() < 0.0) {
            stopped_at = Some(units);
        }
    }
    let count = |counter: &mut u32, holds: bool| *counter = counter.saturating_add(u32::from(holds));
    count(&mut tally.peeked, peeked);
    count(&mut tally.sequential, stopped_at.is_some());
    count(&mut tally.sequenced, sequenced);
    count(&mut tally.always_covered, sequenced && always_covered);
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
