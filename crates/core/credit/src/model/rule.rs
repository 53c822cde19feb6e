//! Models that know the journey alone.
//!
//! Must never know how they weigh.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{Fraction, Span};

/// What touches get, by the journey alone, and how far back the model looks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleModel {
    rule: Rule,
    window: Option<Span>,
}

/// How touches are weighed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// `first_touch`: all to the first touch.
    FirstTouch,
    /// `last_touch`: all to the last touch.
    LastTouch,
    /// `last_non_direct(direct=direct)`: all to the last touch of another channel than that; where there is none, to
    /// the last touch.
    LastNonDirect {
        /// The channel of visits that nothing brought about; `direct` by default.
        direct: Arc<str>,
    },
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
    /// `time_decay(half_life=7d)` or `time_decay(factor=0.85/d)`, with decays of their own for channels as in
    /// `time_decay(half_life=7d, half_life[email]=72h)`: the older, the less.
    TimeDecay {
        /// Of channels without their own.
        decay: Decay,
        /// Of channels with their own.
        by_channel: ChannelDecays,
    },
    /// `position(first=0.4, last=0.4)` or, in the shape of a W,
    /// `position(first=0.3, milestone=lead_created, middle=0.3, last=0.3)`: fixed parts for the ends and the
    /// milestone, the rest equally over the other touches.
    Position(Position),
    /// `shapley(share=per_journey)`: equal over the different channels, and a channel's part equally over its
    /// touches. The sum over all journeys is the Shapley value (Zhao et al. 2018, arXiv 1804.05327).
    Shapley,
}

/// How fast credit fades with the age of a touch. Continuous: ages are not cut to days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decay {
    /// `2^(-age / half_life)`; 7 days by default.
    HalfLife(Span),
    /// `factor^(age in days)`.
    FactorPerDay(Fraction),
}

/// Decays of single channels.
pub type ChannelDecays = BTreeMap<Arc<str>, Decay>;

/// The parts of the first and the last touch and, in the shape of a W, of the touch that brought a milestone about;
/// together at most 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    first: Fraction,
    last: Fraction,
    milestone: Option<Milestoned>,
    rest_billionths: u32,
}

/// The middle of a W.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Milestoned {
    /// Type of the milestone. The newest touch not after the journey's first of these takes the part.
    pub event_type: Arc<str>,
    /// The part.
    pub middle: Fraction,
}

/// The fixed parts of a position model take more than there is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("first, middle and last must sum to at most 1")]
pub struct InvalidPosition;

impl Position {
    /// From the parts of both ends.
    ///
    /// # Errors
    /// [`InvalidPosition`] when they sum to more than 1.
    pub fn new(first: Fraction, last: Fraction) -> Result<Self, InvalidPosition> {
        let rest_billionths = first.rest_billionths(last).ok_or(InvalidPosition)?;
        Ok(Self { first, last, milestone: None, rest_billionths })
    }

    /// From the parts of both ends and of the milestone between them.
    ///
    /// # Errors
    /// [`InvalidPosition`] when they sum to more than 1.
    pub fn with_milestone(first: Fraction, milestone: Milestoned, last: Fraction) -> Result<Self, InvalidPosition> {
        let ends = Self::new(first, last)?;
        let rest = ends.rest_billionths.checked_sub(milestone.middle.billionths()).ok_or(InvalidPosition)?;
        Ok(Self { milestone: Some(milestone), rest_billionths: rest, ..ends })
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

    /// The part of the milestone's touch, where there is one. In a journey without the milestone it joins the rest.
    #[must_use]
    pub const fn milestone(&self) -> Option<&Milestoned> {
        self.milestone.as_ref()
    }

    /// What is left for the other touches, in billionths.
    pub(crate) const fn rest_billionths(&self) -> u32 {
        self.rest_billionths
    }
}

impl RuleModel {
    /// A rule that weighs all touches of the journey.
    #[must_use]
    pub fn new(rule: Rule) -> Self {
        Self { rule: canonical(rule), window: None }
    }

    /// The rule over the touches of a window of its own, as in `last_touch(window=7d)`. To look further back than the
    /// journeys do, cut them by [`JourneyRules::for_model`](crate::JourneyRules::for_model). Without a touch in the
    /// window the conversion is unattributed.
    ///
    /// `time_window` has its window as a parameter and no other: for it this is the same as [`RuleModel::new`].
    #[must_use]
    pub fn within(rule: Rule, window: Span) -> Self {
        let own = !matches!(rule, Rule::TimeWindow { .. });
        Self { rule: canonical(rule), window: own.then_some(window) }
    }

    /// How touches are weighed.
    #[must_use]
    pub const fn rule(&self) -> &Rule {
        &self.rule
    }

    /// How far back the model looks, where it has a window of its own.
    #[must_use]
    pub const fn window(&self) -> Option<Span> {
        self.window
    }

    /// The id without parameters.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self.rule {
            Rule::FirstTouch => "first_touch",
            Rule::LastTouch => "last_touch",
            Rule::LastNonDirect { .. } => "last_non_direct",
            Rule::Linear => "linear",
            Rule::Session => "session",
            Rule::TimeWindow { .. } => "time_window",
            Rule::TimeDecay { .. } => "time_decay",
            Rule::Position(_) => "position",
            Rule::Shapley => "shapley",
        }
    }

    /// SHA-256 over the canonical text (UTF-8): equal for equal models however they were written.
    #[must_use]
    pub fn parameter_hash(&self) -> [u8; 32] {
        super::hash(&self.to_string())
    }
}

/// A channel whose decay is that of all has none of its own.
fn canonical(rule: Rule) -> Rule {
    let Rule::TimeDecay { decay, mut by_channel } = rule else { return rule };
    by_channel.retain(|_, own| *own != decay);
    Rule::TimeDecay { decay, by_channel }
}
