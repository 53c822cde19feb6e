//! JavaScript's comparisons of one value with a constant, as JSONLogic.
//!
//! Must never know: what is compared, or how conditions are joined.

use super::{Translated, Untranslatable, and, not, refuse};
use serde_json::{Value, json};

/// JavaScript's `===` with a single value.
pub(super) fn same(subject: &Value, value: &Value) -> Value {
    json!({ "===": [subject, value] })
}

/// Whether one of the values is the subject, or for a list one of its elements. The values are written once: they may
/// be many. Elements are single values: one that is a list would take an iteration in an iteration.
pub(super) fn is_in(subject: &Value, values: &[Value], is_element: bool) -> Value {
    if is_element {
        return json!({ "in": [subject, values] });
    }
    let elements = json!({ "if": [is_list(subject), subject, [subject]] });
    json!({ "some": [elements, { "in": [{ "var": "" }, values] }] })
}

/// `typeof subject === "string"`.
fn is_string(subject: &Value) -> Value {
    json!({ "starts_with": [subject, ""] })
}

/// The first character of the subject written as JSON tells lists and objects from all that is no text.
fn starts_as_json(subject: &Value, characters: &[&str]) -> Value {
    json!({ "in": [{ "substr": [subject, 0, 1] }, characters] })
}

/// A list or an object, or a text that begins as one is written.
fn is_container(subject: &Value) -> Value {
    starts_as_json(subject, &["[", "{"])
}

pub(super) fn is_list(subject: &Value) -> Value {
    and(vec![not(is_string(subject)), starts_as_json(subject, &["["])])
}

/// `value + "" === text`, for a single value.
pub(super) fn is_text(subject: &Value, text: &str) -> Value {
    let mut written = vec![json!(text)];
    match text {
        "null" => written.push(Value::Null),
        "true" => written.push(json!(true)),
        "false" => written.push(json!(false)),
        _ => written.extend(number_written_as(text)),
    }
    match written.as_slice() {
        [only] => same(subject, only),
        several => json!({ "in": [subject, several] }),
    }
}

/// `value * 1 === number`, for a single value.
pub(super) fn is_number(subject: &Value, number: &Value) -> Value {
    let equal = json!({ "==": [subject, number] });
    match number.as_f64() {
        // What JavaScript turns into 0, beyond what the operator does.
        Some(0.0) => json!({ "or": [equal, { "in": [subject, [null, false, ""]] }] }),
        _ => equal,
    }
}

/// `value !== null && !!value === truth`; lists and objects are true, empty or not.
pub(super) fn is_truth(subject: &Value, truth: bool) -> Value {
    let holds = json!({ "or": [subject, is_container(subject)] });
    match truth {
        true => json!({ "!!": [holds] }),
        false => and(vec![not(same(subject, &Value::Null)), not(holds)]),
    }
}

/// JavaScript's `<` and its like: texts by their characters, everything else by number, and nothing is ordered
/// against what is no number.
pub(super) fn ordered(operator: &str, subject: &Value, bound: &Value) -> Translated {
    let compare = |bound: &Value| json!({ operator: [subject, bound] });
    match bound {
        Value::Number(_) => Ok(and(vec![not(is_container(subject)), reads_as_number(subject), compare(bound)])),
        Value::String(text) => match number_read_from(text)? {
            None => Ok(and(vec![is_string(subject), compare(bound)])),
            Some(number) => {
                let single = and(vec![not(is_container(subject)), compare(&number)]);
                Ok(json!({ "if": [is_string(subject), compare(bound), single] }))
            }
        },
        _ => refuse("an order against what is no number and no text"),
    }
}

/// Whether a single value is a finite number or a text of one. Ordered against null, a text that is none is on no side
/// of it, while against a number it would be an error.
fn reads_as_number(subject: &Value) -> Value {
    let has_side = json!({ "or": [{ ">=": [subject, null] }, { "<": [subject, null] }] });
    and(vec![has_side, json!({ "<=": [f64::MIN, subject, f64::MAX] })])
}

pub(super) fn is_of_type(subject: &Value, kind: &str) -> Value {
    match kind {
        "null" => same(subject, &Value::Null),
        "boolean" => json!({ "in": [subject, [true, false]] }),
        "string" => is_string(subject),
        "array" => is_list(subject),
        "object" => and(vec![not(is_string(subject)), starts_as_json(subject, &["{"])]),
        "number" => {
            let other = [is_string(subject), json!({ "in": [subject, [null, true, false]] })];
            let other = [other.as_slice(), &[is_container(subject)]].concat();
            not(json!({ "or": other }))
        }
        _ => json!(false),
    }
}

/// The number that JavaScript writes as this text.
pub(super) fn number_written_as(text: &str) -> Option<Value> {
    let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite())?;
    let size = number.abs();
    let written = if size == 0.0 {
        "0".to_owned()
    } else if (1e-6..1e21).contains(&size) {
        number.to_string()
    } else {
        let exponential = format!("{number:e}");
        if size < 1.0 { exponential } else { exponential.replace('e', "e+") }
    };
    (written == text).then(|| number_value(number))
}

/// What JavaScript's `Number` makes of a text; `None` where it is no number.
fn number_read_from(text: &str) -> Result<Option<Value>, Untranslatable> {
    let trimmed = text.trim_matches(is_space);
    if trimmed.is_empty() {
        return Ok(Some(json!(0)));
    }
    let radix = ["0x", "0X", "0o", "0O", "0b", "0B"];
    if radix.iter().any(|prefix| trimmed.starts_with(prefix)) || trimmed.ends_with("Infinity") {
        return refuse(format!("an order against {text:?}"));
    }
    let is_decimal = trimmed.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    match trimmed.parse::<f64>().ok().filter(|_| is_decimal) {
        Some(number) if number.is_finite() => Ok(Some(number_value(number))),
        Some(_) => refuse(format!("an order against {text:?}")),
        None => Ok(None),
    }
}

/// What JavaScript trims: white space of Unicode but for U+0085, and the byte order mark.
fn is_space(character: char) -> bool {
    character == '\u{feff}' || (character.is_whitespace() && character != '\u{85}')
}

/// As an integer where it is one, as JSON would have it.
fn number_value(number: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT { json!(number as i64) } else { json!(number) }
}
