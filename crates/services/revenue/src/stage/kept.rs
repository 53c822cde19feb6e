//! What one transaction comes to: its money, its entries, its owner, its value in the reporting currency.
//!
//! Must never know: sums, formats of facts.

use std::collections::BTreeMap;

use api::journal::v1::SharesFact;
use ids::MoneyKey;
use journal::{FoldError, Standing};
use ledger::{Charge, Entry, MoneyEvent, Reason, Transaction};
use money::{Currency, RateTable};

use super::input::money_event;
use super::{Input, What};

/// A transaction as a function of the set of its inputs.
#[derive(Clone, Debug)]
pub(crate) struct Kept<'a> {
    /// Its money.
    pub transaction: Transaction,
    /// What the books are to hold.
    pub entries: Vec<Entry>,
    /// The conversion that it belongs to.
    pub owner: Option<&'a SharesFact>,
    /// Its value in the reporting currency; absent without a charge or a rate.
    pub reporting: Option<Reporting>,
    /// Reversals set aside because the charge is in another currency, by their own.
    pub other_currency: BTreeMap<Currency, u32>,
}

/// Minor units of the reporting currency. Each is converted once, at the rate of the charge's day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reporting {
    /// What was charged.
    pub gross: i64,
    /// What was kept; below zero when more was taken back than paid.
    pub net: i64,
}

impl<'a> Kept<'a> {
    /// Folds the inputs of a key.
    pub fn of(
        key: &MoneyKey,
        inputs: impl Iterator<Item = &'a Input>,
        standing: Standing,
        rates: &RateTable,
    ) -> Result<Self, FoldError> {
        let mut events = Vec::new();
        let mut conversions = Vec::new();
        for input in inputs {
            match &input.what {
                Some(What::Money(fact)) => events.push(money_event(fact).map_err(FoldError::because)?),
                Some(What::Shares(fact)) => conversions.push(fact),
                None => {}
            }
        }
        let transaction = ledger::fold(&events).map_err(FoldError::because)?;
        let owner = if may_be_owned(key, transaction.charge.as_ref(), standing) { earliest(conversions) } else { None };
        Ok(Self {
            entries: ledger::entries(&transaction),
            owner,
            reporting: reporting(&transaction, rates),
            other_currency: other_currency(&transaction, &events),
            transaction,
        })
    }

    /// Whether it is left out of reporting amounts for want of a rate.
    pub fn misses_a_rate(&self) -> bool {
        self.transaction.charge.is_some() && self.reporting.is_none()
    }
}

/// A refused charge belongs to no conversion, and a transaction with too many inputs earns none. A conversion without a
/// transaction has no money unless its own charge is here; attribution counts it then, and nobody counts it twice.
fn may_be_owned(key: &MoneyKey, charge: Option<&Charge>, standing: Standing) -> bool {
    let denied = charge.is_some_and(|charge| charge.analytics_denied);
    let has_money = charge.is_some() || matches!(key, MoneyKey::Transaction(_));
    standing == Standing::Normal && has_money && !denied
}

/// The earliest by (time, event id). While a conversion moves to another person, both may stand for a moment; the
/// person's key then decides.
fn earliest(conversions: Vec<&SharesFact>) -> Option<&SharesFact> {
    fn rank(fact: &SharesFact) -> impl Ord + use<'_> {
        (fact.converted_ms, &fact.conversion_event_id, &fact.person)
    }
    conversions.into_iter().min_by(|a, b| rank(a).cmp(&rank(b)))
}

/// An amount too large for the reporting currency counts as one without a rate: a view must not hold up the ledger.
fn reporting(transaction: &Transaction, rates: &RateTable) -> Option<Reporting> {
    let charge = transaction.charge?;
    let convert = |minor| rates.convert_at(minor, charge.amount.currency(), charge.at.day()).ok().flatten();
    Some(Reporting { gross: convert(transaction.gross)?, net: convert(transaction.net)? })
}

fn other_currency(transaction: &Transaction, events: &[MoneyEvent]) -> BTreeMap<Currency, u32> {
    let mut counts = BTreeMap::new();
    for listed in transaction.listed.iter().filter(|listed| listed.reason == Reason::OtherCurrency) {
        let event = events.iter().find(|event| event.event_id == listed.event_id);
        if let Some(event) = event.filter(|event| event.kind.is_reversing()) {
            *counts.entry(event.amount.currency()).or_default() += 1;
        }
    }
    counts
}
