//! Any order, any repetition, any moment at which rates change: the same end.

use std::collections::BTreeMap;

use journal::{NewRecord, Topic};
use prost::Message;
use rand::rngs::ChaCha8Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};

use super::world::{
    End, NEW_YEAR_MS, World, day, event, fold, kind, money, money_fact, no_shares, rate, record, shares, shares_fact,
};
use crate::DatedRate;

const SEEDS: u64 = 60;
const KINDS: [&str; 8] =
    ["charge", "charge", "refund", "refund_failure", "chargeback", "chargeback_reversal", "fee", "failed"];
const CURRENCIES: [&str; 3] = ["USD", "EUR", "JPY"];
const CHANNELS: [&str; 4] = ["email", "social", "display", "affiliate"];

/// A random history of a few transactions: money, double fires, orphans, owners that change.
fn history(rng: &mut ChaCha8Rng) -> Vec<(Topic, NewRecord)> {
    let mut records = Vec::new();
    for transaction in 0..rng.random_range(1..5) {
        let key = format!("t:{transaction}");
        let currency = CURRENCIES.choose(rng).unwrap();
        for number in 0..rng.random_range(0..7) {
            // Mostly one currency, so that most reversals are netted.
            let currency = if rng.random_bool(0.85) { currency } else { CURRENCIES.choose(rng).unwrap() };
            let at = NEW_YEAR_MS + rng.random_range(0..4) * 86_400_000 + rng.random_range(0..3);
            let id = format!("{transaction}-{number}");
            let mut fact = money_fact(&id, at, KINDS.choose(rng).unwrap(), rng.random_range(0..5000), currency);
            fact.analytics_denied = fact.kind() == kind("charge") && rng.random_bool(0.15);
            if rng.random_bool(0.3) {
                fact.refund_id = format!("r{}", rng.random_range(0..2));
            }
            records.push(money(&key, &fact));
        }
        for number in 0..rng.random_range(0..3) {
            conversion(rng, &key, &format!("{transaction}-{number}"), &mut records);
        }
    }
    records
}

/// One conversion under up to three revisions, which may end withdrawn.
fn conversion(rng: &mut ChaCha8Rng, key: &str, id: &str, records: &mut Vec<(Topic, NewRecord)>) {
    let person = ["u:ann", "u:bob", "a:device"].choose(rng).unwrap();
    for counter in 1..=rng.random_range(1..4) {
        let channels: Vec<&str> = (0..rng.random_range(0..6)).map(|_| *CHANNELS.choose(rng).unwrap()).collect();
        let fact = shares_fact(id, person, NEW_YEAR_MS + rng.random_range(0..3), &channels);
        if rng.random_bool(0.2) {
            records.push(no_shares(key, &fact, counter));
        } else {
            records.push(record(Topic::Shares, key, person, event(id), counter, fact.encode_to_vec().into()));
        }
    }
}

fn rates(rng: &mut ChaCha8Rng) -> Vec<DatedRate> {
    let mut rates = Vec::new();
    for (currency, unit) in [("EUR", "1."), ("JPY", "0.00")] {
        for date in ["2025-12-31", "2026-01-01", "2026-01-03"] {
            if rng.random_bool(0.5) {
                rates.push(rate(currency, date, &format!("{unit}{}", rng.random_range(1..99))));
            }
        }
    }
    rates
}

/// Everything at once, under the last rates.
async fn at_once(records: &[(Topic, NewRecord)], rates: &[DatedRate]) -> End {
    World::new(rates).run(records).await
}

/// Shuffled, repeated, in small batches, with rates that change in between.
async fn scattered(rng: &mut ChaCha8Rng, records: &[(Topic, NewRecord)], last: &[DatedRate]) -> (World, End) {
    let mut arrivals: Vec<_> = records.to_vec();
    for record in records {
        arrivals.extend((0..rng.random_range(0..3)).map(|_| record.clone()));
    }
    arrivals.shuffle(rng);
    let world = World::new(&rates(rng));
    for part in arrivals.chunks(rng.random_range(1..6)) {
        part.iter().for_each(|record| world.deliver(record));
        if rng.random_bool(0.7) {
            world.rest().await;
        }
        if rng.random_bool(0.2) {
            world.stage.set_fold(fold(&rates(rng)));
        }
    }
    world.stage.set_fold(fold(last));
    world.rest().await;
    let end = world.end().await;
    (world, end)
}

