//! Money in the pure cores, on one core: dividing an amount, folding events, verifying the chain, joining a processor's
//! file.
//!
//! Must never know: services, storage.

use std::hint::black_box;
use std::time::Instant;

use ids::{EventId, Timestamp};
use ledger::chain::{BookLine, Chain, ChainId, Sealed, verify};
use ledger::reconciliation::{Booked, DailyTotals, Row, Rules, reconcile};
use ledger::{Account, Kind, MoneyEvent};
use money::{Currency, Money, alloc_into};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};

use crate::Plan;
use crate::error::Error;
use crate::measure::median;
use crate::report::Report;

const REPEATS: u32 = 5;
const EVENTS: usize = 1_000_000;
const LINES: usize = 1_000_000;
/// Amounts that are divided, and how often each in one turn.
const AMOUNTS: usize = 10_000;
const ROUNDS: usize = 100;
const SHARES: usize = 5;
/// What the shares of a conversion sum to.
const WHOLE: u32 = 1 << 30;

/// Measures.
///
/// # Errors
/// [`Error::Void`] when a core refuses what it must take.
pub fn run(plan: &Plan) -> Result<Report, Error> {
    let repeats = plan.repeats.unwrap_or(REPEATS);
    let mut rng = ChaCha8Rng::seed_from_u64(plan.seed);
    let currency = Currency::parse("USD").map_err(void("a currency"))?;
    let everyday = divisions(&mut rng, 100_000);
    let widest = divisions(&mut rng, i64::MAX);
    let transactions = transactions(&mut rng, currency);
    let book = Book::new(currency)?;
    let (mut small, mut large, mut folds, mut chains, mut joins) = (vec![], vec![], vec![], vec![], vec![]);
    for repeat in 1..=repeats {
        small.push(divide(&everyday)?);
        large.push(divide(&widest)?);
        folds.push(fold(&transactions)?);
        chains.push(LINES as f64 / book.verify()?);
        joins.push(join(&transactions)?);
        eprintln!("ledger: repeat {repeat} of {repeats}");
    }
    let mut report = Report::new("ledger", plan.seed, repeats, &["one core"]);
    report.condition("division", format!("{SHARES} shares that sum to 2^30; everyday amounts are below 1,000.00"));
    let transactions = transactions.len();
    report.condition(
        "events",
        format!("{EVENTS} of {transactions} transactions: charges, then any kind that moves money"),
    );
    report.condition("chain", format!("{LINES} lines, SHA-256, against the head that was kept"));
    report.condition("join", "the same transactions beside a file that agrees with them, totals by day included");
    let medians = [&small, &folds, &chains].map(|values| median(values));
    report.figure("division of an everyday amount, ns", vec![small]);
    report.figure("division of amounts up to 2^63, ns", vec![large]);
    report.figure("fold and entries of 1,000,000 events, s", vec![folds]);
    report.figure("chain verified, lines/s", vec![chains]);
    report.figure("fold, join and totals of 1,000,000 events, s", vec![joins]);
    report.below("ns of a division by 5 shares", medians[0], 100.0);
    report.below("s of 1,000,000 events through the fold", medians[1], 0.4);
    report.at_least("lines/s of the chain", medians[2], 1_000_000.0);
    Ok(report)
}

fn void<E: std::fmt::Display>(what: &'static str) -> impl FnOnce(E) -> Error {
    move |error| Error::Void(format!("{what}: {error}"))
}

/// Shares that sum to [`WHOLE`], each with an amount up to `most`.
fn divisions(rng: &mut ChaCha8Rng, most: i64) -> Vec<([u32; SHARES], i64)> {
    let division = |_| {
        let mut shares = [0; SHARES];
        let mut left = WHOLE;
        for (others, share) in (1..SHARES as u32).rev().zip(&mut shares) {
            *share = rng.random_range(0..=left / others);
            left -= *share;
        }
        shares[SHARES - 1] = left;
        (shares, rng.random_range(1..=most))
    };
    (0..AMOUNTS).map(division).collect()
}

/// Nanoseconds of one division.
fn divide(divisions: &[([u32; SHARES], i64)]) -> Result<f64, Error> {
    let mut parts = [0; SHARES];
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        for (shares, amount) in divisions {
            alloc_into(black_box(shares), black_box(*amount), &mut parts).map_err(void("a division"))?;
            black_box(&parts);
        }
    }
    Ok(begun.elapsed().as_secs_f64() * 1e9 / (ROUNDS * divisions.len()) as f64)
}

