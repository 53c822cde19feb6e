//! The four hops under everything that may happen to them, against the plain reference.
//!
//! Every seed runs two rounds of trouble; after each the chain is left alone until it rests, is compared with the
//! reference, and is rebuilt, which must publish nothing. `UPSHOT_SEED=7` runs one seed, `UPSHOT_SEEDS=5000` more.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tests::lanes::Tally;
use tests::plain::Outcome;
use tests::world::chain::Chain;

/// Seeds of an ordinary run; a build without optimisation is slow.
const SEEDS: u64 = if cfg!(debug_assertions) { 200 } else { 2_000 };
/// Seeds after which everything must have happened.
const MANY: u64 = 1_000;
/// Without these the simulation proves little.
const EVERYTHING: [&str; 31] = [
    "abandoned batch",
    "burst bot",
    "charge mismatch",
    "corrected posting",
    "crash after commit",
    "crash before commit",
    "crash elsewhere",
    "declared bot",
    "double fire",
    "double fire of two persons",
    "duplicate reversal",
    "event that moved",
    "failed rebuild",
    "fenced commit",
    "gap",
    "hand-over",
    "linked device",
    "long journey",
    "missing rate",
    "mixed unit",
    "orphan",
    "other currency",
    "other rules",
    "over-reversal",
    "quarantined actor",
    "rebuild",
    "redelivery",
    "restart",
    "shared device",
    "unowned charge",
    "zero touch",
];

/// Names the seed when a run panics.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the simulation failed; run it again with UPSHOT_SEED={}", self.0);
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// Runs one seed; returns what happened, so that the test can tell that enough did.
async fn run(seed: u64) -> Tally {
    let _named = Named(seed);
    let mut rng = StdRng::seed_from_u64(seed);
    let rounds = [rng.random_range(5..40), rng.random_range(5..30)];
    let mut chain = Chain::new(rng);
    for events in rounds {
        chain.trouble(events).await;
        chain.rest().await;
        let expected = Outcome::of(chain.history(), chain.rules());
        chain.outcome().await.assert_is(&expected);
        chain.note(&expected);
        chain.rebuild_changes_nothing().await;
        chain.outcome().await.assert_is(&expected);
    }
    chain.tally()
}

#[tokio::test]
async fn whatever_happens_the_reports_are_those_of_the_plain_reference() {
    let seeds = match number("UPSHOT_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("UPSHOT_SEEDS").unwrap_or(SEEDS),
    };
    let many = seeds.end - seeds.start >= MANY;
    let mut tally = Tally::default();
    for seed in seeds {
        tally.add(&run(seed).await);
    }
    println!("{tally:#?}");
    if many {
        tally.assert_at_least(20, &EVERYTHING);
    }
}
