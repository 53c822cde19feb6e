//! How often an interval of level 95 % holds the true effect, by estimator, distribution and size.

mod others;

use rand::rngs::ChaCha8Rng;
use stats::{
    Alpha, Comparison, Conversions, Interval, Joint, Pooling, Stratum, agresti_caffo, clustered, cuped, katz, newcombe,
    post_stratified, ratio, two_proportion, welch,
};

use super::draw::{PairSums, Population, Sums, binomial, normal};
use super::peeking::cluster;
use super::simulate::{Simulator, yes};
use super::table::{Kept, Table, percent, share};
use crate::error::Error;

const RUNS: u64 = 10_000;
const LEVEL: f64 = 0.95;
/// What the treatment multiplies the mean with.
const FACTOR: f64 = 1.05;
/// Share of runs with a warning above which a size counts as warned of.
const MOSTLY: f64 = 0.5;
const STRATA: [(f64, f64); 3] = [(5.0, 0.5), (10.0, 0.3), (30.0, 0.2)];

/// What is estimated, from which data.
#[derive(Clone, Copy)]
enum Estimator {
    Means(Population),
    Rates(f64),
    Ratio,
    Cuped,
    Clustered,
    PostStratified,
    /// So many deviations above the median.
    Quantile(f64),
    ClusteredMedian,
    Capped,
    AdjustedRatio,
    StratifiedRatio,
    WeakBaseline,
}

/// Deviations from the median to the 90th percentile.
const NINETIETH: f64 = 1.281_551_565_544_600_4;

const ESTIMATORS: [(Estimator, &[u64]); 15] = [
    (Estimator::Means(Population::Normal), &[20, 200, 5_000]),
    (Estimator::Rates(0.01), &[200, 1_000, 5_000, 50_000]),
    (Estimator::Means(Population::LogNormal), &[50, 200, 500, 1_000, 5_000]),
    (Estimator::Means(Population::ZeroInflated), &[200, 1_000, 5_000, 10_000, 20_000, 50_000, 100_000]),
    (Estimator::Ratio, &[50, 200, 1_000]),
    (Estimator::Cuped, &[50, 200, 1_000]),
    (Estimator::Clustered, &[20, 50, 200, 1_000]),
    (Estimator::PostStratified, &[200, 1_000]),
    (Estimator::Quantile(0.0), &[100, 500, 2_000]),
    (Estimator::Quantile(NINETIETH), &[100, 500, 2_000]),
    (Estimator::ClusteredMedian, &[50, 200, 500]),
    (Estimator::Capped, &[100, 500, 2_000]),
    (Estimator::AdjustedRatio, &[50, 200, 1_000]),
    (Estimator::StratifiedRatio, &[200, 1_000]),
    (Estimator::WeakBaseline, &[100, 400, 2_000]),
];

/// Whether an interval holds the truth, and whether its estimate warns.
#[derive(Clone, Copy, Default)]
struct Look {
    held: Option<bool>,
    warned: bool,
}

/// Simulates.
pub fn run(simulator: &Simulator) -> Result<Table, Error> {
    let titles =
        ["data", "interval", "units per arm", "held the truth (se)", "95 % less, plus 2 se", "runs with a warning"];
    let mut table = Table::new("coverage", &titles);
    table.about(format!("{RUNS} experiments per size, treatment {FACTOR} times the control, seed {}", simulator.seed));
    table.about("runs without an estimate are left out; sizes where most runs warn count as warned of");
    table.about("one line in twenty lies outside of 2 standard errors by chance");
    let mut place = 0;
    for (estimator, sizes) in ESTIMATORS {
        let (data, intervals) = names(estimator);
        for units in sizes {
            place += 1;
            let means = simulator.means(place, &format!("{data}, {units}"), RUNS, |rng| {
                let looks = experiment(rng, estimator, *units).unwrap_or_default();
                let both = looks.iter().flat_map(|look| [look.held.and_then(yes), look.held.and(yes(look.warned))]);
                let mut all: Vec<Option<f64>> = both.collect();
                all.resize(2 * intervals.len(), None);
                all
            })?;
            for (interval, pair) in intervals.iter().zip(means.chunks(2)) {
                let [held, warned] = pair else { continue };
                let margin = 2.0 * held.error_at(LEVEL);
                let kept = match () {
                    () if (held.value() - LEVEL).abs() <= margin => Kept::Held,
                    () if held.value() > LEVEL => Kept::Wide,
                    () if warned.value() > MOSTLY => Kept::Warned,
                    () => Kept::Missed,
                };
                let bounds = format!("{} to {}", percent(LEVEL - margin), percent(LEVEL + margin));
                let figures = vec![share(*held), bounds, percent(warned.value())];
                table.row(&[&data, interval, &units.to_string()], figures, kept);
            }
        }
    }
    Ok(table)
}

fn names(estimator: Estimator) -> (String, &'static [&'static str]) {
    let both = &["difference", "lift"][..];
    match estimator {
        Estimator::Means(population) => (population.name(), both),
        Estimator::Rates(rate) => {
            let name = Population::Bernoulli(rate).name();
            (name, &["difference, Wald", "difference, Newcombe", "difference, Agresti-Caffo", "lift", "lift, Katz"])
        }
        Estimator::Ratio => ("ratio".to_owned(), both),
        Estimator::Cuped => ("CUPED".to_owned(), both),
        Estimator::Clustered => ("clusters".to_owned(), both),
        Estimator::PostStratified => ("three strata".to_owned(), both),
        Estimator::Quantile(0.0) => ("median".to_owned(), both),
        Estimator::Quantile(_) => ("90th percentile".to_owned(), both),
        Estimator::ClusteredMedian => ("median of clusters".to_owned(), both),
        Estimator::Capped => ("capped".to_owned(), both),
        Estimator::AdjustedRatio => ("CUPED ratio".to_owned(), both),
        Estimator::StratifiedRatio => ("ratio in three strata".to_owned(), both),
        Estimator::WeakBaseline => ("weak baseline".to_owned(), &["lift, delta method", "lift, what suits"]),
    }
}

