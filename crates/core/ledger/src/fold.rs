//! The fold of one transaction: which charge stays, which reversals count, what is listed and why.
//!
//! Must never know: the order of arrival, what was booked before.

use std::collections::{BTreeMap, btree_map};

use ids::{EventId, Timestamp};
use money::{Currency, Money};

use crate::{Kind, MoneyEvent};

/// What a transaction is worth, as a function of the set of its events. Sums are minor units of the charge's currency.
///
/// Without a charge nothing is netted and every sum is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// The charge that stays.
    pub charge: Option<Charge>,
    /// What was charged.
    pub gross: i64,
    /// What was refunded.
    pub refunds: i64,
    /// What of it came back.
    pub refund_failures: i64,
    /// What banks withdrew.
    pub chargebacks: i64,
    /// What of it was reinstated.
    pub chargeback_reversals: i64,
    /// What the processor kept; not part of `net`.
    pub fees: i64,
    /// `gross - refunds + refund_failures - chargebacks + chargeback_reversals`; may be below zero.
    pub net: i64,
    /// `max(0, -net)`: more was reversed than charged.
    pub over_reversal: i64,
    /// The events behind the sums, by (time, event id).
    pub counted: Vec<Counted>,
    /// The events that moved money but are in no sum, by (time, event id).
    pub listed: Vec<Listed>,
    /// Reversing events that wait for a charge, by their own currency.
    pub orphans: BTreeMap<Currency, Orphans>,
}

/// The earliest charge by (time, event id): it fixes amount, currency and date of the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Its event.
    pub event_id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// What was charged.
    pub amount: Money,
    /// Whether analytics was refused for it; then the transaction has no conversion.
    pub analytics_denied: bool,
    /// How many charge events named this transaction, this one included.
    pub fires: u32,
}

/// An event that is in a sum of its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The event.
    pub event_id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// Which sum it is in.
    pub kind: Kind,
    /// Minor units of the charge's currency.
    pub minor: i64,
    /// What it follows: a refund failure the refund with its refund id, a chargeback reversal the chargeback with its;
    /// without such a one, and for every other kind, the charge. `None` for the charge itself.
    pub follows: Option<EventId>,
}

/// An event that is in no sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The event.
    pub event_id: EventId,
    /// Why.
    pub reason: Reason,
}

/// Why an event is in no sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// A later charge of the same transaction that disagrees in amount or currency.
    ChargeMismatch,
    /// A later charge of the same transaction that agrees.
    DoubleFire,
    /// A later event about a refund id that was already counted for its kind.
    DuplicateReversal,
    /// Money in another currency than the charge's.
    OtherCurrency,
    /// No charge is known.
    Orphan,
}

impl Reason {
    /// The stable name, part of every format.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChargeMismatch => "charge_mismatch",
            Self::DoubleFire => "double_fire",
            Self::DuplicateReversal => "duplicate_reversal",
            Self::OtherCurrency => "other_currency",
            Self::Orphan => "orphan",
        }
    }
}

/// Reversing events of one currency without a charge. Repetitions of a refund id are only told apart once it is here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orphans {
    /// How many events.
    pub events: u32,
    /// Minor units by kind.
    pub minor_by_kind: BTreeMap<Kind, i64>,
}

/// Why a transaction cannot be folded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// An amount below zero; the kind carries the direction.
    #[error("event {event_id} has the amount {amount}, which must not be negative")]
    Negative {
        /// The event.
        event_id: EventId,
        /// Its amount.
        amount: Money,
    },
    /// A sum beyond `i64` minor units.
    #[error("the {what} of a transaction are beyond 64 bits of minor units")]
    Overflow {
        /// Which sum.
        what: &'static str,
    },
}

impl Transaction {
    /// The currency of the books that this transaction is in.
    #[must_use]
    pub fn currency(&self) -> Option<Currency> {
        self.charge.map(|charge| charge.amount.currency())
    }

    /// What credit is divided from: `max(0, net)`.
    #[must_use]
    pub fn creditable(&self) -> i64 {
        self.net.max(0)
    }

