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

pub mod distribution;
mod interval;
mod moments;
mod parameter;
mod proportion;
pub mod sequential;
pub mod srm;
mod sums;
mod undefined;
pub mod verdict;
mod welch;
mod wide;

pub use interval::{Interval, PValues};
pub use moments::Moments;
pub use parameter::{Alpha, InvalidParameter};
pub use proportion::{Conversions, TwoProportion, ZTest, agresti_caffo, katz, newcombe, two_proportion};
pub use sums::{Sums, SumsError};
pub use undefined::Undefined;
pub use welch::{MeanEstimate, Welch, welch};
