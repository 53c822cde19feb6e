//! Traffic that is divided as planned, and traffic that is not: what sample-ratio tests say when looked at every day.

use rand::rngs::ChaCha8Rng;
use stats::srm::{DEFAULT_CONCENTRATION, Multinomial, Weights, chi_square};

use super::draw::binomial;
use super::simulate::{Simulator, yes};
use super::table::{Kept, Table, percent, share};
use crate::error::Error;

const RUNS: u64 = 10_000;
const DAYS: u64 = 28;
const DAILY: u64 = 2_000;
const PLANNED: [f64; 3] = [0.5, 0.25, 0.25];
/// One in twenty of the second arm is lost.
const BROKEN: [f64; 3] = [0.5, 0.2375, 0.25];
const LEVELS: [f64; 2] = [0.05, 0.001];

/// Simulates.
pub fn run(simulator: &Simulator) -> Result<Table, Error> {
    let mut table = Table::new("sample ratio", &["traffic", "test", "level", "found a mismatch (se)", "level + 2 se"]);
    table.about(format!("{RUNS} experiments each, shares 50/25/25, seed {}", simulator.seed));
    table.about(format!("{DAYS} daily looks at {DAILY} new units; broken: the second arm loses 5 % of its units"));
    let titles = ["anytime-valid at every look", "chi-square at every look", "chi-square at the end"];
    for (place, (traffic, shares, is_broken)) in (0..).zip([("as planned", PLANNED, false), ("broken", BROKEN, true)]) {
        let means = simulator.means(place, traffic, RUNS, |rng| experiment(rng, &shares))?;
        for (method, mean) in means.iter().enumerate() {
            let (title, level) = (titles[method % titles.len()], LEVELS[method / titles.len()]);
            let bound = level + 2.0 * mean.error_at(level);
            let kept = match method % titles.len() {
                _ if is_broken => Kept::Beside,
                1 => Kept::Beside,
                _ if mean.value() <= bound => Kept::Held,
                _ => Kept::Missed,
            };
            let bound = if is_broken { String::new() } else { percent(bound) };
            table.row(&[traffic, title, &level.to_string()], vec![share(*mean), bound], kept);
        }
    }
    Ok(table)
}

/// By level: found at any look by the anytime-valid test, by chi-square, by chi-square at the last look.
fn experiment(rng: &mut ChaCha8Rng, shares: &[f64; 3]) -> Vec<Option<f64>> {
    let mut smallest = [1.0_f64; 3];
    let weights = Weights::new(&PLANNED);
    let test = weights.as_ref().ok().and_then(|weights| Multinomial::new(weights.clone(), DEFAULT_CONCENTRATION).ok());
    if let (Ok(weights), Some(mut test)) = (weights, test) {
        for day in 1..=DAYS {
            let batch = divide(rng, DAILY, shares);
            let anytime = test.observe(&batch).map_or(0.0, |reading| reading.p);
            let fixed = chi_square(test.counts(), &weights).map_or(0.0, |test| test.p);
            smallest[0] = smallest[0].min(anytime);
            smallest[1] = smallest[1].min(fixed);
            if day == DAYS {
                smallest[2] = fixed;
            }
        }
    }
    LEVELS.iter().flat_map(|level| smallest.map(|p| yes(p < *level))).collect()
}

/// Units by arm; what the shares leave to 1 is lost.
pub fn divide(rng: &mut ChaCha8Rng, units: u64, shares: &[f64]) -> Vec<u64> {
    let (mut left, mut rest) = (units, 1.0_f64);
    let mut counts = Vec::with_capacity(shares.len());
    for share in shares {
        let count = if rest > 0.0 { binomial(rng, left, share / rest) } else { 0 };
        counts.push(count);
        left -= count;
        rest -= share;
    }
    counts
}
