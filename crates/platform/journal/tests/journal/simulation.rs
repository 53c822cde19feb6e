//! Seeded simulation: the chain under everything that may happen to it, against the reference.
//!
//! Every seed runs two rounds of trouble; after each the chain is left alone until it rests, is compared with the
//! reference, and is rebuilt, which must publish nothing. `JOURNAL_SEED=7` runs one seed, `JOURNAL_SEEDS=5000` more.

mod trouble;
mod world;

use rand::SeedableRng;
use rand::rngs::StdRng;

use world::World;

use crate::seed::{Named, number};

/// Seeds of an ordinary run.
const SEEDS: u64 = 200;

/// Runs one seed; returns what happened, so that the test can tell that enough did.
async fn run(seed: u64) -> trouble::Tally {
    let _named = Named(seed);
    let mut world = World::new(StdRng::seed_from_u64(seed));
    for _ in 0..2 {
        world.trouble().await;
        world.rest().await;
        world.check().await;
        world.rebuild_changes_nothing().await;
    }
    world.tally()
}

#[tokio::test]
async fn whatever_happens_the_end_is_the_same() {
    let seeds = match number("JOURNAL_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("JOURNAL_SEEDS").unwrap_or(SEEDS),
    };
    let many = seeds.end - seeds.start >= SEEDS;
    let mut tally = trouble::Tally::default();
    for seed in seeds {
        tally.add(&run(seed).await);
    }
    println!("{tally:?}");
    if many {
        tally.assert_that_everything_happened();
    }
}
