//! Bandits whose weights follow their own data: how often intervals hold an arm's true mean, by estimator.

use bandit::{Arm, Definition, Design, Reward, weights};
use rand::rngs::ChaCha8Rng;
use stats::adaptive::{AdaptiveTrial, Epoch, Estimator};
use stats::{Alpha, Interval, Sums, welch};

use super::draw::binomial;
use super::sample_ratio::divide;
use super::simulate::{Mean, Simulator, yes};
use super::table::{Kept, Table, percent, share};
use crate::error::Error;

const RUNS: u64 = 2_000;
const EPOCHS: usize = 40;
const EPOCH_UNITS: u64 = 2_000;
const LEVEL: f64 = 0.95;
const WORLDS: [(&str, [f64; 4]); 2] = [("all arms 5 %", [0.05; 4]), ("one arm 6 %", [0.05, 0.05, 0.05, 0.06])];
/// The last is chosen by the data, so nobody promises anything about it.
const QUANTITIES: [&str; 3] = ["the last arm", "difference to the first arm", "the arm with least traffic"];
const SELECTED: usize = 2;
const ESTIMATORS: [(&str, Option<Estimator>); 4] = [
    ("plain mean", None),
    ("IPS", Some(Estimator::InverseProbability)),
    ("SNIPS", Some(Estimator::SelfNormalised)),
    ("AIPW, adaptive weights", Some(Estimator::Augmented)),
];

/// Simulates.
pub fn run(simulator: &Simulator) -> Result<Table, Error> {
    let titles = [
        "world",
        "estimator",
        "of",
        "held the truth (se)",
        "95 % less, plus 2 se",
        "bias (se), points",
        "half-width, points",
    ];
    let mut table = Table::new("bandits", &titles);
    let definition = Definition::new(Reward::CONVERSION, vec![Arm::of_weight(1); 4]);
    let (floor, burn_in) = (definition.floor, definition.min_impressions);
    table.about(format!(
        "{RUNS} Thompson bandits of 4 arms, {EPOCHS} epochs of {EPOCH_UNITS} units, seed {}",
        simulator.seed
    ));
    table.about(format!("floor {floor}, burn-in {burn_in} units an arm"));
    let design = Design::new(definition).map_err(|error| Error::Void(error.to_string()))?;
    for (place, (world, rates)) in (0..).zip(WORLDS) {
        let means = simulator.means(place, world, RUNS, |rng| experiment(rng, &design, &rates).unwrap_or_default())?;
        for (place, figures) in means.chunks(3).enumerate() {
            let [held, bias, width] = figures else { continue };
            let (estimator, quantity) = (ESTIMATORS[place / QUANTITIES.len()], QUANTITIES[place % QUANTITIES.len()]);
            let margin = 2.0 * held.error_at(LEVEL);
            let promised = estimator.1 == Some(Estimator::Augmented) && place % QUANTITIES.len() != SELECTED;
            let kept = match () {
                () if !promised => Kept::Beside,
                () if held.value() > LEVEL + margin => Kept::Wide,
                () if held.value() >= LEVEL - margin => Kept::Held,
                () => Kept::Missed,
            };
            let bounds = format!("{} to {}", percent(LEVEL - margin), percent(LEVEL + margin));
            let points = |mean: Mean| format!("{:+.3} ({:.3})", 100.0 * mean.value(), 100.0 * mean.error());
            let figures = vec![share(*held), bounds, points(*bias), format!("{:.3}", 100.0 * width.value())];
            table.row(&[world, estimator.0, quantity], figures, kept);
        }
    }
    Ok(table)
}

/// One bandit: its epochs, and the sums of every arm over all of them.
fn play(rng: &mut ChaCha8Rng, design: &Design, rates: &[f64; 4]) -> Option<(AdaptiveTrial, [Sums; 4])> {
    let mut totals = [Sums::default(); 4];
    let mut epochs = Vec::with_capacity(EPOCHS);
    for epoch in 0..EPOCHS as u64 {
        let weights = weights(design, epoch, &totals.map(|sums| [sums])).ok()?;
        let shares: Vec<f64> =
            weights.arms.iter().map(|arm| f64::from(arm.weight) / f64::from(weights.total)).collect();
        let counts = divide(rng, EPOCH_UNITS, &shares);
        let mut sums = [Sums::default(); 4];
        for (((sums, total), count), rate) in sums.iter_mut().zip(&mut totals).zip(counts).zip(rates) {
            let converted = binomial(rng, count, *rate);
            *sums = Sums::from_parts(count, i128::from(converted), u128::from(converted));
            total.add(sums).ok()?;
        }
        epochs.push(Epoch::new(&shares, &sums, 1.0).ok()?);
    }
    Some((AdaptiveTrial::new(epochs, 0.05).ok()?, totals))
}

/// By estimator and quantity: whether the interval holds the truth, the error, and the half-width.
fn experiment(rng: &mut ChaCha8Rng, design: &Design, rates: &[f64; 4]) -> Option<Vec<Option<f64>>> {
    let alpha = Alpha::FIVE_PERCENT;
    let (trial, totals) = play(rng, design, rates)?;
    let least = totals.iter().enumerate().min_by_key(|(_, sums)| sums.n).map_or(0, |(arm, _)| arm);
    let mut all = Vec::with_capacity(ESTIMATORS.len() * QUANTITIES.len() * 3);
    for (_, estimator) in ESTIMATORS {
        for (place, arm) in [3, 3, least].into_iter().enumerate() {
            let is_difference = place == 1;
            let got: Option<(f64, Interval)> = match estimator {
                Some(estimator) if is_difference => {
                    trial.difference(0, arm, estimator, alpha).ok().map(|got| (got.value, got.interval))
                }
                Some(estimator) => trial.value(arm, estimator, alpha).ok().map(|got| (got.value, got.interval)),
                None => plain(&totals, arm, is_difference, alpha),
            };
            let truth = if is_difference { rates[arm] - rates[0] } else { rates[arm] };
            let held = |interval: Interval| interval.lower() <= truth && truth <= interval.upper();
            all.push(got.and_then(|(_, interval)| yes(held(interval))));
            all.push(got.map(|(value, _)| value - truth));
            all.push(got.map(|(_, interval)| 0.5 * (interval.upper() - interval.lower())));
        }
    }
    Some(all)
}

/// What somebody finds who reads the bandit as if its weights had been fixed.
fn plain(totals: &[Sums; 4], arm: usize, is_difference: bool, alpha: Alpha) -> Option<(f64, Interval)> {
    let moments = totals[arm].moments(1.0).ok()?;
    if is_difference {
        let estimate = welch(totals[0].moments(1.0).ok()?, moments, alpha).ok()?.absolute.ok()?;
        return Some((estimate.effect, estimate.interval));
    }
    let error = (moments.variance() / moments.n() as f64).sqrt();
    let interval = Interval::around(moments.mean(), alpha.normal_half_width() * error).ok()?;
    Some((moments.mean(), interval))
}
