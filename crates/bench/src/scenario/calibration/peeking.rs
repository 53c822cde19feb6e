//! Experiments without any difference, looked at every day for four weeks: how often somebody finds one.

use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution as _, Poisson};
use stats::e_value::{BernoulliMixture, Blocks, DEFAULT_PSEUDO_COUNT, conversion_split};
use stats::sequential::{Side, Tuning, confidence_sequence};
use stats::{Alpha, Comparison, Conversions, Pooling, clustered, cuped, ratio, two_proportion, welch};

use super::draw::{PairSums, Population, Sums, normal};
use super::simulate::{Mean, Simulator, yes};
use super::table::{Kept, Table, percent, share};
use crate::error::Error;

const RUNS: u64 = 10_000;
const DAYS: u64 = 28;
/// Units of an arm per day.
const DAILY: u64 = 200;
const ALPHA: f64 = 0.05;
/// Sessions of a unit, on average.
const SESSIONS: f64 = 3.0;

/// The metrics.
#[derive(Clone, Copy)]
enum Metric {
    Plain(Population),
    Ratio,
    Cuped,
    Clustered,
}

const METRICS: [Metric; 8] = [
    Metric::Plain(Population::Normal),
    Metric::Plain(Population::Bernoulli(0.05)),
    Metric::Plain(Population::Bernoulli(0.01)),
    Metric::Plain(Population::LogNormal),
    Metric::Plain(Population::ZeroInflated),
    Metric::Ratio,
    Metric::Cuped,
    Metric::Clustered,
];

/// What is counted, in this order. The last figure is no method: the share of looks with a warning.
const METHODS: [&str; 14] = [
    "fixed test at every look",
    "fixed test at the end",
    "confidence sequence",
    "sequence, one-sided",
    "sequence, of the lift",
    "e-value, one-sided",
    "fixed test at the end, without a warning",
    "sequence, looks without a warning",
    "one-sided, looks without a warning",
    "of the lift, looks without a warning",
    "e-value, looks without a warning",
    "exact: split of conversions",
    "exact: blocks",
    "looks with a warning",
];
/// The one that promises nothing under peeking.
const PEEKED: usize = 0;
/// Those that count all looks and follow as counted without those that warn.
const WITH_TWINS: std::ops::RangeInclusive<usize> = 1..=5;
/// Methods of means; those of conversions follow.
const OF_MEANS: usize = 11;
const WARNED: usize = 13;

/// Simulates.
pub fn run(simulator: &Simulator) -> Result<Table, Error> {
    let mut table = Table::new("peeking", &["metric", "method", "found a difference (se)", "alpha + 2 se"]);
    table.about(format!("{RUNS} experiments without a difference per metric, alpha {ALPHA}, seed {}", simulator.seed));
    table.about(format!("{DAYS} daily looks at {DAILY} new units per arm and day; sequences tuned to the last look"));
    for (place, metric) in (0..).zip(METRICS) {
        let name = name(metric);
        let means = simulator.means(place, &name, RUNS, |rng| experiment(rng, metric))?;
        let warned = means.get(WARNED).copied().unwrap_or_default().value();
        for (method, (title, mean)) in METHODS.iter().zip(&means).enumerate() {
            if mean.count() == 0 {
                continue;
            }
            let bound = ALPHA + 2.0 * mean.error_at(ALPHA);
            let (figures, kept) = if method == WARNED {
                (vec![share(*mean), String::new()], Kept::Beside)
            } else if method == PEEKED {
                (vec![share(*mean), percent(bound)], Kept::Beside)
            } else {
                (vec![share(*mean), percent(bound)], kept(*mean, bound, warned, method))
            };
            table.row(&[&name, title], figures, kept);
        }
    }
    Ok(table)
}

fn kept(mean: Mean, bound: f64, warned: f64, method: usize) -> Kept {
    match () {
        () if mean.value() <= bound => Kept::Held,
        // Of these methods the looks without a warning have a line of their own, which nothing excuses.
        () if WITH_TWINS.contains(&method) && warned > 0.0 => Kept::Warned,
        () => Kept::Missed,
    }
}

