//! Journeys to shares of credit: which touches a conversion is credited to, and how much of it each one gets.
//!
//! [`journeys`] cuts one person's touches and conversions into journeys, [`weights`] and [`shares`] divide a
//! conversion among the touches of its journey as a [`ModelSpec`] says. Every result is a function of the set of
//! events, never of the order in which they came, and is the same on every machine.
//! Must never know: money, storage, wire formats, a clock.

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

mod event;
#[cfg(test)]
mod fixture;
mod fraction;
mod journey;
mod measure;
mod model;
mod share;
mod span;
mod webster;

pub use event::{Conversion, Touch};
pub use fraction::{Fraction, InvalidFraction};
pub use journey::{Journey, JourneyRules, Reset, journeys};
pub use model::{Decay, InvalidModel, InvalidPosition, ModelSpec, Position};
pub use share::{SHARE_TOTAL, Shares, UNATTRIBUTED, shares, weights};
pub use span::{InvalidSpan, Span};
