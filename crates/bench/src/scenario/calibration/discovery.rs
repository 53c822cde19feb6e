//! Twenty metrics at once: the share of false ones among those called different, looked at once and every day.

use rand::rngs::ChaCha8Rng;
use stats::Alpha;
use stats::e_value::{EValue, e_benjamini_hochberg};
use stats::multiplicity::{Correction, decide};
use stats::sequential::{Side, Tuning, confidence_sequence};

use super::draw::normal;
use super::simulate::{Mean, Simulator};
use super::table::{Kept, Table, percent, share};
use crate::error::Error;

const RUNS: u64 = 5_000;
const METRICS: usize = 20;
const TRUE_EFFECTS: usize = 8;
const LEVEL: f64 = 0.10;
const DAYS: u64 = 28;
const DAILY: u64 = 400;
/// z of a true effect on the last day.
const STRENGTH: f64 = 4.5;
const METHODS: [&str; 4] = ["BH at the end", "BH at its best look", "e-BH at the end", "e-BH at its best look"];

/// Simulates.
pub fn run(simulator: &Simulator) -> Result<Table, Error> {
    let titles = ["metrics", "method", "false discoveries (se)", "level + 2 se", "effects found"];
    let mut table = Table::new("discoveries", &titles);
    let (runs, nulls) = (RUNS, METRICS - TRUE_EFFECTS);
    table.about(format!("{runs} experiments of {METRICS} metrics, {nulls} of them without an effect, level {LEVEL}"));
    table.about(format!("{DAYS} daily looks; the best look is the one with most discoveries, seed {}", simulator.seed));
    for (place, (name, shared)) in (0..).zip([("independent", 0.0), ("correlated 0.5", 0.5)]) {
        let means = simulator.means(place, name, RUNS, |rng| experiment(rng, shared))?;
        for (method, pair) in METHODS.iter().zip(means.chunks(2)) {
            let [false_share, found] = pair else { continue };
            // BH promises its level at one look, and under positive dependence.
            let promised = *method != METHODS[1];
            table.row(&[name, method], figures(*false_share, *found), kept(*false_share, promised));
        }
    }
    Ok(table)
}

fn figures(false_share: Mean, found: Mean) -> Vec<String> {
    vec![share(false_share), percent(LEVEL + 2.0 * false_share.error()), percent(found.value())]
}

fn kept(false_share: Mean, promised: bool) -> Kept {
    match () {
        () if !promised => Kept::Beside,
        () if false_share.value() <= LEVEL + 2.0 * false_share.error() => Kept::Held,
        () => Kept::Missed,
    }
}

/// Share of false ones among the discoveries, and share of the effects found.
fn read(rejected: &[bool]) -> [f64; 2] {
    let (effects, nulls) = rejected.split_at(TRUE_EFFECTS.min(rejected.len()));
    let count = |of: &[bool]| of.iter().filter(|rejected| **rejected).count() as f64;
    let (found, mistaken) = (count(effects), count(nulls));
    [mistaken / (found + mistaken).max(1.0), found / TRUE_EFFECTS as f64]
}

fn experiment(rng: &mut ChaCha8Rng, shared: f64) -> Vec<Option<f64>> {
    let alpha = Alpha::new(LEVEL).unwrap_or(Alpha::FIVE_PERCENT);
    let Ok(tuning) = Tuning::new(alpha, (DAYS * DAILY) as f64, Side::TwoSided) else { return Vec::new() };
    let drift = STRENGTH / (DAYS as f64).sqrt();
    let mut sums = [0.0; METRICS];
    let mut best = [(0_usize, [0.0; 2]); 2];
    let mut last = [[0.0; 2]; 2];
    for day in 1..=DAYS {
        let common = normal(rng);
        for (metric, sum) in sums.iter_mut().enumerate() {
            let own = shared.sqrt() * common + (1.0 - shared).sqrt() * normal(rng);
            *sum += own + if metric < TRUE_EFFECTS { drift } else { 0.0 };
        }
        let z = sums.map(|sum| sum / (day as f64).sqrt());
        let p: Vec<f64> = z.iter().map(|z| stats::PValues::normal(*z).two_sided).collect();
        let e = z.iter().filter_map(|z| {
            let sequence = confidence_sequence(*z, 1.0, day * DAILY, &tuning).ok()?;
            EValue::from_log(sequence.log_e_value).ok()
        });
        let by_p = decide(&p, Correction::BenjaminiHochberg, alpha).unwrap_or_default();
        let by_p: Vec<bool> = by_p.iter().map(|one| one.rejected).collect();
        let by_e = e_benjamini_hochberg(&e.collect::<Vec<_>>(), alpha).rejected;
        for ((best, last), rejected) in best.iter_mut().zip(&mut last).zip([by_p, by_e]) {
            let count = rejected.iter().filter(|rejected| **rejected).count();
            *last = read(&rejected);
            if count > best.0 {
                *best = (count, *last);
            }
        }
    }
    let ordered = [last[0], best[0].1, last[1], best[1].1];
    ordered.into_iter().flatten().map(Some).collect()
}