fn name(metric: Metric) -> String {
    match metric {
        Metric::Plain(population) => population.name(),
        Metric::Ratio => "ratio".to_owned(),
        Metric::Cuped => "CUPED".to_owned(),
        Metric::Clustered => "clustered".to_owned(),
    }
}

/// One look at an experiment: an estimate and whether it warns.
struct Look {
    units: u64,
    absolute: Option<(f64, f64)>,
    lift: Option<(f64, f64)>,
    p: Option<f64>,
    warned: bool,
    lift_warned: bool,
}

impl Look {
    fn of(units: u64, comparison: &Comparison) -> Self {
        let pair = |estimate: &stats::Estimate| (estimate.effect, estimate.standard_error);
        Self {
            units,
            absolute: comparison.absolute.as_ref().ok().map(pair),
            lift: comparison.relative.as_ref().ok().map(pair),
            p: comparison.absolute.as_ref().ok().map(|estimate| estimate.p.two_sided),
            warned: comparison.absolute.as_ref().map_or(true, |estimate| !estimate.warnings.is_empty()),
            lift_warned: comparison.relative.as_ref().map_or(true, |estimate| !estimate.warnings.is_empty()),
        }
    }
}

fn experiment(rng: &mut ChaCha8Rng, metric: Metric) -> Vec<Option<f64>> {
    match metric {
        Metric::Plain(Population::Bernoulli(rate)) => conversions(rng, rate),
        Metric::Plain(population) => {
            let mut arms = [Sums::default(); 2];
            found(|| {
                arms.iter_mut().for_each(|arm| arm.add(population.draw(rng, DAILY, 1.0)));
                let [a, b] = arms.map(Sums::moments);
                Some(Look::of(2 * a?.n(), &welch(a?, b?, alpha()).ok()?))
            })
        }
        Metric::Ratio | Metric::Cuped | Metric::Clustered => pairs(rng, metric),
    }
}

fn alpha() -> Alpha {
    Alpha::FIVE_PERCENT
}

fn tuning(side: Side) -> Option<Tuning> {
    Tuning::new(alpha(), (2 * DAILY * DAYS) as f64, side).ok()
}

/// What the methods of means found over all looks; nothing where they are of conversions only.
fn found(mut next: impl FnMut() -> Option<Look>) -> Vec<Option<f64>> {
    let tunings = [Side::TwoSided, Side::Greater].map(tuning);
    let mut hits = [false; OF_MEANS];
    let mut warned = 0;
    for day in 1..=DAYS {
        let Some(look) = next() else {
            warned += 1;
            continue;
        };
        warned += u64::from(look.warned);
        let fixed = look.p.is_some_and(|p| p < ALPHA);
        let sequence = |pair: Option<(f64, f64)>, tuning: &Option<Tuning>| {
            let (effect, error) = pair?;
            confidence_sequence(effect, error, look.units, tuning.as_ref()?).ok()
        };
        let [two_sided, greater] = [&tunings[0], &tunings[1]].map(|tuning| sequence(look.absolute, tuning));
        let lift = sequence(look.lift, &tunings[0]);
        let sequential = two_sided.is_some_and(|sequence| sequence.p < ALPHA);
        hits[0] |= fixed;
        hits[1] |= fixed && day == DAYS;
        hits[2] |= sequential;
        let one_sided = greater.is_some_and(|sequence| sequence.p < ALPHA);
        hits[3] |= one_sided;
        let of_lift = lift.is_some_and(|sequence| sequence.p < ALPHA);
        hits[4] |= of_lift;
        let e_value = greater.is_some_and(|sequence| sequence.log_e_value >= -ALPHA.ln());
        hits[5] |= e_value;
        hits[6] |= fixed && day == DAYS && !look.warned;
        hits[7] |= sequential && !look.warned;
        hits[8] |= one_sided && !look.warned;
        hits[9] |= of_lift && !look.lift_warned;
        hits[10] |= e_value && !look.warned;
    }
    let mut all: Vec<Option<f64>> = hits.into_iter().map(yes).collect();
    all.extend([None, None, Some(warned as f64 / DAYS as f64)]);
    all
}

