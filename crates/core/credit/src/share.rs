//! Credit as numbers: normalised weights for display, integer shares for everything that is added up.
//!
//! Must never know how a model weighs; it asks `measure`.

use crate::measure::measure;
use crate::webster::apportion;
use crate::{Journey, ModelSpec};

/// What the shares of a journey with touches sum to. Money is split by shares, and coarser ones miss cents: at 10^-6
/// some do, at 10^-9 none.
pub const SHARE_TOTAL: u32 = 1 << 30;

/// The channel that takes all credit of a journey without touches. The caller writes it; credit never vanishes.
pub const UNATTRIBUTED: &str = "(unattributed)";

/// Integer shares, one per touch in journey order. They sum to [`SHARE_TOTAL`], or there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Shares(Vec<u32>);

impl Shares {
    /// One share per touch, in journey order.
    #[must_use]
    pub fn as_slice(&self) -> &[u32] {
        &self.0
    }

    /// One share per touch, in journey order.
    #[must_use]
    pub fn into_vec(self) -> Vec<u32> {
        self.0
    }

    /// Whether the journey had no touches, so that the credit is [`UNATTRIBUTED`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The part of the conversion that each touch takes, in journey order: each in `[0, 1]`, together 1 up to rounding.
/// Empty for a journey without touches.
#[must_use]
pub fn weights(journey: &Journey<'_>, model: &ModelSpec) -> Vec<f64> {
    let measured = measure(journey, model);
    let sum: u128 = measured.iter().fold(0, |sum, weight| sum.saturating_add(u128::from(*weight)));
    measured.into_iter().map(|weight| weight as f64 / sum as f64).collect()
}

/// The same as [`weights`], in whole units of 1 / [`SHARE_TOTAL`], by Webster's method; ties go to the earlier touch.
/// The shares sum to exactly [`SHARE_TOTAL`], and are empty for a journey without touches.
#[must_use]
pub fn shares(journey: &Journey<'_>, model: &ModelSpec) -> Shares {
    Shares(apportion(&measure(journey, model), SHARE_TOTAL))
}

#[cfg(test)]
mod tests;
