//! What is known about a unit when it asks: the data that audiences read.
//!
//! Must never know: which experiments will look.

use crate::limits::{Limits, TooLarge};
use crate::word::Word;
use serde_json::Value;

const LIMITS: Limits = Limits { field: "attributes", depth: 32, nodes: 1_024, text_bytes: 32_768 };
/// Attributes up to which it is quicker to look at each than to halve.
const LOOKED_THROUGH: usize = 16;
/// Integers up to here are the same as 64-bit integers and as floats: 2^53.
const EXACT_INTEGERS: f64 = 9_007_199_254_740_992.0;

/// Borrowed attributes within the limits: 32 levels, 1,024 values, 32 KiB of text and keys; made ready once for any
/// number of decisions.
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    root: &'a Value,
    /// The keys at the top, sorted.
    entries: Vec<(Word<&'a str>, Scalar<'a>)>,
}

/// An attribute as plain conditions read it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scalar<'a> {
    Text(Word<&'a str>),
    /// The same as an integer and as a float.
    Number(f64),
    /// Nothing that a plain condition compares.
    Other,
}

impl<'a> Attributes<'a> {
    /// Checks the limits.
    ///
    /// # Errors
    /// [`TooLarge`] naming `attributes` and the limit.
    pub fn new(value: &'a Value) -> Result<Self, TooLarge> {
        LIMITS.check(value)?;
        let scalar = |value: &'a Value| match value {
            Value::String(text) => Scalar::Text(Word::new(text)),
            Value::Number(_) => exact(value).map_or(Scalar::Other, Scalar::Number),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Scalar::Other,
        };
        let entries = value.as_object().into_iter().flatten();
        let mut entries: Vec<_> = entries.map(|(key, value)| (Word::new(key.as_str()), scalar(value))).collect();
        entries.sort_unstable_by(|(left, _), (right, _)| left.as_str().cmp(right.as_str()));
        Ok(Self { root: value, entries })
    }

    /// Nothing is known.
    #[must_use]
    pub const fn none() -> &'static Attributes<'static> {
        static NONE: Attributes<'static> = Attributes { root: &Value::Null, entries: Vec::new() };
        &NONE
    }

    pub(crate) const fn as_value(&self) -> &'a Value {
        self.root
    }

    /// The attribute of this key at the top.
    #[inline]
    pub(crate) fn get<T: AsRef<str>>(&self, key: &Word<T>) -> Option<&Scalar<'a>> {
        if self.entries.len() <= LOOKED_THROUGH {
            return self.entries.iter().find(|(name, _)| name.is(key)).map(|(_, scalar)| scalar);
        }
        self.find(key.as_str())
    }

    #[inline(never)]
    fn find(&self, key: &str) -> Option<&Scalar<'a>> {
        let place = self.entries.binary_search_by(|(name, _)| name.as_str().cmp(key)).ok()?;
        self.entries.get(place).map(|(_, scalar)| scalar)
    }
}

/// A number that is the same as an integer and as a float.
pub(crate) fn exact(value: &Value) -> Option<f64> {
    value.as_f64().filter(|number| number.abs() <= EXACT_INTEGERS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_attributes_are_found() {
        for count in [0, 1, LOOKED_THROUGH, LOOKED_THROUGH + 1, 500] {
            let value: Value = (0..count).map(|place| (format!("key-{place}"), Value::from(place))).collect();
            let attributes = Attributes::new(&value).unwrap();
            for place in 0..count {
                let found = attributes.get(&Word::new(format!("key-{place}")));
                assert!(matches!(found, Some(Scalar::Number(number)) if *number == place as f64), "{found:?}");
            }
            assert!(attributes.get(&Word::new("key-")).is_none());
        }
    }
}
