//! Expressions with a name that others refer to: flagd's `$evaluators`, and the registry's named audiences.
//!
//! Must never know: who refers to them.

use super::LogicFault;
use crate::graph::{Cycle, order};
use crate::limits::{Limits, TooLarge};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Most evaluators of one registry.
pub const MAX_EVALUATORS: usize = 1_000;
/// Longest name of an evaluator, in bytes.
const MAX_NAME_BYTES: usize = 128;
const REFERENCE: &str = "$ref";
const LIMITS: Limits = Limits { field: "evaluators", depth: 64, nodes: 4_096, text_bytes: 131_072 };

/// Expressions by name, each with the evaluators that it refers to put in their place. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluators(Arc<BTreeMap<String, Evaluator>>);

#[derive(Clone, Debug, PartialEq)]
struct Evaluator {
    source: Value,
    expanded: Arc<Value>,
}

/// Which rule of [`Evaluators`] is broken.
#[derive(Debug, thiserror::Error)]
pub enum InvalidEvaluators {
    /// There are too many.
    #[error("evaluators must be at most {MAX_EVALUATORS}, not {found}")]
    Count {
        /// Evaluators given.
        found: usize,
    },
    /// A name is empty or too long.
    #[error("evaluators must have names of 1 to {MAX_NAME_BYTES} bytes, not {name:?}")]
    Name {
        /// The name, cut to 128 characters.
        name: String,
    },
    /// One breaks a rule, or refers to one that is not there.
    #[error("evaluators.{name} {fault}")]
    Logic {
        /// The evaluator.
        name: String,
        /// The rule.
        fault: LogicFault,
    },
    /// Some refer to each other in a circle.
    #[error("evaluators must not refer to themselves: {}", .names.join(" -> "))]
    Cycle {
        /// Names along the circle; the last is the first.
        names: Vec<String>,
    },
}

impl InvalidEvaluators {
    /// The field at fault, as a path.
    #[must_use]
    pub fn field(&self) -> String {
        match self {
            Self::Count { .. } | Self::Name { .. } | Self::Cycle { .. } => LIMITS.field.to_owned(),
            Self::Logic { name, .. } => format!("{}.{name}", LIMITS.field),
        }
    }
}

impl Evaluators {
    /// Puts evaluators in place of the references between them.
    ///
    /// # Errors
    /// [`InvalidEvaluators`] naming the evaluator at fault, or all of a circle.
    pub fn parse(sources: impl IntoIterator<Item = (String, Value)>) -> Result<Self, InvalidEvaluators> {
        let sources: BTreeMap<String, Value> = sources.into_iter().collect();
        if sources.len() > MAX_EVALUATORS {
            return Err(InvalidEvaluators::Count { found: sources.len() });
        }
        if let Some(name) = sources.keys().find(|name| name.is_empty() || name.len() > MAX_NAME_BYTES) {
            return Err(InvalidEvaluators::Name { name: name.chars().take(MAX_NAME_BYTES).collect() });
        }
        let mut done = BTreeMap::new();
        for name in in_order(&sources)? {
            let Some(source) = sources.get(name) else { continue };
            let evaluators = Self(Arc::new(done));
            let expanded = evaluators
                .expand(source, LIMITS, &mut BTreeSet::new())
                .and_then(|expanded| LIMITS.check(&expanded).map(|()| expanded).map_err(LogicFault::TooLarge));
            let expanded = expanded.map_err(|fault| InvalidEvaluators::Logic { name: name.clone(), fault })?;
            done = Arc::unwrap_or_clone(evaluators.0);
            done.insert(name.clone(), Evaluator { source: source.clone(), expanded: Arc::new(expanded) });
        }
        Ok(Self(Arc::new(done)))
    }

    /// Names and expressions as they were given, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, evaluator)| (name.as_str(), &evaluator.source))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The expression of this name, without references.
    pub(super) fn get(&self, name: &str) -> Option<&Arc<Value>> {
        self.0.get(name).map(|evaluator| &evaluator.expanded)
    }

