//! `google.protobuf.Value` to JSON and back.
//!
//! The wire has one kind of number, a double. Whole ones become integers, so that `{"var": 1}` names the attribute
//! `1` and not `1.0`. How deep a value may be is bounded by the decoder of the wire (100 messages).
//! Must never know: what a value is for.

use prost_types::value::Kind;
use prost_types::{ListValue, Struct};
use serde_json::{Map, Number, Value};

/// Largest magnitude below which every whole double is exact: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Why a wire value is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotJson {
    /// NaN or an infinity.
    #[error("must hold finite numbers only")]
    Number,
    /// A value without a kind.
    #[error("must not hold a value without a kind; null is a kind")]
    Kind,
}

/// JSON of a value.
pub(crate) fn from_wire(value: prost_types::Value) -> Result<Value, NotJson> {
    Ok(match value.kind.ok_or(NotJson::Kind)? {
        Kind::NullValue(_) => Value::Null,
        Kind::BoolValue(flag) => Value::Bool(flag),
        Kind::NumberValue(number) => Value::Number(number_from_wire(number)?),
        Kind::StringValue(text) => Value::String(text),
        Kind::ListValue(list) => Value::Array(list.values.into_iter().map(from_wire).collect::<Result<_, _>>()?),
        Kind::StructValue(fields) => object_from_wire(fields)?,
    })
}

/// JSON of an object.
pub(crate) fn object_from_wire(fields: Struct) -> Result<Value, NotJson> {
    let entries = fields.fields.into_iter().map(|(key, value)| Ok((key, from_wire(value)?)));
    Ok(Value::Object(entries.collect::<Result<Map<String, Value>, NotJson>>()?))
}

/// A value of JSON. Integers past 2^53 are rounded, as the wire has nothing better.
pub(crate) fn to_wire(value: &Value) -> prost_types::Value {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(flag) => Kind::BoolValue(*flag),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(items) => Kind::ListValue(ListValue { values: items.iter().map(to_wire).collect() }),
        Value::Object(entries) => {
            let fields = entries.iter().map(|(key, item)| (key.clone(), to_wire(item))).collect();
            Kind::StructValue(Struct { fields })
        }
    };
    prost_types::Value { kind: Some(kind) }
}

#[allow(clippy::cast_possible_truncation, reason = "the number is whole and within 2^53")]
fn number_from_wire(number: f64) -> Result<Number, NotJson> {
    if number.fract() == 0.0 && number.abs() <= EXACT {
        return Ok(Number::from(number as i64));
    }
    Number::from_f64(number).ok_or(NotJson::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn number(number: f64) -> prost_types::Value {
        prost_types::Value { kind: Some(Kind::NumberValue(number)) }
    }

    #[test]
    fn every_kind_round_trips() {
        let value = json!({"a": [null, true, -3, 2.5, "x", {"b": []}], "c": 9_007_199_254_740_992_i64});
        assert_eq!(from_wire(to_wire(&value)), Ok(value));
    }

    #[test]
    fn whole_numbers_are_integers_and_others_stay() {
        assert_eq!(from_wire(number(7.0)), Ok(json!(7)));
        assert_eq!(from_wire(number(-0.0)), Ok(json!(0)));
        assert_eq!(from_wire(number(1e300)), Ok(json!(1e300)));
        assert_eq!(from_wire(number(f64::NAN)), Err(NotJson::Number));
        assert_eq!(from_wire(number(f64::INFINITY)), Err(NotJson::Number));
    }

    #[test]
    fn a_value_without_a_kind_is_refused_wherever_it_stands() {
        let list = ListValue { values: vec![number(1.0), prost_types::Value { kind: None }] };
        assert_eq!(from_wire(prost_types::Value { kind: Some(Kind::ListValue(list)) }), Err(NotJson::Kind));
    }
}
