//! How large a JSON value may be, so that everything done with it takes bounded time, memory and stack.
//!
//! Must never know: what the value means.

use serde_json::Value;

/// The most a value may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Where the value came from, as named in errors.
    pub(crate) field: &'static str,
    /// Levels of nesting; a scalar has 1.
    pub(crate) depth: usize,
    /// Values of any kind, containers included.
    pub(crate) nodes: usize,
    /// Bytes of all texts and object keys together.
    pub(crate) text_bytes: usize,
}

/// Which limit a value breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooLarge {
    /// Nested too deep.
    #[error("{field} {}", self.rule())]
    Depth {
        /// The field that holds the value.
        field: &'static str,
        /// Levels allowed.
        limit: usize,
    },
    /// Too many values.
    #[error("{field} {}", self.rule())]
    Nodes {
        /// The field that holds the value.
        field: &'static str,
        /// Values allowed, containers included.
        limit: usize,
    },
    /// Too much text.
    #[error("{field} {}", self.rule())]
    Text {
        /// The field that holds the value.
        field: &'static str,
        /// Bytes allowed.
        limit: usize,
    },
}

impl TooLarge {
    /// The rule, as what follows the name of the field.
    pub(crate) fn rule(&self) -> String {
        match self {
            Self::Depth { limit, .. } => format!("must nest at most {limit} levels"),
            Self::Nodes { limit, .. } => format!("must hold at most {limit} values"),
            Self::Text { limit, .. } => format!("must hold at most {limit} bytes of text and keys"),
        }
    }

    /// The field that holds the value.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Depth { field, .. } | Self::Nodes { field, .. } | Self::Text { field, .. } => field,
        }
    }
}

impl Limits {
    /// Walks the value, stopping at the first limit reached.
    pub(crate) fn check(&self, value: &Value) -> Result<(), TooLarge> {
        Meter { limits: self, nodes: self.nodes, text_bytes: self.text_bytes }.visit(value, self.depth)
    }
}

/// What is left of the limits.
struct Meter<'a> {
    limits: &'a Limits,
    nodes: usize,
    text_bytes: usize,
}

impl Meter<'_> {
    fn visit(&mut self, value: &Value, depth: usize) -> Result<(), TooLarge> {
        let field = self.limits.field;
        let deeper = depth.checked_sub(1).ok_or(TooLarge::Depth { field, limit: self.limits.depth })?;
        self.nodes = self.nodes.checked_sub(1).ok_or(TooLarge::Nodes { field, limit: self.limits.nodes })?;
        match value {
            Value::String(text) => self.read(text),
            Value::Array(items) => items.iter().try_for_each(|item| self.visit(item, deeper)),
            Value::Object(entries) => entries.iter().try_for_each(|(key, item)| {
                self.read(key)?;
                self.visit(item, deeper)
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }

    fn read(&mut self, text: &str) -> Result<(), TooLarge> {
        let left = self.text_bytes.checked_sub(text.len());
        self.text_bytes = left.ok_or(TooLarge::Text { field: self.limits.field, limit: self.limits.text_bytes })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const LIMITS: Limits = Limits { field: "value", depth: 3, nodes: 4, text_bytes: 5 };

    #[test]
    fn each_limit_is_inclusive_and_named() {
        assert_eq!(LIMITS.check(&json!([[1]])), Ok(()));
        assert_eq!(LIMITS.check(&json!([[[1]]])), Err(TooLarge::Depth { field: "value", limit: 3 }));
        assert_eq!(LIMITS.check(&json!([1, 2, 3])), Ok(()));
        assert_eq!(LIMITS.check(&json!([1, 2, 3, 4])), Err(TooLarge::Nodes { field: "value", limit: 4 }));
        assert_eq!(LIMITS.check(&json!({"key": "ab"})), Ok(()));
        assert_eq!(LIMITS.check(&json!({"key": "abc"})), Err(TooLarge::Text { field: "value", limit: 5 }));
        assert_eq!(TooLarge::Text { field: "value", limit: 5 }.field(), "value");
    }
}
