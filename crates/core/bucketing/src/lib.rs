//! Which variant a unit gets: hashing, splits, audiences, and the pure decision over a registry snapshot.
//!
//! A decision is a function of (snapshot, experiment, unit, attributes, now) alone, so every replica agrees, and it
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
mod experiment;
mod hash_version;
mod limits;
mod murmur3;
mod snapshot;
mod split;

pub use attributes::Attributes;
pub use audience::{Audience, InvalidAudience};
pub use decide::{Decision, Propensity, Reason, UnknownExperiment, decide};
pub use experiment::{
    Definition, Experiment, InvalidExperiment, MAX_SALT_BYTES, MAX_VARIANTS, State, UnknownState, Variant,
};
pub use hash_version::{HashVersion, UnknownHashVersion};
pub use limits::TooLarge;
pub use murmur3::murmur3_x86_32;
pub use snapshot::{InvalidSnapshot, Snapshot};
pub use split::{InvalidWeights, MAX_TOTAL_WEIGHT, Split, TRAFFIC_TOTAL, bucket};
