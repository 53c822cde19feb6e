//! Credit scaled by randomised lift.
//!
//! A holdout or channel experiment says how many conversions a channel really caused; a model says how many it
//! credits over the same persons and time. The quotient is the channel's factor. Channels that no experiment measured
//! keep their credit, and what is left of a conversion is unattributed: it would have come anyway.
//! Must never know: how experiments are read out, how a model divides.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::share::SHARE_TOTAL;
use crate::{ChannelCredit, Shares, Undefined};

/// Largest factor: a model that credits less than a 256th of what a channel caused is not calibrated but wrong.
pub(crate) const MOST_FACTOR: f64 = 256.0;
/// Factors of shares are whole multiples of 2^-24.
const FACTOR_UNIT: f64 = 16_777_216.0;

/// What a randomised experiment says of one channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Lift {
    /// The channel.
    pub channel: Arc<str>,
    /// Conversions that it caused, over the persons and the time that the credit is of; negative where it kept some
    /// away.
    pub conversions: f64,
    /// Lower end of its interval.
    pub lower: f64,
    /// Upper end of its interval.
    pub upper: f64,
}

/// A rule that a lift breaks.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InvalidLift {
    /// Not finite, or the estimate is outside of its interval.
    #[error("lift of {channel:?}: lower, conversions and upper must be finite and in this order")]
    Interval {
        /// The channel.
        channel: Arc<str>,
    },
    /// Two lifts of one channel.
    #[error("lift of {channel:?} must be given once only")]
    Repeated {
        /// The channel.
        channel: Arc<str>,
    },
    /// The model credits nothing to the channel, so no factor makes it something.
    #[error("lift of {channel:?}: the model must credit conversions to the channel")]
    NothingCredited {
        /// The channel.
        channel: Arc<str>,
    },
    /// The factor is beyond all sense.
    #[error("lift of {channel:?} must be at most {MOST_FACTOR} times what the model credits")]
    TooLarge {
        /// The channel.
        channel: Arc<str>,
    },
}

/// What a channel's credit is multiplied by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factor {
    /// 0 where the lift is negative.
    pub factor: f64,
    /// Lower end of its interval, as the experiment says, so possibly negative.
    pub lower: f64,
    /// Upper end of its interval.
    pub upper: f64,
}

/// Factors by channel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration(BTreeMap<Arc<str>, Factor>);

/// Credit of one channel after calibration.
#[derive(Clone, Debug, PartialEq)]
pub struct CalibratedCredit {
    /// The channel.
    pub channel: Arc<str>,
    /// Conversions.
    pub conversions: f64,
    /// Minor units of value, by the same factor.
    pub value_minor: f64,
    /// The interval of the conversions, from the experiment; none for a channel that none measured.
    pub interval: Option<(f64, f64)>,
}

/// Credit of all channels after calibration.
#[derive(Clone, Debug, PartialEq)]
pub struct CalibratedTotal {
    /// In the order of the credit given.
    pub channels: Vec<CalibratedCredit>,
    /// Conversions that no channel caused. Negative where channels caused more than the model had to give.
    pub unattributed: f64,
}

impl Lift {
    /// Whether the estimate lies within its interval, and all three are finite.
    ///
    /// # Errors
    /// [`InvalidLift::Interval`] otherwise.
    pub fn check(&self) -> Result<(), InvalidLift> {
        let finite = [self.conversions, self.lower, self.upper].into_iter().all(f64::is_finite);
        if finite && self.lower <= self.conversions && self.conversions <= self.upper {
            return Ok(());
        }
        Err(InvalidLift::Interval { channel: Arc::clone(&self.channel) })
    }
}

impl Calibration {
    /// Factors that make credit and lifts agree. The interval is the experiment's alone: the model's own credit is
    /// taken as it stands.
    ///
    /// # Errors
    /// [`InvalidLift`] naming the channel.
    pub fn fit(credit: &[ChannelCredit], lifts: &[Lift]) -> Result<Self, InvalidLift> {
        let mut factors = BTreeMap::new();
        for lift in lifts {
            lift.check()?;
            let Lift { channel, conversions, lower, upper } = lift.clone();
            let credited = credit.iter().find(|row| row.channel == channel).map_or(0.0, |row| row.conversions);
            if !(credited.is_finite() && credited > 0.0) {
                return Err(InvalidLift::NothingCredited { channel });
            }
            // One zero: artefacts are compared by their bytes.
            let [factor, lower, upper] = [conversions, lower, upper].map(|value| value / credited + 0.0);
            if factor > MOST_FACTOR || !lower.is_finite() || !upper.is_finite() {
                return Err(InvalidLift::TooLarge { channel });
            }
            let factor = Factor { factor: factor.max(0.0), lower, upper };
            if factors.insert(Arc::clone(&channel), factor).is_some() {
                return Err(InvalidLift::Repeated { channel });
            }
        }
        Ok(Self(factors))
    }

    pub(crate) const fn of(factors: BTreeMap<Arc<str>, Factor>) -> Self {
        Self(factors)
    }

    /// By channel, in order of their bytes.
    #[must_use]
    pub const fn factors(&self) -> &BTreeMap<Arc<str>, Factor> {
        &self.0
    }

    /// Credit after calibration, of conversions in the same units.
    ///
    /// # Errors
    /// [`Undefined::Empty`] without channels.
    pub fn credit(&self, credit: &[ChannelCredit]) -> Result<CalibratedTotal, Undefined> {
        if credit.is_empty() {
            return Err(Undefined::Empty);
        }
        let scaled = |row: &ChannelCredit| {
            let factor = self.0.get(&row.channel);
            let by = factor.map_or(1.0, |factor| factor.factor);
            CalibratedCredit {
                channel: Arc::clone(&row.channel),
                conversions: row.conversions * by,
                value_minor: row.value_minor * by,
                interval: factor.map(|factor| (factor.lower * row.conversions, factor.upper * row.conversions)),
            }
        };
        let channels: Vec<CalibratedCredit> = credit.iter().map(scaled).collect();
        let given: f64 = credit.iter().map(|row| row.conversions).sum();
        let kept: f64 = channels.iter().map(|row| row.conversions).sum();
        Ok(CalibratedTotal { channels, unattributed: given - kept })
    }

    /// Shares of one journey after calibration: each touch's share times its channel's factor, and what is left over
    /// unattributed. Where they come to more than the conversion, they are scaled down to it.
    #[must_use]
    pub fn shares<'n>(&self, shares: &Shares, channels: impl Iterator<Item = &'n str>) -> Shares {
        let unit = |factor: &Factor| libm::rint(factor.factor.min(MOST_FACTOR) * FACTOR_UNIT) as u64;
        let by = |channel: &str| self.0.get(channel).map_or(FACTOR_UNIT as u64, unit);
        let scaled = |(share, channel): (&u32, &'n str)| u64::from(*share).saturating_mul(by(channel));
        let weights: Vec<u64> = shares.as_slice().iter().zip(channels).map(scaled).collect();
        let given = weights.iter().fold(0u128, |sum, weight| sum.saturating_add(u128::from(*weight)));
        let whole = u128::from(SHARE_TOTAL).saturating_mul(FACTOR_UNIT as u128);
        let left = u64::try_from(whole.saturating_sub(given)).unwrap_or(0);
        Shares::with_unattributed(weights, left)
    }
}

#[cfg(test)]
mod tests;
