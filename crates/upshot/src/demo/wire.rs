//! From planned events to the messages of the public API.
//!
//! Must never know: why an event was planned, who sends it.

use api::ingestion::v1 as ingestion;
use api::ingestion::v1::event::Payload;
use api::ingestion::v1::{Event, MoneyKind, PayloadKind, Verdict};
use api::types;
use prost_types::Timestamp;

use super::EXPERIMENT;
use super::event::{Body, Defect, Expected, PlannedEvent, ReversalKind};
use super::population::CHANNELS;
use super::rates::Currency;

const EXPOSURE: &str = "exposure";
const TOUCH: &str = "touch";
const LOGIN: &str = "login";
const PURCHASE: &str = "purchase";
const REFUND: &str = "refund";
const CHARGEBACK: &str = "chargeback";
const CHARGEBACK_REVERSAL: &str = "chargeback_reversal";

/// The event types of the demo: name, payload, what it is for.
pub const EVENT_TYPES: [(&str, PayloadKind, &str); 7] = [
    (EXPOSURE, PayloadKind::Exposure, "A unit met a variant"),
    (TOUCH, PayloadKind::Touch, "A contact with a marketing channel"),
    (LOGIN, PayloadKind::Identify, "A user logged in on a device"),
    (PURCHASE, PayloadKind::Conversion, "An order was paid"),
    (REFUND, PayloadKind::Money, "Money was given back"),
    (CHARGEBACK, PayloadKind::Money, "Money was taken back by the bank"),
    (CHARGEBACK_REVERSAL, PayloadKind::Money, "A chargeback was won"),
];

/// An instant of the contract.
pub fn timestamp(at_ms: i64) -> Timestamp {
    Timestamp { seconds: at_ms.div_euclid(1_000), nanos: (at_ms.rem_euclid(1_000) * 1_000_000) as i32 }
}

/// The message for a planned event.
pub fn event(planned: &PlannedEvent) -> Event {
    let filled = contents(&planned.body);
    let named = planned.user.is_some() || planned.device.is_some();
    let identity = types::Identity {
        user_id: planned.user.clone().unwrap_or_default(),
        anonymous_id: planned.device.clone().unwrap_or_default(),
        ..types::Identity::default()
    };
    let platform = if planned.declared_bot { "bot" } else { "web" };
    Event {
        event_id: match planned.body {
            Body::Defective(Defect::UnreadableId) => format!("no-uuid-{}", planned.occurred_ms),
            _ => planned.id.to_string(),
        },
        occurred_at: Some(timestamp(planned.occurred_ms)),
        identity: named.then_some(identity),
        consent: planned
            .consent
            .map(|consent| types::Consent { analytics: Some(consent.analytics), marketing: Some(consent.marketing) }),
        context: named.then(|| ingestion::Context { platform: platform.to_owned(), ..ingestion::Context::default() }),
        ..filled
    }
}

/// Type, payload, source and money.
fn contents(body: &Body) -> Event {
    match body {
        Body::Exposure(answer) => of_type(
            EXPOSURE,
            Some(Payload::Exposure(ingestion::Exposure {
                experiment: EXPERIMENT.to_owned(),
                variant: answer.arm.name().to_owned(),
                revision: answer.revision,
                propensity: answer.propensity,
            })),
        ),
        Body::Touch(channel) => touch(TOUCH, CHANNELS[*channel].name),
        Body::Login => of_type(LOGIN, Some(Payload::Identify(ingestion::Identify {}))),
        Body::Purchase { transaction, amount_minor, currency } => {
            purchase(money(MoneyKind::Charge, *amount_minor, currency.code(), transaction, ""))
        }
        Body::Reversal { kind, transaction, reversal_id, amount_minor, currency } => {
            let (event_type, kind) = match kind {
                ReversalKind::Refund => (REFUND, MoneyKind::Refund),
                ReversalKind::Chargeback => (CHARGEBACK, MoneyKind::Chargeback),
                ReversalKind::WonBack => (CHARGEBACK_REVERSAL, MoneyKind::ChargebackReversal),
            };
            let monetary = money(kind, *amount_minor, currency.code(), transaction, reversal_id);
            Event { monetary: Some(monetary), ..of_type(event_type, None) }
        }
        Body::Defective(defect) => defective(*defect),
    }
}

fn defective(defect: Defect) -> Event {
    let dollars = Currency::Usd.code();
    match defect {
        Defect::UnregisteredType => touch("mouse_moved", "display"),
        Defect::UnreadableId => touch(TOUCH, "display"),
        Defect::RefundOfNothing => {
            let monetary = money(MoneyKind::Refund, 100, dollars, "", "");
            Event { monetary: Some(monetary), ..of_type(REFUND, None) }
        }
        Defect::NegativeAmount => purchase(money(MoneyKind::Charge, -100, dollars, "t-defective", "")),
        Defect::UnknownCurrency => purchase(money(MoneyKind::Charge, 100, "ZZZ", "t-defective", "")),
    }
}

fn of_type(event_type: &str, payload: Option<Payload>) -> Event {
    Event { event_type: event_type.to_owned(), payload, ..Event::default() }
}

fn touch(event_type: &str, channel: &str) -> Event {
    let source = ingestion::Source { channel: channel.to_owned(), campaign: format!("{channel}_q1") };
    let payload = Payload::Touch(ingestion::Touch { kind: "click".to_owned() });
    Event { source: Some(source), ..of_type(event_type, Some(payload)) }
}

fn purchase(monetary: ingestion::Monetary) -> Event {
    let payload = Payload::Conversion(ingestion::Conversion { value: None });
    Event { monetary: Some(monetary), ..of_type(PURCHASE, Some(payload)) }
}

fn money(kind: MoneyKind, minor: i64, currency: &str, transaction: &str, reversal_id: &str) -> ingestion::Monetary {
    ingestion::Monetary {
        kind: kind.into(),
        amount: Some(types::Money { amount_minor: minor, currency: currency.to_owned() }),
        transaction_id: transaction.to_owned(),
        refund_id: reversal_id.to_owned(),
    }
}

/// The verdict of the contract, and whether analytics must have been dropped.
pub const fn verdict(expected: Expected) -> (Verdict, bool) {
    match expected {
        Expected::Accepted => (Verdict::Accepted, false),
        Expected::MoneyOnly => (Verdict::Accepted, true),
        Expected::Duplicate => (Verdict::Duplicate, false),
        Expected::Conflict => (Verdict::Conflict, false),
        Expected::Rejected => (Verdict::Rejected, false),
        Expected::ConsentDropped => (Verdict::ConsentDropped, false),
    }
}
