//! What may be wrong with definitions that are each right.
//!
//! Must never know: how they are linked.

use super::{MAX_FLAGS, MAX_LAYERS, MAX_PREREQUISITE_DECISIONS, MAX_PREREQUISITE_DEPTH};
use ids::Name;

/// Who refers to something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Referrer {
    /// A flag.
    Flag(Name),
    /// A rule of a flag.
    Rule {
        /// The flag.
        flag: Name,
        /// Index of the rule.
        rule: usize,
    },
    /// An experiment.
    Experiment(Name),
    /// A layer.
    Layer(Name),
    /// A holdout.
    Holdout(Name),
}

impl std::fmt::Display for Referrer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(key) => write!(f, "flags.{key}"),
            Self::Rule { flag, rule } => write!(f, "flags.{flag}.rules[{rule}]"),
            Self::Experiment(key) => write!(f, "experiments.{key}"),
            Self::Layer(key) => write!(f, "layers.{key}"),
            Self::Holdout(key) => write!(f, "holdouts.{key}"),
        }
    }
}

/// Why definitions do not make a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSnapshot {
    /// Too many of a kind.
    #[error("{kind} must be at most {limit}, not {found}")]
    Count {
        /// Which kind: `flags`, `experiments`, `layers` or `holdouts`.
        kind: &'static str,
        /// Most allowed.
        limit: usize,
        /// Given.
        found: usize,
    },
    /// Two of a kind with one key.
    #[error("{kind}.key must be unique, {key} is not")]
    DuplicateKey {
        /// Which kind: `flags`, `experiments`, `layers` or `holdouts`.
        kind: &'static str,
        /// The key used twice.
        key: Name,
    },
    /// A reference to what is not there.
    #[error("{referrer}.{field} must name one of the {kind}, {name} is none")]
    Missing {
        /// Who refers.
        referrer: Referrer,
        /// By which field.
        field: &'static str,
        /// What kind of thing it names.
        kind: &'static str,
        /// The name.
        name: Name,
    },
    /// A prerequisite accepts a variant that its flag does not have.
    #[error("{referrer}.prerequisites must name variants of {flag}, {variant} is none")]
    PrerequisiteVariant {
        /// Who has the prerequisite.
        referrer: Referrer,
        /// The flag that must serve it.
        flag: Name,
        /// The variant.
        variant: Name,
    },
    /// An arm of an experiment is no variant of the flag that asks it.
    #[error(
        "{referrer} must name an experiment whose arms are variants of the flag, {variant} of {experiment} is none"
    )]
    Arm {
        /// The rule.
        referrer: Referrer,
        /// The experiment.
        experiment: Name,
        /// The arm.
        variant: Name,
    },
    /// A rule for an experiment asks a bandit, or the other way about.
    #[error("{referrer} must ask an experiment by `experiment` and a bandit by `bandit`, as {experiment} is not")]
    Allocation {
        /// The rule.
        referrer: Referrer,
        /// The experiment.
        experiment: Name,
    },
    /// A layer's owner is not in the layer.
    #[error("layers.{layer}.owners must be experiments of the layer, {owner} is none")]
    Owner {
        /// The layer.
        layer: Name,
        /// The owner.
        owner: Name,
    },
    /// Prerequisites in a circle.
    #[error("prerequisites must not lead back to their own flag: {}", .flags.iter().map(Name::as_str).collect::<Vec<_>>().join(" -> "))]
    Cycle {
        /// Keys of the flags along the circle; the last is the first.
        flags: Vec<Name>,
    },
    /// Prerequisites of prerequisites, too deep.
    #[error("{referrer}.prerequisites must nest at most {MAX_PREREQUISITE_DEPTH} levels")]
    Depth {
        /// Whose prerequisites.
        referrer: Referrer,
    },
    /// Too many flags to be decided before one can be.
    #[error("{referrer}.prerequisites must take at most {MAX_PREREQUISITE_DECISIONS} decisions of other flags")]
    Decisions {
        /// Whose prerequisites.
        referrer: Referrer,
    },
    /// An expression was parsed with other evaluators.
    #[error("{referrer} must be parsed again, as evaluator {name:?} has changed")]
    Outdated {
        /// Whose expression.
        referrer: Referrer,
        /// The evaluator.
        name: String,
    },
}

impl InvalidSnapshot {
    pub(super) const fn flags(found: usize) -> Self {
        Self::Count { kind: "flags", limit: MAX_FLAGS, found }
    }

    pub(super) const fn experiments(found: usize) -> Self {
        Self::Count { kind: "experiments", limit: MAX_FLAGS, found }
    }

    pub(super) const fn layers(found: usize) -> Self {
        Self::Count { kind: "layers", limit: MAX_LAYERS, found }
    }

    pub(super) const fn holdouts(found: usize) -> Self {
        Self::Count { kind: "holdouts", limit: MAX_LAYERS, found }
    }
}
