//! Our books beside a payment processor's file: a pure join in which every row and every entry ends in one state.
//!
//! [`reconcile`] joins one transaction and is a function of two sets, so order, repetition and the batches that rows
//! came in change nothing; [`by_transaction`] cuts two sorted streams into transactions, one in memory at a time;
//! [`DailyTotals`] adds the findings up. Must never know: file formats, persons, who is credited with what.

mod days;
mod pairing;
mod stream;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use ids::{EventId, HOUR_MS, Timestamp};
use money::Currency;

use crate::{Account, Kind, MoneyEvent, Transaction, entry};

pub use days::{DailyTotals, Day};
pub use stream::{ByTransaction, OneTransaction, StreamError, by_transaction};

/// What our books hold of one money event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Booked {
    /// When it happened.
    pub at: Timestamp,
    /// The event; one event is in the books once.
    pub event_id: EventId,
    /// What it says.
    pub kind: Kind,
    /// Minor units, above zero; the kind carries the direction.
    pub minor: i64,
    /// Their currency.
    pub currency: Currency,
    /// The processor's id of a refund, failure, chargeback or reversal.
    pub refund_id: Option<String>,
}

/// One row of a processor's file.
///
/// A processor that keeps its fee out of a charge's row has it as a row of its own here, with an id of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// When the processor booked it; its day is the day of the totals.
    pub at: Timestamp,
    /// Names the row for ever, such as the processor's own id of it, else file and line. An equal row counts once.
    pub row_id: String,
    /// What it says; `None` for what our books do not know, such as a payout.
    pub kind: Option<Kind>,
    /// Minor units that the processor's balance grew by: below zero for refunds, chargebacks and fees.
    pub effect_minor: i64,
    /// Their currency.
    pub currency: Currency,
    /// The processor's id of a refund, failure, chargeback or reversal; an empty text counts as absent.
    pub refund_id: Option<String>,
}

/// What became of a row, or of an entry without a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// The same money here and there.
    Matched,
    /// The same event with another amount.
    AmountMismatch,
    /// There, and not in our books.
    MissingHere,
    /// In our books, and not there.
    MissingThere,
    /// There more often than it happened: a second charge of the transaction, a second reversal with one refund id, or
    /// a second content under one row id. Rows with ids of their own that name no refund are never taken for one
    /// another, whatever they amount to: several fees, or refunds, of one amount are [`State::MissingHere`] but for
    /// those that our books hold.
    DuplicateThere,
    /// The same event in another currency.
    CurrencyMismatch,
    /// The same money, at times further apart than the rules allow.
    Late,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Matched,
        Self::AmountMismatch,
        Self::MissingHere,
        Self::MissingThere,
        Self::DuplicateThere,
        Self::CurrencyMismatch,
        Self::Late,
    ];

    /// The stable name, part of every format.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::AmountMismatch => "amount_mismatch",
            Self::MissingHere => "missing_here",
            Self::MissingThere => "missing_there",
            Self::DuplicateThere => "duplicate_there",
            Self::CurrencyMismatch => "currency_mismatch",
            Self::Late => "late",
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// What counts as the same, and what has to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Times of the same money that are further apart than this are [`State::Late`]. Below zero counts as zero.
    pub late_after_ms: i64,
    /// What the processor's files cover: an entry outside of it that has no row is not missing there, and not listed.
    pub covered: RangeInclusive<Timestamp>,
}

impl Rules {
    /// Late after 72 hours.
    #[must_use]
    pub const fn covering(covered: RangeInclusive<Timestamp>) -> Self {
        Self { late_after_ms: HOUR_MS.saturating_mul(72), covered }
    }
}

/// One row, one entry, or one of each that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding<'a> {
    /// What became of it.
    pub state: State,
    /// The row; `None` when it is missing there.
    pub row: Option<&'a Row>,
    /// The entry; `None` when it is missing here, or there more often.
    pub booked: Option<&'a Booked>,
}

impl<'a> Finding<'a> {
    /// A row that our books know nothing of, such as one that names no transaction.
    #[must_use]
    pub const fn missing_here(row: &'a Row) -> Self {
        Self { state: State::MissingHere, row: Some(row), booked: None }
    }

    /// Minor units of the row, in the row's currency; 0 without one.
    #[must_use]
    pub fn there(&self) -> i128 {
        self.row.map_or(0, |row| i128::from(row.effect_minor))
    }

    /// Minor units of the entry, in the entry's currency; 0 without one.
    #[must_use]
    pub fn here(&self) -> i128 {
        self.booked.map_or(0, Booked::effect)
    }

