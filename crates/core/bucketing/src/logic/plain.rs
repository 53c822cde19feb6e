//! Conditions that need no engine: attributes compared with constants, joined by and, or and not.
//!
//! Most audiences are of this kind, and walking them costs a tenth of evaluating JSONLogic. They answer only where the
//! kinds of the operands leave no doubt (text with text, number with number); everything else is the engine's.
//! Must never know: what else an expression could say.

use serde_json::{Map, Value};

/// Integers up to here are the same as 64-bit integers and as floats: 2^53.
const EXACT_INTEGERS: f64 = 9_007_199_254_740_992.0;

/// A checked condition; as deep as the expression it was read from.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    All(Box<[Condition]>),
    Any(Box<[Condition]>),
    Not(Box<Condition>),
    Text { attribute: Box<str>, test: TextTest },
    Number { attribute: Box<str>, order: Order, bound: f64 },
}

#[derive(Clone, Debug)]
pub(super) enum TextTest {
    Is(Box<str>),
    IsNot(Box<str>),
    OneOf(Box<[Box<str>]>),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    Below,
    AtMost,
    Above,
    AtLeast,
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
                [part] => Self::read(part).map(|part| Self::Not(Box::new(part))),
                _ => None,
            },
            ("!", part) => Self::read(part).map(|part| Self::Not(Box::new(part))),
            (operator, Value::Array(operands)) => match operands.as_slice() {
                [left, right] => Self::compare(operator, attribute(left)?, right),
                _ => None,
            },
            _ => None,
        }
    }

    fn compare(operator: &str, attribute: &str, constant: &Value) -> Option<Self> {
        let order = match operator {
            "<" => Order::Below,
            "<=" => Order::AtMost,
            ">" => Order::Above,
            ">=" => Order::AtLeast,
            "==" | "===" => return Some(text(attribute, TextTest::Is(constant.as_str()?.into()))),
            "!=" | "!==" => return Some(text(attribute, TextTest::IsNot(constant.as_str()?.into()))),
            "in" => {
                let texts = constant.as_array()?.iter().map(|text| text.as_str().map(Box::from));
                return Some(text(attribute, TextTest::OneOf(texts.collect::<Option<_>>()?)));
            }
            _ => return None,
        };
        Some(Self::Number { attribute: attribute.into(), order, bound: exact(constant)? })
    }

    /// Whether the attributes satisfy it; `None` where the engine must say.
    pub(super) fn holds(&self, attributes: &Map<String, Value>) -> Option<bool> {
        match self {
            Self::All(parts) => {
                for part in parts {
                    if !part.holds(attributes)? {
                        return Some(false);
                    }
                }
                Some(true)
            }
            Self::Any(parts) => {
                for part in parts {
                    if part.holds(attributes)? {
                        return Some(true);
                    }
                }
                Some(false)
            }
            Self::Not(part) => part.holds(attributes).map(|holds| !holds),
            Self::Text { attribute, test } => {
                let given = attributes.get(&**attribute)?.as_str()?;
                Some(match test {
                    TextTest::Is(text) => **text == *given,
                    TextTest::IsNot(text) => **text != *given,
                    TextTest::OneOf(texts) => texts.iter().any(|text| **text == *given),
                })
            }
            Self::Number { attribute, order, bound } => {
                let given = exact(attributes.get(&**attribute)?)?;
                Some(match order {
                    Order::Below => given < *bound,
                    Order::AtMost => given <= *bound,
                    Order::Above => given > *bound,
                    Order::AtLeast => given >= *bound,
                })
            }
        }
    }
}

fn text(attribute: &str, test: TextTest) -> Condition {
    Condition::Text { attribute: attribute.into(), test }
}

/// No parts at all are left to the engine.
fn read_all(parts: &[Value]) -> Option<Box<[Condition]>> {
    parts.iter().map(Condition::read).collect::<Option<Box<[_]>>>().filter(|parts| !parts.is_empty())
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

/// A number that is the same as an integer and as a float.
fn exact(value: &Value) -> Option<f64> {
    value.as_f64().filter(|number| number.abs() <= EXACT_INTEGERS)
}

#[cfg(test)]
mod tests;
