//! Happenings as the client sends them, and as ingestion's recorder writes them.
//!
//! Must never know: whose they are.

use api::ingestion::v1::event::Payload;
use api::ingestion::v1::{Context, Conversion, Custom, Event, Exposure, Identify, Monetary, Source, Touch};
use api::journal::v1::{OperatorWord, RecordedEvent, operator_word};
use api::types::{Consent, Identity, Money};
use ids::ActorKey;
use journal::{FactId, Key, NewRecord, Op, Revision};
use prost::Message as _;

use super::history::{Happening, What, Word};

/// The one project there is.
pub const PROJECT: &str = "default";

/// The event as a client sends it; an operator's word is none.
#[must_use]
pub fn event(happening: &Happening) -> Event {
    let mut source = None;
    let payload = match &happening.what {
        What::Money | What::Word(_) => None,
        What::Exposure { experiment, variant, revision } => Some(Payload::Exposure(Exposure {
            experiment: (*experiment).to_owned(),
            variant: (*variant).to_owned(),
            revision: *revision,
            propensity: 0.5,
        })),
        What::Touch { channel, campaign } => {
            source = Some(Source { channel: (*channel).to_owned(), campaign: (*campaign).to_owned() });
            Some(Payload::Touch(Touch::default()))
        }
        What::Conversion(value) => {
            let value = value.map(|(amount_minor, currency)| Money { amount_minor, currency: currency.to_owned() });
            Some(Payload::Conversion(Conversion { value }))
        }
        What::Identify => Some(Payload::Identify(Identify {})),
        What::Custom => Some(Payload::Custom(Custom {})),
    };
    let monetary = happening.money.as_ref().map(|moved| Monetary {
        kind: moved.kind.into(),
        amount: Some(Money { amount_minor: moved.minor, currency: moved.currency.to_owned() }),
        transaction_id: moved.transaction.clone(),
        refund_id: moved.refund.clone(),
    });
    Event {
        event_id: happening.id.to_string(),
        event_type: happening.event_type.to_owned(),
        occurred_at: Some(prost_types::Timestamp {
            seconds: happening.at_ms.div_euclid(1_000),
            nanos: i32::try_from(happening.at_ms.rem_euclid(1_000)).unwrap() * 1_000_000,
        }),
        identity: Some(Identity {
            user_id: happening.user.clone(),
            anonymous_id: happening.anonymous.clone(),
            session_id: happening.session.clone(),
            account_id: String::new(),
        }),
        source,
        context: Some(Context {
            platform: happening.platform.to_owned(),
            country: happening.country.to_owned(),
            ..Context::default()
        }),
        consent: Some(Consent { analytics: Some(happening.analytics), marketing: Some(happening.marketing) }),
        payload,
        monetary,
        ..Event::default()
    }
}

/// The record of `events` that it becomes; `None` where nothing may be kept.
#[must_use]
pub fn record(happening: &Happening) -> Option<NewRecord> {
    let mut recorded =
        RecordedEvent { occurred_ms: happening.at_ms, received_ms: happening.at_ms, ..RecordedEvent::default() };
    if let What::Word(word) = &happening.what {
        let word = match word {
            Word::Link(user) => operator_word::Word::LinkUser(user.clone()),
            Word::Unlink => operator_word::Word::Unlink(true),
            Word::Bot(is_bot) => operator_word::Word::IsBot(*is_bot),
        };
        recorded.operator = Some(OperatorWord { word: Some(word) });
    } else {
        let mut event = event(happening);
        if !happening.analytics {
            let Event { event_id, event_type, occurred_at, monetary, .. } = event;
            event = Event { event_id, event_type, occurred_at, monetary, ..Event::default() };
            event.monetary.as_ref()?;
            recorded.analytics_denied = true;
        }
        recorded.event = Some(event);
    }
    let key = Key::new(PROJECT, &actor(happening));
    Some(NewRecord {
        source: key.clone(),
        key,
        fact: FactId(*happening.id.as_bytes()),
        revision: Revision { epoch: 0, counter: 1 },
        op: Op::Value,
        body: recorded.encode_to_vec().into(),
        trace: None,
    })
}

fn actor(happening: &Happening) -> ActorKey {
    let known = happening.analytics || matches!(happening.what, What::Word(_));
    if known && !happening.anonymous.is_empty() {
        return ActorKey::Anonymous(happening.anonymous.clone());
    }
    if known && !happening.user.is_empty() {
        return ActorKey::User(happening.user.clone());
    }
    match &happening.money {
        Some(moved) if !moved.transaction.is_empty() => ActorKey::Transaction(moved.transaction.clone()),
        _ => ActorKey::Event(happening.id),
    }
}