    /// What of the row our books account for, in the row's currency: all when it matches, the entry's amount when that
    /// differs, else nothing.
    #[must_use]
    pub fn attributed(&self) -> i128 {
        match self.state {
            State::Matched | State::Late | State::AmountMismatch => self.here(),
            State::MissingHere | State::MissingThere | State::DuplicateThere | State::CurrencyMismatch => 0,
        }
    }

    /// What of the row our books do not account for: the row less [`Finding::attributed`].
    #[must_use]
    pub fn unattributed(&self) -> i128 {
        self.there().saturating_sub(self.attributed())
    }
}

impl Booked {
    /// Minor units that the processor's balance grew by.
    #[must_use]
    pub fn effect(&self) -> i128 {
        let minor = i128::from(self.minor);
        match entry::accounts(self.kind) {
            Some((Account::Processor, _)) => minor,
            Some(_) => minor.saturating_neg(),
            None => 0,
        }
    }
}

/// What the books hold of a transaction, by (time, event id): [`crate::entries`] with the refund ids of `events`, the
/// events that it was folded from.
#[must_use]
pub fn booked(events: &[MoneyEvent], transaction: &Transaction) -> Vec<Booked> {
    let Some(currency) = transaction.currency() else { return Vec::new() };
    // Of contents that differ in nothing but the refund id the fold counts the smallest.
    let mut refund_ids: BTreeMap<(EventId, Timestamp, Kind, i64), Option<&str>> = BTreeMap::new();
    for event in events.iter().filter(|event| event.amount.currency() == currency) {
        let content = (event.event_id, event.at, event.kind, event.amount.minor());
        let refund_id = refund_ids.entry(content).or_insert(event.refund_id.as_deref());
        *refund_id = event.refund_id.as_deref().min(*refund_id);
    }
    let entries = crate::entries(transaction).into_iter().map(|entry| {
        let content = (entry.source_event, entry.date, entry.kind, entry.amount.minor());
        let refund_id = refund_ids.get(&content).copied().flatten().filter(|refund_id| !refund_id.is_empty());
        Booked {
            at: entry.date,
            event_id: entry.source_event,
            kind: entry.kind,
            minor: entry.amount.minor(),
            currency,
            refund_id: refund_id.map(str::to_owned),
        }
    });
    entries.collect()
}

/// Joins what the books hold of one transaction with the rows that name it.
///
/// Rows and entries meet within their kind. A charge is the same as any other charge of the transaction, a reversal as
/// one with its refund id; what is left without an id meets what has the same amount, within the tolerated time first.
/// A second row for the same charge or refund id is a duplicate, and so is a second content under one row id: the
/// earlier stands. What is left then meets in order of time, amounts that were met before last. Findings come by row
/// (time, id), then entries that are missing there by (time, event id); every distinct row is in one of them.
#[must_use]
pub fn reconcile<'a>(booked: &'a [Booked], rows: &'a [Row], rules: &Rules) -> Vec<Finding<'a>> {
    let mut findings = Vec::with_capacity(rows.len().max(booked.len()));
    let mut by_kind: BTreeMap<Kind, pairing::Sides<'a>> = BTreeMap::new();
    for row in standing(rows, &mut findings) {
        match row.kind.filter(|kind| kind.moves_money()) {
            Some(kind) => by_kind.entry(kind).or_default().rows.push(row),
            None => findings.push(Finding::missing_here(row)),
        }
    }
    let mut entries: Vec<&Booked> = booked.iter().collect();
    entries.sort_unstable_by_key(|entry| (entry.event_id, *entry));
    entries.dedup_by_key(|entry| entry.event_id);
    entries.sort_unstable();
    for entry in entries {
        by_kind.entry(entry.kind).or_default().booked.push(entry);
    }
    for (kind, sides) in by_kind {
        pairing::pair(kind, sides, rules, &mut findings);
    }
    findings.sort_unstable_by_key(|finding| (finding.row.is_none(), finding.row, finding.booked));
    findings
}

/// Each row id once, by (time, id): the earliest content. Other contents are duplicates.
fn standing<'a>(rows: &'a [Row], findings: &mut Vec<Finding<'a>>) -> Vec<&'a Row> {
    let mut rows: Vec<&Row> = rows.iter().collect();
    rows.sort_unstable_by(|a, b| a.row_id.cmp(&b.row_id).then_with(|| a.cmp(b)));
    rows.dedup();
    let mut standing: Vec<&Row> = Vec::with_capacity(rows.len());
    for row in rows {
        if standing.last().is_some_and(|last| last.row_id == row.row_id) {
            findings.push(Finding { state: State::DuplicateThere, row: Some(row), booked: None });
        } else {
            standing.push(row);
        }
    }
    standing.sort_unstable();
    standing
}

#[cfg(test)]
mod tests;
