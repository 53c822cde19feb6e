//! The weights of a bandit by quadrature beside the customary Monte Carlo, on the same sums and one core.
//!
//! The two are not equally accurate: how far Monte Carlo is off is a figure of its own, and how long it would need for
//! as little error as quadrature guarantees follows from it, since its error falls with the root of its rounds.
//! Must never know: how a weight is computed.

use std::hint::black_box;
use std::time::Instant;

use bandit::{Arm, Definition, Design, Reward, weights};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};
use rand_distr::{Beta, Distribution as _};
use stats::Sums;

use crate::Plan;
use crate::error::Error;
use crate::measure::median;
use crate::report::Report;

const REPEATS: u32 = 9;
const SIDES: [&str; 2] = ["Monte Carlo", "quadrature"];
/// Rounds of one draw per arm: what published engines draw for one readout.
const ROUNDS: u32 = 10_000;
/// Calls of one turn.
const CALLS: u32 = 50;
const UNITS_PER_ARM: u64 = 100_000;
/// What quadrature promises.
const ERROR: f64 = 1e-9;
const ARMS: [usize; 2] = [5, 20];

/// Measures.
///
/// # Errors
/// [`Error::Void`] when the core refuses what it must take.
pub fn run(plan: &Plan) -> Result<Report, Error> {
    let repeats = plan.repeats.unwrap_or(REPEATS);
    let mut report = Report::new("weights", plan.seed, repeats, &SIDES);
    report
        .condition("Monte Carlo", format!("{ROUNDS} rounds of one draw per arm from its beta posterior (rand_distr)"));
    report.condition("quadrature", format!("the whole call from sums to integers; error at most {ERROR:e}"));
    report.condition("arms", format!("{UNITS_PER_ARM} units each, too close for one to be sure of"));
    report.condition("call", format!("mean of {CALLS} calls per turn"));
    let mut rng = ChaCha8Rng::seed_from_u64(plan.seed);
    let mut goals = Vec::new();
    for arms in ARMS {
        let conversions = Case::new(Reward::CONVERSION, conversions(&mut rng, arms))?;
        let values = Case::new(Reward::VALUE, values(&mut rng, arms))?;
        let (mut drawn, mut errors, mut of_rates, mut of_means) = (vec![], vec![], vec![], vec![]);
        for _ in 0..repeats {
            let begun = Instant::now();
            let frequencies = conversions.draw(&mut rng)?;
            drawn.push(begun.elapsed().as_secs_f64() * 1e6);
            errors.push(conversions.largest_error(&frequencies)?);
            of_rates.push(conversions.time()?);
            of_means.push(values.time()?);
        }
        let (rates, error) = (median(&of_rates), median(&errors));
        let rounds = (error / ERROR).powi(2);
        let enough = median(&drawn) * rounds / 1e6 / 86_400.0;
        report.compared(&format!("{arms} arms of conversions, us"), vec![drawn, of_rates]);
        report.figure(format!("{arms} arms of conversions, largest error"), vec![errors, vec![]]);
        report.figure(format!("{arms} arms of conversions, days to an error of {ERROR:e}"), vec![vec![enough], vec![]]);
        report.figure(format!("{arms} arms of values, us"), vec![vec![], of_means.clone()]);
        goals.push((arms, rates.max(median(&of_means))));
        eprintln!("weights: {arms} arms");
    }
    for (arms, microseconds) in goals {
        report.below(&format!("us of the weights of {arms} arms, conversions or values"), microseconds, 1_000.0);
    }
    Ok(report)
}

/// One design and what was observed.
struct Case {
    design: Design,
    observed: Vec<[Sums; 1]>,
}

impl Case {
    fn new(reward: Reward, observed: Vec<[Sums; 1]>) -> Result<Self, Error> {
        let definition = Definition::new(reward, vec![Arm::of_weight(1); observed.len()]);
        let design = Design::new(definition).map_err(|error| Error::Void(error.to_string()))?;
        Ok(Self { design, observed })
    }

    fn weights(&self) -> Result<bandit::Weights, Error> {
        weights(&self.design, 1, &self.observed).map_err(|error| Error::Void(error.to_string()))
    }

    /// Microseconds of one call.
    fn time(&self) -> Result<f64, Error> {
        let begun = Instant::now();
        for _ in 0..CALLS {
            black_box(black_box(self).weights()?);
        }
        Ok(begun.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS))
    }

    /// How often each arm has the largest draw.
    fn draw(&self, rng: &mut ChaCha8Rng) -> Result<Vec<f64>, Error> {
        let posterior = |[sums]: &[Sums; 1]| {
            let (successes, units) = (sums.x as f64, sums.n as f64);
            Beta::new(1.0 + successes, 1.0 + units - successes).map_err(|error| Error::Void(error.to_string()))
        };
        let posteriors = self.observed.iter().map(posterior).collect::<Result<Vec<_>, _>>()?;
        let mut wins = vec![0_u32; posteriors.len()];
        for _ in 0..ROUNDS {
            let (mut best, mut highest) = (0, 0.0);
            for (arm, posterior) in posteriors.iter().enumerate() {
                let draw = posterior.sample(rng);
                if draw > highest {
                    (best, highest) = (arm, draw);
                }
            }
            wins[best] += 1;
        }
        Ok(wins.into_iter().map(|wins| f64::from(wins) / f64::from(ROUNDS)).collect())
    }

    fn largest_error(&self, frequencies: &[f64]) -> Result<f64, Error> {
        let weights = self.weights()?;
        let chances = weights.arms.iter().map(|arm| arm.probability_best.unwrap_or_default());
        Ok(chances.zip(frequencies).map(|(chance, frequency)| (chance - frequency).abs()).fold(0.0, f64::max))
    }
}

fn conversions(rng: &mut ChaCha8Rng, arms: usize) -> Vec<[Sums; 1]> {
    let of_arm = |_| {
        let converted = rng.random_range(10_000..10_300_u32);
        [Sums::from_parts(UNITS_PER_ARM, i128::from(converted), u128::from(converted))]
    };
    (0..arms).map(of_arm).collect()
}

/// Rewards in cents: a mean about 20.00 with a deviation about as large.
fn values(rng: &mut ChaCha8Rng, arms: usize) -> Vec<[Sums; 1]> {
    let of_arm = |_| {
        let mean = rng.random_range(2_000..2_040_u32);
        let squares = u128::from(mean) * u128::from(mean) * 2 * u128::from(UNITS_PER_ARM);
        [Sums::from_parts(UNITS_PER_ARM, i128::from(mean) * i128::from(UNITS_PER_ARM), squares)]
    };
    (0..arms).map(of_arm).collect()
}
