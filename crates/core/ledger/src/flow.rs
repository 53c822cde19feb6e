//! Reports over entries: what moved on which day, dated by the cash or by the cohort.
//!
//! A refund in March of a charge in January is March's in the cash view and January's in the cohort view; over all days
//! both say the same. Sums of these are mergeable and can be taken back, so they can be kept instead of computed.
//! Must never know: postings' numbers, who owns a transaction.

use std::collections::BTreeMap;

use ids::Timestamp;
use money::Currency;

use crate::{Entry, Kind};

/// From gross to net: sums of minor units of one currency. A part is below zero only where corrections were added
/// without what they undo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// What was charged.
    pub gross: i128,
    /// What was refunded.
    pub refunds: i128,
    /// What of it came back.
    pub refund_failures: i128,
    /// What banks withdrew.
    pub chargebacks: i128,
    /// What of it was reinstated.
    pub chargeback_reversals: i128,
    /// What the processor kept; not part of the net.
    pub fees: i128,
}

/// Which day an entry belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dating {
    /// That of the entry itself: when the money moved.
    Cash,
    /// The same for all entries of a transaction: when it was won, by its conversion or its charge.
    Cohort(Timestamp),
}

/// [`Flow`] by currency and day (days since 1970-01-01, UTC). Days on which all parts are zero are left out, so equal
/// sums are equal values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DailyFlows(BTreeMap<(Currency, i64), Flow>);

impl Flow {
    /// `gross - refunds + refund_failures - chargebacks + chargeback_reversals`.
    #[must_use]
    pub const fn net(&self) -> i128 {
        self.gross
            .saturating_sub(self.refunds)
            .saturating_add(self.refund_failures)
            .saturating_sub(self.chargebacks)
            .saturating_add(self.chargeback_reversals)
    }

    /// What is left of the net after fees: what the processor's balance grew by.
    #[must_use]
    pub const fn after_fees(&self) -> i128 {
        self.net().saturating_sub(self.fees)
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        for (sum, more) in self.parts_mut().into_iter().zip(other.parts()) {
            *sum = sum.saturating_add(more);
        }
    }

    /// Adds what an entry moved, `direction` (1 or -1) times. 2^64 entries would be needed to leave 128 bits.
    fn add(&mut self, entry: &Entry, direction: i128) {
        let minor = i128::from(entry.amount.minor()).saturating_mul(direction);
        let minor = if entry.is_reversed() { minor.saturating_neg() } else { minor };
        let part = match entry.kind {
            Kind::Charge => &mut self.gross,
            Kind::Refund => &mut self.refunds,
            Kind::RefundFailure => &mut self.refund_failures,
            Kind::Chargeback => &mut self.chargebacks,
            Kind::ChargebackReversal => &mut self.chargeback_reversals,
            Kind::Fee => &mut self.fees,
            Kind::Failed | Kind::Pending | Kind::TrialStart => return,
        };
        *part = part.saturating_add(minor);
    }

    const fn parts(&self) -> [i128; 6] {
        let Self { gross, refunds, refund_failures, chargebacks, chargeback_reversals, fees } = *self;
        [gross, refunds, refund_failures, chargebacks, chargeback_reversals, fees]
    }

    const fn parts_mut(&mut self) -> [&mut i128; 6] {
        let Self { gross, refunds, refund_failures, chargebacks, chargeback_reversals, fees } = self;
        [gross, refunds, refund_failures, chargebacks, chargeback_reversals, fees]
    }
}

impl DailyFlows {
    /// Adds entries of one transaction; those of postings too, whose corrections then take back what they undo.
    pub fn add<'a>(&mut self, entries: impl IntoIterator<Item = &'a Entry>, dating: Dating) {
        self.book(entries, dating, 1);
    }

    /// Takes back what [`DailyFlows::add`] added for the same entries and dating.
    pub fn retract<'a>(&mut self, entries: impl IntoIterator<Item = &'a Entry>, dating: Dating) {
        self.book(entries, dating, -1);
    }

    /// Adds other sums.
    pub fn merge(&mut self, other: &Self) {
        for (day, flow) in &other.0 {
            self.0.entry(*day).or_default().merge(flow);
        }
        self.drop_empty();
    }

    /// By currency, then day.
    pub fn iter(&self) -> impl Iterator<Item = (Currency, i64, &Flow)> {
        self.0.iter().map(|((currency, day), flow)| (*currency, *day, flow))
    }

    /// All days of a currency together.
    #[must_use]
    pub fn total(&self, currency: Currency) -> Flow {
        let mut total = Flow::default();
        for (_, flow) in self.0.range((currency, i64::MIN)..=(currency, i64::MAX)) {
            total.merge(flow);
        }
        total
    }

    fn book<'a>(&mut self, entries: impl IntoIterator<Item = &'a Entry>, dating: Dating, direction: i128) {
        for entry in entries {
            let day = match dating {
                Dating::Cash => entry.date.day(),
                Dating::Cohort(won) => won.day(),
            };
            let key = (entry.amount.currency(), day);
            let flow = self.0.entry(key).or_default();
            flow.add(entry, direction);
            if *flow == Flow::default() {
                self.0.remove(&key);
            }
        }
    }

    fn drop_empty(&mut self) {
        self.0.retain(|_, flow| *flow != Flow::default());
    }
}

#[cfg(test)]
mod tests;
