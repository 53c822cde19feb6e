//! What can be compared, and the rule that the rest breaks.
//!
//! Must never know: what comes out of a comparison.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ChannelCredit;
use crate::incremental::{InvalidLift, Lift};

/// Numbers beyond this are refused, so that neither differences nor their squares leave the doubles.
const LARGEST: f64 = 1e150;

/// A rule that the sides of a comparison break.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InvalidComparison {
    /// Nothing on one side.
    #[error("{what} must not be empty")]
    Empty {
        /// Which side.
        what: String,
    },
    /// Nothing moves over one period.
    #[error("periods must be two or more, not {found}")]
    TooFewPeriods {
        /// How many were given.
        found: usize,
    },
    /// Credit below zero, without end, or no number.
    #[error("{what}: credit of {channel:?} must be a number from 0 to 1e150")]
    Credit {
        /// Which side.
        what: String,
        /// The channel.
        channel: Arc<str>,
    },
    /// Two rows of one channel.
    #[error("{what}: {channel:?} must be named once only")]
    Repeated {
        /// Which side.
        what: String,
        /// The channel.
        channel: Arc<str>,
    },
    /// No conversions at all, so there are no parts of them.
    #[error("{what} must credit conversions to some channel")]
    NothingCredited {
        /// Which side.
        what: String,
    },
    /// Shares of two different journeys.
    #[error("journeys[{place}]: both sides must have one share per touch, not {left} and {right}")]
    Lengths {
        /// Which pair, from 0.
        place: u64,
        /// Shares on the left.
        left: usize,
        /// Shares on the right.
        right: usize,
    },
    /// A lift that no experiment can have found.
    #[error("lifts[{place}] cannot be compared with credit")]
    Lift {
        /// Which of the lifts, from 0.
        place: usize,
        /// The rule that it breaks.
        #[source]
        source: InvalidLift,
    },
    /// A lift without end.
    #[error("lift of {channel:?} must be between -1e150 and 1e150")]
    LiftTooLarge {
        /// The channel.
        channel: Arc<str>,
    },
}

/// One figure of every row by channel; each channel once, no figure below 0.
pub(super) fn by_channel(
    what: &str,
    credit: &[ChannelCredit],
    figure: impl Fn(&ChannelCredit) -> f64,
) -> Result<BTreeMap<Arc<str>, f64>, InvalidComparison> {
    let mut figures = BTreeMap::new();
    for row in credit {
        let (what, channel) = (what.to_owned(), Arc::clone(&row.channel));
        let value = figure(row);
        if !(0.0..=LARGEST).contains(&value) {
            return Err(InvalidComparison::Credit { what, channel });
        }
        if figures.insert(Arc::clone(&channel), value).is_some() {
            return Err(InvalidComparison::Repeated { what, channel });
        }
    }
    Ok(figures)
}

/// Conversions over their sum, by channel.
pub(super) fn parts(what: &str, credit: &[ChannelCredit]) -> Result<BTreeMap<Arc<str>, f64>, InvalidComparison> {
    let mut parts = by_channel(what, credit, |row| row.conversions)?;
    let whole: f64 = parts.values().sum();
    if whole == 0.0 {
        return Err(InvalidComparison::NothingCredited { what: what.to_owned() });
    }
    parts.values_mut().for_each(|part| *part /= whole);
    Ok(parts)
}

pub(super) fn checked_lifts(lifts: &[Lift]) -> Result<(), InvalidComparison> {
    if lifts.is_empty() {
        return Err(InvalidComparison::Empty { what: "lifts".to_owned() });
    }
    let mut channels = BTreeMap::new();
    for (place, lift) in lifts.iter().enumerate() {
        lift.check().map_err(|source| InvalidComparison::Lift { place, source })?;
        let channel = Arc::clone(&lift.channel);
        if lift.lower < -LARGEST || lift.upper > LARGEST {
            return Err(InvalidComparison::LiftTooLarge { channel });
        }
        if channels.insert(Arc::clone(&channel), place).is_some() {
            return Err(InvalidComparison::Lift { place, source: InvalidLift::Repeated { channel } });
        }
    }
    Ok(())
}
