//! Conditions that need no engine: attributes compared with constants, joined by and, or and not.
//!
//! Most audiences are of this kind, and walking them costs a tenth of evaluating JSONLogic. They answer only where the
//! kinds of the operands leave no doubt (text with text, number with number); everything else is the engine's.
//! Must never know: what else an expression could say.

use crate::attributes::{Attributes, Scalar, exact};
use crate::word::Word;
use serde_json::Value;
use std::sync::Arc;

/// A checked condition, cheap to clone; as deep as the expression it was read from.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    All(Arc<[Condition]>),
    Any(Arc<[Condition]>),
    Not(Arc<Condition>),
    Test(Test),
}

/// A test of one attribute.
#[derive(Clone, Debug)]
pub(crate) struct Test {
    attribute: Word<Arc<str>>,
    comparison: Comparison,
}

#[derive(Clone, Debug)]
enum Comparison {
    Is(Word<Arc<str>>),
    IsNot(Word<Arc<str>>),
    OneOf(Arc<[Word<Arc<str>>]>),
    Below(f64),
    AtMost(f64),
    Above(f64),
    AtLeast(f64),
}

impl Condition {
    /// Reads an expression whose references were put in place; `None` when any part of it is of another kind.
    pub(super) fn read(expression: &Value) -> Option<Self> {
        let entries = expression.as_object()?;
        let (operator, arguments) = entries.iter().next().filter(|_| entries.len() == 1)?;
        match (operator.as_str(), arguments) {
            ("and", Value::Array(parts)) => read_all(parts).map(Self::All),
            ("or", Value::Array(parts)) => read_all(parts).map(Self::Any),
            ("!", Value::Array(parts)) => match parts.as_slice() {
                [part] => Self::read(part).map(|part| Self::Not(Arc::new(part))),
                _ => None,
            },
            ("!", part) => Self::read(part).map(|part| Self::Not(Arc::new(part))),
            (operator, Value::Array(operands)) => match operands.as_slice() {
                [left, right] => Self::compare(operator, attribute(left)?, right),
                _ => None,
            },
            _ => None,
        }
    }

    fn compare(operator: &str, attribute: &str, constant: &Value) -> Option<Self> {
        let comparison = match operator {
            "<" => Comparison::Below(exact(constant)?),
            "<=" => Comparison::AtMost(exact(constant)?),
            ">" => Comparison::Above(exact(constant)?),
            ">=" => Comparison::AtLeast(exact(constant)?),
            "==" | "===" => Comparison::Is(word(constant)?),
            "!=" | "!==" => Comparison::IsNot(word(constant)?),
            "in" => {
                let texts = constant.as_array()?.iter().map(word);
                Comparison::OneOf(texts.collect::<Option<_>>()?)
            }
            _ => return None,
        };
        Some(Self::Test(Test { attribute: Word::new(attribute.into()), comparison }))
    }

    /// Whether the attributes satisfy it; `None` where the engine must say.
    pub(crate) fn holds(&self, attributes: &Attributes<'_>) -> Option<bool> {
        match self {
            Self::All(parts) => joined(parts, attributes, true),
            Self::Any(parts) => joined(parts, attributes, false),
            Self::Not(part) => part.holds(attributes).map(|holds| !holds),
            Self::Test(test) => test.holds(attributes),
        }
    }
}

/// Whether all parts hold (`open` is true) or any does (false).
#[inline(always)]
fn joined(parts: &[Condition], attributes: &Attributes<'_>, open: bool) -> Option<bool> {
    for part in parts {
        let holds = match part {
            Condition::Test(test) => test.holds(attributes)?,
            nested => nested.holds(attributes)?,
        };
        if holds != open {
            return Some(holds);
        }
    }
    Some(open)
}

impl Test {
    #[inline(always)]
    fn holds(&self, attributes: &Attributes<'_>) -> Option<bool> {
        match (attributes.get(&self.attribute), &self.comparison) {
            (Some(Scalar::Text(given)), Comparison::Is(text)) => Some(given.is(text)),
            (Some(Scalar::Text(given)), Comparison::IsNot(text)) => Some(!given.is(text)),
            (Some(Scalar::Text(given)), Comparison::OneOf(texts)) => Some(texts.iter().any(|text| given.is(text))),
            (Some(Scalar::Number(given)), Comparison::Below(bound)) => Some(given < bound),
            (Some(Scalar::Number(given)), Comparison::AtMost(bound)) => Some(given <= bound),
            (Some(Scalar::Number(given)), Comparison::Above(bound)) => Some(given > bound),
            (Some(Scalar::Number(given)), Comparison::AtLeast(bound)) => Some(given >= bound),
            // What is not there is null, which is no text.
            (None, Comparison::Is(_) | Comparison::OneOf(_)) => Some(false),
            (None, Comparison::IsNot(_)) => Some(true),
            _ => None,
        }
    }
}

/// Of a text that null does not equal.
fn word(constant: &Value) -> Option<Word<Arc<str>>> {
    constant.as_str().filter(|text| !text.is_empty()).map(|text| Word::new(text.into()))
}

/// No parts at all are left to the engine.
fn read_all(parts: &[Value]) -> Option<Arc<[Condition]>> {
    parts.iter().map(Condition::read).collect::<Option<Arc<[_]>>>().filter(|parts| !parts.is_empty())
}

/// The key that a `var` reads at the top of the attributes. Paths, positions and what the request does not set itself
/// are the engine's.
fn attribute(operand: &Value) -> Option<&str> {
    let entries = operand.as_object().filter(|entries| entries.len() == 1)?;
    let key = match entries.get("var")? {
        Value::Array(path) => match path.as_slice() {
            [key] => key.as_str()?,
            _ => return None,
        },
        key => key.as_str()?,
    };
    let is_plain = key.starts_with(|first: char| first.is_ascii_alphabetic())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && key != "targetingKey";
    is_plain.then_some(key)
}

#[cfg(test)]
mod tests;