fn alpha() -> Alpha {
    Alpha::FIVE_PERCENT
}

fn experiment(rng: &mut ChaCha8Rng, estimator: Estimator, units: u64) -> Option<Vec<Look>> {
    let looks = match estimator {
        Estimator::Means(population) => {
            let [a, b] = [1.0, FACTOR].map(|factor| population.draw(rng, units, factor).moments());
            let truth = (FACTOR - 1.0) * population.mean();
            of_comparison(&welch(a?, b?, alpha()).ok()?, truth)
        }
        Estimator::Rates(rate) => return rates(rng, rate, units),
        Estimator::Ratio | Estimator::Clustered => {
            let [a, b] = [1.0, FACTOR].map(|factor| pairs(units, || cluster(rng, factor)));
            let compare = if matches!(estimator, Estimator::Ratio) { ratio } else { clustered };
            // What a session is worth: 2.
            of_comparison(&compare(&a?, &b?, alpha()).ok()?, 2.0 * (FACTOR - 1.0))
        }
        Estimator::Cuped => {
            let [a, b] = [1.0, FACTOR].map(|factor| {
                pairs(units, || {
                    let before = normal(rng);
                    [factor * 10.0 + 4.0 * before + 3.0 * normal(rng), 5.0 + 2.0 * before]
                })
            });
            let adjusted = cuped(&a?, &b?, Pooling::Concatenated, alpha()).ok()?.adjusted;
            of_comparison(&adjusted, 10.0 * (FACTOR - 1.0))
        }
        Estimator::PostStratified => {
            let strata = STRATA.map(|_| [Sums::default(); 2]);
            let comparison = post_stratified(&stratified(rng, units, strata)?, alpha()).ok()?.comparison;
            let mean: f64 = STRATA.iter().map(|(mean, share)| mean * share).sum();
            of_comparison(&comparison, mean * (FACTOR - 1.0))
        }
        Estimator::Quantile(deviations) => return others::quantile(rng, units, deviations),
        Estimator::ClusteredMedian => return others::clustered_median(rng, units),
        Estimator::Capped => return others::capped(rng, units),
        Estimator::AdjustedRatio => return others::adjusted_ratio(rng, units),
        Estimator::StratifiedRatio => return others::stratified_ratio(rng, units),
        Estimator::WeakBaseline => return others::weak_baseline(rng, units),
    };
    Some(looks)
}

fn of_comparison(comparison: &Comparison, difference: f64) -> Vec<Look> {
    let one = |estimate: &Result<stats::Estimate, _>, truth: f64| {
        estimate.as_ref().map_or(Look::default(), |estimate| Look {
            held: Some(holds(estimate.interval, truth)),
            warned: !estimate.warnings.is_empty(),
        })
    };
    vec![one(&comparison.absolute, difference), one(&comparison.relative, FACTOR - 1.0)]
}

fn holds(interval: Interval, truth: f64) -> bool {
    interval.lower() <= truth && truth <= interval.upper()
}

fn pairs(units: u64, mut one: impl FnMut() -> [f64; 2]) -> Option<Joint<2>> {
    let mut sums = PairSums::default();
    (0..units).for_each(|_| sums.push(one()));
    sums.joint()
}

fn rates(rng: &mut ChaCha8Rng, rate: f64, units: u64) -> Option<Vec<Look>> {
    let [a, b] = [rate, rate * FACTOR].map(|rate| Conversions::new(units, binomial(rng, units, rate)).ok());
    let (a, b) = (a?, b?);
    let test = two_proportion(a, b, alpha()).ok()?;
    let warned = !test.warnings.is_empty();
    let warned_of_lift = !test.lift_warnings.is_empty();
    let look = |interval: Option<Interval>, truth: f64| Look { held: interval.map(|one| holds(one, truth)), warned };
    let of_lift = |interval: Option<Interval>| Look { warned: warned_of_lift, ..look(interval, FACTOR - 1.0) };
    let difference = rate * (FACTOR - 1.0);
    Some(vec![
        look(Some(test.interval), difference),
        look(newcombe(a, b, alpha()).ok(), difference),
        look(agresti_caffo(a, b, alpha()).ok(), difference),
        of_lift(test.lift_interval.ok()),
        look(katz(a, b, alpha()).ok(), FACTOR - 1.0),
    ])
}

/// Units of both arms fall into strata by chance.
fn stratified(rng: &mut ChaCha8Rng, units: u64, mut strata: [[Sums; 2]; 3]) -> Option<Vec<Stratum<1>>> {
    for (arm, factor) in [1.0, FACTOR].into_iter().enumerate() {
        let counts = super::sample_ratio::divide(rng, units, &STRATA.map(|(_, share)| share));
        for ((stratum, count), (mean, _)) in strata.iter_mut().zip(counts).zip(STRATA) {
            for _ in 0..count {
                let value = factor * mean + 2.0 * normal(rng);
                stratum[arm].add(Sums { n: 1.0, x: value, xx: value * value });
            }
        }
    }
    let joint = |sums: Sums| Joint::of_sums(sums.n as u64, [sums.x], [[sums.xx]]).ok();
    strata.into_iter().map(|[a, b]| Some(Stratum { a: joint(a)?, b: joint(b)? })).collect()
}
