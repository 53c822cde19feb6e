//! GrowthBook's Mongo-like conditions as JSONLogic.
//!
//! Source: `@growthbook/growthbook` (npm) `mongrule.ts`, 1.8. Its comparisons are JavaScript's, so most become more
//! than one operator. What is translated means the same for attributes that are missing, null, truth values, numbers
//! and texts, and for lists where an operator reads lists. Three corners are left, none of which admits in silence
//! whom GrowthBook keeps out:
//! - a list or object compared with a single value is never equal to it (JavaScript joins a list into a text first),
//!   and a list inside a list has no element in common with any;
//! - a text that is no plain decimal number, ordered against a number, fails the audience (JavaScript says no, or
//!   reads hexadecimals);
//! - texts are ordered by code points (JavaScript: by UTF-16 units; apart only beyond the basic plane).
//!
//! Everything else is refused, naming the operator. Must never know: rules, features, values.

use super::fields::is_truthy;
use serde_json::{Map, Value, json};

/// Deepest nesting of a condition, saved groups included.
const MAX_DEPTH: usize = 32;

/// A condition that has no equal in JSONLogic: what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Untranslatable(pub(super) String);

type Translated = Result<Value, Untranslatable>;

fn refuse<T>(what: impl Into<String>) -> Result<T, Untranslatable> {
    Err(Untranslatable(what.into()))
}

/// What conditions are read with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conditions<'a> {
    /// The attribute that is the request's unit.
    pub(super) unit_attribute: &'a str,
    /// `savedGroups` of the file.
    pub(super) saved_groups: &'a Map<String, Value>,
}

/// Where a translation stands.
#[derive(Clone, Copy)]
struct Place<'p> {
    /// Inside `$elemMatch`, where paths start at the element.
    in_element: bool,
    depth: usize,
    /// Saved groups being put in place, innermost first.
    groups: Option<&'p Group<'p>>,
}

struct Group<'p> {
    id: &'p str,
    outer: Option<&'p Group<'p>>,
}

impl Place<'_> {
    fn deeper(self) -> Result<Self, Untranslatable> {
        match self.depth {
            MAX_DEPTH => refuse(format!("more than {MAX_DEPTH} levels of conditions")),
            depth => Ok(Self { depth: depth.saturating_add(1), ..self }),
        }
    }

    fn resolves(&self, id: &str) -> bool {
        std::iter::successors(self.groups, |group| group.outer).any(|group| group.id == id)
    }
}

