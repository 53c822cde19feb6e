//! How much traffic each arm gets next: sums of rewards in, integer weights out.
//!
//! Thompson sampling as weights: an arm's share is the probability that it is the best one under the posteriors,
//! computed by quadrature. The units are then bucketed over the weights, so that a whole epoch has the distribution of
//! Thompson sampling per request, while replicas agree and every exposure has an exact propensity.
//! Must never know: units, how a weight becomes a bucket, when an epoch begins, storage, a clock.

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

mod best;
mod design;
mod evidence;
mod policy;
mod posterior;
mod readout;
pub mod simulation;
mod weights;

pub use best::Imprecise;
pub use design::{Arm, Definition, Design, InvalidDesign, MAX_ARMS, MAX_TOTAL, Objective, Policy, Reward};
pub use evidence::{InvalidSums, MAX_UNITS};
pub use posterior::{InvalidStudentT, Posteriors, StudentT};
pub use readout::{ArmPosterior, posteriors};
pub use weights::{ArmWeight, Basis, Weights, weights};
