//! Random histories of one transaction, and the invariants of the ledger looked for breaches in each.
//!
//! A history has few times, amounts, currencies and refund ids, so that they meet: double fires, replays, reversals
//! before or without their charge, more reversed than charged. Must never know: how the ledger works.

use std::fmt;

use ids::{DAY_MS, EventId, Timestamp};
use ledger::chain::{BookLine, Chain, ChainId, Sealed, verify};
use ledger::reconciliation::{Booked, DailyTotals, Row, Rules, booked, reconcile};
use ledger::{Account, Kind, MoneyEvent, Posting, Transaction, balances, diff, entries, fold};
use money::{Currency, Money, alloc};
use rand::RngExt as _;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom as _;

/// Up to this many events every order is folded, beyond it [`ORDERS`] random ones.
const EVERY_ORDER_MAX: usize = 4;
const ORDERS: usize = 8;
const EVENTS_MAX: usize = 10;
/// How many breaches are told one by one.
const TOLD_MAX: usize = 5;

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    events: u64,
    orders: u64,
    divisions: u64,
    postings: u64,
    tampered: u64,
    rows: u64,
    /// How many invariants were breached.
    pub breaches_total: u64,
    /// The first few: number of the history, and what was breached.
    pub breaches: Vec<String>,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, orders, divisions, postings, tampered, rows, .. } = self;
        write!(f, "{events} events, folded in {orders} orders; {postings} postings, {divisions} divisions, ")?;
        write!(f, "{tampered} chains tampered with, {rows} rows of a processor")
    }
}

/// Why a check ends: which invariant does not hold.
type Breach = &'static str;

fn ensure(holds: bool, invariant: Breach) -> Result<(), Breach> {
    if holds { Ok(()) } else { Err(invariant) }
}

/// Draws one history and looks for breaches.
pub fn check(rng: &mut ChaCha8Rng, currency: Currency, number: u64, counts: &mut Counts) {
    let events = history(rng, currency);
    counts.events += events.len() as u64;
    let breached: Vec<Breach> = match fold(&events) {
        Ok(transaction) => {
            let mut case = Case { rng, events: &events, transaction, counts };
            let checks =
                [case.order(), case.book(), case.credit(), case.reversals(), case.chain(), case.reconciliation()];
            checks.into_iter().filter_map(Result::err).collect()
        }
        Err(_) => vec!["a history of small amounts folds"],
    };
    counts.breaches_total += breached.len() as u64;
    let room = TOLD_MAX.saturating_sub(counts.breaches.len());
    let told = breached.into_iter().take(room).map(|breach| format!("history {number}: {breach}"));
    counts.breaches.extend(told);
}

fn history(rng: &mut ChaCha8Rng, currency: Currency) -> Vec<MoneyEvent> {
    let other = Currency::parse("EUR").unwrap_or(currency);
    let length = rng.random_range(1..=EVENTS_MAX);
    let event = |_| {
        let kind = match rng.random_range(0..16) {
            0..4 => Kind::Charge,
            4..8 => Kind::Refund,
            drawn => Kind::ALL[drawn % Kind::ALL.len()],
        };
        let refund = rng.random_range(0..5);
        let foreign = rng.random_bool(0.1);
        MoneyEvent {
            event_id: EventId::from_bytes(rng.random()),
            at: Timestamp::saturating_from_millis(rng.random_range(0..8) * DAY_MS / 2),
            kind,
            amount: Money::new(rng.random_range(0..2_000), if foreign { other } else { currency }),
            refund_id: (refund < 3).then(|| format!("R{refund}")),
            analytics_denied: rng.random_bool(0.2),
        }
    };
    (0..length).map(event).collect()
}

/// One history while it is checked.
struct Case<'a> {
    rng: &'a mut ChaCha8Rng,
    events: &'a [MoneyEvent],
    transaction: Transaction,
    counts: &'a mut Counts,
}

