//! What is known about a unit when it asks: the data that audiences read.
//!
//! Must never know: which experiments will look.

use crate::limits::{Limits, TooLarge};
use serde_json::Value;

const LIMITS: Limits = Limits { field: "attributes", depth: 32, nodes: 1_024, text_bytes: 32_768 };

/// Borrowed attributes within the limits: 32 levels, 1,024 values, 32 KiB of text and keys.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a>(&'a Value);

impl<'a> Attributes<'a> {
    /// Checks the limits once, for any number of decisions.
    ///
    /// # Errors
    /// [`TooLarge`] naming `attributes` and the limit.
    pub fn new(value: &'a Value) -> Result<Self, TooLarge> {
        LIMITS.check(value).map(|()| Self(value))
    }

    /// Nothing is known.
    #[must_use]
    pub const fn none() -> Attributes<'static> {
        Attributes(&Value::Null)
    }

    pub(crate) const fn as_value(&self) -> &'a Value {
        self.0
    }
}
