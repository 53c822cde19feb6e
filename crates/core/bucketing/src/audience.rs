//! Who an experiment or a rule is for: a JSONLogic condition over the unit's attributes, checked and compiled once.
//!
//! Must never know: variants, traffic.

use crate::logic::{Arena, Condition, Evaluators, Expression, Facts, InvalidLogic, Purpose};
use crate::request::Request;
use serde_json::Value;
use std::sync::Arc;

/// A checked condition: at most 64 levels, 512 values and 16 KiB of text. Cheap to clone.
///
/// It reads the attributes, the unit as `targetingKey`, and `$flagd.flagKey` and `$flagd.timestamp` (seconds).
#[derive(Clone)]
pub struct Audience {
    /// The expression without the engine, where it can do without.
    plain: Option<Condition>,
    expression: Arc<Expression>,
}

impl Audience {
    /// Checks and compiles a condition that refers to no evaluators.
    ///
    /// # Errors
    /// [`InvalidLogic`] naming the rule broken.
    pub fn parse(rule: Value) -> Result<Self, InvalidLogic> {
        Self::parse_with(rule, &Evaluators::default())
    }

    /// Checks and compiles a condition, with evaluators in place of every `{"$ref": name}`.
    ///
    /// # Errors
    /// [`InvalidLogic`] naming the rule broken.
    pub fn parse_with(rule: Value, evaluators: &Evaluators) -> Result<Self, InvalidLogic> {
        let expression = Expression::parse(Purpose::Audience, rule, evaluators)?;
        Ok(Self { plain: expression.plain().cloned(), expression: Arc::new(expression) })
    }

    /// The condition as it was given.
    #[must_use]
    pub fn rule(&self) -> &Value {
        self.expression.source()
    }

    /// Whether the condition admits who asks, outside of any flag; `None` when it cannot be evaluated for the
    /// attributes, as when it orders a number against a text that is none.
    #[must_use]
    pub fn admits(&self, request: &Request<'_>) -> Option<bool> {
        self.holds(&Facts::new(&Arena::default(), request, &""))
    }

    /// The same with the facts of a flag or experiment.
    #[inline]
    pub(crate) fn holds(&self, facts: &Facts<'_>) -> Option<bool> {
        let plainly = self.plain.as_ref().and_then(|plain| plain.holds(facts.attributes()));
        plainly.or_else(|| self.expression.holds(facts))
    }

    pub(crate) fn expression(&self) -> &Expression {
        &self.expression
    }
}

impl std::fmt::Debug for Audience {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Audience").field(self.rule()).finish()
    }
}

impl PartialEq for Audience {
    fn eq(&self, other: &Self) -> bool {
        self.rule() == other.rule()
    }
}

#[cfg(test)]
mod tests;