    /// Whether charges of this transaction disagree in amount or currency.
    #[must_use]
    pub fn charge_mismatch(&self) -> bool {
        self.listed.iter().any(|listed| listed.reason == Reason::ChargeMismatch)
    }

    /// What came back beyond what was taken: refund failures above the refunds, chargeback reversals above the
    /// chargebacks. The books and the net hold it as it was told; here it is seen, as `over_reversal` is.
    #[must_use]
    pub fn over_restoration(&self) -> i64 {
        let refunds = self.refund_failures.saturating_sub(self.refunds).max(0);
        let chargebacks = self.chargeback_reversals.saturating_sub(self.chargebacks).max(0);
        refunds.saturating_add(chargebacks)
    }

    fn count(&mut self, event: &MoneyEvent) -> Result<(), FoldError> {
        let (sum, what) = match event.kind {
            Kind::Charge => (&mut self.gross, "charges"),
            Kind::Refund => (&mut self.refunds, "refunds"),
            Kind::RefundFailure => (&mut self.refund_failures, "refund failures"),
            Kind::Chargeback => (&mut self.chargebacks, "chargebacks"),
            Kind::ChargebackReversal => (&mut self.chargeback_reversals, "chargeback reversals"),
            Kind::Fee => (&mut self.fees, "fees"),
            Kind::Failed | Kind::Pending | Kind::TrialStart => return Ok(()),
        };
        let minor = event.amount.minor();
        *sum = sum.checked_add(minor).ok_or(FoldError::Overflow { what })?;
        let (event_id, at, kind) = (event.event_id, event.at, event.kind);
        self.counted.push(Counted { event_id, at, kind, minor, follows: None });
        Ok(())
    }

