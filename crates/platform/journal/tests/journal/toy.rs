//! A chain of two folds, as small as one can be in which facts move between keys, are withdrawn, reversed and summed.
//!
//! [`People`] reads events by actor and says which person each belongs to: its own user, else the only user ever seen
//! with the actor, else the actor. [`Totals`] reads them by person and publishes a total per order, sums, and one
//! posting per event. The decisions are plain functions, so that the reference decides alike.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use journal::{
    Contribution, Fact, FactId, Fold, FoldError, Inputs, Key, LogRecord, NewRecord, OnFailure, Op, Output, Revision,
    Standing, Topic, Unreadable,
};
use prost::Message;

/// What an event says, and what is kept of it.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct Happened {
    #[prost(uint32, tag = "1")]
    pub id: u32,
    /// Empty where nobody is logged in.
    #[prost(string, tag = "2")]
    pub user: String,
    #[prost(uint32, tag = "3")]
    pub order: u32,
    #[prost(sint64, tag = "4")]
    pub amount: i64,
    /// The totals of whoever has it cannot be folded.
    #[prost(bool, tag = "5")]
    pub poison: bool,
    /// Its body cannot be made.
    #[prost(bool, tag = "6")]
    pub unwritable: bool,
    /// Where its record stands in the events; unused within events.
    #[prost(uint64, tag = "7")]
    pub seq: u64,
}

pub fn key(local: &str) -> Key {
    Key::from_text(&format!("shop|{local}"))
}

pub fn fact_id(number: u32) -> FactId {
    FactId(u128::from(number).to_be_bytes())
}

/// Version `version` of an event of an actor.
pub fn event(actor: &str, version: u64, happened: &Happened) -> NewRecord {
    let key = key(&format!("a:{actor}"));
    NewRecord {
        source: key.clone(),
        key,
        fact: fact_id(happened.id),
        revision: Revision { epoch: 0, counter: version },
        op: Op::Value,
        body: happened.encode_to_vec().into(),
        trace: None,
    }
}

/// The same event taken back.
pub fn withdrawn(mut event: NewRecord) -> NewRecord {
    event.revision.counter += 1;
    event.op = Op::Tombstone;
    event.body = Bytes::new();
    event
}

/// Something that nobody can read.
pub fn garbage(actor: &str, id: u32) -> NewRecord {
    let event = event(actor, 1, &Happened { id, ..Happened::default() });
    NewRecord { body: Bytes::from_static(&[0xff; 3]), ..event }
}

pub fn digest(value: &impl Hash) -> u128 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    u128::from(hasher.finish())
}

/// Who did it, in the order of the events.
pub fn persons(actor: &str, events: &[&Happened], merge: bool) -> Vec<String> {
    let users: BTreeSet<&str> =
        events.iter().map(|event| event.user.as_str()).filter(|user| !user.is_empty()).collect();
    let only = if users.len() == 1 { users.first().copied() } else { None };
    let person = |event: &&Happened| match (event.user.as_str(), only.filter(|_| merge)) {
        ("", None) => actor.to_owned(),
        ("", Some(user)) | (user, _) => format!("u:{user}"),
    };
    events.iter().map(person).collect()
}

/// What a person's fact says of an event.
pub fn person_event(person: &str, event: &Happened) -> Bytes {
    Happened { user: person.to_owned(), seq: 0, ..event.clone() }.encode_to_vec().into()
}

/// Count, sum and least amount.
pub type Total = [i128; 3];

/// What is more cannot be folded.
pub const AMOUNT_MAX: i128 = 1_000_000;

/// Total per order of one person; `None` when a poisonous event is among them, or too large an amount.
pub fn totals<'a>(events: impl Iterator<Item = &'a Happened>, factor: i64) -> Option<BTreeMap<u32, Total>> {
    let mut totals: BTreeMap<u32, Total> = BTreeMap::new();
    for event in events {
        let amount = i128::from(event.amount * factor);
        if event.poison || amount > AMOUNT_MAX {
            return None;
        }
        let total = totals.entry(event.order).or_insert([0, 0, amount]);
        *total = [total[0] + 1, total[1] + amount, total[2].min(amount)];
    }
    Some(totals)
}