fn conversions(rng: &mut ChaCha8Rng, rate: f64) -> Vec<Option<f64>> {
    let mut arms = [(0_u64, 0_u64); 2];
    let mixture = BernoulliMixture::around(0.5, 2.0 * rate * (DAILY * DAYS) as f64, alpha());
    let mut blocks = Blocks::new(DEFAULT_PSEUDO_COUNT);
    let (mut split, mut in_blocks) = (false, false);
    let mut all = found(|| {
        let mut block = Vec::with_capacity(2);
        for arm in &mut arms {
            let new = super::draw::binomial(rng, DAILY, rate);
            *arm = (arm.0 + DAILY, arm.1 + new);
            block.extend(Conversions::new(DAILY, new).ok());
        }
        let [(n_a, x_a), (n_b, x_b)] = arms;
        let exact = mixture.as_ref().ok().and_then(|mixture| conversion_split(x_a, x_b, 0.5, mixture, alpha()).ok());
        split |= exact.is_some_and(|split| split.evidence.rejects(alpha()));
        if let (Ok(blocks), [a, b]) = (&mut blocks, block.as_slice()) {
            in_blocks |= blocks.observe(*a, *b).is_ok_and(|reading| reading.rejects(alpha()));
        }
        let (a, b) = (Conversions::new(n_a, x_a).ok()?, Conversions::new(n_b, x_b).ok()?);
        let test = two_proportion(a, b, alpha()).ok()?;
        let error = test.standard_error;
        Some(Look {
            units: n_a + n_b,
            absolute: (error > 0.0).then_some((test.difference, error)),
            lift: test.lift.ok().zip(test.lift_standard_error.ok()),
            p: test.test.ok().map(|test| test.p.two_sided),
            warned: !test.warnings.is_empty(),
            lift_warned: !test.lift_warnings.is_empty(),
        })
    });
    (all[OF_MEANS], all[OF_MEANS + 1]) = (yes(split), yes(in_blocks));
    all
}

fn pairs(rng: &mut ChaCha8Rng, metric: Metric) -> Vec<Option<f64>> {
    let mut arms = [PairSums::default(); 2];
    found(|| {
        for arm in &mut arms {
            for _ in 0..DAILY {
                arm.push(pair(rng, metric));
            }
        }
        let (a, b) = (arms[0].joint()?, arms[1].joint()?);
        let comparison = match metric {
            Metric::Ratio => ratio(&a, &b, alpha()).ok()?,
            Metric::Clustered => clustered(&a, &b, alpha()).ok()?,
            _ => cuped(&a, &b, Pooling::Concatenated, alpha()).ok()?.adjusted,
        };
        Some(Look::of(a.n() + b.n(), &comparison))
    })
}

/// One unit: what it spent and how often it came, a metric and its covariate, or a cluster's total and size.
fn pair(rng: &mut ChaCha8Rng, metric: Metric) -> [f64; 2] {
    match metric {
        Metric::Cuped => {
            let before = normal(rng);
            [10.0 + 4.0 * before + 3.0 * normal(rng), 5.0 + 2.0 * before]
        }
        Metric::Clustered | Metric::Ratio | Metric::Plain(_) => cluster(rng, 1.0),
    }
}

/// Sessions of one unit and what they came to: units differ in both, and what a session is worth differs between units.
pub fn cluster(rng: &mut ChaCha8Rng, factor: f64) -> [f64; 2] {
    let sessions = 1.0 + Poisson::new(SESSIONS - 1.0).map_or(0.0, |drawn| drawn.sample(rng));
    let worth = factor * (2.0 + 0.8 * normal(rng));
    [worth * sessions + factor * sessions.sqrt() * normal(rng), sessions]
}
