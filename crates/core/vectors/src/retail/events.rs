//! The same movements as events of a platform: one JSON per line, folded by transaction.
//!
//! Must never know: invoice lines.

use std::collections::BTreeMap;

use ids::{EventId, Timestamp};
use ledger::{Kind, MoneyEvent, Reason, fold};
use money::{Currency, Money};
use serde::Deserialize;

use super::{Charge, Movements, Refund};

/// One line.
#[derive(Deserialize)]
pub(super) struct Event {
    event_id: String,
    pub(super) occurred_at: String,
    #[serde(default)]
    pub(super) user_id: Option<String>,
    pub(super) monetary: Monetary,
    pub(super) context: Context,
}

#[derive(Deserialize)]
pub(super) struct Monetary {
    pub(super) amount_minor: i64,
    currency: String,
    pub(super) transaction_id: String,
    pub(super) kind: String,
}

#[derive(Deserialize)]
pub(super) struct Context {
    pub(super) country: String,
}

pub(super) fn read(text: &str) -> Result<Vec<Event>, String> {
    let event = |(text, number): (&str, usize)| {
        serde_json::from_str(text).map_err(|error| format!("retail_events.jsonl:{number}: {error}"))
    };
    text.lines().zip(1usize..).filter(|(line, _)| !line.is_empty()).map(event).collect()
}

/// Charges and refunds that the fold counts, and refunds that wait for a charge.
pub(super) fn movements(events: &[Event]) -> Result<Movements, String> {
    let mut transactions: BTreeMap<&str, Vec<(MoneyEvent, &Event)>> = BTreeMap::new();
    for event in events {
        let money = money_event(event).map_err(|why| format!("event {}: {why}", event.event_id))?;
        transactions.entry(&event.monetary.transaction_id).or_default().push((money, event));
    }
    let mut movements = Movements::default();
    for told in transactions.values() {
        let money: Vec<MoneyEvent> = told.iter().map(|(money, _)| money.clone()).collect();
        let transaction = fold(&money).map_err(|error| error.to_string())?;
        let by_id: BTreeMap<EventId, &(MoneyEvent, &Event)> = told.iter().map(|told| (told.0.event_id, told)).collect();
        let charged_at = transaction.charge.map(|charge| charge.at);
        for counted in &transaction.counted {
            let Some((_, event)) = by_id.get(&counted.event_id) else { continue };
            let (at, minor, country) = (counted.at, counted.minor, event.context.country.clone());
            match counted.kind {
                Kind::Charge => {
                    let customer = event.user_id.clone();
                    movements.charges.push(Charge { at, customer, country, minor });
                }
                Kind::Refund => movements.refunds.push(Refund { at, country, minor, charged_at }),
                other => return Err(format!("no invoice is a {other}")),
            }
        }
        for waiting in transaction.listed.iter().filter(|listed| listed.reason == Reason::Orphan) {
            let Some((money, event)) = by_id.get(&waiting.event_id) else { continue };
            let (minor, country) = (money.amount.minor(), event.context.country.clone());
            movements.refunds.push(Refund { at: money.at, country, minor, charged_at: None });
        }
    }
    Ok(movements)
}

fn money_event(event: &Event) -> Result<MoneyEvent, String> {
    let Monetary { amount_minor, currency, kind, .. } = &event.monetary;
    let currency = Currency::parse(currency).map_err(|error| error.to_string())?;
    Ok(MoneyEvent {
        event_id: EventId::parse(&event.event_id).map_err(|error| error.to_string())?,
        at: Timestamp::parse(&event.occurred_at).map_err(|error| error.to_string())?,
        kind: Kind::parse(kind).map_err(|error| error.to_string())?,
        amount: Money::new(*amount_minor, currency),
        refund_id: None,
        analytics_denied: false,
    })
}
