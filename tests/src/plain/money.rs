//! What was kept of every transaction, whose it is, and the books.

use std::collections::{BTreeMap, BTreeSet};

use api::ingestion::v1::MoneyKind;
use api::journal::v1::{MoneyFact, PostingFact, TransactionAmounts, TransactionFact};
use ids::DAY_MS;

use super::fx::cents;
use super::journeys::{Journey, credit};
use super::people::money_key;
use super::{Outcome, Rules, add};
use crate::world::history::{Happening, Moved};

/// A transaction's worth, by its owner.
pub type Owned = BTreeMap<String, Vec<TransactionFact>>;

/// What there is of one transaction.
#[derive(Default)]
struct Deal<'h> {
    moved: Vec<(&'h Happening, &'h Moved)>,
    conversions: Vec<&'h Journey<'h>>,
}

/// The money of one transaction, told apart.
#[derive(Default)]
struct Books<'h> {
    charge: Option<(&'h Happening, &'h Moved)>,
    /// Events that are netted, with their money.
    counted: Vec<(&'h Happening, &'h Moved)>,
    double_fires: i128,
    mismatch: bool,
    duplicates: i128,
    other_currency: Vec<&'static str>,
    orphans: Vec<&'h Moved>,
}

/// Folds every transaction, publishes its worth and its entries, and sums up.
pub fn of(history: &[Happening], journeys: &[Journey<'_>], rules: &Rules, outcome: &mut Outcome) -> Owned {
    let mut by_key: BTreeMap<String, Deal<'_>> = BTreeMap::new();
    for happening in history.iter().filter(|happening| happening.is_recorded()) {
        if let Some(moved) = &happening.money {
            let key = money_key(happening);
            outcome.money.insert((key.clone(), happening.id), money_fact(happening, moved));
            by_key.entry(key).or_default().moved.push((happening, moved));
        }
    }
    for journey in journeys {
        by_key.entry(money_key(journey.conversion)).or_default().conversions.push(journey);
    }
    let mut owned = Owned::new();
    for (key, Deal { mut moved, conversions }) in by_key {
        moved
            .retain(|(_, moved)| !matches!(moved.kind, MoneyKind::TrialStart | MoneyKind::Failed | MoneyKind::Pending));
        let quarantined = moved.len() + conversions.len() > rules.caps.transaction;
        let books = books(moved);
        let owner = if quarantined { None } else { owner(&books, &conversions) };
        post(&key, &books, outcome);
        waterfall(&books, owner.is_some(), rules, outcome);
        if let Some(owner) = owner {
            let fact = transaction_fact(&key, owner, &books, rules);
            outcome.transactions.insert((owner.person.clone(), key), fact.clone());
            owned.entry(owner.person.clone()).or_default().push(fact);
            let currency = books.charge.map_or("", |(_, charge)| charge.currency);
            credit(owner, rules, currency, [books.gross(), books.net().max(0)], &mut outcome.revenue);
        }
    }
    owned
}

fn money_fact(happening: &Happening, moved: &Moved) -> MoneyFact {
    MoneyFact {
        event_id: happening.id.as_bytes().to_vec(),
        occurred_ms: happening.at_ms,
        kind: moved.kind.into(),
        amount_minor: moved.minor,
        currency: moved.currency.to_owned(),
        refund_id: moved.refund.clone(),
        analytics_denied: !happening.analytics,
    }
}

fn books<'h>(mut events: Vec<(&'h Happening, &'h Moved)>) -> Books<'h> {
    events.sort_by_key(|(happening, _)| (happening.at_ms, happening.id));
    let mut books = Books::default();
    let Some(kept) = events.iter().copied().find(|(_, moved)| moved.kind == MoneyKind::Charge) else {
        books.orphans =
            events.into_iter().map(|(_, moved)| moved).filter(|moved| moved.kind != MoneyKind::Fee).collect();
        return books;
    };
    books.charge = Some(kept);
    let mut refunds = BTreeSet::new();
    for (happening, moved) in events {
        if moved.kind == MoneyKind::Charge {
            if happening.id == kept.0.id {
                books.counted.push((happening, moved));
            } else {
                books.double_fires += 1;
                books.mismatch |= (moved.minor, moved.currency) != (kept.1.minor, kept.1.currency);
            }
        } else if moved.currency != kept.1.currency {
            if moved.kind != MoneyKind::Fee {
                books.other_currency.push(moved.currency);
            }
        } else if moved.kind == MoneyKind::Fee
            || moved.refund.is_empty()
            || refunds.insert((i32::from(moved.kind), &moved.refund))
        {
            books.counted.push((happening, moved));
        } else {
            books.duplicates += 1;
        }
    }
    books
}

impl Books<'_> {
    fn sum(&self, kind: MoneyKind) -> i128 {
        let of_kind = self.counted.iter().filter(|(_, moved)| moved.kind == kind);
        of_kind.map(|(_, moved)| i128::from(moved.minor)).sum()
    }

    fn gross(&self) -> i128 {
        self.sum(MoneyKind::Charge)
    }

    fn net(&self) -> i128 {
        self.gross() - self.sum(MoneyKind::Refund) + self.sum(MoneyKind::RefundFailure)
            - self.sum(MoneyKind::Chargeback)
            + self.sum(MoneyKind::ChargebackReversal)
    }

    /// Gross and net in US cents, each converted once at the rate of the charge's day.
    fn reporting(&self, rules: &Rules) -> Option<(i128, i128)> {
        let (happening, charge) = self.charge?;
        let convert = |minor| cents(minor, charge.currency, happening.at_ms.div_euclid(DAY_MS), rules);
        Some((convert(self.gross())?, convert(self.net())?))
    }
}

