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

use super::{Imported, InvalidImport, Note, Omission, object};
use crate::definitions::Definitions;
use crate::experiment::{Definition, Experiment};
use crate::flag::MAX_RULES;
use condition::Conditions;
use feature::Draft;
use ids::Name;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What GrowthBook hashes by unless it is told otherwise.
const DEFAULT_ATTRIBUTE: &str = "id";

/// What the file leaves to whoever uses the SDK.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The attribute whose value requests carry as their unit, a number as JavaScript writes it; others are read from
    /// the attributes of the request.
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
/// [`InvalidImport`] naming the first field at fault of the payload itself; a feature that cannot be kept as it is is
/// an omission, and so is every feature that asks it.
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
    let mut drafts = Drafts::default();
    for (id, feature) in object("features", features)? {
        let noted = file.notes.len();
        match Draft::read(id, feature, &mut file.notes) {
            Ok(draft) => drafts.there.insert(id, draft).map_or((), drop),
            Err(error) => {
                file.notes.truncate(noted);
                drafts.omit(id, &error);
            }
        }
    }
    let mut flags = BTreeMap::new();
    for id in drafts.parents_first() {
        let Some(draft) = drafts.there.get(id) else { continue };
        let noted = file.notes.len();
        match draft.finish(&drafts, conditions, &mut file) {
            Ok(flag) => {
                file.fresh.clear();
                flags.insert(id, Arc::new(flag));
            }
            Err(error) => {
                file.notes.truncate(noted);
                file.forget_fresh();
                drafts.omit(id, &error);
            }
        }
    }
    let flags = flags.into_values().collect();
    let experiments = file.experiments.into_values().map(Arc::new).collect();
    let definitions = Definitions { flags, experiments, ..Definitions::default() };
    Ok(Imported { definitions, omissions: drafts.omissions.into_values().collect(), notes: file.notes })
}

fn is_set(value: &Value) -> bool {
    !(value.is_null() || value == "")
}

/// The features by their ids.
#[derive(Debug, Default)]
struct Drafts<'a> {
    there: BTreeMap<&'a str, Draft<'a>>,
    omissions: BTreeMap<&'a str, Omission>,
}

impl<'a> Drafts<'a> {
    /// A feature that another one asks; `None` when the file has none of this id. The error says why it cannot be
    /// asked.
    fn find(&self, id: &str) -> Result<Option<&Draft<'a>>, String> {
        match self.omissions.contains_key(id) {
            true => Err(format!("the feature {id:?}, which is left out")),
            false => Ok(self.there.get(id)),
        }
    }

    fn omit(&mut self, id: &'a str, error: &InvalidImport) {
        self.there.remove(id);
        self.omissions.insert(id, Omission::new(id, error));
    }

    /// Ids, each after those of the features that it asks, else by their order. Features that ask each other in a
    /// circle are omitted, with those that ask them.
    fn parents_first(&mut self) -> Vec<&'a str> {
        let mut asked_by: BTreeMap<&str, Vec<&'a str>> = BTreeMap::new();
        let mut waits_for = BTreeMap::new();
        for (id, draft) in &self.there {
            let parents: BTreeSet<&str> = draft.parents().filter(|parent| self.there.contains_key(parent)).collect();
            waits_for.insert(*id, parents.len());
            parents.into_iter().for_each(|parent| asked_by.entry(parent).or_default().push(id));
        }
        let mut ready: BTreeSet<&'a str> = self.there.keys().copied().collect();
        ready.retain(|id| waits_for.get(id) == Some(&0));
        let mut ordered = Vec::with_capacity(self.there.len());
        while let Some(id) = ready.pop_first() {
            ordered.push(id);
            waits_for.remove(id);
            for child in asked_by.remove(id).unwrap_or_default() {
                let Some(left) = waits_for.get_mut(child) else { continue };
                *left = left.saturating_sub(1);
                if *left == 0 {
                    ready.insert(child);
                }
            }
        }
        for id in waits_for.into_keys() {
            let at = format!("features.{id}.rules");
            self.omit(id, &InvalidImport::unsupported(at, "parentConditions that lead into a circle of features"));
        }
        ordered
    }
}

/// What is gathered from all features.
#[derive(Debug, Default)]
struct File {
    experiments: BTreeMap<Name, Experiment>,
    /// Keys of the experiments that the feature at hand has added.
    fresh: Vec<Name>,
    notes: Vec<Note>,
}

impl File {
    /// The feature at hand is left out.
    fn forget_fresh(&mut self) {
        for key in self.fresh.drain(..) {
            self.experiments.remove(&key);
        }
    }

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
                    self.fresh.push(key.clone());
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
