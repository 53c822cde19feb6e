//! Sums in, estimates out: effects with intervals and p-values, sequential bounds, sample-ratio tests, the verdict.
//!
//! Everything is a pure function of its arguments and gives the same bits on every machine: transcendental functions
//! come from `libm`, never from the platform. What cannot be computed is an [`Undefined`] with its reason, never NaN.
//! A is always the control, B the treatment, and an effect is `B - A`.
//! Must never know: SQL, wire formats, clocks, what a metric or an experiment is called.

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

pub mod adaptive;
pub mod bayes;
pub mod business;
pub mod cap;
pub mod cohort;
mod cuped;
pub mod distribution;
pub mod e_value;
mod estimate;
pub mod funnel;
pub mod heterogeneity;
mod interval;
mod joint;
mod lift;
pub mod ltv;
mod moments;
pub mod multiplicity;
mod non_inferiority;
pub mod novelty;
mod parameter;
pub mod planning;
mod proportion;
pub mod quantile;
mod ratio;
mod retention;
pub mod segment;
pub mod sequential;
pub mod srm;
mod stopping;
mod stratum;
mod sums;
mod undefined;
pub mod verdict;
mod warning;
mod welch;
mod wide;

pub use cuped::{Cuped, Pooling, cuped, cuped_ratio, cuped_ratio_by_mean};
pub use estimate::{Baseline, Comparison, Estimate, Method, Scale};
pub use interval::{Interval, PValues};
pub use joint::Joint;
pub use lift::{FiellerSet, Lift, fieller, lift};
pub use moments::Moments;
pub use non_inferiority::{NonInferiority, non_inferiority};
pub use parameter::{Alpha, InvalidParameter};
pub use proportion::{Conversions, TwoProportion, ZTest, agresti_caffo, katz, newcombe, two_proportion};
pub use ratio::{RatioArm, clustered, ratio};
pub use retention::Retention;
pub use stratum::{PostStratified, Stratum, post_stratified, post_stratified_ratio};
pub use sums::{JointSums, Sums, SumsError};
pub use undefined::Undefined;
pub use warning::{
    FEW_CLUSTERS, FEW_CONTRIBUTIONS, FEW_CONTRIBUTIONS_FOR_LIFT, FEW_CONVERSIONS, FEW_UNITS, WEAK_DENOMINATOR, Warning,
    Warnings, effective_contributions,
};
pub use welch::welch;
