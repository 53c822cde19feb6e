//! Our side: every flag asks an experiment of its own.
//!
//! Must never know: the other sides.

use std::hint::black_box;

use bucketing::{Attributes, Definitions, Request, Snapshot, bucket, decide};
use ids::Timestamp;
use serde_json::{Map, Value, json};

use super::{ADULT, ARMS, COUNTRY, OUTSIDE, PLANS, Person, position, void};
use crate::error::Error;

pub struct Engine<'a> {
    snapshot: Snapshot,
    people: Vec<(&'a str, Attributes<'a>)>,
    now: Timestamp,
}

impl<'a> Engine<'a> {
    /// `known` are the attributes of the people.
    pub fn new(keys: &[String], people: &'a [Person], known: &'a [Value]) -> Result<Self, Error> {
        let ready = |(person, known): (&'a Person, &'a Value)| {
            Attributes::new(known).map(|attributes| (person.id.as_str(), attributes)).map_err(void)
        };
        Ok(Self {
            snapshot: compile(registry(keys))?,
            people: people.iter().zip(known).map(ready).collect::<Result<_, _>>()?,
            now: Timestamp::saturating_from_millis(1_767_225_600_000),
        })
    }
}

/// What is known of a person, as it comes.
pub fn known(person: &Person) -> Value {
    json!({"country": person.country, "plan": person.plan, "age": person.age})
}

/// Checks attributes as they come, which happens once per request.
pub fn check(known: &Value) -> bool {
    Attributes::new(known).is_ok()
}

impl super::Engine for Engine<'_> {
    fn ask(&self, key: &str, person: usize) {
        let (unit, attributes) = &self.people[person];
        let _ = black_box(decide(&self.snapshot, key, &Request::new(unit, attributes, self.now)));
    }

    fn arm(&self, key: &str, person: usize) -> Option<usize> {
        let (unit, attributes) = &self.people[person];
        let decision = decide(&self.snapshot, key, &Request::new(unit, attributes, self.now)).ok()?;
        position(decision.variant?.as_str())
    }

    fn by_definition(&self, key: &str, person: &Person) -> Result<usize, Error> {
        Ok(bucket(key, &person.id, ARMS.len() as u32) as usize)
    }
}

/// Flags and experiments of these keys, as a registry's JSON.
pub fn registry(keys: &[String]) -> Value {
    let audience = json!({"and": [
        {"==": [{"var": "country"}, COUNTRY]},
        {"in": [{"var": "plan"}, PLANS]},
        {">=": [{"var": "age"}, ADULT]},
    ]});
    let (mut flags, mut experiments) = (Map::new(), Map::new());
    for key in keys {
        let flag = json!({
            "type": "string",
            "variants": {"outside": OUTSIDE, "a": "a", "b": "b"},
            "default_variant": OUTSIDE,
            "rules": [{"experiment": key}],
        });
        let mut experiment = json!({
            "state": "running",
            "control": "a",
            "variants": ARMS.map(|name| json!({"name": name, "weight": 1})),
        });
        if key.starts_with("clauses") {
            experiment["audience"] = audience.clone();
        }
        flags.insert(key.clone(), flag);
        experiments.insert(key.clone(), experiment);
    }
    json!({"flags": flags, "experiments": experiments})
}

/// The registry's snapshot.
pub fn compile(registry: Value) -> Result<Snapshot, Error> {
    Snapshot::compile(Definitions::parse(registry).map_err(void)?).map_err(void)
}
