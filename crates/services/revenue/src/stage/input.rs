//! What is kept of a record: the money fact whole, the shares without the ids of touches.
//!
//! Tags are fixed for ever; they are part of the stored records.

use api::ingestion::v1::MoneyKind;
use api::journal::v1::{MoneyFact, SharesFact};
use ids::{EventId, PersonKey, Timestamp};
use journal::Unreadable;
use ledger::{Kind, MoneyEvent};
use money::{Currency, Money};
use prost::Message as _;

/// One live input of a transaction.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Input {
    /// What it is.
    #[prost(oneof = "What", tags = "1, 2")]
    pub what: Option<What>,
}

/// What an input is.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum What {
    /// Money that moved.
    #[prost(message, tag = "1")]
    Money(MoneyFact),
    /// A conversion of the transaction, with its owner and shares.
    #[prost(message, tag = "2")]
    Shares(SharesFact),
}

impl Input {
    /// Reads a record of `money`; nothing is kept of kinds that move none.
    pub(super) fn from_money(body: &[u8]) -> Result<Option<Self>, Unreadable> {
        let fact = MoneyFact::decode(body).map_err(Unreadable::because)?;
        let event = money_event(&fact)?;
        Ok(event.kind.moves_money().then_some(Self { what: Some(What::Money(fact)) }))
    }

    /// Reads a record of `shares`.
    pub(super) fn from_shares(body: &[u8]) -> Result<Self, Unreadable> {
        let mut fact = SharesFact::decode(body).map_err(Unreadable::because)?;
        EventId::from_slice(&fact.conversion_event_id).map_err(Unreadable::because)?;
        fact.person.parse::<PersonKey>().map_err(Unreadable::because)?;
        for model in &fact.models {
            if model.shares.len() != fact.touches.len() {
                let (shares, touches) = (model.shares.len(), fact.touches.len());
                return Err(Unreadable::because(format!("{touches} touches have {shares} shares of {}", model.model)));
            }
            if !model.shares.is_empty() && model.shares.iter().all(|share| *share == 0) {
                return Err(Unreadable::because(format!("no touch has a share of {}", model.model)));
            }
        }
        for touch in &mut fact.touches {
            touch.event_id = Vec::new();
        }
        Ok(Self { what: Some(What::Shares(fact)) })
    }
}

/// A money fact as the ledger sees it.
pub(super) fn money_event(fact: &MoneyFact) -> Result<MoneyEvent, Unreadable> {
    let currency = Currency::parse(&fact.currency).map_err(Unreadable::because)?;
    Ok(MoneyEvent {
        event_id: EventId::from_slice(&fact.event_id).map_err(Unreadable::because)?,
        at: Timestamp::from_millis(fact.occurred_ms).map_err(Unreadable::because)?,
        kind: kind(fact.kind())?,
        amount: Money::new(fact.amount_minor, currency),
        refund_id: (!fact.refund_id.is_empty()).then(|| fact.refund_id.clone()),
        analytics_denied: fact.analytics_denied,
    })
}

fn kind(kind: MoneyKind) -> Result<Kind, Unreadable> {
    Ok(match kind {
        MoneyKind::Unspecified => return Err(Unreadable::because("the kind of money event is unknown")),
        MoneyKind::Charge => Kind::Charge,
        MoneyKind::Refund => Kind::Refund,
        MoneyKind::RefundFailure => Kind::RefundFailure,
        MoneyKind::Chargeback => Kind::Chargeback,
        MoneyKind::ChargebackReversal => Kind::ChargebackReversal,
        MoneyKind::Fee => Kind::Fee,
        MoneyKind::Failed => Kind::Failed,
        MoneyKind::Pending => Kind::Pending,
        MoneyKind::TrialStart => Kind::TrialStart,
    })
}