    /// Links every counted event but the charge to what it follows.
    fn link(&mut self, charge: EventId, known: &Known<'_>) {
        let follows = |((kind, identity), event): (&(Kind, Identity<'_>), &EventId)| {
            let taken = match kind {
                Kind::RefundFailure => Kind::Refund,
                Kind::ChargebackReversal => Kind::Chargeback,
                _ => return None,
            };
            known.get(&(taken, *identity)).map(|original| (*event, *original))
        };
        let follows: BTreeMap<EventId, EventId> = known.iter().filter_map(follows).collect();
        for counted in self.counted.iter_mut().filter(|counted| counted.kind != Kind::Charge) {
            counted.follows = Some(follows.get(&counted.event_id).copied().unwrap_or(charge));
        }
    }

    fn list(&mut self, event: &MoneyEvent, reason: Reason) {
        self.listed.push(Listed { event_id: event.event_id, reason });
    }

    fn orphan(&mut self, event: &MoneyEvent) -> Result<(), FoldError> {
        self.list(event, Reason::Orphan);
        if event.kind.is_reversing() {
            let orphans = self.orphans.entry(event.amount.currency()).or_default();
            orphans.events = orphans.events.saturating_add(1);
            let sum = orphans.minor_by_kind.entry(event.kind).or_default();
            *sum = sum.checked_add(event.amount.minor()).ok_or(FoldError::Overflow { what: "orphans" })?;
        }
        Ok(())
    }

    /// Summed in 128 bits, because a partial sum may be beyond 64 where the whole is not.
    fn settle(&mut self) -> Result<(), FoldError> {
        let terms = [self.gross, self.refund_failures, self.chargeback_reversals];
        let kept: i128 = terms.into_iter().map(i128::from).sum();
        let taken: i128 = [self.refunds, self.chargebacks].into_iter().map(i128::from).sum();
        let overflow = || FoldError::Overflow { what: "net amounts" };
        self.net = i64::try_from(kept.saturating_sub(taken)).map_err(|_| overflow())?;
        self.over_reversal = self.net.min(0).checked_neg().ok_or_else(overflow)?;
        Ok(())
    }
}

impl Orphans {
    /// Minor units of all kinds together; they wait, so their directions are not set against each other.
    ///
    /// # Errors
    /// [`FoldError::Overflow`] beyond `i64`.
    pub fn minor(&self) -> Result<i64, FoldError> {
        let sum = self.minor_by_kind.values().try_fold(0_i64, |sum, minor| sum.checked_add(*minor));
        sum.ok_or(FoldError::Overflow { what: "orphans" })
    }
}

/// Folds the events of one transaction, given in any order and any number of times.
///
/// The earliest charge by (time, event id) stays, the others are listed. Money in another currency than the charge's is
/// set aside first. Then reversing events are told apart by refund id, or by event id where there is none, within their
/// kind; of equal ones the earliest counts. A fee is always its own: one refund may cost several. Without a charge
/// everything that moved money is an orphan.
///
/// # Errors
/// [`FoldError`] on an amount below zero or a sum beyond `i64`.
pub fn fold(events: &[MoneyEvent]) -> Result<Transaction, FoldError> {
    let events = distinct_in_order(events)?;
    let mut transaction = Transaction::default();
    let Some(kept) = events.iter().find(|event| event.kind == Kind::Charge) else {
        for event in events.iter().filter(|event| event.kind.moves_money()) {
            transaction.orphan(event)?;
        }
        return Ok(transaction);
    };
    let mut fires = 0_u32;
    let mut known = Known::new();
    for event in events.iter().filter(|event| event.kind.moves_money()) {
        if event.kind == Kind::Charge {
            fires = fires.saturating_add(1);
        }
        match listed_because(event, kept, &mut known) {
            Some(reason) => transaction.list(event, reason),
            None => transaction.count(event)?,
        }
    }
    transaction.charge = Some(Charge {
        event_id: kept.event_id,
        at: kept.at,
        amount: kept.amount,
        analytics_denied: kept.analytics_denied,
        fires,
    });
    transaction.link(kept.event_id, &known);
    transaction.settle()?;
    Ok(transaction)
}

/// Each event id once, by (time, event id). Should two contents share an id, the smaller one counts whatever came
/// first.
fn distinct_in_order(events: &[MoneyEvent]) -> Result<Vec<&MoneyEvent>, FoldError> {
    if let Some(event) = events.iter().find(|event| event.amount.minor() < 0) {
        return Err(FoldError::Negative { event_id: event.event_id, amount: event.amount });
    }
    let mut events: Vec<&MoneyEvent> = events.iter().collect();
    events.sort_unstable_by_key(|event| (event.event_id, content(event)));
    events.dedup_by_key(|event| event.event_id);
    events.sort_unstable_by_key(|event| (event.at, event.event_id));
    Ok(events)
}

fn content(event: &MoneyEvent) -> impl Ord + use<'_> {
    let (amount, refund_id) = (event.amount, event.refund_id.as_deref());
    (event.at, event.kind, amount.currency(), amount.minor(), refund_id, event.analytics_denied)
}

/// The identity of a reversing event within its transaction and kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Identity<'a> {
    Refund(&'a str),
    Event(EventId),
}

/// The reversing events that count.
type Known<'a> = BTreeMap<(Kind, Identity<'a>), EventId>;

/// Why an event of a charged transaction is in no sum; events come by (time, event id).
fn listed_because<'a>(event: &'a MoneyEvent, kept: &MoneyEvent, known: &mut Known<'a>) -> Option<Reason> {
    if event.kind == Kind::Charge {
        return match event {
            _ if event.event_id == kept.event_id => None,
            _ if event.amount == kept.amount => Some(Reason::DoubleFire),
            _ => Some(Reason::ChargeMismatch),
        };
    }
    if event.amount.currency() != kept.amount.currency() {
        return Some(Reason::OtherCurrency);
    }
    if !event.kind.is_reversing() {
        return None;
    }
    let named = event.kind.identity(event.refund_id.as_deref());
    let identity = named.map_or(Identity::Event(event.event_id), Identity::Refund);
    match known.entry((event.kind, identity)) {
        btree_map::Entry::Vacant(first) => {
            first.insert(event.event_id);
            None
        }
        btree_map::Entry::Occupied(_) => Some(Reason::DuplicateReversal),
    }
}

#[cfg(test)]
mod tests;
