//! Why there is no plan: every reason of this module, with its name for programs.

use crate::parameter::InvalidParameter;

/// Why a plan does not exist.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// A parameter is out of range.
    #[error("the plan has a parameter out of range")]
    Invalid(#[source] InvalidParameter),
    /// Both arms are planned alike: no size finds nothing.
    #[error("the arms are planned alike, so there is no effect to find")]
    NoEffect,
    /// The power asked for is at most the level, which needs no units at all.
    #[error("the power must lie between the level {alpha} and 1, not at {given}")]
    Power {
        /// What was given.
        given: f64,
        /// The level of the test.
        alpha: f64,
    },
    /// No effect of a rate can be found with this power at this size.
    #[error("no effect in this direction is found with that power at this size")]
    Unreachable,
    /// More units or days than anybody would wait for.
    #[error("it would take more than {most} {what}")]
    TooLong {
        /// Units or days.
        what: &'static str,
        /// The bound.
        most: f64,
    },
    /// A value of a distribution that is no number, or too large for its squares to be summed.
    #[error("a value must be a number of at most {most:e} either way, not {given}")]
    Value {
        /// What was given.
        given: f64,
        /// The largest magnitude.
        most: f64,
    },
    /// A look so soon after the one before it that what happens in between is not resolved.
    #[error("look {place} follows the one before it too soon for both to be told apart")]
    LooksTooClose {
        /// Which, from 1.
        place: usize,
    },
}

impl PlanError {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid_parameter",
            Self::NoEffect => "no_effect",
            Self::Power { .. } => "power",
            Self::Unreachable => "unreachable",
            Self::TooLong { .. } => "too_long",
            Self::Value { .. } => "value",
            Self::LooksTooClose { .. } => "looks_too_close",
        }
    }
}

impl From<InvalidParameter> for PlanError {
    fn from(invalid: InvalidParameter) -> Self {
        Self::Invalid(invalid)
    }
}
