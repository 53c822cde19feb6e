//! `parentConditions`: which variants of another feature a rule accepts.
//!
//! A condition on another feature's value is asked of each of its values here, once, rather than with every decision.
//! Must never know: how the other feature decides.

use super::super::InvalidImport;
use super::condition::{Conditions, Untranslatable};
use super::feature::Draft;
use super::fields::Fields;
use crate::attributes::Attributes;
use crate::audience::Audience;
use crate::prerequisite::Prerequisite;
use crate::request::Request;
use ids::{Name, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;

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
        drafts: &BTreeMap<&str, Draft<'_>>,
        conditions: Conditions<'_>,
    ) -> Result<Self, InvalidImport> {
        let mut parents = Self::default();
        for (index, parent) in rule.list("parentConditions")?.unwrap_or_default().iter().enumerate() {
            let parent = Fields::read(format!("{}[{index}]", rule.path("parentConditions")), parent)?;
            let id = parent.text("id")?.unwrap_or_default();
            let is_gate = parent.truthy("gate").is_some();
            let empty = json!({});
            let asked = parent.truthy("condition").unwrap_or(&empty);
            let Some(draft) = drafts.get(id) else {
                // A feature that is not there has the value null.
                if meets(&parent, asked, &Value::Null, conditions)? {
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
                let side = if meets(&parent, asked, value, conditions)? { &mut accepted } else { &mut refused };
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

/// Whether the condition holds for a feature's value.
fn meets(
    parent: &Fields<'_>,
    condition: &Value,
    value: &Value,
    conditions: Conditions<'_>,
) -> Result<bool, InvalidImport> {
    let at = parent.path("condition");
    // No attribute is the unit's here: the condition sees the value alone.
    let conditions = Conditions { unit_attribute: "", ..conditions };
    let translated =
        conditions.translate(condition).map_err(|Untranslatable(what)| InvalidImport::unsupported(&at, what));
    let audience = Audience::parse(translated?).map_err(InvalidImport::definition(&at))?;
    let seen = json!({ "value": value });
    let attributes = Attributes::new(&seen).map_err(InvalidImport::definition(&at))?;
    let admits = audience.admits(&Request::new("", attributes, Timestamp::MIN));
    admits.ok_or_else(|| InvalidImport::unsupported(at, format!("an order against the value {value}")))
}