    /// `source` with evaluators in place of its references; their names are added to `names`. Stops past the limits of
    /// size; the depth is the caller's to check.
    pub(super) fn expand<'s>(
        &self,
        source: &'s Value,
        limits: Limits,
        names: &mut BTreeSet<&'s str>,
    ) -> Result<Value, LogicFault> {
        let mut size = Size { limits, nodes: 0, text_bytes: 0 };
        self.expand_value(source, &mut size, names)
    }

    fn expand_value<'s>(
        &self,
        value: &'s Value,
        size: &mut Size,
        names: &mut BTreeSet<&'s str>,
    ) -> Result<Value, LogicFault> {
        if let Some(name) = reference(value)? {
            let unknown = || LogicFault::UnknownEvaluator { name: name.to_owned() };
            let expanded = self.get(name).ok_or_else(unknown)?;
            size.add_all(expanded)?;
            names.insert(name);
            return Ok(expanded.as_ref().clone());
        }
        size.add(value)?;
        Ok(match value {
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.expand_value(item, size, names)).collect::<Result<_, _>>()?)
            }
            Value::Object(entries) => {
                let entries = entries.iter();
                let expanded = entries.map(|(key, item)| Ok((key.clone(), self.expand_value(item, size, names)?)));
                Value::Object(expanded.collect::<Result<Map<_, _>, LogicFault>>()?)
            }
            scalar => scalar.clone(),
        })
    }
}

/// The name in `{"$ref": name}`.
fn reference(value: &Value) -> Result<Option<&str>, LogicFault> {
    let Some(name) = value.as_object().filter(|entries| entries.len() == 1).and_then(|entries| entries.get(REFERENCE))
    else {
        return Ok(None);
    };
    name.as_str().map(Some).ok_or(LogicFault::Reference)
}

/// Names, each after those that its source refers to; those that do not exist are left to the expansion to name.
fn in_order(sources: &BTreeMap<String, Value>) -> Result<Vec<&String>, InvalidEvaluators> {
    let names: Vec<&String> = sources.keys().collect();
    let mut needs = Vec::with_capacity(names.len());
    for (name, source) in sources {
        let fault = |fault| InvalidEvaluators::Logic { name: name.clone(), fault };
        LIMITS.check(source).map_err(LogicFault::TooLarge).map_err(fault)?;
        let mut found = Vec::new();
        find_references(source, &mut found).map_err(fault)?;
        needs.push(found.into_iter().filter_map(|name| names.binary_search_by(|other| other.as_str().cmp(name)).ok()));
    }
    let needs: Vec<Vec<usize>> = needs.into_iter().map(Iterator::collect).collect();
    let name = |index: &usize| names.get(*index).copied();
    match order(&needs) {
        Ok(ordered) => Ok(ordered.iter().filter_map(name).collect()),
        Err(Cycle(circle)) => {
            let names = circle.iter().chain(circle.first()).filter_map(name).cloned().collect();
            Err(InvalidEvaluators::Cycle { names })
        }
    }
}

fn find_references<'s>(value: &'s Value, found: &mut Vec<&'s str>) -> Result<(), LogicFault> {
    if let Some(name) = reference(value)? {
        found.push(name);
        return Ok(());
    }
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| find_references(item, found)),
        Value::Object(entries) => entries.values().try_for_each(|item| find_references(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

/// How large an expansion has become.
struct Size {
    limits: Limits,
    nodes: usize,
    text_bytes: usize,
}

impl Size {
    /// Counts a value without what it holds.
    fn add(&mut self, value: &Value) -> Result<(), LogicFault> {
        let text_bytes = match value {
            Value::String(text) => text.len(),
            Value::Object(entries) => entries.keys().map(String::len).fold(0, usize::saturating_add),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => 0,
        };
        let Limits { field, nodes, text_bytes: most_text, .. } = self.limits;
        self.nodes = self.nodes.saturating_add(1);
        self.text_bytes = self.text_bytes.saturating_add(text_bytes);
        if self.nodes > nodes {
            return Err(LogicFault::TooLarge(TooLarge::Nodes { field, limit: nodes }));
        }
        if self.text_bytes > most_text {
            return Err(LogicFault::TooLarge(TooLarge::Text { field, limit: most_text }));
        }
        Ok(())
    }

    /// Counts a value with all it holds.
    fn add_all(&mut self, value: &Value) -> Result<(), LogicFault> {
        self.add(value)?;
        match value {
            Value::Array(items) => items.iter().try_for_each(|item| self.add_all(item)),
            Value::Object(entries) => entries.values().try_for_each(|item| self.add_all(item)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }
}
