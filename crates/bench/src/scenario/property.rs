//! A million random histories of money, each looked at for breaches of every invariant of the ledger.
//!
//! Must never know: how the ledger works.

mod histories;

use std::time::Instant;

use money::Currency;
use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;

use crate::Plan;
use crate::error::Error;
use crate::report::Report;
use histories::Counts;

const HISTORIES: u64 = 1_000_000;

/// Looks at all histories, once however many repeats were asked for.
///
/// # Errors
/// [`Error::Void`] when a core refuses what it must take.
pub fn run(plan: &Plan) -> Result<Report, Error> {
    let currency = Currency::parse("USD").map_err(|error| Error::Void(format!("a currency: {error}")))?;
    let begun = Instant::now();
    let mut counts = Counts::default();
    for number in 0..HISTORIES {
        // Each from a stream of its own, so that one can be drawn again alone.
        let mut rng = ChaCha8Rng::seed_from_u64(plan.seed);
        rng.set_stream(number + 1);
        histories::check(&mut rng, currency, number, &mut counts);
        if (number + 1) % (HISTORIES / 10) == 0 {
            let (seconds, breaches) = (begun.elapsed().as_secs_f64(), counts.breaches_total);
            eprintln!("property: {} of {HISTORIES} histories in {seconds:.1} s, {breaches} breaches", number + 1);
        }
    }
    let mut report = Report::new("property", plan.seed, 1, &["one core"]);
    report.condition("histories", format!("{HISTORIES}; {counts}"));
    for breach in &counts.breaches {
        report.condition("breach", breach.clone());
    }
    report.figure("histories, s", vec![vec![begun.elapsed().as_secs_f64()]]);
    report.below("breaches of an invariant", counts.breaches_total as f64, 1.0);
    Ok(report)
}
