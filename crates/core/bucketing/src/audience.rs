//! Who an experiment is for: a JSONLogic rule over the unit's attributes, checked and compiled once.
//!
//! Only operators whose result is no larger than what they read are accepted (`operators.rs`), and iterations do not
//! nest; so evaluating takes at most rule size times attribute size steps, and both have limits.
//! Must never know: variants, traffic, time.

mod operators;

use crate::attributes::Attributes;
use crate::limits::{Limits, TooLarge};
use datalogic_rs::bumpalo::Bump;
use datalogic_rs::{DivisionByZeroHandling, Engine, EvaluationConfig, Logic};
use serde_json::Value;
use std::sync::{Arc, LazyLock};

const LIMITS: Limits = Limits { field: "audience", depth: 64, nodes: 512, text_bytes: 16_384 };
/// First chunk of memory for one evaluation: holds the attributes of an ordinary request.
const ARENA_BYTES: usize = 2_048;

/// Settings, no state. As in JavaScript, values of different kinds are unequal rather than an error; arithmetic on
/// what is no number stays an error, because any number put in its place would let somebody in.
static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let config = EvaluationConfig::default()
        .with_loose_equality_errors(false)
        .with_division_by_zero(DivisionByZeroHandling::ThrowError);
    Engine::builder().with_config(config).build()
});

/// A checked rule: at most 64 levels, 512 values and 16 KiB of text. Cheap to clone.
#[derive(Clone)]
pub struct Audience {
    rule: Arc<Value>,
    compiled: Arc<Logic>,
}

/// Which rule of [`Audience`] a JSONLogic expression breaks.
#[derive(Debug, thiserror::Error)]
pub enum InvalidAudience {
    /// Past a limit of size.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// A bare text, number or list, which would match everybody or nobody by accident.
    #[error("audience must be an operator, true or false")]
    NoCondition,
    /// An object that is no operator call.
    #[error("audience must hold objects of exactly one operator, found one of {found} keys")]
    NotAnOperator {
        /// Keys found.
        found: usize,
    },
    /// An operator that does not exist or is not allowed.
    #[error("audience must use the supported operators, not {name:?}")]
    Operator {
        /// The first offender.
        name: String,
    },
    /// Wrong number of arguments.
    #[error("audience operator {name:?} must have {min} to {max} arguments, not {found}")]
    Arguments {
        /// The operator.
        name: &'static str,
        /// Least.
        min: usize,
        /// Most.
        max: usize,
        /// Given.
        found: usize,
    },
    /// A single argument where the operator takes a list.
    #[error("audience operator {name:?} must have a list of arguments")]
    NotAList {
        /// The operator.
        name: &'static str,
    },
    /// A path that is computed.
    #[error("audience operator {name:?} must name attributes by literal paths")]
    Path {
        /// The operator.
        name: &'static str,
    },
    /// `some`, `all` or `none` inside the condition of another.
    #[error("audience must not nest {name:?} inside the condition of another iteration")]
    NestedIteration {
        /// The inner operator.
        name: &'static str,
    },
    /// The rule passed every check here and the engine still refuses it.
    #[error("audience must be JSONLogic that compiles")]
    Refused(#[source] datalogic_rs::Error),
}

impl InvalidAudience {
    /// The field at fault.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        LIMITS.field
    }
}

impl Audience {
    /// Checks and compiles a rule.
    ///
    /// # Errors
    /// [`InvalidAudience`] naming the rule broken.
    pub fn parse(rule: Value) -> Result<Self, InvalidAudience> {
        LIMITS.check(&rule)?;
        if !matches!(rule, Value::Bool(_) | Value::Object(_)) {
            return Err(InvalidAudience::NoCondition);
        }
        operators::check(&rule)?;
        let compiled = ENGINE.compile(&rule).map_err(InvalidAudience::Refused)?;
        Ok(Self { rule: Arc::new(rule), compiled: Arc::new(compiled) })
    }

    /// The rule as it was given.
    #[must_use]
    pub fn rule(&self) -> &Value {
        &self.rule
    }

    /// Whether the attributes satisfy the rule; `None` when it cannot be evaluated for them, as when it orders a
    /// number against a text that is none.
    #[must_use]
    pub fn admits(&self, attributes: Attributes<'_>) -> Option<bool> {
        let arena = Bump::with_capacity(ARENA_BYTES);
        let outcome = ENGINE.evaluate(&self.compiled, attributes.as_value(), &arena).ok()?;
        Some(ENGINE.truthy(outcome))
    }
}

impl std::fmt::Debug for Audience {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Audience").field(&self.rule).finish()
    }
}

impl PartialEq for Audience {
    fn eq(&self, other: &Self) -> bool {
        self.rule == other.rule
    }
}

#[cfg(test)]
mod tests;
