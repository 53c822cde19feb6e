//! Fields of a rule, by their types. As in JavaScript, null, 0, false and an empty text are absent where the SDK asks
//! whether a field is true.
//!
//! Must never know: what the fields mean.

use super::super::{InvalidImport, object};
use crate::vendor::growthbook::Version;
use serde_json::{Map, Value};

/// An object of the file and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    at: String,
    entries: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    pub(super) fn read(at: String, value: &'a Value) -> Result<Self, InvalidImport> {
        let entries = object(&at, value)?;
        Ok(Self { at, entries })
    }

    /// Where the object stands.
    pub(super) fn at(&self) -> &str {
        &self.at
    }

    /// Where a field of it stands.
    pub(super) fn path(&self, field: &str) -> String {
        format!("{}.{field}", self.at)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.entries.keys().map(String::as_str)
    }

    /// The field, present or not.
    pub(super) fn get(&self, field: &str) -> Option<&'a Value> {
        self.entries.get(field)
    }

    /// The field where JavaScript takes it for true.
    pub(super) fn truthy(&self, field: &str) -> Option<&'a Value> {
        self.entries.get(field).filter(|value| is_truthy(value))
    }

    pub(super) fn text(&self, field: &str) -> Result<Option<&'a str>, InvalidImport> {
        let text = |value: &'a Value| value.as_str().ok_or_else(|| InvalidImport::rule(self.path(field), "be a text"));
        self.truthy(field).map(text).transpose()
    }

    pub(super) fn list(&self, field: &str) -> Result<Option<&'a [Value]>, InvalidImport> {
        let list = |value: &'a Value| match value {
            Value::Array(items) => Ok(items.as_slice()),
            _ => Err(InvalidImport::rule(self.path(field), "be a list")),
        };
        self.truthy(field).map(list).transpose()
    }

    /// A number that counts even where it is 0.
    pub(super) fn number(&self, field: &str) -> Result<Option<f64>, InvalidImport> {
        let number = |value: &Value| value.as_f64().ok_or_else(|| InvalidImport::rule(self.path(field), "be a number"));
        self.entries.get(field).map(number).transpose()
    }

    pub(super) fn numbers(&self, field: &str) -> Result<Option<Vec<f64>>, InvalidImport> {
        let wrong = || InvalidImport::rule(self.path(field), "be a list of numbers");
        let Some(items) = self.truthy(field) else { return Ok(None) };
        let items = items.as_array().ok_or_else(wrong)?;
        items.iter().map(|item| item.as_f64().ok_or_else(wrong)).collect::<Result<_, _>>().map(Some)
    }

    /// `[start, end]`.
    pub(super) fn range(&self, field: &str) -> Result<Option<(f64, f64)>, InvalidImport> {
        let wrong = || InvalidImport::rule(self.path(field), "be a start and an end");
        self.truthy(field).map(|value| range(value).ok_or_else(wrong)).transpose()
    }

    pub(super) fn ranges(&self, field: &str) -> Result<Option<Vec<(f64, f64)>>, InvalidImport> {
        let wrong = || InvalidImport::rule(self.path(field), "be a list of starts and ends");
        let Some(items) = self.truthy(field) else { return Ok(None) };
        let items = items.as_array().ok_or_else(wrong)?;
        items.iter().map(|item| range(item).ok_or_else(wrong)).collect::<Result<_, _>>().map(Some)
    }

    /// A hash version, or the one that holds where none is given.
    pub(super) fn version(&self, field: &str, otherwise: Version) -> Result<Version, InvalidImport> {
        let Some(value) = self.truthy(field) else { return Ok(otherwise) };
        let known = value.as_u64().and_then(Version::from_number);
        known.ok_or_else(|| InvalidImport::unsupported(self.path(field), format!("hash version {value}")))
    }
}

/// What JavaScript takes for true.
pub(super) fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

fn range(value: &Value) -> Option<(f64, f64)> {
    match value.as_array()?.as_slice() {
        [start, end] => Some((start.as_f64()?, end.as_f64()?)),
        _ => None,
    }
}