impl Conditions<'_> {
    /// A JSONLogic condition that admits whom the condition admits.
    pub(super) fn translate(&self, condition: &Value) -> Translated {
        self.all_of(condition, Place { in_element: false, depth: 0, groups: None })
    }

    /// `evalCondition`: every entry must hold.
    fn all_of(&self, condition: &Value, place: Place<'_>) -> Translated {
        let place = place.deeper()?;
        let Some(entries) = condition.as_object() else { return refuse("a condition that is no object") };
        let parts = entries.iter().map(|(key, value)| match key.as_str() {
            "$and" => Ok(and(self.each(value, place)?)),
            "$or" => Ok(any_of(self.each(value, place)?)),
            "$nor" => Ok(not(any_of(self.each(value, place)?))),
            "$not" => Ok(not(self.all_of(value, place)?)),
            "$savedGroup" => self.saved_group(value, place),
            path => self.value(value, &self.attribute(path, place)?, place),
        });
        Ok(and(parts.collect::<Result<_, _>>()?))
    }

    fn each(&self, conditions: &Value, place: Place<'_>) -> Result<Vec<Value>, Untranslatable> {
        let Some(conditions) = conditions.as_array() else { return refuse("$and, $or or $nor of what is no list") };
        conditions.iter().map(|condition| self.all_of(condition, place)).collect()
    }

    /// `getPath`. Names that JavaScript finds in every object or list are no attributes.
    fn attribute(&self, path: &str, place: Place<'_>) -> Translated {
        const INHERITED: [&str; 8] = [
            "length",
            "constructor",
            "__proto__",
            "toString",
            "valueOf",
            "hasOwnProperty",
            "toLocaleString",
            "isPrototypeOf",
        ];
        let mut parts = path.split('.');
        let is_index = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let odd = |part: &str| {
            part.is_empty() || INHERITED.contains(&part) || (is_index(part) && part.len() > 1 && part.starts_with('0'))
        };
        if path.starts_with('$') || parts.clone().any(odd) {
            return refuse(format!("the attribute {path:?}"));
        }
        let first = parts.next().unwrap_or_default();
        if place.in_element {
            return Ok(json!({ "var": path }));
        }
        if path == self.unit_attribute {
            // A request without a unit has an empty one, which is no attribute there.
            let unit = json!({ "var": "targetingKey" });
            return Ok(json!({ "if": [unit, unit, null] }));
        }
        if first == self.unit_attribute || first == "targetingKey" {
            return refuse(format!("the attribute {path:?}, where the unit is"));
        }
        Ok(json!({ "var": path }))
    }

    /// `$savedGroup`: nobody, where the group is not there or not of a known shape.
    fn saved_group(&self, reference: &Value, place: Place<'_>) -> Translated {
        let Some(id) = reference.get("id").and_then(Value::as_str) else { return Ok(json!(false)) };
        let key = reference.get("attributeKey");
        let group = self.saved_groups.get(id).filter(|_| !place.resolves(id)).and_then(Value::as_object);
        let Some(group) = group.filter(|_| key.is_none_or(Value::is_string)) else { return Ok(json!(false)) };
        let inside = Group { id, outer: place.groups };
        let place = Place { groups: Some(&inside), ..place };
        match group.get("type").and_then(Value::as_str) {
            Some("list") => {
                let key = key.or(group.get("attributeKey")).and_then(Value::as_str);
                let values = group.get("values").and_then(Value::as_array);
                match key.zip(values) {
                    Some((key, values)) => is_in(&self.attribute(key, place)?, values, place),
                    None => Ok(json!(false)),
                }
            }
            Some("condition") => match group.get("condition") {
                Some(condition @ Value::Object(_)) => self.all_of(condition, place),
                _ => Ok(json!(false)),
            },
            _ => Ok(json!(false)),
        }
    }

    /// `evalConditionValue`.
    fn value(&self, condition: &Value, subject: &Value, place: Place<'_>) -> Translated {
        let place = place.deeper()?;
        match condition {
            Value::Null => Ok(same(subject, condition)),
            Value::Bool(truth) => Ok(is_truth(subject, *truth)),
            Value::Number(_) => Ok(is_number(subject, condition)),
            Value::String(text) => Ok(is_text(subject, text)),
            Value::Object(operators) if !operators.is_empty() && operators.keys().all(|key| key.starts_with('$')) => {
                let parts = operators.iter().map(|(name, operand)| self.operator(name, operand, subject, place));
                Ok(and(parts.collect::<Result<_, _>>()?))
            }
            Value::Array(_) | Value::Object(_) => refuse("a comparison with a whole list or object"),
        }
    }

    /// `evalOperatorCondition`.
    fn operator(&self, name: &str, operand: &Value, subject: &Value, place: Place<'_>) -> Translated {
        match (name, operand) {
            ("$eq" | "$ne", Value::Array(_) | Value::Object(_)) => refuse(format!("{name} with a list or object")),
            ("$eq", operand) => Ok(same(subject, operand)),
            ("$ne", operand) => Ok(not(same(subject, operand))),
            ("$lt", operand) => ordered("<", subject, operand),
            ("$lte", operand) => ordered("<=", subject, operand),
            ("$gt", operand) => ordered(">", subject, operand),
            ("$gte", operand) => ordered(">=", subject, operand),
            ("$exists", operand) => {
                let missing = same(subject, &Value::Null);
                Ok(if is_truthy(operand) { not(missing) } else { missing })
            }
            ("$in", Value::Array(values)) => is_in(subject, values, place),
            ("$nin", Value::Array(values)) => Ok(not(is_in(subject, values, place)?)),
            ("$all", Value::Array(conditions)) => self.has_all(conditions, subject, place),
            ("$in" | "$nin" | "$all", _) => Ok(json!(false)),
            ("$inGroup" | "$notInGroup", id) => match self.group_values(id) {
                Some(values) if name == "$inGroup" => is_in(subject, values, place),
                Some(values) => Ok(not(is_in(subject, values, place)?)),
                None => Ok(json!(false)),
            },
            ("$not", condition) => Ok(not(self.value(condition, subject, place)?)),
            ("$elemMatch", condition) => self.has_element(condition, subject, place),
            ("$type", Value::String(kind)) => Ok(is_of_type(subject, kind)),
            ("$type", _) => Ok(json!(false)),
            _ => refuse(format!("the operator {name}")),
        }
    }

    /// `getSavedGroupArrayValues`: a group that is not there is empty, one of another shape matches nobody.
    fn group_values(&self, id: &Value) -> Option<&[Value]> {
        match id.as_str().and_then(|id| self.saved_groups.get(id)) {
            None => Some(&[]),
            Some(Value::Array(values)) => Some(values),
            Some(group) if group.get("type").is_some_and(|kind| kind == "list") => {
                group.get("values").and_then(Value::as_array).map(Vec::as_slice)
            }
            Some(_) => None,
        }
    }

    /// `isInAll`: for every condition some element.
    fn has_all(&self, conditions: &[Value], subject: &Value, place: Place<'_>) -> Translated {
        let inside = element(place)?;
        let some = |condition: &Value| Ok(json!({ "some": [subject, self.value(condition, &here(), inside)?] }));
        let parts = conditions.iter().map(some).collect::<Result<Vec<_>, _>>()?;
        Ok(and([vec![is_list(subject)], parts].concat()))
    }

    /// `elemMatch`: an element that is not null.
    fn has_element(&self, condition: &Value, subject: &Value, place: Place<'_>) -> Translated {
        let inside = element(place)?;
        let is_operators =
            |entries: &Map<String, Value>| !entries.is_empty() && entries.keys().all(|key| key.starts_with('$'));
        let holds = match condition.as_object() {
            Some(entries) if is_operators(entries) => self.value(condition, &here(), inside)?,
            _ => self.all_of(condition, inside)?,
        };
        let known = not(same(&here(), &Value::Null));
        Ok(and(vec![is_list(subject), json!({ "some": [subject, and(vec![known, holds])] })]))
    }
}

