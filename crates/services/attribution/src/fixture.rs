//! Events of persons, and a topic of them, for the tests of this crate.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::journal::v1::person_event::What;
use api::journal::v1::{ConversionFact, ExposureFact, PersonEvent, SharesFact, TouchFact};
use bytes::Bytes;
use ids::EventId;
use journal::{FactId, Key, LogRecord, MemoryTopic, NewRecord, Op, Revision, StageRunner, Stepped, Topic};
use prost::Message;

use crate::config::ResetMode;
use crate::{Config, PROJECT};

/// 2026-01-21T13:33:20Z.
pub(crate) const T0: i64 = 1_769_002_400_000;

/// The id whose last byte is `number`, so that numbers give the order.
pub(crate) fn id(number: u8) -> EventId {
    EventId::from_bytes([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number])
}

fn event(number: u8, at_ms: i64, event_type: &str, what: What) -> PersonEvent {
    PersonEvent {
        event_id: id(number).as_bytes().to_vec(),
        occurred_ms: at_ms,
        event_type: event_type.into(),
        session_id: String::new(),
        marketing: true,
        what: Some(what),
        dimensions: None,
    }
}

pub(crate) fn exposure(number: u8, at_ms: i64) -> PersonEvent {
    event(number, at_ms, "exposure", What::Exposure(ExposureFact::default()))
}

pub(crate) fn touch(number: u8, at_ms: i64, channel: &str, campaign: &str) -> PersonEvent {
    let touch = TouchFact { channel: channel.into(), campaign: campaign.into() };
    event(number, at_ms, "click", What::Touch(touch))
}

/// A conversion with money under this key.
pub(crate) fn purchase(number: u8, at_ms: i64, money_key: &str) -> PersonEvent {
    let conversion = ConversionFact { money_key: money_key.into(), ..ConversionFact::default() };
    event(number, at_ms, "purchase", What::Conversion(conversion))
}

/// A conversion without money.
pub(crate) fn signup(number: u8, at_ms: i64, value_minor: i64, currency: &str) -> PersonEvent {
    let conversion = ConversionFact { value_minor, currency: currency.into(), ..ConversionFact::default() };
    event(number, at_ms, "signup", What::Conversion(conversion))
}

pub(crate) fn person(text: &str) -> Key {
    Key::new(PROJECT, &text)
}

/// The event as the identity step publishes it to a person.
pub(crate) fn published(to: &str, event: &PersonEvent) -> NewRecord {
    delivery(to, event, 1, Op::Value)
}

/// The event has another person now.
pub(crate) fn withdrawn(from: &str, event: &PersonEvent) -> NewRecord {
    delivery(from, event, 2, Op::Tombstone)
}

fn delivery(to: &str, event: &PersonEvent, counter: u64, op: Op) -> NewRecord {
    let body = if op == Op::Value { Bytes::from(event.encode_to_vec()) } else { Bytes::new() };
    NewRecord {
        key: person(to),
        source: person("a:device"),
        fact: FactId(event.event_id.as_slice().try_into().unwrap()),
        revision: Revision { epoch: 1, counter },
        op,
        body,
        trace: None,
    }
}

pub(crate) fn deliver(topic: &MemoryTopic, records: impl IntoIterator<Item = NewRecord>) {
    topic.append(records);
    topic.number(|_| 0);
}

pub(crate) async fn settle(stage: &dyn StageRunner) {
    while stage.step().await.unwrap() != Stepped::Idle {}
}

/// What is live in `shares`: the highest revision of every slot, by (money key, source, conversion).
pub(crate) fn live_shares(records: &[Arc<LogRecord>]) -> BTreeMap<(String, String, FactId), SharesFact> {
    let mut newest: BTreeMap<(String, String, FactId), &NewRecord> = BTreeMap::new();
    for record in records.iter().map(|record| &record.record) {
        let slot = (record.key.local().to_owned(), record.source.local().to_owned(), record.fact);
        let known = newest.entry(slot).or_insert(record);
        if record.revision > known.revision {
            *known = record;
        }
    }
    let live = newest.into_iter().filter(|(_, record)| record.op == Op::Value);
    live.map(|(slot, record)| (slot, SharesFact::decode(record.body.clone()).unwrap())).collect()
}

/// Settings under which any conversion closes the journey before it.
pub(crate) fn closed_by_any() -> Config {
    Config { reset: ResetMode::PreviousConversion, ..Config::default() }
}

/// A topic of persons' events in memory.
pub(crate) fn person_events() -> Arc<MemoryTopic> {
    Arc::new(MemoryTopic::new(Topic::PersonEvents))
}
