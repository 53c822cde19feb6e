//! `parentConditions`: which variants of another feature a rule accepts.
//!
//! A condition on another feature's value is asked of each of its values here, once, rather than with every decision.
//! Must never know: how the other feature decides.

use super::super::InvalidImport;
use super::Drafts;
use super::condition::{Conditions, Untranslatable};
use super::fields::Fields;
use crate::attributes::Attributes;
use crate::audience::Audience;
use crate::prerequisite::{MAX_PREREQUISITES, Prerequisite};
use crate::request::Request;
use ids::{Name, Timestamp};
use serde_json::{Value, json};

/// What a rule asks of other features, in the order in which it asks.
#[derive(Debug, Default)]
pub(super) struct Parents {
    /// What must be served for the rule to go on.
    pub(super) accepted: Vec<Prerequisite>,
    /// Where the whole feature ends instead: what must be served, before `accepted` is looked at further.
    pub(super) gates: Vec<Vec<Prerequisite>>,
    /// Whether no value of some feature is accepted, so that the rule takes nobody.
    pub(super) is_never: bool,
}

impl Parents {
    pub(super) fn read(
        rule: &Fields<'_>,
        drafts: &Drafts<'_>,
        conditions: Conditions<'_>,
    ) -> Result<Self, InvalidImport> {
        let mut parents = Self::default();
        let listed = rule.list("parentConditions")?.unwrap_or_default();
        if listed.len() > MAX_PREREQUISITES {
            return Err(InvalidImport::rule(rule.path("parentConditions"), format!("be at most {MAX_PREREQUISITES}")));
        }
        for (index, parent) in listed.iter().enumerate() {
            let parent = Fields::read(format!("{}[{index}]", rule.path("parentConditions")), parent)?;
            let id = parent.text("id")?.unwrap_or_default();
            let is_gate = parent.truthy("gate").is_some();
            let asked = Asked::read(&parent, conditions)?;
            let draft = drafts.find(id);
            let draft = draft.map_err(|what| InvalidImport::unsupported(parent.path("id"), what))?;
            let Some(draft) = draft else {
                // A feature that is not there has the value null.
                if asked.holds(&Value::Null)? {
                    continue;
                }
                if is_gate {
                    parents.gates.push(parents.accepted.clone());
                }
                parents.is_never = true;
                break;
            };
            let (mut accepted, mut refused) = (Vec::new(), Vec::new());
            for (name, value) in draft.variants.iter() {
                let side = if asked.holds(value)? { &mut accepted } else { &mut refused };
                side.push(name.clone());
            }
            let prerequisite = |variants: Vec<Name>| {
                let made = Prerequisite::new(draft.key.clone(), variants);
                made.map_err(InvalidImport::definition(parent.at()))
            };
            if is_gate && !refused.is_empty() {
                let mut gate = parents.accepted.clone();
                gate.push(prerequisite(refused.clone())?);
                parents.gates.push(gate);
            }
            if accepted.is_empty() {
                parents.is_never = true;
                break;
            }
            if !refused.is_empty() {
                parents.accepted.push(prerequisite(accepted)?);
            }
        }
        Ok(parents)
    }
}

/// A condition on a feature's value.
struct Asked {
    at: String,
    audience: Audience,
}

impl Asked {
    fn read(parent: &Fields<'_>, conditions: Conditions<'_>) -> Result<Self, InvalidImport> {
        let at = parent.path("condition");
        // No attribute is the unit's here: the condition sees the value alone.
        let conditions = Conditions { unit_attribute: "", ..conditions };
        let translated =
            parent.truthy("condition").map_or(Ok(json!(true)), |condition| conditions.translate(condition));
        let translated = translated.map_err(|Untranslatable(what)| InvalidImport::unsupported(&at, what))?;
        let audience = Audience::parse(translated).map_err(InvalidImport::definition(&at))?;
        Ok(Self { at, audience })
    }

    fn holds(&self, value: &Value) -> Result<bool, InvalidImport> {
        let seen = json!({ "value": value });
        let attributes = Attributes::new(&seen).map_err(InvalidImport::definition(&self.at))?;
        let holds = self.audience.admits(&Request::new("", &attributes, Timestamp::MIN));
        holds.ok_or_else(|| InvalidImport::unsupported(&self.at, format!("an order against the value {value}")))
    }
}
