//! What the planned events become on the wire.

use api::ingestion::v1::event::Payload;
use api::ingestion::v1::{Event, MoneyKind, PayloadKind};

use crate::demo::event::{Body, Expected, PlannedEvent};
use crate::demo::wire::{self, EVENT_TYPES};

use super::plan::{SEED, simulate};

fn payload_kind(event: &Event) -> PayloadKind {
    match event.payload {
        Some(Payload::Exposure(_)) => PayloadKind::Exposure,
        Some(Payload::Touch(_)) => PayloadKind::Touch,
        Some(Payload::Conversion(_)) => PayloadKind::Conversion,
        Some(Payload::Identify(_)) => PayloadKind::Identify,
        Some(Payload::Custom(_)) => PayloadKind::Custom,
        None => PayloadKind::Money,
    }
}

fn messages() -> Vec<(PlannedEvent, Event)> {
    let (.., events, _) = simulate(SEED);
    events.into_iter().map(|planned| (planned.clone(), wire::event(&planned))).collect()
}

#[test]
fn every_sound_event_is_of_a_registered_type_and_carries_its_payload() {
    for (planned, event) in messages().iter().filter(|(planned, _)| planned.expected != Expected::Rejected) {
        let registered = EVENT_TYPES.iter().find(|(name, ..)| *name == event.event_type);
        assert_eq!(registered.map(|(_, payload, _)| *payload), Some(payload_kind(event)), "{planned:?}");
        assert_eq!(event.event_id, planned.id.to_string());
        assert_eq!(event.monetary.is_some(), matches!(planned.body, Body::Purchase { .. } | Body::Reversal { .. }));
        let amount = event.monetary.as_ref().and_then(|money| money.amount.as_ref());
        assert!(amount.is_none_or(|amount| amount.amount_minor > 0), "{planned:?}");
    }
}

#[test]
fn processors_name_nobody_and_people_say_what_they_allow() {
    for (planned, event) in messages() {
        let reversal = matches!(planned.body, Body::Reversal { .. });
        assert_eq!((event.identity.is_none(), event.consent.is_none()), (reversal, reversal), "{planned:?}");
        let kind = event.monetary.as_ref().map(|money| money.kind());
        assert!(!reversal || kind.is_some_and(|kind| kind != MoneyKind::Charge), "{planned:?}");
    }
}

#[test]
fn a_repetition_is_the_same_message_and_a_conflict_another() {
    let messages = messages();
    for (planned, event) in &messages {
        let first = messages.iter().find(|(first, _)| first.id == planned.id).map(|(_, event)| event);
        match planned.expected {
            Expected::Duplicate => assert_eq!(first, Some(event)),
            Expected::Conflict => assert_ne!(first, Some(event)),
            _ => {}
        }
    }
}

#[test]
fn instants_keep_their_milliseconds() {
    let instant = wire::timestamp(-1);
    assert_eq!((instant.seconds, instant.nanos), (-1, 999_000_000));
    assert_eq!(wire::timestamp(1_767_571_200_123).nanos, 123_000_000);
}