pub fn total_body(total: &Total) -> Bytes {
    format!("{total:?}").into()
}

pub fn posting_body(event: &Happened, factor: i64) -> Bytes {
    format!("{} {}", event.order, event.amount * factor).into()
}

pub fn order_key(order: u32) -> Key {
    key(&format!("t:{order}"))
}

/// Cells that an order's total goes to.
pub fn cells(order: u32) -> Vec<String> {
    vec!["all".into(), format!("order/{order}")]
}

/// Events by actor to events by person.
#[derive(Clone)]
pub struct People {
    /// Whether what an actor did unknown belongs to its only user.
    pub merge: bool,
}

impl Fold for People {
    type Input = Happened;
    type Payload = String;

    const NAME: &'static str = "people";

    fn parameters(&self) -> u128 {
        1 + u128::from(self.merge)
    }

    fn project(&self, _topic: Topic, record: &LogRecord) -> Result<Option<Happened>, Unreadable> {
        let happened = Happened::decode(record.record.body.clone()).map_err(Unreadable::because)?;
        Ok(Some(Happened { seq: record.seq, ..happened }))
    }

    fn fold(&self, key: &Key, inputs: Inputs<'_, Happened>, standing: Standing) -> Result<Output<String>, FoldError> {
        if standing == Standing::Quarantined {
            return Ok(Output::default());
        }
        let events: Vec<&Happened> = inputs.iter().collect();
        let facts = std::iter::zip(persons(key.local(), &events, self.merge), events).map(|(person, event)| Fact {
            topic: Topic::PersonEvents,
            key: self::key(&person),
            id: fact_id(event.id),
            digest: digest(&person_event(&person, event)),
            origin: Some(event.seq),
            payload: person,
        });
        Ok(Output { facts: facts.collect(), contributions: Vec::new() })
    }

    fn encode(&self, person: String, origin: Option<&LogRecord>) -> Result<Bytes, FoldError> {
        let origin = origin.ok_or_else(|| FoldError::because("it has no origin"))?;
        let event = Happened::decode(origin.record.body.clone()).map_err(FoldError::because)?;
        if event.unwritable { Err(FoldError::because("unwritable")) } else { Ok(person_event(&person, &event)) }
    }
}

/// Events by person to totals by order. `STOP` says what a failure does.
#[derive(Clone)]
pub struct Totals<const STOP: bool = false> {
    pub factor: i64,
}

impl<const STOP: bool> Fold for Totals<STOP> {
    type Input = Happened;
    type Payload = Bytes;

    const NAME: &'static str = "totals";
    const ON_FAILURE: OnFailure = if STOP { OnFailure::StopPartition } else { OnFailure::QuarantineKey };

    fn parameters(&self) -> u128 {
        u128::from(self.factor.unsigned_abs())
    }

    fn project(&self, _topic: Topic, record: &LogRecord) -> Result<Option<Happened>, Unreadable> {
        Happened::decode(record.record.body.clone()).map(Some).map_err(Unreadable::because)
    }

    fn fold(&self, _key: &Key, inputs: Inputs<'_, Happened>, standing: Standing) -> Result<Output<Bytes>, FoldError> {
        let totals = totals(inputs.iter(), self.factor).ok_or_else(|| FoldError::because("poison"))?;
        let fact = |topic, order, id, payload: Bytes| Fact {
            topic,
            key: order_key(order),
            id: fact_id(id),
            digest: digest(&payload),
            origin: None,
            payload,
        };
        let posting = |event: &Happened| {
            let body = if event.unwritable { Bytes::new() } else { posting_body(event, self.factor) };
            fact(Topic::Postings, event.order, event.id, body)
        };
        let mut output = Output { facts: inputs.iter().map(posting).collect(), contributions: Vec::new() };
        if standing == Standing::Normal {
            for (order, total) in totals {
                output.facts.push(fact(Topic::Transactions, order, order, total_body(&total)));
                output.contributions.push(Contribution { cells: cells(order), values: total.to_vec() });
            }
        }
        Ok(output)
    }

    fn encode(&self, payload: Bytes, _origin: Option<&LogRecord>) -> Result<Bytes, FoldError> {
        if payload.is_empty() { Err(FoldError::because("unwritable")) } else { Ok(payload) }
    }
}
