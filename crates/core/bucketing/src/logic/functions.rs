//! flagd's own operators where the engine's differ: `fractional` in three generations, and `starts_with` and
//! `ends_with`, which are false for what is no text rather than reading it as one.
//!
//! The engine's own win over others of the same name, so these have names that no expression can hold.
//! Source: <https://flagd.dev/reference/custom-operations/> and the Python SDKs that `vendor::flagd` names.
//! Must never know: flags, variants.

use super::Purpose;
use crate::vendor::flagd::{Generation, HashKey};
use datalogic_rs::bumpalo::Bump;
use datalogic_rs::operator::EvalContext;
use datalogic_rs::{ArenaExt, CustomOperator, DataValue, EngineBuilder, Result};
use serde_json::{Map, Number, Value};

const STARTS_WITH: &str = "flagd starts_with";
const ENDS_WITH: &str = "flagd ends_with";
const GENERATIONS: [Generation; 3] = [Generation::Float, Generation::Integer, Generation::Cbor];

/// Adds the operators.
pub(super) fn register(builder: EngineBuilder) -> EngineBuilder {
    let builder = builder
        .add_operator(STARTS_WITH, TextTest(|text, part| text.starts_with(part)))
        .add_operator(ENDS_WITH, TextTest(|text, part| text.ends_with(part)));
    GENERATIONS.into_iter().fold(builder, |builder, one| builder.add_operator(one.as_str(), Fractional(one)))
}

/// A checked expression with the operators called by the names they are registered under.
pub(super) fn named(expression: Value, purpose: Purpose) -> Value {
    match expression {
        Value::Array(items) => Value::Array(items.into_iter().map(|item| named(item, purpose)).collect()),
        Value::Object(entries) => {
            let renamed = entries.into_iter().map(|(name, arguments)| {
                let name = match (name.as_str(), purpose) {
                    ("fractional", Purpose::Targeting(generation)) => generation.as_str().to_owned(),
                    ("starts_with", _) => STARTS_WITH.to_owned(),
                    ("ends_with", _) => ENDS_WITH.to_owned(),
                    _ => name,
                };
                (name, named(arguments, purpose))
            });
            Value::Object(renamed.collect::<Map<_, _>>())
        }
        scalar => scalar,
    }
}

struct TextTest(fn(&str, &str) -> bool);

impl CustomOperator for TextTest {
    fn evaluate<'a>(
        &self,
        arguments: &[&'a DataValue<'a>],
        _: &mut EvalContext<'_, 'a>,
        arena: &'a Bump,
    ) -> Result<&'a DataValue<'a>> {
        let holds = match arguments {
            [DataValue::String(text), DataValue::String(part)] => (self.0)(text, part),
            _ => false,
        };
        Ok(arena.bool(holds))
    }
}

struct Fractional(Generation);

impl CustomOperator for Fractional {
    fn evaluate<'a>(
        &self,
        arguments: &[&'a DataValue<'a>],
        context: &mut EvalContext<'_, 'a>,
        arena: &'a Bump,
    ) -> Result<&'a DataValue<'a>> {
        Ok(self.pick(arguments, context.root_input()).unwrap_or_else(|| arena.null()))
    }
}

impl Fractional {
    /// The variant of the arm; `None` where flagd gives null and serves the default variant.
    fn pick<'a>(&self, arguments: &[&'a DataValue<'a>], root: &'a DataValue<'a>) -> Option<&'a DataValue<'a>> {
        let (first, rest) = arguments.split_first()?;
        // Which first argument is a bucketing value: a text, and since the third generation all but a distribution.
        let value;
        let (key, arms) = match (self.0, first) {
            (_, DataValue::String(text)) => (HashKey::Text(text), rest),
            (Generation::Cbor, first) if !matches!(first, DataValue::Array(_)) => {
                value = to_json(first)?;
                (HashKey::Json(&value), rest)
            }
            _ => (shorthand(root)?, arguments),
        };
        if !arms.iter().all(|arm| self.is_arm(arm)) {
            return None;
        }
        let index = self.0.arm(key, arms.iter().map(|arm| weight(arm).unwrap_or_default()))?;
        arms.get(index)?.as_array()?.first()
    }

    /// Whether it is `[variant]` or `[variant, weight]`; the first generation wants a text for the variant.
    fn is_arm(&self, arm: &DataValue<'_>) -> bool {
        let named = |variant: &DataValue<'_>| self.0 != Generation::Float || variant.as_str().is_some();
        matches!(arm, DataValue::Array([variant] | [variant, _]) if named(variant)) && weight(arm).is_some()
    }
}

/// The weight of an arm, 1 where it gives none, 0 where it is negative: rollouts are computed by subtraction.
/// `None` for what is no integer, or above all that weights may sum to.
fn weight(arm: &DataValue<'_>) -> Option<u32> {
    match arm.as_array()?.get(1) {
        None => Some(1),
        Some(weight) => u32::try_from(weight.as_i64()?.max(0)).ok(),
    }
}

fn shorthand<'a>(root: &'a DataValue<'a>) -> Option<HashKey<'a>> {
    let flag_key = root.get("$flagd").and_then(|flagd| flagd.get("flagKey")).and_then(DataValue::as_str);
    let targeting_key = root.get("targetingKey").and_then(DataValue::as_str)?;
    Some(HashKey::Shorthand { flag_key: flag_key.unwrap_or_default(), targeting_key })
}

/// The value as JSON; it is an attribute or a literal, so its depth is bounded.
fn to_json(value: &DataValue<'_>) -> Option<Value> {
    Some(match value {
        DataValue::Null => Value::Null,
        DataValue::Bool(truth) => Value::Bool(*truth),
        DataValue::Number(number) => match number.as_i64() {
            Some(integer) => Value::from(integer),
            None => Value::Number(Number::from_f64(number.as_f64())?),
        },
        DataValue::String(text) => Value::from(*text),
        DataValue::Array(items) => Value::Array(items.iter().map(to_json).collect::<Option<_>>()?),
        DataValue::Object(entries) => {
            let entries = entries.iter().map(|(key, item)| Some(((*key).to_owned(), to_json(item)?)));
            Value::Object(entries.collect::<Option<Map<_, _>>>()?)
        }
    })
}
