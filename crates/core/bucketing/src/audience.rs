//! Who an experiment or a rule is for: a JSONLogic condition over the unit's attributes, checked and compiled once.
//!
//! Must never know: variants, traffic.

use crate::logic::{Arena, Evaluators, Expression, Facts, InvalidLogic, Purpose};
use crate::request::Request;
use serde_json::Value;

/// A checked condition: at most 64 levels, 512 values and 16 KiB of text. Cheap to clone.
///
/// It reads the attributes, the unit as `targetingKey`, and `$flagd.flagKey` and `$flagd.timestamp` (seconds).
#[derive(Clone)]
pub struct Audience(Expression);

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
        Expression::parse(Purpose::Audience, rule, evaluators).map(Self)
    }

    /// The condition as it was given.
    #[must_use]
    pub fn rule(&self) -> &Value {
        self.0.source()
    }

    /// Whether the condition admits who asks, outside of any flag; `None` when it cannot be evaluated for the
    /// attributes, as when it orders a number against a text that is none.
    #[must_use]
    pub fn admits(&self, request: &Request<'_>) -> Option<bool> {
        self.holds(&Facts::new(&Arena::default(), *request, ""))
    }

    /// The same with the facts of a flag or experiment.
    pub(crate) fn holds(&self, facts: &Facts<'_>) -> Option<bool> {
        self.0.holds(facts)
    }

    pub(crate) const fn expression(&self) -> &Expression {
        &self.0
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
