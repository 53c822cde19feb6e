//! GrowthBook's features, as its SDKs receive them.
//!
//! Source: `@growthbook/growthbook` (npm) `core.ts`, 1.8. A feature becomes a flag, an experiment rule an experiment of
//! its own, a forced value for a share a rollout; both keep GrowthBook's hash. Whom a rule does not take goes on to the
//! next one, as there. Values have no names in GrowthBook, so variants are named here: `true`, `false`, `null`,
//! `default`, `forced-1`, and `experiment:variation`. Sticky buckets are not in the file, and not imported.
//! Must never know: how anything is hashed or evaluated.

mod condition;
mod feature;
mod fields;
mod names;
mod parents;
mod rule;

use super::{Imported, InvalidImport, Note, object};
use crate::definitions::Definitions;
use crate::experiment::{Definition, Experiment};
use crate::flag::MAX_RULES;
use condition::Conditions;
use feature::Draft;
use ids::Name;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What GrowthBook hashes by unless it is told otherwise.
const DEFAULT_ATTRIBUTE: &str = "id";

/// What the file leaves to whoever uses the SDK.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The attribute whose value requests carry as their unit; others are read from the attributes of the request.
    pub unit_attribute: &'a str,
}

impl Default for Options<'_> {
    /// `id`, GrowthBook's own default.
    fn default() -> Self {
        Self { unit_attribute: DEFAULT_ATTRIBUTE }
    }
}

/// Reads a payload: `features`, and the `savedGroups` that their conditions name.
///
/// # Errors
/// [`InvalidImport`] naming the first field at fault, in the order of keys.
pub fn import(document: &Value, options: Options<'_>) -> Result<Imported, InvalidImport> {
    let document = object("document", document)?;
    let mut file = File::default();
    for (field, value) in document {
        match field.as_str() {
            "features" | "savedGroups" | "status" => {}
            "encryptedFeatures" | "encryptedExperiments" | "encryptedSavedGroups" if is_set(value) => {
                return Err(InvalidImport::unsupported(field, "it has to be decrypted first"));
            }
            _ => file.note(field, "is left out"),
        }
    }
    let empty = Map::new();
    let saved_groups = document.get("savedGroups").filter(|groups| is_set(groups));
    let saved_groups = saved_groups.map_or(Ok(&empty), |groups| object("savedGroups", groups))?;
    let conditions = Conditions { unit_attribute: options.unit_attribute, saved_groups };
    let features = document.get("features").ok_or_else(|| InvalidImport::rule("features", "be there"))?;
    let mut drafts = BTreeMap::new();
    for (id, feature) in object("features", features)? {
        drafts.insert(id.as_str(), Draft::read(id, feature, &mut file.notes)?);
    }
    let mut flags = Vec::with_capacity(drafts.len());
    for draft in drafts.values() {
        flags.push(Arc::new(draft.finish(&drafts, conditions, &mut file)?));
    }
    let experiments = file.experiments.into_values().map(Arc::new).collect();
    Ok(Imported { definitions: Definitions { flags, experiments, ..Definitions::default() }, notes: file.notes })
}

fn is_set(value: &Value) -> bool {
    !(value.is_null() || value == "")
}

/// What is gathered from all features.
#[derive(Debug, Default)]
struct File {
    experiments: BTreeMap<Name, Experiment>,
    notes: Vec<Note>,
}

impl File {
    fn note(&mut self, field: impl Into<String>, what: impl Into<String>) {
        self.notes.push(Note { field: field.into(), what: what.into() });
    }

    /// Adds an experiment under its key, or under another where that is taken by one with other settings. Features
    /// whose rules agree share one; each serves its own values.
    fn add(&mut self, field: &str, feature: &Name, definition: Definition) -> Result<Name, InvalidImport> {
        let wanted = definition.key.clone();
        let others = (1..=MAX_RULES as u32).map(|number| names::numbered(&format!("{wanted}/{feature}"), number));
        for key in std::iter::once(Ok(wanted.clone())).chain(others) {
            let key = key.map_err(InvalidImport::definition(field))?;
            match self.experiments.get(&key) {
                Some(there) if is_same(there.definition(), &definition) => return Ok(key),
                Some(_) => {}
                None => {
                    if key != wanted {
                        self.note(field, format!("is named {key}: another rule has an experiment {wanted}"));
                    }
                    let definition = Definition { key: key.clone(), salt: key.to_string(), ..definition };
                    let experiment = Experiment::new(definition).map_err(InvalidImport::definition(field))?;
                    self.experiments.insert(key.clone(), experiment);
                    return Ok(key);
                }
            }
        }
        Err(InvalidImport::rule(field, "have a key that fewer rules share"))
    }
}

/// Whether two rules ask the same, whatever their values and the keys they ended up with.
fn is_same(there: &Definition, asked: &Definition) -> bool {
    let named = |definition: &Definition| {
        let arms = definition.variants.iter().map(|variant| (variant.name().clone(), variant.weight()));
        arms.collect::<Vec<_>>()
    };
    let settings = |definition: &Definition| Definition {
        key: asked.key.clone(),
        salt: asked.salt.clone(),
        variants: Vec::new(),
        ..definition.clone()
    };
    settings(there) == settings(asked) && named(there) == named(asked)
}

#[cfg(test)]
mod tests;
