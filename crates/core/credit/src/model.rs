//! Attribution models as data: which one, with which parameters, written as `id` or `id(parameter=value)`.
//!
//! The canonical text and its hash are stored with every share, so they must never change for a given model.
//! Must never know: journeys, or how a model weighs.

mod text;

use sha2::{Digest, Sha256};

use crate::{Fraction, Span};

pub use text::InvalidModel;

/// A model with its parameters. [`Display`](std::fmt::Display) writes the canonical form, which names every
/// parameter, also where it is the default, and reads back as the same model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModelSpec {
    /// `first_touch`: all to the first touch.
    FirstTouch,
    /// `last_touch`: all to the last touch.
    LastTouch,
    /// `linear`: equal over touches; repeats of a channel count.
    Linear,
    /// `session`: equal over the touches of the conversion's session. Where there are none, or the conversion names
    /// no session, the journey's last touch takes all.
    Session,
    /// `time_window(window=24h)`: `1 - age / window` inside the window, else 0, normalised. Where all are 0 the
    /// journey's last touch takes all. The journey's own reach is not changed by it.
    TimeWindow {
        /// 24 hours by default.
        window: Span,
    },
    /// `time_decay(half_life=7d)` or `time_decay(factor=0.85/d)`: the older, the less.
    TimeDecay(Decay),
    /// `position(first=0.4, last=0.4)`: fixed parts for both ends, the rest equally over the touches between them.
    /// A single touch takes all, two touches take half each.
    Position(Position),
}

/// How fast credit fades with the age of a touch. Continuous: ages are not cut to days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decay {
    /// `2^(-age / half_life)`; 7 days by default.
    HalfLife(Span),
    /// `factor^(age in days)`.
    FactorPerDay(Fraction),
}

/// The parts of the first and the last touch, together at most 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    first: Fraction,
    last: Fraction,
    rest_billionths: u32,
}

/// The two ends of a position model take more than there is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("first and last must sum to at most 1")]
pub struct InvalidPosition;

impl Position {
    /// From the parts of both ends.
    ///
    /// # Errors
    /// [`InvalidPosition`] when they sum to more than 1.
    pub fn new(first: Fraction, last: Fraction) -> Result<Self, InvalidPosition> {
        let rest_billionths = first.rest_billionths(last).ok_or(InvalidPosition)?;
        Ok(Self { first, last, rest_billionths })
    }

    /// The part of the first touch.
    #[must_use]
    pub const fn first(&self) -> Fraction {
        self.first
    }

    /// The part of the last touch.
    #[must_use]
    pub const fn last(&self) -> Fraction {
        self.last
    }

    /// `1 - first - last` in billionths: what the touches between them share.
    pub(crate) const fn rest_billionths(&self) -> u32 {
        self.rest_billionths
    }
}

impl ModelSpec {
    /// The id without parameters.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::FirstTouch => "first_touch",
            Self::LastTouch => "last_touch",
            Self::Linear => "linear",
            Self::Session => "session",
            Self::TimeWindow { .. } => "time_window",
            Self::TimeDecay(_) => "time_decay",
            Self::Position(_) => "position",
        }
    }

    /// SHA-256 over the canonical text (UTF-8): equal for equal models however they were written.
    #[must_use]
    pub fn parameter_hash(&self) -> [u8; 32] {
        Sha256::digest(self.to_string()).into()
    }
}

#[cfg(test)]
mod tests;
