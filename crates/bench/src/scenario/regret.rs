//! What a bandit costs until it has learned: weights by epoch beside a fixed split and a Thompson sampler per request,
//! in 2,000 runs of each on the same seeds.
//!
//! Must never know: how a policy decides.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use bandit::simulation::{Horizon, Outcome, Payout, Player, World, play};
use bandit::{Arm, Definition, Design, Reward};
use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;

use crate::Plan;
use crate::error::Error;
use crate::report::Report;

const RUNS: u64 = 2_000;
const HORIZON: Horizon = Horizon { units: 30_000, epoch_units: 500 };
const SIDES: [&str; 3] = ["fixed split", "weights by epoch", "sampler per request"];
const PLAYERS: [Player; 3] = [Player::Fixed, Player::Weights, Player::PerRequest];

/// Plays.
///
/// # Errors
/// [`Error::Void`] when the core refuses what it must take.
pub fn run(plan: &Plan) -> Result<Report, Error> {
    let mut report = Report::new("regret", plan.seed, 1, &SIDES);
    let Horizon { units, epoch_units } = HORIZON;
    report
        .condition("runs", format!("{RUNS} per side and world, {units} units each, weights every {epoch_units} units"));
    report
        .condition("seeds", format!("ChaCha8 of {}, stream 0 to {} for the runs, on every side", plan.seed, RUNS - 1));
    report.condition("design", "5 equal arms, Thompson, burn-in of 1,000 units per arm, floor of 1 %");
    report.condition("per request", "the same burn-in, no floor; it learns from every unit at once");
    for (name, reward, payouts) in worlds() {
        let described = payouts.iter().map(describe).collect::<Vec<_>>().join(", ");
        report.condition(name, described);
        let outcomes = all_runs(plan.seed, name, reward, &payouts)?;
        let of = |pick: fn(&Outcome) -> f64| outcomes.each_ref().map(|side| Summary::of(side.iter().map(pick)));
        let (regret, share) = (of(|outcome| outcome.regret), of(|outcome| outcome.best_share));
        let figure = |pick: fn(&Summary) -> f64, of: &[Summary]| of.iter().map(|side| vec![pick(side)]).collect();
        report.compared(&format!("{name}: mean regret"), figure(|side| side.mean, &regret));
        report.figure("  its standard error", figure(|side| side.error, &regret));
        report.figure(format!("{name}: share of traffic on the best arm"), figure(|side| side.mean, &share));
        report.figure("  its standard error", figure(|side| side.error, &share));
    }
    Ok(report)
}

fn worlds() -> [(&'static str, Reward, Vec<Payout>); 2] {
    let bernoulli = |rate| Payout::Bernoulli { rate };
    let log_normal = |log_mean| Payout::LogNormal { log_mean, log_deviation: 1.0 };
    [
        ("conversions", Reward::CONVERSION, [0.050, 0.052, 0.055, 0.060, 0.070].map(bernoulli).to_vec()),
        ("revenue", Reward::VALUE, [2.00, 2.02, 2.05, 2.10, 2.20].map(log_normal).to_vec()),
    ]
}

fn describe(payout: &Payout) -> String {
    match payout {
        Payout::Bernoulli { rate } => format!("Bernoulli({rate})"),
        Payout::Normal { mean, deviation } => format!("N({mean}, {deviation}^2)"),
        Payout::LogNormal { log_mean, log_deviation } => format!("exp N({log_mean}, {log_deviation}^2)"),
    }
}

/// Mean and its standard error.
struct Summary {
    mean: f64,
    error: f64,
}

impl Summary {
    fn of(values: impl ExactSizeIterator<Item = f64> + Clone) -> Self {
        let count = values.len() as f64;
        let mean = values.clone().sum::<f64>() / count;
        let variance = values.map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
        Self { mean, error: (variance / count).sqrt() }
    }
}

/// The outcomes of every side, run by run, on as many threads as there are processors.
fn all_runs(seed: u64, name: &str, reward: Reward, payouts: &[Payout]) -> Result<[Vec<Outcome>; 3], Error> {
    let void = |error: &dyn std::error::Error| Error::Void(error.to_string());
    let world = World::new(payouts).map_err(|error| void(&error))?;
    let design = Definition::new(reward, vec![Arm::of_weight(1); payouts.len()]);
    let design = Design::new(design).map_err(|error| void(&error))?;
    let threads = thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let done = AtomicU64::new(0);
    let worker = |first: u64| {
        let mut played = Vec::new();
        for run in (first..RUNS).step_by(threads as usize) {
            let mut sides = [Outcome { regret: 0.0, best_share: 0.0 }; 3];
            for (side, player) in sides.iter_mut().zip(PLAYERS) {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                rng.set_stream(run);
                *side = play(&world, &design, player, HORIZON, &mut rng)?;
            }
            played.push((run, sides));
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            if done.is_multiple_of(RUNS / 10) {
                eprintln!("regret: {name}, run {done} of {RUNS}");
            }
        }
        Ok::<_, bandit::simulation::SimulationError>(played)
    };
    let worker = &worker;
    let played = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|first| scope.spawn(move || worker(first))).collect();
        workers.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let mut runs = Vec::new();
    for worker in played {
        let played = worker.map_err(|_| Error::Void("a thread of the simulation broke".to_owned()))?;
        runs.extend(played.map_err(|error| void(&error))?);
    }
    runs.sort_by_key(|(run, _)| *run);
    let side = |side: usize| runs.iter().map(|(_, sides)| sides[side]).collect();
    Ok([side(0), side(1), side(2)])
}
