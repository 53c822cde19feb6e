//! Journeys to shares of credit: which touches a conversion is credited to, and how much of it each one gets.
//!
//! [`History::journeys`] cuts one person's events into journeys. A [`RuleModel`] divides a conversion among the touches
//! of its journey by [`shares`]. Other models read [`PathCounts`], which are kept incrementally, before they divide:
//! [`markov_credit`], [`shapley_credit`] and [`data_driven_credit`] say what channels get in all, a [`TrainedModel`]
//! what the touches of one journey get. Every result is a function of the set of events, never of the order in which
//! they came, and is the same on every machine; what has no answer has an [`Undefined`] reason.
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

mod back_test;
mod data_driven;
mod event;
#[cfg(test)]
mod fixture;
mod fraction;
mod incremental;
mod journey;
mod markov;
mod measure;
mod model;
mod paths;
mod shapley;
mod share;
mod span;
mod tokens;
mod total;
mod trained;
mod undefined;
mod window;

pub use back_test::{
    Agreement, Bias, ChannelBias, ChannelNet, ChannelRevenue, ChannelStability, InvalidComparison, RevenueBias,
    Stability, agreement, bias, journey_agreement, revenue_bias, stability,
};
pub use data_driven::{IntervalCredit, data_driven_credit};
pub use event::{Conversion, Milestone, Touch, TouchKind};
pub use fraction::{Fraction, InvalidFraction};
pub use incremental::{CalibratedCredit, CalibratedTotal, Calibration, Factor, InvalidLift, Lift};
pub use journey::{Activation, History, InvalidHistory, Journey, JourneyRules, Reset, journeys};
pub use markov::{
    ChannelEffect, EffectKind, InvalidOrder, Order, OrderChoice, OrderFit, Outcome, choose_order, markov_credit,
    removal_effects,
};
pub use model::{
    ChannelDecays, DataDriven, Decay, Estimator, Grain, IncrementalBase, InvalidModel, InvalidPosition, Markov,
    Milestoned, ModelSpec, Position, Rule, RuleModel, TrainedSpec,
};
pub use paths::{
    InvalidCount, InvalidEncoding, MAX_CHANNELS, MAX_JOURNEYS, MAX_PATH_TOUCHES, PathCounts, PathRow, Tally,
};
pub use shapley::shapley_credit;
pub use share::{SHARE_TOTAL, Shares, UNATTRIBUTED, shares, weights};
pub use span::{InvalidSpan, Span};
pub use total::{ChannelCredit, ShareForm};
pub use trained::{InvalidTrainedModel, TrainedModel};
pub use undefined::Undefined;
pub use window::{DynamicWindows, InvalidWindowRule, LatencyCounts, LatencyNotCounted, WindowRule};