impl Case<'_> {
    /// Order and repetition of events do not matter.
    fn order(&mut self) -> Result<(), Breach> {
        let mut orders = if self.events.len() <= EVERY_ORDER_MAX { every_order(self.events) } else { Vec::new() };
        for _ in orders.len()..ORDERS {
            let repeated = self.events.iter().filter(|_| self.rng.random_bool(0.3)).cloned();
            let mut order: Vec<MoneyEvent> = repeated.collect();
            order.extend_from_slice(self.events);
            order.shuffle(self.rng);
            orders.push(order);
        }
        self.counts.orders += orders.len() as u64;
        let same = |order: &Vec<MoneyEvent>| fold(order).as_ref() == Ok(&self.transaction);
        ensure(orders.iter().all(same), "order and repetition change nothing")
    }

    /// The book converges in whatever batches events come, balances, and says what the net is.
    fn book(&mut self) -> Result<(), Breach> {
        let mut arrivals = self.events.to_vec();
        arrivals.shuffle(self.rng);
        let (mut seen, mut book): (Vec<MoneyEvent>, Vec<Posting>) = (Vec::new(), Vec::new());
        let batch = self.rng.random_range(1..=4);
        for events in arrivals.chunks(batch) {
            seen.extend_from_slice(events);
            let transaction = fold(&seen).map_err(|_| "a part of a history folds")?;
            let more = diff(&book, &entries(&transaction)).map_err(|_| "a book can be continued")?;
            book.extend(more);
        }
        self.counts.postings += book.len() as u64;
        let desired = entries(&self.transaction);
        let booked = balances(book.iter().map(|posting| &posting.entry));
        ensure(booked == balances(&desired), "the book says what the events do")?;
        let booked = booked.unwrap_or_default();
        ensure(booked.values().sum::<i64>() == 0, "debits equal credits")?;
        let processor: i64 =
            booked.iter().filter(|((_, of), _)| *of == Account::Processor).map(|(_, minor)| minor).sum();
        ensure(processor == self.transaction.net - self.transaction.fees, "the processor holds net less fees")?;
        let dated = |correction: &Posting, undone: &Posting| correction.entry == undone.entry.reversed();
        let linked = book.iter().filter_map(|posting| Some((posting, book.get(posting.corrects? as usize)?)));
        ensure(linked.clone().all(|(correction, undone)| dated(correction, undone)), "a correction undoes its line")
    }

    /// Credits are never below zero and add up to what was kept; one cent less raises nobody's.
    fn credit(&mut self) -> Result<(), Breach> {
        let shares = self.shares();
        let kept = self.transaction.creditable();
        let credits = alloc(&shares, kept).map_err(|_| "what was kept can be divided")?;
        self.counts.divisions += 2;
        ensure(credits.iter().all(|credit| *credit >= 0), "no credit is below zero")?;
        ensure(credits.iter().sum::<i64>() == self.transaction.net.max(0), "credits add up to what was kept")?;
        let Some(cent) = self.with(&[(Kind::Refund, 1)])? else { return Ok(()) };
        let fewer = alloc(&shares, cent.creditable()).map_err(|_| "what was kept can be divided")?;
        ensure(credits.iter().zip(&fewer).all(|(before, after)| after <= before), "a refund raises nobody's credit")
    }

    /// A full reversal ends at zero; a chargeback that is reversed restores what was there.
    fn reversals(&mut self) -> Result<(), Breach> {
        let shares = self.shares();
        let kept = self.transaction.creditable();
        let kind = if self.rng.random_bool(0.5) { Kind::Refund } else { Kind::Chargeback };
        if let Some(reversed) = self.with(&[(kind, kept)])? {
            let credits = alloc(&shares, reversed.creditable()).map_err(|_| "nothing can be divided")?;
            ensure(credits.iter().all(|credit| *credit == 0), "a full reversal leaves no credit")?;
        }
        let amount = self.rng.random_range(0..5_000);
        let restored = self.with(&[(Kind::ChargebackReversal, amount), (Kind::Chargeback, amount)])?;
        let Some(restored) = restored else { return Ok(()) };
        self.counts.divisions += 3;
        let same = alloc(&shares, restored.creditable()) == alloc(&shares, kept);
        ensure(same && restored.net == self.transaction.net, "a reversed chargeback restores everything")
    }

    /// A sound chain verifies; an edit, a removal, a swap and a cut are found where they are.
    fn chain(&mut self) -> Result<(), Breach> {
        let Some(currency) = self.transaction.currency() else { return Ok(()) };
        let book = diff(&[], &entries(&self.transaction)).map_err(|_| "a book can be begun")?;
        let id = ChainId { project: "default", currency, partition: 1 };
        let mut chain = Chain::new(&id).map_err(|_| "a chain can be begun")?;
        let mut lines: Vec<(BookLine<'_>, Sealed)> = Vec::with_capacity(book.len());
        for posting in &book {
            let line = BookLine::new("t:1", posting);
            lines.push((line, chain.append(&line).map_err(|_| "a line can be sealed")?));
        }
        let heads = [chain.head()];
        ensure(verify(&id, lines.iter().copied(), &heads) == Ok(heads[0]), "a sound chain verifies")?;
        if lines.is_empty() {
            return Ok(());
        }
        let place = self.rng.random_range(0..lines.len());
        let first_bad = match self.rng.random_range(0..4) {
            0 => {
                let amount = lines[place].0.amount;
                lines[place].0.amount = Money::new(amount.minor() + 1, currency);
                place
            }
            1 => {
                lines.remove(place);
                place
            }
            2 if lines.len() > 1 => {
                let other = (place + 1) % lines.len();
                lines.swap(place, other);
                place.min(other)
            }
            _ => {
                lines.truncate(place);
                place
            }
        };
        self.counts.tampered += 1;
        let found = verify(&id, lines, &heads).err().and_then(|broken| broken.first_bad());
        ensure(found == Some(first_bad as u64), "what was tampered with is named")
    }

    /// No row is dropped or counted twice, in whatever order they come, and days add up to the processor's.
    fn reconciliation(&mut self) -> Result<(), Breach> {
        let booked = booked(self.events, &self.transaction);
        let mut rows = self.rows(&booked);
        self.counts.rows += rows.len() as u64;
        let rules = Rules { late_after_ms: DAY_MS, covered: Timestamp::MIN..=Timestamp::MAX };
        let mut totals = DailyTotals::default();
        let findings = reconcile(&booked, &rows, &rules);
        findings.iter().for_each(|finding| totals.add(finding));
        ensure(findings.iter().filter(|finding| finding.row.is_some()).count() == rows.len(), "no row is dropped")?;
        ensure(findings.iter().filter(|f| f.booked.is_some()).count() == booked.len(), "no entry is dropped")?;
        let adds_up = totals.iter().all(|(_, _, day)| day.attributed + day.unattributed == day.processor);
        ensure(adds_up, "attributed and unattributed are the processor's total of the day")?;
        let there: i128 = totals.iter().map(|(_, _, day)| day.processor).sum();
        let expected: i128 = rows.iter().map(|row| i128::from(row.effect_minor)).sum();
        ensure(there == expected, "the processor's total is that of the rows")?;
        let mut again = DailyTotals::default();
        rows.extend_from_within(..rows.len() / 2);
        rows.shuffle(self.rng);
        reconcile(&booked, &rows, &rules).iter().for_each(|finding| again.add(finding));
        ensure(again == totals, "order and repetition of rows change nothing")
    }

    /// Rows of a processor that is not always right.
    fn rows(&mut self, booked: &[Booked]) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        for entry in booked {
            let mut row = crate::scenario::ledger::row(entry);
            match self.rng.random_range(0..12) {
                0 => continue,
                1 => row.effect_minor += 1,
                2 => row.at = row.at.saturating_add_millis(3 * DAY_MS),
                3 => row.refund_id = None,
                4 => row.kind = None,
                5 => rows.push(Row { row_id: format!("{} again", row.row_id), ..row.clone() }),
                _ => {}
            }
            rows.push(row);
        }
        rows
    }

    /// The history with more events of its currency; `None` without a charge.
    fn with(&mut self, more: &[(Kind, i64)]) -> Result<Option<Transaction>, Breach> {
        let Some(currency) = self.transaction.currency() else { return Ok(None) };
        let mut events = self.events.to_vec();
        events.extend(more.iter().map(|(kind, minor)| MoneyEvent {
            event_id: EventId::from_bytes(self.rng.random()),
            at: Timestamp::saturating_from_millis(self.rng.random_range(0..8) * DAY_MS / 2),
            kind: *kind,
            amount: Money::new(*minor, currency),
            refund_id: None,
            analytics_denied: true,
        }));
        fold(&events).map(Some).map_err(|_| "a longer history folds")
    }

    fn shares(&mut self) -> Vec<u32> {
        let touches = self.rng.random_range(1..=6);
        (0..touches).map(|_| self.rng.random_range(1..1_000)).collect()
    }
}

fn every_order(events: &[MoneyEvent]) -> Vec<Vec<MoneyEvent>> {
    let Some((last, others)) = events.split_last() else { return vec![Vec::new()] };
    let mut orders = Vec::new();
    for order in every_order(others) {
        for place in 0..=order.len() {
            let mut order = order.clone();
            order.insert(place, last.clone());
            orders.push(order);
        }
    }
    orders
}