#[tokio::test]
async fn every_order_repetition_and_change_of_rates_ends_the_same() {
    for seed in 0..SEEDS {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let records = history(&mut rng);
        let last = rates(&mut rng);
        let reference = at_once(&records, &last).await;
        for _ in 0..3 {
            let (_, end) = scattered(&mut rng, &records, &last).await;
            assert_eq!(end, reference, "seed {seed}");
        }
        check(&reference, seed);
    }
}

/// What holds of any end: debits equal credits, credit adds up to what is owned, accounts agree with the books.
fn check(end: &End, seed: u64) {
    let mut by_currency: BTreeMap<&str, i64> = BTreeMap::new();
    let mut by_account: BTreeMap<String, i128> = BTreeMap::new();
    for ((_, _, currency, account), minor) in &end.books {
        *by_currency.entry(currency).or_default() += minor;
        *by_account.entry(format!("account\u{1f}{currency}\u{1f}{account}")).or_default() += i128::from(*minor);
    }
    assert!(by_currency.values().all(|sum| *sum == 0), "seed {seed}: {by_currency:?}");
    by_account.retain(|_, minor| *minor != 0);
    let accounts = end.cells.iter().filter(|(name, _)| name.starts_with("account\u{1f}"));
    let accounts = accounts.map(|(name, sides)| (name.clone(), sides[0] - sides.get(1).unwrap_or(&0)));
    assert_eq!(accounts.filter(|(_, minor)| *minor != 0).collect::<BTreeMap<_, _>>(), by_account, "seed {seed}");

    let mut owned: BTreeMap<String, [i128; 3]> = BTreeMap::new();
    for fact in end.transactions.values() {
        let amounts = fact.amounts.clone().unwrap_or_default();
        let sums = owned.entry(amounts.currency).or_default();
        let values = [1_000_000, amounts.gross_minor, amounts.net_minor.max(0)];
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += i128::from(value));
    }
    for model in ["linear", "last_touch"] {
        let mut credit: BTreeMap<String, [i128; 3]> = BTreeMap::new();
        for (name, values) in end.cells.iter().filter(|(name, _)| name.starts_with(&format!("credit\u{1f}{model}"))) {
            let sums = credit.entry(name.rsplit('\u{1f}').next().unwrap().to_owned()).or_default();
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
        assert_eq!(credit, owned, "seed {seed}, {model}");
    }
}

#[tokio::test]
async fn a_changed_rate_changes_only_the_reporting_amounts_it_covers_and_books_nothing() {
    let world = World::new(&[rate("EUR", "2026-01-01", "1.10"), rate("EUR", "2026-01-03", "1.20")]);
    let mut records = Vec::new();
    for (number, key) in ["t:a", "t:b"].into_iter().enumerate() {
        let at = NEW_YEAR_MS + i64::try_from(number).unwrap() * 3 * 86_400_000;
        assert_eq!(at / 86_400_000, day(if number == 0 { "2026-01-01" } else { "2026-01-04" }));
        records.push(money(key, &money_fact(key, at, "charge", 1000, "EUR")));
        records.push(shares(key, &shares_fact(key, "u:x", at, &["email"])));
    }
    let net = |end: &End| -> Vec<Option<i64>> {
        end.transactions.values().map(|fact| fact.amounts.as_ref().unwrap().reporting_net_minor).collect()
    };
    assert_eq!(net(&world.run(&records).await), [Some(1100), Some(1200)]);
    world.stage.set_fold(fold(&[rate("EUR", "2026-01-02", "1.30")]));
    let end = world.run(&[]).await;
    assert_eq!(net(&end), [None, Some(1300)]);
    assert_eq!((world.lines(), end.cells["missing_rates"].as_slice()), (2, [1].as_slice()));
}

#[tokio::test]
async fn the_order_in_which_rates_are_given_changes_nothing() {
    use journal::Fold as _;
    let [first, second] = [rate("EUR", "2026-01-01", "1.1"), rate("JPY", "2026-01-01", "0.0067")];
    assert_eq!(fold(&[first, second]).parameters(), fold(&[second, first]).parameters());
    assert_ne!(fold(&[first, second]).parameters(), fold(&[first]).parameters());
}

#[tokio::test]
async fn a_redelivery_publishes_and_books_nothing() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let records = history(&mut rng);
    let (world, end) = scattered(&mut rng, &records, &[]).await;
    let lines = world.lines();
    assert_eq!(world.run(&records).await, end);
    assert_eq!(world.lines(), lines);
}
