//! Events of a small shop, written by hand.
//!
//! Must never know: how they are recorded.

use api::ingestion::v1::event::Payload;
use api::ingestion::v1::{
    Conversion, CreateEventTypeRequest, Event, EventType, Exposure, Monetary, MoneyKind, PayloadKind, Source, Touch,
};
use api::types::{Consent, Identity, Money};
use upshot_client::Client;

/// When the shop opened: 2026-01-05T00:00:00Z.
const OPENED_S: i64 = 1_767_571_200;

/// The event types of the shop.
const TYPES: [(&str, PayloadKind); 4] = [
    ("exposure", PayloadKind::Exposure),
    ("touch", PayloadKind::Touch),
    ("purchase", PayloadKind::Conversion),
    ("refund", PayloadKind::Money),
];

/// Registers the event types of the shop.
///
/// # Panics
/// When the server refuses.
pub async fn register_types(client: &Client) {
    for (name, payload) in TYPES {
        let event_type = EventType { name: name.into(), payload: payload.into(), description: String::new() };
        let request = CreateEventTypeRequest { event_type: Some(event_type) };
        client.event_types().create_event_type(request).await.unwrap();
    }
}

/// An event id from a number.
#[must_use]
pub fn id(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

/// `user` meets a variant, in the minute `number` after the opening; so do the others here.
#[must_use]
pub fn exposure(number: u32, user: &str, experiment: &str, variant: &str) -> Event {
    let exposure = Exposure { experiment: experiment.into(), variant: variant.into(), revision: 0, propensity: 0.0 };
    Event { payload: Some(Payload::Exposure(exposure)), ..event(number, "exposure", Some(user)) }
}

/// `user` comes by a channel.
#[must_use]
pub fn touch(number: u32, user: &str, channel: &str) -> Event {
    let source = Some(Source { channel: channel.into(), campaign: String::new() });
    Event { payload: Some(Payload::Touch(Touch::default())), source, ..event(number, "touch", Some(user)) }
}

/// `user` pays so many cents.
#[must_use]
pub fn purchase(number: u32, user: &str, transaction: &str, cents: i64) -> Event {
    let payload = Some(Payload::Conversion(Conversion::default()));
    let monetary = Some(money(MoneyKind::Charge, transaction, cents));
    Event { payload, monetary, ..event(number, "purchase", Some(user)) }
}

/// So many cents of a transaction go back.
#[must_use]
pub fn refund(number: u32, transaction: &str, cents: i64) -> Event {
    Event { monetary: Some(money(MoneyKind::Refund, transaction, cents)), ..event(number, "refund", None) }
}

fn event(number: u32, event_type: &str, user: Option<&str>) -> Event {
    let seconds = OPENED_S + 60 * i64::from(number);
    Event {
        event_id: id(number),
        event_type: event_type.into(),
        occurred_at: Some(prost_types::Timestamp { seconds, nanos: 0 }),
        identity: user.map(|user| Identity { user_id: user.into(), ..Identity::default() }),
        consent: Some(Consent { analytics: Some(true), marketing: Some(true) }),
        ..Event::default()
    }
}

fn money(kind: MoneyKind, transaction: &str, cents: i64) -> Monetary {
    Monetary {
        kind: kind.into(),
        amount: Some(Money { amount_minor: cents, currency: "USD".into() }),
        transaction_id: transaction.into(),
        refund_id: String::new(),
    }
}
