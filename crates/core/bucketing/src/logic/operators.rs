//! The operators an expression may use, and the check of a whole expression against them.
//!
//! An audience may use none that builds values. Targeting may, as flagd's does, within these bounds: few of them, none
//! inside the condition or body of an iteration (where values could double with every element), none that joins texts
//! around an iteration, and no list put together from others as what is iterated.
//! Left out on purpose: computed paths (and datalogic's `val`), which reach from an iteration back to the whole data;
//! and `fractional` in audiences, which would split by another hash than the experiment's.

use super::{LogicFault, Purpose};
use serde_json::Value;

/// Most operators that build values in one expression.
const MAX_BUILDERS: usize = 16;
/// Most attributes read by operators that join values, all together.
const MAX_JOINED: usize = 64;

/// What is asked of an operator's arguments beyond their number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Any expressions; a single one needs no list around it.
    Free,
    /// Any expressions, in a list.
    List,
    /// A literal path, then an optional default.
    Path,
    /// Literal paths only.
    Paths,
    /// How many, then a list of literal paths.
    SomePaths,
    /// What to iterate, then a condition or body for each element, then where to start from.
    Iteration,
}

#[derive(Clone, Copy)]
struct Operator {
    name: &'static str,
    min: usize,
    max: usize,
    shape: Shape,
}

const fn op(name: &'static str, min: usize, max: usize, shape: Shape) -> Operator {
    Operator { name, min, max, shape }
}

const MANY: usize = 512;

const OPERATORS: &[Operator] = &[
    op("var", 0, 2, Shape::Path),
    op("missing", 1, MANY, Shape::Paths),
    op("missing_some", 2, 2, Shape::SomePaths),
    op("==", 2, 2, Shape::List),
    op("===", 2, 2, Shape::List),
    op("!=", 2, 2, Shape::List),
    op("!==", 2, 2, Shape::List),
    op("<", 2, 3, Shape::List),
    op("<=", 2, 3, Shape::List),
    op(">", 2, 3, Shape::List),
    op(">=", 2, 3, Shape::List),
    op("!", 1, 1, Shape::Free),
    op("!!", 1, 1, Shape::Free),
    op("and", 1, MANY, Shape::List),
    op("or", 1, MANY, Shape::List),
    op("if", 1, MANY, Shape::List),
    op("?:", 3, 3, Shape::List),
    op("in", 2, 2, Shape::List),
    op("some", 2, 2, Shape::Iteration),
    op("all", 2, 2, Shape::Iteration),
    op("none", 2, 2, Shape::Iteration),
    op("+", 1, MANY, Shape::Free),
    op("-", 1, 2, Shape::Free),
    op("*", 2, MANY, Shape::List),
    op("/", 2, 2, Shape::List),
    op("%", 2, 2, Shape::List),
    op("max", 1, MANY, Shape::Free),
    op("min", 1, MANY, Shape::Free),
    op("substr", 2, 3, Shape::List),
    op("starts_with", 2, 2, Shape::List),
    op("ends_with", 2, 2, Shape::List),
    op("sem_ver", 3, 3, Shape::List),
];

/// What targeting may use besides: operators that build values, which audiences do without.
const BUILDERS: &[Operator] = &[
    op("cat", 1, MANY, Shape::Free),
    op("merge", 1, MANY, Shape::Free),
    op("map", 2, 2, Shape::Iteration),
    op("filter", 2, 2, Shape::Iteration),
    op("reduce", 2, 3, Shape::Iteration),
    op("fractional", 1, MANY, Shape::List),
];

/// Checks every operator of an expression. The caller has bounded the depth, which bounds the recursion.
pub(super) fn check(expression: &Value, purpose: Purpose) -> Result<(), LogicFault> {
    Checker { purpose, builders: 0, joined: 0 }.value(expression, Place::default())
}

/// Which operators stand around a value.
#[derive(Clone, Copy, Default)]
struct Place {
    /// The iteration whose condition or body this is part of.
    body_of: Option<&'static str>,
    /// The iteration whose elements this gives.
    source_of: Option<&'static str>,
    /// The operator that joins this with other values.
    joined_by: Option<&'static str>,
}

struct Checker {
    purpose: Purpose,
    builders: usize,
    joined: usize,
}

