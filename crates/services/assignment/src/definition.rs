//! The definition of an experiment: what its author says of it, checked and in one canonical form.
//!
//! What decides is parsed into the terms of `bucketing`; the rest (metrics, levels, texts) is checked and handed on to
//! analysis as the message it came in. Defaults are written out, so that a definition means the same for ever, and two
//! messages that mean the same are one definition.
//! Must never know: where an experiment is in its life, how it is stored.

mod parse;

use std::fmt::Display;

use api::FieldViolation;
use api::assignment::v1;
use bucketing::{Audience, HashVersion, InvalidExperiment, State};
use ids::{Name, Timestamp};

/// The arithmetic of new experiments.
const HASH_VERSION: HashVersion = HashVersion::Upshot1;

/// A definition that keeps every rule.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Canonical: defaults written out, fields that the server sets empty.
    wire: v1::Experiment,
    key: Name,
    variants: Vec<bucketing::Variant>,
    control: usize,
    audience: Option<Audience>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
}

impl PartialEq for Definition {
    fn eq(&self, other: &Self) -> bool {
        self.wire == other.wire
    }
}

impl Definition {
    /// Checks a definition and writes its defaults out.
    ///
    /// # Errors
    /// Every field at fault, as a path that begins with `experiment`, with its rule.
    pub fn parse(wire: v1::Experiment) -> Result<Self, Vec<FieldViolation>> {
        let definition = parse::parse(wire)?;
        match definition.decider(State::Draft, 1, definition.start) {
            Ok(_) => Ok(definition),
            Err(error) => Err(vec![of_decider(&error)]),
        }
    }

    /// Unique name.
    #[must_use]
    pub const fn key(&self) -> &Name {
        &self.key
    }

    /// The canonical message; the fields that the server sets are empty.
    #[must_use]
    pub const fn as_wire(&self) -> &v1::Experiment {
        &self.wire
    }

    /// When its author wants it to start.
    #[must_use]
    pub const fn start(&self) -> Option<Timestamp> {
        self.start
    }

    /// When it ends by itself.
    #[must_use]
    pub const fn end(&self) -> Option<Timestamp> {
        self.end
    }

    /// Name of the arithmetic that buckets its units.
    #[must_use]
    pub fn hash_version(&self) -> &'static str {
        HASH_VERSION.as_str()
    }

    /// What decides, in a state. The key is the salt, as in flagd.
    ///
    /// # Errors
    /// [`InvalidExperiment`] when the start is not before the end.
    pub fn decider(
        &self,
        state: State,
        revision: u32,
        start: Option<Timestamp>,
    ) -> Result<bucketing::Experiment, InvalidExperiment> {
        bucketing::Experiment::new(bucketing::Definition {
            revision,
            hash_version: HASH_VERSION,
            traffic_per_million: self.wire.traffic_per_million,
            audience: self.audience.clone(),
            state,
            start,
            end: self.end,
            ..bucketing::Definition::new(self.key.clone(), self.variants.clone(), self.control)
        })
    }
}

/// What the decider refuses, as a field of the message.
fn of_decider(error: &InvalidExperiment) -> FieldViolation {
    let field = if error.field() == "end" { "end_time" } else { error.field() };
    FieldViolation::new(format!("experiment.{field}"), rule(error, error.field()))
}

/// The rule of an error whose text begins with the name of the field.
fn rule(error: &impl Display, field: &str) -> String {
    let text = error.to_string();
    text.strip_prefix(field).map(|rest| rest.trim_start().to_owned()).unwrap_or(text)
}

#[cfg(test)]
mod tests;
