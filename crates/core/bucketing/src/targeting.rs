//! flagd's targeting: a JSONLogic expression that names the variant to serve, checked and compiled once.
//!
//! Must never know: which variants there are.

use crate::logic::{Evaluators, Expression, Facts, InvalidLogic, Purpose};
use crate::vendor::flagd::Generation;
use datalogic_rs::DataValue;
use serde_json::Value;
use std::fmt::Write;
use std::sync::Arc;

/// A checked expression: at most 64 levels, 4,096 values and 128 KiB of text. Cheap to clone.
///
/// It reads what an [`Audience`](crate::Audience) reads; its `fractional` is that of one of flagd's generations, which
/// place the same unit differently.
#[derive(Clone)]
pub struct Targeting {
    expression: Arc<Expression>,
    generation: Generation,
}

/// What the expression gave.
pub(crate) enum Target<T> {
    /// Null: nobody is targeted.
    Nobody,
    /// A variant's name, as looked up.
    Named(T),
    /// Nothing that could name a variant, or no result at all.
    Failed,
}

impl Targeting {
    /// Checks and compiles an expression, with evaluators in place of every `{"$ref": name}`.
    ///
    /// # Errors
    /// [`InvalidLogic`] naming the rule broken.
    pub fn parse(expression: Value, generation: Generation, evaluators: &Evaluators) -> Result<Self, InvalidLogic> {
        let expression = Expression::parse(Purpose::Targeting(generation), expression, evaluators)?;
        Ok(Self { expression: Arc::new(expression), generation })
    }

    /// The expression as it was given.
    #[must_use]
    pub fn rule(&self) -> &Value {
        self.expression.source()
    }

    /// Whose arithmetic `fractional` has.
    #[must_use]
    pub const fn generation(&self) -> Generation {
        self.generation
    }

    /// Evaluates and looks the name up. A truth value or an integer names the variant that it is written as, as in
    /// flagd.
    pub(crate) fn target<T>(&self, facts: &Facts<'_>, find: impl Fn(&str) -> Option<T>) -> Target<T> {
        let found = self.expression.evaluate(facts, |value| match value {
            DataValue::Null => Target::Nobody,
            DataValue::String(name) => find(name).map_or(Target::Failed, Target::Named),
            DataValue::Bool(truth) => find(if *truth { "true" } else { "false" }).map_or(Target::Failed, Target::Named),
            DataValue::Number(number) => {
                number.as_i64().and_then(|integer| find_integer(integer, &find)).map_or(Target::Failed, Target::Named)
            }
            DataValue::Array(_) | DataValue::Object(_) => Target::Failed,
        });
        found.unwrap_or(Target::Failed)
    }

    pub(crate) fn expression(&self) -> &Expression {
        &self.expression
    }
}

fn find_integer<T>(integer: i64, find: impl Fn(&str) -> Option<T>) -> Option<T> {
    let mut text = arrayvec::ArrayString::<20>::new();
    write!(text, "{integer}").ok()?;
    find(&text)
}

impl std::fmt::Debug for Targeting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Targeting").field(self.rule()).field(&self.generation).finish()
    }
}

impl PartialEq for Targeting {
    fn eq(&self, other: &Self) -> bool {
        self.generation == other.generation && self.rule() == other.rule()
    }
}

#[cfg(test)]
mod tests;
