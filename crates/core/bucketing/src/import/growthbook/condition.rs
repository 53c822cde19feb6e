//! GrowthBook's Mongo-like conditions as JSONLogic.
//!
//! Source: `@growthbook/growthbook` (npm) `mongrule.ts`, 1.8. Its comparisons are JavaScript's, so most become more
//! than one operator (`compare.rs`). What is translated never fails, and means the same for attributes that are
//! missing, null, truth values, numbers and texts, and for lists where an operator reads lists. In these corners it
//! means something else, so that a condition may hold here and not there, or the other way round:
//! - a list or object compared with a single value is never equal to it nor ordered against it (JavaScript joins a
//!   list into a text first), and a list inside a list has no element in common with any;
//! - a text is a number where it is a plain finite decimal, such as `-1.5e3`: JavaScript also reads `0x10`, `0b1`,
//!   `0o7` and `Infinity`, and texts with spaces around them, none of which is equal to a number or ordered against
//!   one here;
//! - texts are ordered by code points (JavaScript: by UTF-16 units; apart only beyond the basic plane).
//!
//! Everything else is refused, naming the operator. Must never know: rules, features, values.

mod compare;

use super::fields::is_truthy;
use crate::unit::MAX_PATH_BYTES;
use compare::{is_in, is_list, is_number, is_of_type, is_text, is_truth, ordered, same};
use serde_json::{Map, Value, json};
use std::cell::Cell;

/// Deepest nesting of a condition, saved groups included.
const MAX_DEPTH: usize = 32;
/// Most conditions and listed values of one condition, saved groups included as often as they are named. An audience
/// holds fewer, so nothing that could be used is lost; and a chain of groups that name each other many times ends here.
const MAX_VALUES: usize = 1_024;
/// Most bytes of listed texts in one condition, saved groups included as often as they are named.
const MAX_TEXT_BYTES: usize = 65_536;

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

/// What is left of the limits of one translation.
struct Budget {
    values: Cell<usize>,
    text_bytes: Cell<usize>,
}

impl Budget {
    const fn new() -> Self {
        Self { values: Cell::new(MAX_VALUES), text_bytes: Cell::new(MAX_TEXT_BYTES) }
    }

    fn take_value(&self) -> Result<(), Untranslatable> {
        let Some(left) = self.values.get().checked_sub(1) else {
            return refuse(format!("more than {MAX_VALUES} conditions and values, saved groups included"));
        };
        self.values.set(left);
        Ok(())
    }

    /// Before values of a list are copied.
    fn take_list(&self, values: &[Value]) -> Result<(), Untranslatable> {
        for value in values {
            self.take_value()?;
            let Some(left) = self.text_bytes.get().checked_sub(value.as_str().map_or(0, str::len)) else {
                return refuse(format!("more than {MAX_TEXT_BYTES} bytes of listed texts, saved groups included"));
            };
            self.text_bytes.set(left);
        }
        Ok(())
    }
}

/// Where a translation stands.
#[derive(Clone, Copy)]
struct Place<'p> {
    budget: &'p Budget,
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
        self.budget.take_value()?;
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
        let budget = &Budget::new();
        self.all_of(condition, Place { budget, in_element: false, depth: 0, groups: None })
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
        if path.len() > MAX_PATH_BYTES {
            return refuse(format!("an attribute of more than {MAX_PATH_BYTES} bytes"));
        }
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
                    Some((key, values)) => listed(&self.attribute(key, place)?, values, place),
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
            ("$in", Value::Array(values)) => listed(subject, values, place),
            ("$nin", Value::Array(values)) => Ok(not(listed(subject, values, place)?)),
            ("$all", Value::Array(conditions)) => self.has_all(conditions, subject, place),
            ("$in" | "$nin" | "$all", _) => Ok(json!(false)),
            ("$inGroup" | "$notInGroup", id) => match self.group_values(id) {
                Some(values) if name == "$inGroup" => listed(subject, values, place),
                Some(values) => Ok(not(listed(subject, values, place)?)),
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

/// `expected.includes(actual)`, or for a list whether they have an element in common.
fn listed(subject: &Value, values: &[Value], place: Place<'_>) -> Translated {
    if values.iter().any(|value| value.is_array() || value.is_object()) {
        return refuse("a list of values that holds lists or objects");
    }
    place.budget.take_list(values)?;
    Ok(is_in(subject, values, place.in_element))
}

#[cfg(test)]
mod tests;