/// Inside an element; iterations do not nest.
fn element(place: Place<'_>) -> Result<Place<'_>, Untranslatable> {
    match place.in_element {
        true => refuse("a list inside the condition on a list's elements"),
        false => Ok(Place { in_element: true, ..place }),
    }
}

/// The element of an iteration.
fn here() -> Value {
    json!({ "var": "" })
}

fn and(mut parts: Vec<Value>) -> Value {
    match parts.len() {
        0 => json!(true),
        1 => parts.remove(0),
        _ => json!({ "and": parts }),
    }
}

/// `evalOr`: of no conditions it holds.
fn any_of(mut parts: Vec<Value>) -> Value {
    match parts.len() {
        0 => json!(true),
        1 => parts.remove(0),
        _ => json!({ "or": parts }),
    }
}

fn not(condition: Value) -> Value {
    json!({ "!": [condition] })
}

/// JavaScript's `===` with a single value.
fn same(subject: &Value, value: &Value) -> Value {
    json!({ "===": [subject, value] })
}

/// `expected.includes(actual)`, or for a list whether they have an element in common.
fn is_in(subject: &Value, values: &[Value], place: Place<'_>) -> Translated {
    if values.iter().any(|value| value.is_array() || value.is_object()) {
        return refuse("a list of values that holds lists or objects");
    }
    let single = json!({ "in": [subject, values] });
    // Elements are single values: one that is a list would take an iteration in an iteration.
    if place.in_element {
        return Ok(single);
    }
    let common = json!({ "some": [subject, { "in": [here(), values] }] });
    Ok(json!({ "or": [single, and(vec![is_list(subject), common])] }))
}

/// `typeof subject === "string"`.
fn is_string(subject: &Value) -> Value {
    json!({ "starts_with": [subject, ""] })
}

/// The first character of the subject written as JSON tells lists and objects from all that is no text.
fn starts_as_json(subject: &Value, characters: &[&str]) -> Value {
    json!({ "in": [{ "substr": [subject, 0, 1] }, characters] })
}

fn is_list(subject: &Value) -> Value {
    and(vec![not(is_string(subject)), starts_as_json(subject, &["["])])
}

/// `value + "" === text`, for a single value.
fn is_text(subject: &Value, text: &str) -> Value {
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
fn is_number(subject: &Value, number: &Value) -> Value {
    let equal = json!({ "==": [subject, number] });
    match number.as_f64() {
        // What JavaScript turns into 0, beyond what the operator does.
        Some(0.0) => json!({ "or": [equal, { "in": [subject, [null, false, ""]] }] }),
        _ => equal,
    }
}

/// `value !== null && !!value === truth`; lists and objects are true, empty or not.
fn is_truth(subject: &Value, truth: bool) -> Value {
    let holds = json!({ "or": [subject, starts_as_json(subject, &["[", "{"])] });
    match truth {
        true => json!({ "!!": [holds] }),
        false => and(vec![not(same(subject, &Value::Null)), not(holds)]),
    }
}

/// JavaScript's `<` and its like: texts by their characters, everything else by number, and nothing is ordered
/// against what is no number.
fn ordered(operator: &str, subject: &Value, bound: &Value) -> Translated {
    let compare = |bound: &Value| json!({ operator: [subject, bound] });
    match bound {
        Value::Number(_) => Ok(compare(bound)),
        Value::String(text) => match number_read_from(text)? {
            None => Ok(and(vec![is_string(subject), compare(bound)])),
            Some(number) => Ok(json!({ "if": [is_string(subject), compare(bound), compare(&number)] })),
        },
        _ => refuse("an order against what is no number and no text"),
    }
}

fn is_of_type(subject: &Value, kind: &str) -> Value {
    match kind {
        "null" => same(subject, &Value::Null),
        "boolean" => json!({ "in": [subject, [true, false]] }),
        "string" => is_string(subject),
        "array" => is_list(subject),
        "object" => and(vec![not(is_string(subject)), starts_as_json(subject, &["{"])]),
        "number" => {
            let other = [is_string(subject), json!({ "in": [subject, [null, true, false]] })];
            let other = [other.as_slice(), &[starts_as_json(subject, &["[", "{"])]].concat();
            not(json!({ "or": other }))
        }
        _ => json!(false),
    }
}

/// The number that JavaScript writes as this text.
fn number_written_as(text: &str) -> Option<Value> {
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
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Ok(Some(json!(0)));
    }
    let radix = ["0x", "0X", "0o", "0O", "0b", "0B"];
    if radix.iter().any(|prefix| trimmed.starts_with(prefix)) || trimmed.ends_with("Infinity") {
        return refuse(format!("an order against {text:?}"));
    }
    let is_decimal = trimmed.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    let number = trimmed.parse().ok().filter(|number: &f64| is_decimal && number.is_finite());
    Ok(number.map(number_value))
}

/// As an integer where it is one, as JSON would have it.
fn number_value(number: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT { json!(number as i64) } else { json!(number) }
}

#[cfg(test)]
mod tests;
