//! Unleash's evaluator, the core of its newer SDKs.
//!
//! Must never know: the other sides.

use std::hint::black_box;

use bucketing::vendor::Bucketing;
use serde_json::{Value, json};
use unleash_yggdrasil::{Context, EngineState, UpdateMessage};

use super::{ADULT, COUNTRY, PLANS, Person, position, void};
use crate::error::Error;

pub struct Engine {
    state: EngineState,
    people: Vec<Context>,
}

impl Engine {
    pub fn new(keys: &[String], people: &[Person]) -> Result<Self, Error> {
        let state = EngineState::default();
        let message: UpdateMessage = serde_json::from_value(registry(keys))?;
        if let Some(warnings) = state.take_state(message).filter(|warnings| !warnings.is_empty()) {
            return Err(void(format!("Unleash: {} definitions are refused", warnings.len())));
        }
        let context = |person: &Person| Context {
            user_id: Some(person.id.clone()),
            session_id: None,
            environment: None,
            app_name: None,
            current_time: None,
            remote_address: None,
            properties: Some(
                [
                    ("country", person.country.to_owned()),
                    ("plan", person.plan.to_owned()),
                    ("age", person.age.to_string()),
                ]
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
            ),
        };
        Ok(Self { state, people: people.iter().map(context).collect() })
    }
}

impl super::Engine for Engine {
    fn ask(&self, key: &str, person: usize) {
        black_box(self.state.get_variant(key, &self.people[person], &None));
    }

    fn arm(&self, key: &str, person: usize) -> Option<usize> {
        position(&self.state.get_variant(key, &self.people[person], &None).name)
    }

    fn by_definition(&self, key: &str, person: &Person) -> Result<usize, Error> {
        let parameters = json!({"variants": {"group": key, "weights": [500, 500]}});
        let bucketing = Bucketing::parse("unleash", &parameters).map_err(void)?;
        bucketing.arm(&person.id).ok_or_else(|| void("Unleash leaves nobody out"))
    }
}

fn registry(keys: &[String]) -> Value {
    let constraints = json!([
        {"contextName": "country", "operator": "IN", "values": [COUNTRY]},
        {"contextName": "plan", "operator": "IN", "values": PLANS},
        {"contextName": "age", "operator": "NUM_GTE", "value": ADULT.to_string()},
    ]);
    let variant = |name: &str| json!({"name": name, "weight": 500, "weightType": "fix", "stickiness": "userId"});
    let feature = |key: &String| {
        let constraints = if key.starts_with("clauses") { constraints.clone() } else { json!([]) };
        json!({
            "name": key,
            "type": "experiment",
            "enabled": true,
            "strategies": [{"name": "default", "parameters": {}, "constraints": constraints}],
            "variants": [variant("a"), variant("b")],
        })
    };
    json!({"version": 2, "features": keys.iter().map(feature).collect::<Vec<_>>()})
}
