//! What may be wrong with a definition.
//!
//! Must never know: how it is checked.

use super::{MAX_HOLDOUTS, MAX_VARIANTS};
use crate::hash_version::MAX_SALT_BYTES;
use crate::limits::TooLarge;
use crate::prerequisite::MAX_PREREQUISITES;
use crate::split::{MAX_TOTAL_WEIGHT, TRAFFIC_TOTAL};
use ids::{Name, Timestamp};

/// Which field of a [`Definition`](super::Definition) breaks which rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExperiment {
    /// The salt is empty, too long or holds control characters.
    #[error("salt must have 1 to {MAX_SALT_BYTES} bytes and no control characters")]
    Salt,
    /// Too few or too many variants.
    #[error("variants must be 2 to {MAX_VARIANTS}, not {found}")]
    VariantCount {
        /// Variants given.
        found: usize,
    },
    /// Two variants of one name.
    #[error("variants.name must be unique, {name} is not")]
    DuplicateVariant {
        /// The name used twice.
        name: Name,
    },
    /// The weights sum to 0 or to too much.
    #[error("variants.weight must sum to 1..={MAX_TOTAL_WEIGHT}, not {sum}")]
    Weights {
        /// The sum given.
        sum: u64,
    },
    /// A variant's value is too large.
    #[error(transparent)]
    Value(#[from] TooLarge),
    /// The control is none of the variants.
    #[error("control must be the index of one of the {variants} variants, not {found}")]
    Control {
        /// Index given.
        found: usize,
        /// Variants there are.
        variants: usize,
    },
    /// A vendor's bucketing has another number of arms.
    #[error("hash_version must have as many arms as there are variants, {variants}, not {vendor}")]
    VendorArms {
        /// Arms of the vendor's bucketing.
        vendor: usize,
        /// Variants there are.
        variants: usize,
    },
    /// A bandit's weights change, which no vendor's bucketing allows.
    #[error("allocation must be fixed with hash_version {hash_version}")]
    VendorBandit {
        /// The vendor's arithmetic.
        hash_version: &'static str,
    },
    /// More than everybody.
    #[error("traffic_per_million must be at most {TRAFFIC_TOTAL}, not {found}")]
    Traffic {
        /// Share given.
        found: u32,
    },
    /// Too many prerequisites.
    #[error("prerequisites must be at most {MAX_PREREQUISITES}, not {found}")]
    PrerequisiteCount {
        /// Prerequisites given.
        found: usize,
    },
    /// Too many holdouts.
    #[error("holdouts must be at most {MAX_HOLDOUTS}, not {found}")]
    HoldoutCount {
        /// Holdouts given.
        found: usize,
    },
    /// A holdout named twice.
    #[error("holdouts must be unique, {name} is not")]
    DuplicateHoldout {
        /// The name used twice.
        name: Name,
    },
    /// A stopped arm is none of the variants.
    #[error("stopped must name variants, {variant} is none")]
    StoppedUnknown {
        /// The name given.
        variant: Name,
    },
    /// The control was stopped, which would leave nothing to compare with.
    #[error("stopped must not name the control, {variant}")]
    StoppedControl {
        /// The control.
        variant: Name,
    },
    /// An arm was stopped twice.
    #[error("stopped must name each variant once, {variant} is not")]
    StoppedTwice {
        /// The name given twice.
        variant: Name,
    },
    /// The end is not after the start.
    #[error("end must be after the start, {start}, not {end}")]
    Period {
        /// Start given.
        start: Timestamp,
        /// End given.
        end: Timestamp,
    },
}

impl InvalidExperiment {
    /// The field at fault, as a path.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Salt => "salt",
            Self::VariantCount { .. } => "variants",
            Self::DuplicateVariant { .. } => "variants.name",
            Self::Weights { .. } => "variants.weight",
            Self::Value(error) => error.field(),
            Self::Control { .. } => "control",
            Self::VendorArms { .. } => "hash_version",
            Self::VendorBandit { .. } => "allocation",
            Self::Traffic { .. } => "traffic_per_million",
            Self::PrerequisiteCount { .. } => "prerequisites",
            Self::HoldoutCount { .. } | Self::DuplicateHoldout { .. } => "holdouts",
            Self::StoppedUnknown { .. } | Self::StoppedControl { .. } | Self::StoppedTwice { .. } => "stopped",
            Self::Period { .. } => "end",
        }
    }
}
