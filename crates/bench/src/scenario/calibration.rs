//! Whether the statistics keep their promises: error levels under peeking, coverage, power, false discoveries,
//! estimates from bandit data. Simulated, with seeds; a broken promise is printed as missed and asserted nowhere.
//!
//! Must never know: services, storage. It reads nothing but what `stats` and `bandit` give out.

mod bandits;
mod coverage;
mod discovery;
mod draw;
mod peeking;
mod power;
mod sample_ratio;
mod simulate;
mod table;

use std::time::Instant;

use crate::Plan;
use crate::error::Error;
use simulate::Simulator;
use table::Table;

/// One part of the calibration.
type Part = fn(&Simulator) -> Result<Table, Error>;

const PARTS: [(&str, Part); 6] = [
    ("peeking", peeking::run),
    ("sample ratio", sample_ratio::run),
    ("coverage", coverage::run),
    ("power", power::run),
    ("discoveries", discovery::run),
    ("bandits", bandits::run),
];

/// Simulates everything and prints one table per part.
///
/// # Errors
/// [`Error::Void`] when a thread breaks or a core refuses what it must take.
pub fn run(plan: &Plan, as_json: bool) -> Result<(), Error> {
    let begun = Instant::now();
    let mut tables = Vec::with_capacity(PARTS.len());
    for (place, (name, part)) in (1..).zip(PARTS) {
        eprintln!("calibration: {name}");
        let table = part(&Simulator::new(plan.seed, place, name))?;
        if !as_json {
            println!("{}", table.to_text());
        }
        tables.push(table);
    }
    if as_json {
        println!("{}", serde_json::to_string_pretty(&tables)?);
    } else {
        let missed: usize = tables.iter().map(Table::missed).sum();
        let (seed, seconds) = (plan.seed, begun.elapsed().as_secs());
        println!("calibration: seed {seed}, {seconds} s, {missed} promises missed without a warning");
    }
    Ok(())
}