/// [`EVENTS`] events by transaction, each with a charge.
fn transactions(rng: &mut ChaCha8Rng, currency: Currency) -> Vec<Vec<MoneyEvent>> {
    let (mut transactions, mut left) = (Vec::new(), EVENTS);
    while left > 0 {
        let events = rng.random_range(1..=4).min(left);
        left -= events;
        let event = |index| {
            let moving = [Kind::Charge, Kind::Refund, Kind::Fee, Kind::Chargeback, Kind::ChargebackReversal];
            let kind = if index == 0 { Kind::Charge } else { moving[rng.random_range(0..moving.len())] };
            let refund = rng.random_range(0..9);
            MoneyEvent {
                event_id: EventId::from_bytes(rng.random()),
                at: Timestamp::saturating_from_millis(rng.random_range(0..1_000_000_000)),
                kind,
                amount: Money::new(rng.random_range(1..10_000), currency),
                refund_id: kind.is_reversing().then(|| format!("re_{refund}")),
                analytics_denied: false,
            }
        };
        transactions.push((0..events).map(event).collect());
    }
    transactions
}

/// Seconds of the fold of all transactions and of their entries.
fn fold(transactions: &[Vec<MoneyEvent>]) -> Result<f64, Error> {
    let begun = Instant::now();
    for events in transactions {
        let transaction = ledger::fold(black_box(events)).map_err(void("a fold"))?;
        black_box(ledger::entries(&transaction));
    }
    Ok(begun.elapsed().as_secs_f64())
}

/// Seconds of the fold of all transactions, of the join with rows that agree, and of the totals.
fn join(transactions: &[Vec<MoneyEvent>]) -> Result<f64, Error> {
    let rules = Rules::covering(Timestamp::MIN..=Timestamp::MAX);
    let (mut totals, mut seconds) = (DailyTotals::default(), 0.0);
    for events in transactions {
        let begun = Instant::now();
        let transaction = ledger::fold(events).map_err(void("a fold"))?;
        let booked = ledger::reconciliation::booked(events, &transaction);
        seconds += begun.elapsed().as_secs_f64();
        let rows: Vec<Row> = booked.iter().map(row).collect();
        let begun = Instant::now();
        for finding in reconcile(&booked, &rows, &rules) {
            totals.add(&finding);
        }
        seconds += begun.elapsed().as_secs_f64();
    }
    if totals.iter().any(|(_, _, day)| day.unattributed != 0 || day.unmatched != 0) {
        return Err(Error::Void("a file that agrees is said not to".to_owned()));
    }
    Ok(seconds)
}

/// What a processor would say of an entry.
pub fn row(entry: &Booked) -> Row {
    Row {
        at: entry.at,
        row_id: entry.event_id.to_string(),
        kind: Some(entry.kind),
        effect_minor: i64::try_from(entry.effect()).unwrap_or_default(),
        currency: entry.currency,
        refund_id: entry.refund_id.clone(),
    }
}

/// A sealed book of [`LINES`] lines.
struct Book {
    id: ChainId<'static>,
    chain: Chain,
    transactions: Vec<String>,
    sealed: Vec<Sealed>,
}

impl Book {
    fn new(currency: Currency) -> Result<Self, Error> {
        let id = ChainId { project: "default", currency, partition: 7 };
        let chain = Chain::new(&id).map_err(void("a chain"))?;
        let transactions = (0..LINES).map(|number| format!("t:order-{number:08}")).collect();
        let mut book = Self { id, chain, transactions, sealed: Vec::with_capacity(LINES) };
        for place in 0..LINES {
            let line = line(place, &book.transactions[place], currency);
            book.sealed.push(book.chain.append(&line).map_err(void("a line"))?);
        }
        Ok(book)
    }

    /// Seconds.
    fn verify(&self) -> Result<f64, Error> {
        let begun = Instant::now();
        let lines = self.transactions.iter().zip(&self.sealed).enumerate();
        let lines = lines.map(|(place, (transaction, sealed))| (line(place, transaction, self.id.currency), *sealed));
        verify(&self.id, lines, &[self.chain.head()]).map_err(void("a sound chain"))?;
        Ok(begun.elapsed().as_secs_f64())
    }
}

fn line(place: usize, transaction: &str, currency: Currency) -> BookLine<'_> {
    let mut event = [1; 16];
    event[..8].copy_from_slice(&(place as u64).to_le_bytes());
    BookLine {
        transaction,
        number: 0,
        corrects: None,
        source_event: EventId::from_bytes(event),
        date: Timestamp::saturating_from_millis(place as i64),
        debit: Account::Processor,
        credit: Account::Sales,
        amount: Money::new(place as i64 + 1, currency),
    }
}
