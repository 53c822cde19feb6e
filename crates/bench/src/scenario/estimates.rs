//! The statistics in the pure core, on one core: a whole estimate, a merge of a million cells, the best of five arms,
//! a fit of a million customers.
//!
//! Must never know: how an estimate is computed.

use std::hint::black_box;
use std::time::Instant;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};
use rand_distr::{Beta, Distribution as _, Exp1, Gamma};
use stats::bayes::{BetaPrior, NormalPrior, best_of, compare, normal_effect};
use stats::ltv::{History, fit_bgnbd};
use stats::sequential::{Side, Tuning, confidence_sequence};
use stats::{Alpha, JointSums, Pooling, Sums, cuped, two_proportion, welch};

use crate::Plan;
use crate::error::Error;
use crate::measure::median;
use crate::report::Report;

const REPEATS: u32 = 9;
/// Estimates of one turn.
const CALLS: u32 = 20_000;
/// Quadratures of one turn.
const CALLS_SLOW: u32 = 50;
/// Merges of one turn; the first reads its cells from memory, 160 bytes each, and is shown apart.
const MERGES: u32 = 20;
const CELLS: usize = 1_000_000;
const CUSTOMERS: usize = 1_000_000;
const UNITS: u32 = 20_000;
/// Of CDNOW's customers, in weeks.
const BUYING: Buying = Buying { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426, weeks: 39.0 };

/// Measures.
///
/// # Errors
/// [`Error::Void`] when the core refuses what it must take.
pub fn run(plan: &Plan) -> Result<Report, Error> {
    let repeats = plan.repeats.unwrap_or(REPEATS);
    let mut report = Report::new("estimates", plan.seed, repeats, &["Upshot"]);
    report.condition(
        "estimate",
        "z of two proportions, CUPED with Welch's t and lift, confidence sequence, normal posterior",
    );
    report.condition("beta posteriors", "of 20,000 units: P(B > A), expected losses; P(best) and losses of five arms");
    report.condition(
        "cells",
        format!("{CELLS} cells of ten sums each (n, x, x2, y, y2, xy, c, c2, xc, yc), or of three"),
    );
    report.condition("customers", format!("{CUSTOMERS} drawn from a BG/NBD model, four parameters with intervals"));
    let mut rng = ChaCha8Rng::seed_from_u64(plan.seed);
    let (arms, conversions) = (arms(&mut rng)?, conversions(&mut rng));
    let cells: Vec<JointSums> = (0..CELLS).map(|_| cell(&mut rng)).collect();
    let small: Vec<Sums> = (0..CELLS).map(|_| Sums::of(rng.random_range(0..100_000))).collect();
    let customers = (0..CUSTOMERS).map(|_| BUYING.draw(&mut rng)).collect::<Result<Vec<_>, _>>()?;
    let mut sides: [Vec<f64>; 7] = Default::default();
    for turn in 1..=repeats {
        sides[0].push(1e6 * seconds_per(CALLS, || estimate(black_box(&arms), &conversions))?);
        sides[1].push(1e6 * seconds_per(CALLS_SLOW, || comparison(black_box(&conversions)))?);
        sides[2].push(1e3 * seconds_per(CALLS_SLOW, || best(black_box(&conversions)))?);
        sides[3].push(1e3 * seconds_per(1, || JointSums::total(black_box(&cells)).map_err(void))?);
        sides[4].push(1e3 * seconds_per(MERGES, || JointSums::total(black_box(&cells)).map_err(void))?);
        sides[5].push(1e3 * seconds_per(MERGES, || Sums::total(black_box(&small)).map_err(void))?);
        sides[6].push(seconds_per(1, || fit_bgnbd(black_box(&customers), Alpha::FIVE_PERCENT).map_err(void))?);
        eprintln!("estimates: turn {turn} of {repeats}");
    }
    let medians = sides.each_ref().map(|side| median(side));
    let names = [
        "one estimate, us",
        "two beta posteriors compared, us",
        "best of five beta posteriors, ms",
        "merge of cells of ten sums, the first of a turn, ms",
        "merge of cells of ten sums, ms",
        "merge of cells of three sums, ms",
        "BG/NBD fit, s",
    ];
    for (name, side) in names.iter().zip(sides) {
        report.figure(*name, vec![side]);
    }
    let [estimate, _, best, _, merge, _, fit] = medians;
    report.below("us of one estimate", estimate, 5.0);
    report.below("ms of the best of five arms", best, 1.0);
    report.below("ms to merge a million cells of ten sums", merge, 10.0);
    report.below("s to fit a million customers", fit, 1.0);
    Ok(report)
}

