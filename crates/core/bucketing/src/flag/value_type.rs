//! What the values of a flag are.
//!
//! Must never know: names of variants.

use serde_json::Value;

/// The type that all values of one flag have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// True or false.
    Bool,
    /// A text.
    String,
    /// An integer that fits 64 bits with a sign.
    Int,
    /// Any number.
    Double,
    /// Any JSON value.
    Json,
}

/// The text names no type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("type must be bool, string, int, double or json, not {text:?}")]
pub struct UnknownValueType {
    /// What was given.
    pub text: String,
}

impl ValueType {
    const ALL: [Self; 5] = [Self::Bool, Self::String, Self::Int, Self::Double, Self::Json];

    /// The stored text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::String => "string",
            Self::Int => "int",
            Self::Double => "double",
            Self::Json => "json",
        }
    }

    /// Whether a value is of this type.
    #[must_use]
    pub fn admits(self, value: &Value) -> bool {
        match self {
            Self::Bool => value.is_boolean(),
            Self::String => value.is_string(),
            Self::Int => value.is_i64(),
            Self::Double => value.is_number(),
            Self::Json => true,
        }
    }

    pub(super) const fn article(self) -> &'static str {
        match self {
            Self::Bool => "a bool",
            Self::String => "a string",
            Self::Int => "an int",
            Self::Double => "a double",
            Self::Json => "json",
        }
    }
}

impl std::str::FromStr for ValueType {
    type Err = UnknownValueType;

    fn from_str(text: &str) -> Result<Self, UnknownValueType> {
        let known = Self::ALL.into_iter().find(|one| one.as_str() == text);
        known.ok_or_else(|| UnknownValueType { text: text.to_owned() })
    }
}

impl std::fmt::Display for ValueType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn stored_text_round_trips() {
        for value_type in ValueType::ALL {
            assert_eq!(value_type.to_string().parse(), Ok(value_type));
        }
        assert!("Bool".parse::<ValueType>().unwrap_err().to_string().starts_with("type must"));
    }

    #[test]
    fn each_type_admits_its_own_values() {
        let values = [json!(true), json!("x"), json!(-1), json!(1.5), json!({"a": null}), json!(u64::MAX)];
        let admitted = |value_type: ValueType| values.each_ref().map(|value| value_type.admits(value));
        assert_eq!(admitted(ValueType::Bool), [true, false, false, false, false, false]);
        assert_eq!(admitted(ValueType::String), [false, true, false, false, false, false]);
        assert_eq!(admitted(ValueType::Int), [false, false, true, false, false, false]);
        assert_eq!(admitted(ValueType::Double), [false, false, true, true, false, true]);
        assert_eq!(admitted(ValueType::Json), [true; 6]);
    }
}
