//! Definitions out of other tools' files, so that every user stays where they are.
//!
//! What a file says that has no meaning here is either of no consequence for what is served, and noted by its path,
//! or the flag is left out, naming what. A file that is none of the tool's is refused. Must never know: where files
//! come from, what was defined before.

pub mod flagd;
pub mod growthbook;

use crate::definitions::Definitions;
use crate::flag::ValueType;
use ids::Name;
use serde_json::{Map, Value};
use std::error::Error;

/// What a file holds.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// To be compiled alone or among others.
    pub definitions: Definitions,
    /// Flags of the file that are not among the definitions, by their keys.
    pub omissions: Vec<Omission>,
    /// What was left out of the others, named anew, or means something else here.
    pub notes: Vec<Note>,
}

/// A flag that a file defines and the definitions do not: nobody would have stayed where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Omission {
    /// Its key in the file.
    pub flag: String,
    /// Where what prevents it stands.
    pub field: String,
    /// What prevents it, naming the field and its rule.
    pub reason: String,
}

impl Omission {
    fn new(flag: &str, error: &InvalidImport) -> Self {
        let mut reason = error.to_string();
        let mut source = error.source();
        while let Some(deeper) = source {
            reason = format!("{reason}: {deeper}");
            source = deeper.source();
        }
        Self { flag: flag.to_owned(), field: error.field().to_owned(), reason }
    }
}

/// Something that a file says and the definitions do not, or not quite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Where it stands.
    pub field: String,
    /// What became of it.
    pub what: String,
}

/// Why a file is refused, or a flag of it left out.
#[derive(Debug, thiserror::Error)]
pub enum InvalidImport {
    /// A field breaks a rule of the file's own format, or of ours.
    #[error("{field} must {rule}")]
    Rule {
        /// Where it stands.
        field: String,
        /// The rule, as the end of "`field` must ...".
        rule: String,
    },
    /// A field asks for what cannot be done here without moving users.
    #[error("{field} is not supported: {what}")]
    Unsupported {
        /// Where it stands.
        field: String,
        /// What it asks for.
        what: String,
    },
    /// What a field says makes no definition.
    #[error("{field} makes no definition")]
    Definition {
        /// Where it stands.
        field: String,
        /// Which rule the definition breaks.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl InvalidImport {
    fn rule(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self::Rule { field: field.into(), rule: rule.into() }
    }

    fn unsupported(field: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Unsupported { field: field.into(), what: what.into() }
    }

    fn definition<E: Error + Send + Sync + 'static>(field: impl Into<String>) -> impl FnOnce(E) -> Self {
        let field = field.into();
        |source| Self::Definition { field, source: Box::new(source) }
    }

    /// Where in the file.
    #[must_use]
    pub fn field(&self) -> &str {
        match self {
            Self::Rule { field, .. } | Self::Unsupported { field, .. } | Self::Definition { field, .. } => field,
        }
    }
}

/// An object, or an error that says it must be one.
fn object<'a>(field: &str, value: &'a Value) -> Result<&'a Map<String, Value>, InvalidImport> {
    value.as_object().ok_or_else(|| InvalidImport::rule(field, "be an object"))
}

/// A name of ours, or an error that says why it is none.
fn name(field: &str, text: &str) -> Result<Name, InvalidImport> {
    Name::parse(text).map_err(InvalidImport::definition(field))
}

/// The narrowest type that all values have.
fn value_type<'a>(values: impl Iterator<Item = &'a Value> + Clone) -> ValueType {
    let types = [ValueType::Bool, ValueType::String, ValueType::Int, ValueType::Double];
    let fits = |value_type: &ValueType| values.clone().all(|value| value_type.admits(value));
    types.into_iter().find(fits).unwrap_or(ValueType::Json)
}
