//! The operators an audience may use, and the check of a whole rule against them.
//!
//! Left out on purpose: `map`, `filter`, `reduce`, `merge` and `cat` build values, and in a loop values that double;
//! computed paths (and datalogic's `val`) reach from an iteration back to the whole data; `fractional` would split
//! by another hash than the experiment's.

use super::InvalidAudience;
use serde_json::Value;

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
    /// What to iterate, then a condition on each element.
    Iteration,
}

struct Operator {
    name: &'static str,
    min: usize,
    max: usize,
    shape: Shape,
}

const fn op(name: &'static str, min: usize, max: usize, shape: Shape) -> Operator {
    Operator { name, min, max, shape }
}

const MANY: usize = 256;

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

/// Checks every operator of a rule. The caller has bounded the depth, which bounds the recursion.
pub(super) fn check(rule: &Value) -> Result<(), InvalidAudience> {
    check_value(rule, false)
}

fn check_value(value: &Value, iterating: bool) -> Result<(), InvalidAudience> {
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| check_value(item, iterating)),
        Value::Object(entries) => {
            let mut entries_left = entries.iter();
            match (entries_left.next(), entries_left.next()) {
                (Some((name, arguments)), None) => check_call(name, arguments, iterating),
                _ => Err(InvalidAudience::NotAnOperator { found: entries.len() }),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn check_call(name: &str, arguments: &Value, iterating: bool) -> Result<(), InvalidAudience> {
    let Some(operator) = OPERATORS.iter().find(|operator| operator.name == name) else {
        return Err(InvalidAudience::Operator { name: name.to_owned() });
    };
    let Operator { name, min, max, shape } = *operator;
    let list = match arguments {
        Value::Array(items) => items.as_slice(),
        _ if matches!(shape, Shape::List | Shape::Iteration | Shape::SomePaths) => {
            return Err(InvalidAudience::NotAList { name });
        }
        single => std::slice::from_ref(single),
    };
    if !(min..=max).contains(&list.len()) {
        return Err(InvalidAudience::Arguments { name, min, max, found: list.len() });
    }
    match (shape, list) {
        (Shape::Path, []) => Ok(()),
        (Shape::Path, [path, default @ ..]) if path.is_string() || path.is_u64() => {
            default.iter().try_for_each(|item| check_value(item, iterating))
        }
        (Shape::Paths, paths) if paths.iter().all(Value::is_string) => Ok(()),
        (Shape::SomePaths, [count, Value::Array(paths)]) if count.is_u64() && paths.iter().all(Value::is_string) => {
            Ok(())
        }
        (Shape::Path | Shape::Paths | Shape::SomePaths, _) => Err(InvalidAudience::Path { name }),
        (Shape::Iteration, _) if iterating => Err(InvalidAudience::NestedIteration { name }),
        (Shape::Iteration, [source, condition]) => {
            check_value(source, iterating)?;
            check_value(condition, true)
        }
        (Shape::Free | Shape::List | Shape::Iteration, list) => {
            list.iter().try_for_each(|item| check_value(item, iterating))
        }
    }
}