fn void(error: impl std::fmt::Display) -> Error {
    Error::Void(error.to_string())
}

fn seconds_per<T>(calls: u32, mut call: impl FnMut() -> Result<T, Error>) -> Result<f64, Error> {
    let begun = Instant::now();
    for _ in 0..calls {
        black_box(call()?);
    }
    Ok(begun.elapsed().as_secs_f64() / f64::from(calls))
}

/// Units and conversions per arm.
type Converted = [(u64, u64); 5];

fn estimate([a, b]: &[JointSums; 2], converted: &Converted) -> Result<(), Error> {
    let alpha = Alpha::FIVE_PERCENT;
    let [control, treatment] = [converted[0], converted[1]].map(|(n, x)| stats::Conversions::new(n, x));
    black_box(two_proportion(control.map_err(void)?, treatment.map_err(void)?, alpha).map_err(void)?);
    let [a, b] = [a, b].map(|arm| arm.moments([1.0; 3]).map(|joint| joint.covariate_parts()));
    let (a, b) = (a.map_err(void)?, b.map_err(void)?);
    black_box(welch(a.first().map_err(void)?, b.first().map_err(void)?, alpha).map_err(void)?);
    let adjusted = cuped(&a, &b, Pooling::Concatenated, alpha).map_err(void)?.adjusted;
    let (absolute, relative) = (adjusted.absolute.map_err(void)?, adjusted.relative.map_err(void)?);
    let units = a.n() + b.n();
    let tuning = Tuning::new(alpha, units as f64, Side::TwoSided).map_err(void)?;
    black_box(confidence_sequence(absolute.effect, absolute.standard_error, units, &tuning).map_err(void)?);
    let prior = NormalPrior::proper(0.0, 0.3).map_err(void)?;
    black_box(normal_effect(relative.effect, relative.standard_error, prior, alpha).map_err(void)?);
    Ok(())
}

fn posteriors(converted: &[(u64, u64)]) -> Result<Vec<stats::distribution::Beta>, Error> {
    let prior = BetaPrior::new(1.0, 1.0).map_err(void)?;
    converted.iter().map(|(n, x)| prior.posterior(*n, *x).map_err(void)).collect()
}

fn comparison(converted: &Converted) -> Result<stats::bayes::BetaComparison, Error> {
    let arms = posteriors(&converted[..2])?;
    compare(&arms[0], &arms[1]).map_err(void)
}

fn best(converted: &Converted) -> Result<stats::bayes::BestOf, Error> {
    best_of(&posteriors(converted)?).map_err(void)
}

fn cell(rng: &mut ChaCha8Rng) -> JointSums {
    let before = rng.random_range(0..10_000);
    JointSums::of(before + rng.random_range(0..5_000), rng.random_range(1..9), before)
}

fn arms(rng: &mut ChaCha8Rng) -> Result<[JointSums; 2], Error> {
    let mut arm = || {
        let cells: Vec<JointSums> = (0..UNITS).map(|_| cell(rng)).collect();
        JointSums::total(&cells).map_err(void)
    };
    Ok([arm()?, arm()?])
}

fn conversions(rng: &mut ChaCha8Rng) -> Converted {
    [(); 5].map(|()| (u64::from(UNITS), rng.random_range(1_000..1_100)))
}

/// How customers buy (the BG/NBD model).
#[derive(Clone, Copy)]
struct Buying {
    r: f64,
    alpha: f64,
    a: f64,
    b: f64,
    weeks: f64,
}

impl Buying {
    /// One customer, seen for at most so many weeks.
    fn draw(self, rng: &mut ChaCha8Rng) -> Result<History, Error> {
        let rate: f64 = Gamma::new(self.r, 1.0 / self.alpha).map_err(void)?.sample(rng);
        let leaving: f64 = Beta::new(self.a, self.b).map_err(void)?.sample(rng);
        let age = rng.random_range(0.3..1.0) * self.weeks;
        let (mut repeats, mut recency) = (0, 0.0);
        loop {
            let wait: f64 = Exp1.sample(rng);
            let next = recency + wait / rate;
            // A rate may be too small for a double: then there is no next time.
            if next.is_nan() || next > age {
                break;
            }
            (repeats, recency) = (repeats + 1, next);
            if rng.random::<f64>() < leaving {
                break;
            }
        }
        History::new(repeats, recency, age).map_err(void)
    }
}