impl Checker {
    fn value(&mut self, value: &Value, place: Place) -> Result<(), LogicFault> {
        match value {
            Value::Array(items) => {
                // An accumulator put into a list twice would double with every element.
                if place.body_of == Some("reduce") && items.iter().any(|item| item.is_object() || item.is_array()) {
                    return Err(LogicFault::Nested { name: "list", inside: "reduce" });
                }
                self.values(items, place)
            }
            Value::Object(entries) => {
                let mut entries_left = entries.iter();
                match (entries_left.next(), entries_left.next()) {
                    (Some((name, arguments)), None) => self.call(name, arguments, place),
                    _ => Err(LogicFault::NotAnOperator { found: entries.len() }),
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    fn values(&mut self, values: &[Value], place: Place) -> Result<(), LogicFault> {
        values.iter().try_for_each(|value| self.value(value, place))
    }

    fn call(&mut self, name: &str, arguments: &Value, place: Place) -> Result<(), LogicFault> {
        let Operator { name, min, max, shape } = self.operator(name)?;
        let list = match arguments {
            Value::Array(items) => items.as_slice(),
            _ if matches!(shape, Shape::List | Shape::Iteration | Shape::SomePaths) => {
                return Err(LogicFault::NotAList { name });
            }
            single => std::slice::from_ref(single),
        };
        if !(min..=max).contains(&list.len()) {
            return Err(LogicFault::Arguments { name, min, max, found: list.len() });
        }
        self.bounded(name, shape, place)?;
        match (shape, list) {
            // All that an iteration hands on, put into the accumulator, would nest deeper with every element.
            (Shape::Path, path) if place.body_of == Some("reduce") && !reads_a_part(path) => Err(LogicFault::Whole),
            (Shape::Path, []) => Ok(()),
            (Shape::Path, [path, default @ ..]) if path.is_string() || path.is_u64() => self.values(default, place),
            (Shape::Paths, paths) if paths.iter().all(Value::is_string) => Ok(()),
            (Shape::SomePaths, [count, Value::Array(paths)])
                if count.is_u64() && paths.iter().all(Value::is_string) =>
            {
                Ok(())
            }
            (Shape::Path | Shape::Paths | Shape::SomePaths, _) => Err(LogicFault::Path { name }),
            (Shape::Iteration, [source, condition, start @ ..]) => {
                self.value(source, Place { source_of: Some(name), ..place })?;
                self.value(condition, Place { body_of: Some(name), ..place })?;
                self.values(start, place)
            }
            (Shape::Free | Shape::List | Shape::Iteration, list) => self.values(list, inside(name, place)),
        }
    }

    fn operator(&self, name: &str) -> Result<Operator, LogicFault> {
        let builders = if self.purpose == Purpose::Audience { &[] } else { BUILDERS };
        let found = OPERATORS.iter().chain(builders).find(|operator| operator.name == name);
        found.copied().ok_or_else(|| LogicFault::Operator { name: name.to_owned() })
    }

    /// Keeps what is built and iterated within bounds.
    fn bounded(&mut self, name: &'static str, shape: Shape, place: Place) -> Result<(), LogicFault> {
        let builds = BUILDERS.iter().any(|builder| builder.name == name);
        if let Some(inside) = place.body_of
            && (builds || shape == Shape::Iteration)
        {
            return Err(LogicFault::Nested { name, inside });
        }
        if let Some(inside) = place.source_of
            && name == "merge"
        {
            return Err(LogicFault::Nested { name, inside });
        }
        if let Some(inside) = place.joined_by {
            if shape == Shape::Iteration {
                return Err(LogicFault::Nested { name, inside });
            }
            self.joined = self.joined.saturating_add(usize::from(shape == Shape::Path));
            if self.joined > MAX_JOINED {
                return Err(LogicFault::Building { what: "attributes to join", limit: MAX_JOINED });
            }
        }
        // What `fractional` gives is one of its arguments.
        self.builders = self.builders.saturating_add(usize::from(builds && name != "fractional"));
        if self.builders > MAX_BUILDERS {
            return Err(LogicFault::Building { what: "operators that build values", limit: MAX_BUILDERS });
        }
        Ok(())
    }
}

/// Whether a path leads into the element or the accumulator of a `reduce`.
fn reads_a_part(path: &[Value]) -> bool {
    let first = path.first().and_then(Value::as_str).and_then(|path| path.split('.').next());
    matches!(first, Some("current" | "accumulator"))
}

/// The place of an operator's arguments.
fn inside(name: &'static str, place: Place) -> Place {
    if matches!(name, "cat" | "merge") { Place { joined_by: Some(name), ..place } } else { place }
}
