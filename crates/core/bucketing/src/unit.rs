//! What is randomised: the unit that asks, or something it belongs to, such as its account.
//!
//! Must never know: experiments, hashes.

use crate::attributes::Attributes;
use arrayvec::ArrayString;
use serde_json::{Number, Value};
use std::fmt::Write;

/// Longest attribute path, in bytes.
pub const MAX_PATH_BYTES: usize = 256;
/// Integers up to here are exact in the floats that some senders turn every number into: 2^53.
const EXACT_INTEGERS: f64 = 9_007_199_254_740_992.0;

/// Whose id is hashed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum UnitType {
    /// The unit of the request.
    #[default]
    Request,
    /// An attribute of the request: a text, an integer or a truth value; a unit without it takes no part.
    Attribute(AttributePath),
}

/// Where an attribute is, as JSONLogic's `var` names it: keys and list positions, parted by dots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributePath(Box<str>);

/// The text is no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("attribute must be a path of 1 to {MAX_PATH_BYTES} bytes without empty parts, not {text:?}")]
pub struct InvalidPath {
    /// What was given, cut to 64 characters.
    pub text: String,
}

impl AttributePath {
    /// Checks a path.
    ///
    /// # Errors
    /// [`InvalidPath`] when it is empty, too long or has an empty part.
    pub fn parse(text: &str) -> Result<Self, InvalidPath> {
        if text.len() > MAX_PATH_BYTES || text.split('.').any(str::is_empty) {
            return Err(InvalidPath { text: text.chars().take(64).collect() });
        }
        Ok(Self(text.into()))
    }

    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn find<'a>(&self, root: &'a Value) -> Option<&'a Value> {
        self.0.split('.').try_fold(root, |value, part| match value {
            Value::Object(entries) => entries.get(part),
            Value::Array(items) => items.get(part.parse::<usize>().ok()?),
            _ => None,
        })
    }
}

/// The text that is hashed for a unit; never empty.
#[derive(Clone, Copy, Debug)]
pub struct UnitText<'a>(Text<'a>);

#[derive(Clone, Copy, Debug)]
enum Text<'a> {
    Given(&'a str),
    Digits(ArrayString<20>),
}

impl UnitText<'_> {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Given(text) => text,
            Text::Digits(digits) => digits,
        }
    }
}

impl UnitType {
    /// The text to hash for a request. A truth value is `true` or `false`; an integer is written in digits, also one
    /// that came as a float up to 2^53, as in JavaScript. `None` for anything else and for an empty text: all such
    /// units would share one bucket.
    #[must_use]
    #[inline]
    pub fn text<'a>(&self, unit: &'a str, attributes: &Attributes<'a>) -> Option<UnitText<'a>> {
        match self {
            Self::Request => given(unit),
            Self::Attribute(path) => of_attribute(path.find(attributes.as_value())?),
        }
    }
}

fn of_attribute(value: &Value) -> Option<UnitText<'_>> {
    match value {
        Value::String(text) => given(text),
        Value::Bool(true) => given("true"),
        Value::Bool(false) => given("false"),
        Value::Number(number) => digits(number),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[inline]
fn given(text: &str) -> Option<UnitText<'_>> {
    (!text.is_empty()).then_some(UnitText(Text::Given(text)))
}

fn digits(number: &Number) -> Option<UnitText<'static>> {
    let mut text = ArrayString::new();
    let written = if let Some(integer) = number.as_i64() {
        write!(text, "{integer}")
    } else if let Some(integer) = number.as_u64() {
        write!(text, "{integer}")
    } else {
        let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= EXACT_INTEGERS)?;
        write!(text, "{}", float as i64)
    };
    written.ok().map(|()| UnitText(Text::Digits(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(path: &str, attributes: Value) -> Option<String> {
        let unit = UnitType::Attribute(AttributePath::parse(path).unwrap());
        unit.text("u", &Attributes::new(&attributes).unwrap()).map(|text| text.as_str().to_owned())
    }

    #[test]
    fn texts_integers_and_truth_values_are_units() {
        assert_eq!(text("id", json!({"id": "a"})).as_deref(), Some("a"));
        assert_eq!(text("account.ids.1", json!({"account": {"ids": [0, 7]}})).as_deref(), Some("7"));
        assert_eq!(text("id", json!({"id": i64::MIN})).as_deref(), Some("-9223372036854775808"));
        assert_eq!(text("id", json!({"id": u64::MAX})).as_deref(), Some("18446744073709551615"));
        assert_eq!(text("id", json!({"id": 123.0})).as_deref(), Some("123"));
        assert_eq!(text("id", json!({"id": -0.0})).as_deref(), Some("0"));
        assert_eq!(text("id", json!({"id": true})).as_deref(), Some("true"));
    }

    #[test]
    fn what_is_no_id_is_no_unit() {
        for value in [json!({}), json!(null), json!({"id": null}), json!({"id": ""}), json!({"id": [1]})] {
            assert_eq!(text("id", value), None);
        }
        assert_eq!(text("id", json!({"id": 1.5})), None);
        assert_eq!(text("id", json!({"id": 1e300})), None);
        assert!(UnitType::Request.text("", Attributes::none()).is_none());
    }

    #[test]
    fn paths_are_checked() {
        for path in ["", ".", "a.", "a..b", &"x".repeat(257)] {
            assert!(AttributePath::parse(path).unwrap_err().to_string().starts_with("attribute must"));
        }
        assert_eq!(AttributePath::parse(&"x".repeat(256)).unwrap().as_str().len(), 256);
    }
}
