//! Which variant a unit gets: flags, experiments, audiences, hashing, and the pure decision over a registry snapshot.
//!
//! A decision is a function of the snapshot, the key and the [`Request`] alone, so every replica agrees, and it
//! always answers: it cannot panic, and its time is bounded by the limits that the constructors enforce.
//! Must never know: a clock, randomness, storage, wire types, who asks or whether an exposure is recorded.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod attributes;
mod audience;
mod decide;
mod definitions;
mod document;
mod experiment;
pub mod export;
mod flag;
mod graph;
mod hash_version;
mod holdout;
pub mod import;
mod layer;
mod limits;
mod logic;
mod murmur3;
mod prerequisite;
mod propensity;
mod randomiser;
mod request;
mod snapshot;
mod split;
mod targeting;
mod unit;
pub mod vendor;
mod word;

pub use attributes::Attributes;
pub use audience::Audience;
pub use decide::{Decision, Reason, UnknownExperiment, UnknownFlag, decide, decide_experiment};
pub use definitions::Definitions;
pub use document::InvalidDefinitions;
pub use experiment::{
    Allocation, Definition, Experiment, InvalidExperiment, MAX_HOLDOUTS, MAX_VARIANTS, State, StoppedArm, StoppedUnits,
    UnknownState, Variant,
};
pub use flag::{
    Action, Flag, FlagDefinition, FlagVariant, InvalidFlag, InvalidRollout, MAX_RULES, Otherwise, Rollout,
    RolloutDefinition, Rule, Share, UnknownValueType, ValueType,
};
pub use hash_version::{HashVersion, MAX_SALT_BYTES, UnknownHashVersion};
pub use holdout::{Holdout, HoldoutDefinition, InvalidHoldout, Scope};
pub use layer::{BucketSet, InvalidAllocation, InvalidBuckets, InvalidLayer, LAYER_BUCKETS, Layer, LayerDefinition};
pub use limits::TooLarge;
pub use logic::{Evaluators, InvalidEvaluators, InvalidLogic, LogicFault, MAX_EVALUATORS};
pub use murmur3::murmur3_x86_32;
pub use prerequisite::{InvalidPrerequisite, MAX_PREREQUISITES, Prerequisite};
pub use propensity::{InvalidPropensity, Propensity};
pub use request::{BanditWeights, Bandits, EpochWeights, Fallback, Request, Sticky, StickyEntry, UnknownFallback};
pub use snapshot::{
    InvalidSnapshot, MAX_FLAGS, MAX_LAYERS, MAX_PREREQUISITE_DECISIONS, MAX_PREREQUISITE_DEPTH, Referrer, Snapshot,
};
pub use split::{InvalidWeights, MAX_TOTAL_WEIGHT, Split, TRAFFIC_TOTAL, bucket};
pub use targeting::Targeting;
pub use unit::{AttributePath, InvalidPath, MAX_PATH_BYTES, UnitText, UnitType};