/// The earliest conversion of the transaction, or none where the kept charge's consent was refused.
fn owner<'j, 'h>(books: &Books<'_>, conversions: &[&'j Journey<'h>]) -> Option<&'j Journey<'h>> {
    let refused = books.charge.is_some_and(|(charge, _)| !charge.analytics);
    let with_money = conversions.iter().copied().filter(|journey| journey.conversion.money.is_some());
    with_money.filter(|_| !refused).min_by_key(|journey| (journey.conversion.at_ms, journey.conversion.id))
}

fn transaction_fact(key: &str, owner: &Journey<'_>, books: &Books<'_>, rules: &Rules) -> TransactionFact {
    let whole = |value: i128| i64::try_from(value).unwrap();
    let reporting = books.reporting(rules);
    TransactionFact {
        money_key: key.to_owned(),
        conversion_event_id: owner.conversion.id.as_bytes().to_vec(),
        converted_ms: owner.conversion.at_ms,
        conversion_type: owner.conversion.event_type.to_owned(),
        amounts: books.charge.map(|(_, charge)| TransactionAmounts {
            currency: charge.currency.to_owned(),
            gross_minor: whole(books.gross()),
            net_minor: whole(books.net()),
            reporting_gross_minor: reporting.map(|(gross, _)| whole(gross)),
            reporting_net_minor: reporting.map(|(_, net)| whole(net)),
        }),
    }
}

/// Account that grows and account that shrinks.
fn accounts(kind: MoneyKind) -> (&'static str, &'static str) {
    match kind {
        MoneyKind::Charge => ("processor", "sales"),
        MoneyKind::Refund => ("refunds", "processor"),
        MoneyKind::RefundFailure => ("processor", "refunds"),
        MoneyKind::Chargeback => ("disputes", "processor"),
        MoneyKind::ChargebackReversal => ("processor", "disputes"),
        MoneyKind::Fee => ("fees", "processor"),
        other => unreachable!("{other:?} moves no money"),
    }
}

fn post(key: &str, books: &Books<'_>, outcome: &mut Outcome) {
    for (happening, moved) in &books.counted {
        let (debit, credit) = accounts(moved.kind);
        let posting = PostingFact {
            source_event_id: happening.id.as_bytes().to_vec(),
            effective_ms: happening.at_ms,
            debit: debit.to_owned(),
            credit: credit.to_owned(),
            amount_minor: moved.minor,
            currency: moved.currency.to_owned(),
        };
        outcome.postings.insert((key.to_owned(), happening.id), posting);
        let minor = i128::from(moved.minor);
        add(&mut outcome.revenue, &["account", moved.currency, debit], &[minor, 0]);
        add(&mut outcome.revenue, &["account", moved.currency, credit], &[0, minor]);
    }
}

/// From gross to net. Columns: charges, gross, net, refunds less failures, chargebacks, their reversals, fees, gross
/// of nobody's charges, over-reversal, double fires, mismatches, duplicates, other currency, orphans and their sum.
fn waterfall(books: &Books<'_>, owned: bool, rules: &Rules, outcome: &mut Outcome) {
    let cells = &mut outcome.revenue;
    for moved in &books.orphans {
        let columns = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, i128::from(moved.minor)];
        add(cells, &["revenue", moved.currency], &columns);
    }
    for currency in &books.other_currency {
        add(cells, &["revenue", currency], &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    }
    let Some((_, charge)) = books.charge else { return };
    let columns = [
        1,
        books.gross(),
        books.net(),
        books.sum(MoneyKind::Refund) - books.sum(MoneyKind::RefundFailure),
        books.sum(MoneyKind::Chargeback),
        books.sum(MoneyKind::ChargebackReversal),
        books.sum(MoneyKind::Fee),
        if owned { 0 } else { books.gross() },
        (-books.net()).max(0),
        books.double_fires,
        i128::from(books.mismatch),
        books.duplicates,
    ];
    add(cells, &["revenue", charge.currency], &columns);
    if books.reporting(rules).is_none() {
        add(cells, &["missing_rates"], &[1]);
    }
}
