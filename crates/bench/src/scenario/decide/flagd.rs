//! flagd's evaluator, called as the in-process resolver of `open-feature-flagd` 0.3 calls it (`resolver/file.rs`).
//!
//! Must never know: the other sides.

use std::collections::HashMap;
use std::hint::black_box;

use bucketing::vendor::Bucketing;
use flagd_evaluation_engine::{FeatureFlag, FlagParser, Operator};
use open_feature::EvaluationContext;
use serde_json::{Map, Value, json};

use super::{ADULT, COUNTRY, OUTSIDE, PLANS, Person, position, void};
use crate::error::Error;

pub struct Engine {
    operator: Operator,
    flags: HashMap<String, FeatureFlag>,
    people: Vec<EvaluationContext>,
}

impl Engine {
    pub fn new(keys: &[String], people: &[Person]) -> Result<Self, Error> {
        let context = |person: &Person| {
            EvaluationContext::default()
                .with_targeting_key(person.id.clone())
                .with_custom_field("country", person.country)
                .with_custom_field("plan", person.plan)
                .with_custom_field("age", i64::from(person.age))
        };
        Ok(Self {
            operator: Operator::new(),
            flags: FlagParser::parse_string(&registry(keys).to_string()).map_err(void)?.flags,
            people: people.iter().map(context).collect(),
        })
    }
}

impl Engine {
    fn answer(&self, key: &str, person: usize) -> Option<&Value> {
        let flag = self.flags.get(key)?;
        if flag.state == "DISABLED" || flag.get_targeting() == "{}" {
            return None;
        }
        let named = self.operator.apply(key, &flag.get_targeting(), &self.people[person]).ok()?;
        let variant = named.unwrap_or_else(|| flag.default_variant.clone());
        flag.variants.get(&variant)
    }
}

impl super::Engine for Engine {
    fn ask(&self, key: &str, person: usize) {
        black_box(self.answer(key, person));
    }

    fn arm(&self, key: &str, person: usize) -> Option<usize> {
        position(self.answer(key, person)?.as_str()?)
    }

    /// The second generation of `fractional`: the evaluator brings the third, but its JSONLogic engine, with the
    /// features that this workspace asks of it, has one of its own that goes first.
    fn by_definition(&self, key: &str, person: &Person) -> Result<usize, Error> {
        let bucketing = Bucketing::parse("flagd2", &json!({"flag_key": key, "weights": [1, 1]})).map_err(void)?;
        bucketing.arm(&person.id).ok_or_else(|| void("flagd leaves nobody out"))
    }
}

fn registry(keys: &[String]) -> Value {
    let fractional = json!({"fractional": [["a", 1], ["b", 1]]});
    let clauses = json!({"if": [{"and": [
        {"==": [{"var": "country"}, COUNTRY]},
        {"in": [{"var": "plan"}, PLANS]},
        {">=": [{"var": "age"}, ADULT]},
    ]}, fractional.clone(), null]});
    let mut flags = Map::new();
    for key in keys {
        let targeting = if key.starts_with("clauses") { &clauses } else { &fractional };
        let flag = json!({
            "state": "ENABLED",
            "defaultVariant": OUTSIDE,
            "variants": {"outside": OUTSIDE, "a": "a", "b": "b"},
            "targeting": targeting,
        });
        flags.insert(key.clone(), flag);
    }
    json!({"flags": flags})
}
