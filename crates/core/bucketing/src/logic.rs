//! JSONLogic as audiences and targeting use it: checked and compiled once, evaluated in bounded time and memory.
//!
//! What is accepted keeps every value no larger than what was read, up to a named number of operators that build
//! values; and iterations do not nest (`operators.rs`). So an evaluation takes at most the size of the expression times
//! the size of the attributes, and both have limits.
//! Must never know: variants, traffic, experiments.

mod evaluators;
mod facts;
mod functions;
mod operators;
mod plain;

pub use evaluators::{Evaluators, InvalidEvaluators, MAX_EVALUATORS};
pub(crate) use facts::{Arena, Facts};

use crate::limits::{Limits, TooLarge};
use crate::vendor::flagd::Generation;
use datalogic_rs::bumpalo::Bump;
use datalogic_rs::{DataValue, DivisionByZeroHandling, Engine, EvaluationConfig, Logic};
pub(crate) use plain::Condition;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

/// Settings and operators, no state. As in JavaScript, values of different kinds are unequal rather than an error;
/// arithmetic on what is no number stays an error, because any number put in its place would let somebody in.
static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let config = EvaluationConfig::default()
        .with_loose_equality_errors(false)
        .with_division_by_zero(DivisionByZeroHandling::ThrowError);
    functions::register(Engine::builder().with_config(config)).build()
});

/// What an expression is for, which decides what it may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To admit units or not.
    Audience,
    /// To name a variant, with flagd's `fractional` in a generation.
    Targeting(Generation),
}

impl Purpose {
    const fn limits(self) -> Limits {
        match self {
            Self::Audience => Limits { field: "audience", depth: 64, nodes: 512, text_bytes: 16_384 },
            Self::Targeting(_) => Limits { field: "targeting", depth: 64, nodes: 4_096, text_bytes: 131_072 },
        }
    }
}

/// A checked and compiled expression.
#[derive(Debug)]
pub(crate) struct Expression {
    plain: Option<Condition>,
    source: Value,
    compiled: Logic,
    /// The evaluators named by the source, as they were.
    references: Box<[(Box<str>, Arc<Value>)]>,
}

/// A JSONLogic expression that breaks a rule.
#[derive(Debug)]
pub struct InvalidLogic {
    /// `audience` or `targeting`.
    pub field: &'static str,
    /// The rule.
    pub fault: LogicFault,
}

/// Which rule an expression breaks.
#[derive(Debug, thiserror::Error)]
pub enum LogicFault {
    /// Past a limit of size, of itself or with the evaluators it names.
    #[error("{}", .0.rule())]
    TooLarge(TooLarge),
    /// A bare text, number or list, which would match everybody or nobody by accident.
    #[error("must be an operator, true or false")]
    NoCondition,
    /// An object that is no operator call.
    #[error("must hold objects of exactly one operator, found one of {found} keys")]
    NotAnOperator {
        /// Keys found.
        found: usize,
    },
    /// An operator that does not exist or is not allowed.
    #[error("must use the supported operators, not {name:?}")]
    Operator {
        /// The first offender.
        name: String,
    },
    /// Wrong number of arguments.
    #[error("must give operator {name:?} {min} to {max} arguments, not {found}")]
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
    #[error("must give operator {name:?} a list of arguments")]
    NotAList {
        /// The operator.
        name: &'static str,
    },
    /// A path that is computed.
    #[error("must name attributes by literal paths in operator {name:?}")]
    Path {
        /// The operator.
        name: &'static str,
    },
    /// An operator where its result could grow past all bounds.
    #[error("must not use {name:?} inside {inside:?}")]
    Nested {
        /// The inner operator; `list` for a list that is computed.
        name: &'static str,
        /// The outer operator.
        inside: &'static str,
    },
    /// A `reduce` whose body reads neither the element nor the accumulator.
    #[error("must read \"current\" or \"accumulator\" inside \"reduce\"")]
    Whole,
    /// Too many operators that build values, or too many attributes in them.
    #[error("must hold at most {limit} {what}")]
    Building {
        /// What there is too much of.
        what: &'static str,
        /// Most allowed.
        limit: usize,
    },
    /// A `$ref` that is no text.
    #[error("must give $ref the name of an evaluator")]
    Reference,
    /// A `$ref` to nothing.
    #[error("must refer to evaluators that exist, not {name:?}")]
    UnknownEvaluator {
        /// The evaluator named.
        name: String,
    },
    /// The expression passed every check here and the engine still refuses it.
    #[error("must be JSONLogic that compiles")]
    Refused(#[source] datalogic_rs::Error),
}

impl std::fmt::Display for InvalidLogic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.field, self.fault)
    }
}

impl std::error::Error for InvalidLogic {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.fault.source()
    }
}

impl InvalidLogic {
    /// The field at fault.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }
}

impl Expression {
    /// Puts evaluators in place of the references to them, checks and compiles.
    pub(crate) fn parse(purpose: Purpose, source: Value, evaluators: &Evaluators) -> Result<Self, InvalidLogic> {
        let limits = purpose.limits();
        Self::checked(purpose, limits, source, evaluators).map_err(|fault| InvalidLogic { field: limits.field, fault })
    }

    fn checked(purpose: Purpose, limits: Limits, source: Value, evaluators: &Evaluators) -> Result<Self, LogicFault> {
        limits.check(&source).map_err(LogicFault::TooLarge)?;
        let mut names = BTreeSet::new();
        let expanded = evaluators.expand(&source, limits, &mut names)?;
        limits.check(&expanded).map_err(LogicFault::TooLarge)?;
        if !matches!(expanded, Value::Bool(_) | Value::Object(_)) {
            return Err(LogicFault::NoCondition);
        }
        operators::check(&expanded, purpose)?;
        let plain = Condition::read(&expanded);
        let compiled = ENGINE.compile(&functions::named(expanded, purpose)).map_err(LogicFault::Refused)?;
        let references = names.into_iter().filter_map(|name| Some((name.into(), Arc::clone(evaluators.get(name)?))));
        let references = references.collect();
        Ok(Self { references, source, compiled, plain })
    }

    /// As it was given.
    pub(crate) fn source(&self) -> &Value {
        &self.source
    }

    /// An evaluator that the source names and that is not what it was when this was parsed.
    pub(crate) fn outdated(&self, evaluators: &Evaluators) -> Option<&str> {
        let changed = |(name, value): &&(Box<str>, Arc<Value>)| {
            evaluators.get(name).is_none_or(|now| !Arc::ptr_eq(now, value) && now != value)
        };
        self.references.iter().find(changed).map(|(name, _)| name.as_ref())
    }

    /// Whether the facts satisfy it, asking the engine; `None` when it cannot be evaluated for them, as when it orders
    /// a number against a text that is none.
    #[inline(never)]
    pub(crate) fn holds(&self, facts: &Facts<'_>) -> Option<bool> {
        self.evaluate(facts, |value| ENGINE.truthy(value))
    }

    /// The same without the engine, where it can do without.
    pub(crate) const fn plain(&self) -> Option<&Condition> {
        self.plain.as_ref()
    }

    /// What `read` makes of the result; `None` when there is none, as above.
    pub(crate) fn evaluate<T>(&self, facts: &Facts<'_>, read: impl FnOnce(&DataValue<'_>) -> T) -> Option<T> {
        // What is built along the way goes with this evaluation; the facts stay for the next.
        let arena = Bump::new();
        ENGINE.evaluate(&self.compiled, facts.root(), &arena).ok().map(read)
    }
}

#[cfg(test)]
mod tests;
