//! Credit as numbers: normalised weights for display, integer shares for everything that is added up.
//!
//! Must never know how a model weighs; it asks `measure`.

use apportion::apportion;

use crate::Journey;
use crate::measure::measure;
use crate::model::RuleModel;

/// What the shares of a journey with touches sum to. Money is split by shares, and coarser ones miss cents: at 10^-6
/// some do, at 10^-9 none.
pub const SHARE_TOTAL: u32 = 1 << 30;

/// The channel that takes all credit that no touch gets. The caller writes it; credit never vanishes.
pub const UNATTRIBUTED: &str = "(unattributed)";

/// Integer shares, one per touch in journey order. With [`Shares::unattributed`] they sum to [`SHARE_TOTAL`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shares {
    touches: Vec<u32>,
    unattributed: u32,
}

impl Shares {
    /// In proportion to the weights, by Webster's method, ties to the earlier touch; where all are 0, to nobody.
    pub(crate) fn of_weights(weights: &[u64]) -> Self {
        let mut touches = vec![0; weights.len()];
        apportion(weights, u64::from(SHARE_TOTAL), &mut touches);
        Self::given(touches)
    }

    /// In proportion to the weights of the touches and of nobody.
    pub(crate) fn with_unattributed(mut weights: Vec<u64>, unattributed: u64) -> Self {
        weights.push(unattributed);
        let mut touches = Self::of_weights(&weights).touches;
        touches.pop();
        Self::given(touches)
    }

    fn given(touches: Vec<u32>) -> Self {
        let given = touches.iter().fold(0u32, |given, share| given.saturating_add(*share));
        Self { touches, unattributed: SHARE_TOTAL.saturating_sub(given) }
    }

    /// One share per touch, in journey order.
    #[must_use]
    pub fn as_slice(&self) -> &[u32] {
        &self.touches
    }

    /// One share per touch, in journey order.
    #[must_use]
    pub fn into_vec(self) -> Vec<u32> {
        self.touches
    }

    /// Whether the journey had no touches, so that the credit is [`UNATTRIBUTED`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.touches.is_empty()
    }

    /// What is [`UNATTRIBUTED`]: everything in a journey without touches, and in one without touches in the model's
    /// own window; what is beyond a randomised lift, under an incremental model; else 0.
    #[must_use]
    pub const fn unattributed(&self) -> u32 {
        self.unattributed
    }
}

/// The part of the conversion that each touch takes, in journey order: each in `[0, 1]`, together 1 up to rounding,
/// or all 0 where the model looks at no touch. Empty for a journey without touches.
#[must_use]
pub fn weights(journey: &Journey<'_>, model: &RuleModel) -> Vec<f64> {
    let measured = measure(journey, model);
    let sum: u128 = measured.iter().fold(0, |sum, weight| sum.saturating_add(u128::from(*weight)));
    measured.into_iter().map(|weight| weight as f64 / sum.max(1) as f64).collect()
}

/// The same as [`weights`], in whole units of 1 / [`SHARE_TOTAL`], by Webster's method; ties go to the earlier touch.
#[must_use]
pub fn shares(journey: &Journey<'_>, model: &RuleModel) -> Shares {
    Shares::of_weights(&measure(journey, model))
}

#[cfg(test)]
mod tests;
