//! Credit by channel over many journeys, and the sums that it comes from.
//!
//! Must never know which model divides.

use std::sync::Arc;

use crate::paths::Tally;
use double_double::DoubleDouble;

/// How a trained model divides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ShareForm {
    /// `global`: the totals, by channel. Single journeys have no shares.
    Global,
    /// `per_journey`: each journey among its touches; a channel counts once per touch.
    #[default]
    PerJourney,
    /// `per_journey_distinct`: each journey among its channels, and a channel's part equally among its touches.
    PerJourneyDistinct,
}

/// What one channel gets of all conversions with a touch.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelCredit {
    /// The channel.
    pub channel: Arc<str>,
    /// Conversions.
    pub conversions: f64,
    /// Minor units of their value.
    pub value_minor: f64,
}

/// Credit by place of the channel, summed so precisely that its order does not show.
pub(crate) struct Sums(Vec<(DoubleDouble, DoubleDouble)>);

impl Sums {
    pub(crate) fn new(channels: usize) -> Self {
        Self(vec![(DoubleDouble::ZERO, DoubleDouble::ZERO); channels])
    }

    /// Gives a part of the conversions and of the value to the channel.
    pub(crate) fn add(&mut self, channel: u32, part: DoubleDouble, tally: Tally) {
        let Some((conversions, value)) = self.0.get_mut(channel as usize) else { return };
        *conversions = conversions.plus(part.times(DoubleDouble::of_count(tally.conversions)));
        let worth = u64::try_from(tally.value_minor).unwrap_or_default();
        *value = value.plus(part.times(DoubleDouble::of_count(worth)));
    }

    /// By name.
    pub(crate) fn into_credit(self, channels: Vec<Arc<str>>) -> Vec<ChannelCredit> {
        let credit = |(channel, (conversions, value)): (Arc<str>, (DoubleDouble, DoubleDouble))| ChannelCredit {
            channel,
            conversions: conversions.rounded(),
            value_minor: value.rounded(),
        };
        channels.into_iter().zip(self.0).map(credit).collect()
    }
}
