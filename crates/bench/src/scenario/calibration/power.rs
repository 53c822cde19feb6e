//! Whether a planned size finds what it was planned for as often as the plan says.

use rand::rngs::ChaCha8Rng;
use stats::planning::{MeanFormula, PlanError, ProportionFormula, SequentialDesign, Sides, Target, TestDesign};
use stats::sequential::{Side, Tuning, confidence_sequence};
use stats::{Alpha, Conversions, Moments, two_proportion, welch};

use super::draw::{Population, Sums, binomial};
use super::simulate::{Simulator, yes};
use super::table::{Kept, Table, percent, share};
use crate::error::Error;

const RUNS: u64 = 10_000;
const ALPHA: f64 = 0.05;
/// How far power may be from its plan.
const MARGIN: f64 = 0.02;
const LOOKS: u32 = 28;

/// A plan to be tried.
#[derive(Clone, Copy)]
struct Trial {
    name: &'static str,
    data: Data,
    sides: Sides,
    ratio: f64,
    power: f64,
    /// Looked at as often, or once.
    looks: Option<u32>,
}

#[derive(Clone, Copy)]
enum Data {
    Rates(f64, f64),
    /// Normal values of mean 10 and deviation 5, and the treatment's factor.
    Means(f64),
}

const TRIALS: [Trial; 7] = [
    Trial {
        name: "rates 5 to 5.6 %",
        data: Data::Rates(0.05, 0.056),
        sides: Sides::Two,
        ratio: 1.0,
        power: 0.8,
        looks: None,
    },
    Trial {
        name: "rates 1 to 1.3 %",
        data: Data::Rates(0.01, 0.013),
        sides: Sides::Two,
        ratio: 1.0,
        power: 0.9,
        looks: None,
    },
    Trial {
        name: "rates 30 to 33 %, one-sided, 1 to 3",
        data: Data::Rates(0.3, 0.33),
        sides: Sides::One,
        ratio: 3.0,
        power: 0.8,
        looks: None,
    },
    Trial { name: "means, 2 % lift", data: Data::Means(1.02), sides: Sides::Two, ratio: 1.0, power: 0.8, looks: None },
    Trial { name: "means, 20 % lift", data: Data::Means(1.2), sides: Sides::Two, ratio: 1.0, power: 0.9, looks: None },
    Trial {
        name: "rates 5 to 5.6 %, 28 looks",
        data: Data::Rates(0.05, 0.056),
        sides: Sides::Two,
        ratio: 1.0,
        power: 0.8,
        looks: Some(LOOKS),
    },
    Trial {
        name: "means, 2 % lift, 28 looks",
        data: Data::Means(1.02),
        sides: Sides::Two,
        ratio: 1.0,
        power: 0.9,
        looks: Some(LOOKS),
    },
];

/// Simulates.
pub fn run(simulator: &Simulator) -> Result<Table, Error> {
    let mut table = Table::new("power", &["plan", "units of A", "planned", "found (se)"]);
    table
        .about(format!("{RUNS} experiments each, alpha {ALPHA}, seed {}; within 2 points of the plan", simulator.seed));
    for (place, trial) in (0..).zip(TRIALS) {
        let units = size(&trial).map_err(|error| Error::Void(format!("a plan is refused: {error}")))?;
        let [found] = simulator.means(place, trial.name, RUNS, |rng| vec![yes(experiment(rng, &trial, units))])?[..]
        else {
            continue;
        };
        let kept = if (found.value() - trial.power).abs() <= MARGIN { Kept::Held } else { Kept::Missed };
        table.row(&[trial.name, &units.to_string()], vec![percent(trial.power), share(found)], kept);
    }
    Ok(table)
}

fn size(trial: &Trial) -> Result<u64, PlanError> {
    let test = TestDesign::new(Alpha::FIVE_PERCENT, trial.sides, trial.ratio)?;
    let target = match trial.data {
        Data::Rates(rate_a, rate_b) => Target::Proportions { rate_a, rate_b, formula: ProportionFormula::Pooled },
        Data::Means(factor) => Target::Means {
            difference: 10.0 * (factor - 1.0),
            variance_a: 25.0,
            variance_b: 25.0 * factor * factor,
            formula: MeanFormula::Normal,
        },
    };
    let planned = match trial.looks {
        None => test.sample_size(&target, trial.power)?,
        Some(looks) => SequentialDesign { test, looks, n_star: None }.sample_size(&target, trial.power)?,
    };
    Ok(planned.n_a_whole)
}

fn experiment(rng: &mut ChaCha8Rng, trial: &Trial, units: u64) -> bool {
    let Some(looks) = trial.looks else {
        return draw(rng, trial, units).is_some_and(|arms| once(trial, &arms));
    };
    let total = units as f64 * (1.0 + trial.ratio);
    let Ok(tuning) = Tuning::new(Alpha::FIVE_PERCENT, total, Side::TwoSided) else { return false };
    let mut arms = [Sums::default(); 2];
    let mut seen = 0;
    (1..=looks).any(|look| {
        let until = units * u64::from(look) / u64::from(looks);
        let Some(new) = draw(rng, trial, until - seen) else { return false };
        seen = until;
        arms.iter_mut().zip(new).for_each(|(arm, new)| arm.add(new));
        let found = effect(trial, &arms).and_then(|(effect, error)| {
            let units = arms.iter().map(|arm| arm.n).sum::<f64>() as u64;
            confidence_sequence(effect, error, units, &tuning).ok()
        });
        found.is_some_and(|sequence| sequence.p < ALPHA)
    })
}

fn draw(rng: &mut ChaCha8Rng, trial: &Trial, units: u64) -> Option<[Sums; 2]> {
    let other = (units as f64 * trial.ratio).round() as u64;
    let converted = |rng: &mut ChaCha8Rng, units: u64, rate: f64| {
        let x = binomial(rng, units, rate) as f64;
        Sums { n: units as f64, x, xx: x }
    };
    (units > 1).then(|| match trial.data {
        Data::Rates(a, b) => [converted(rng, units, a), converted(rng, other, b)],
        Data::Means(factor) => [Population::Normal.draw(rng, units, 1.0), Population::Normal.draw(rng, other, factor)],
    })
}

fn once(trial: &Trial, arms: &[Sums; 2]) -> bool {
    let p = match trial.data {
        Data::Rates(..) => rates(arms).and_then(|test| test.test.ok()).map(|test| test.p),
        Data::Means(_) => means(arms).map(|estimate| estimate.p),
    };
    p.is_some_and(|p| if trial.sides == Sides::Two { p.two_sided < ALPHA } else { p.greater < ALPHA })
}

fn effect(trial: &Trial, arms: &[Sums; 2]) -> Option<(f64, f64)> {
    match trial.data {
        Data::Rates(..) => rates(arms).map(|test| (test.difference, test.standard_error)),
        Data::Means(_) => means(arms).map(|estimate| (estimate.effect, estimate.standard_error)),
    }
}

fn rates(arms: &[Sums; 2]) -> Option<stats::TwoProportion> {
    let [a, b] = arms.map(|arm| Conversions::new(arm.n as u64, arm.x as u64).ok());
    two_proportion(a?, b?, Alpha::FIVE_PERCENT).ok()
}

fn means(arms: &[Sums; 2]) -> Option<stats::Estimate> {
    let [a, b]: [Option<Moments>; 2] = arms.map(Sums::moments);
    welch(a?, b?, Alpha::FIVE_PERCENT).ok()?.absolute.ok()
}
