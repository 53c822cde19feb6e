//! The decision: which variant a unit gets, and why.
//!
//! In order: the state, the period, the audience, the traffic share, the split. The first that says no serves the
//! control's value without a variant, so that nobody is counted who was not randomised.
//! Must never know: sessions, storage, whether an exposure follows.

use crate::attributes::Attributes;
use crate::experiment::{Experiment, State};
use crate::snapshot::Snapshot;
use ids::{Name, Timestamp};
use serde_json::Value;

/// Longest part of an unknown key that an error repeats, in characters.
const KEY_SHOWN_CHARS: usize = 128;

/// What a unit gets of one experiment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision<'a> {
    /// The variant the unit was randomised to; `None` when it takes no part.
    pub variant: Option<&'a Name>,
    /// What to serve: the variant's value, else the control's.
    pub value: &'a Value,
    /// Why.
    pub reason: Reason,
    /// The experiment's revision.
    pub revision: u32,
    /// The chance this variant had; present exactly when `variant` is.
    pub propensity: Option<Propensity>,
}

/// Why a unit got what it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Randomised by the split.
    Split,
    /// The experiment is not running.
    Disabled,
    /// Before the start.
    NotStarted,
    /// At or past the end.
    Ended,
    /// Outside the audience or the traffic share, or without an id.
    Default,
    /// The audience could not be evaluated for these attributes, as when it orders a number against a text.
    AudienceFailed,
}

impl Reason {
    /// The name in reports, upper case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Split => "SPLIT",
            Self::Disabled => "DISABLED",
            Self::NotStarted => "NOT_STARTED",
            Self::Ended => "ENDED",
            Self::Default => "DEFAULT",
            Self::AudienceFailed => "AUDIENCE_FAILED",
        }
    }
}

/// The exact chance of a variant among those who take part: `weight / total`, in `(0, 1]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Propensity {
    weight: u32,
    total: u32,
}

impl Propensity {
    /// The variant's weight, at least 1.
    #[must_use]
    pub const fn weight(self) -> u32 {
        self.weight
    }

    /// The sum of all weights, at least `weight`.
    #[must_use]
    pub const fn total(self) -> u32 {
        self.total
    }

    /// The nearest float.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        f64::from(self.weight) / f64::from(self.total)
    }
}

/// No experiment of the snapshot has this key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no experiment has the key {key:?}")]
pub struct UnknownExperiment {
    /// What was asked for, cut to 128 characters.
    pub key: String,
}

/// Decides one experiment of a snapshot for one unit.
///
/// # Errors
/// [`UnknownExperiment`] when the snapshot has no such key.
pub fn decide<'a>(
    snapshot: &'a Snapshot,
    experiment: &str,
    unit: &str,
    attributes: Attributes<'_>,
    now: Timestamp,
) -> Result<Decision<'a>, UnknownExperiment> {
    match snapshot.get(experiment) {
        Some(experiment) => Ok(experiment.decide(unit, attributes, now)),
        None => Err(UnknownExperiment { key: experiment.chars().take(KEY_SHOWN_CHARS).collect() }),
    }
}

impl Experiment {
    /// Decides this experiment for one unit. A unit without an id takes no part: all such units would share one
    /// bucket.
    #[must_use]
    pub fn decide(&self, unit: &str, attributes: Attributes<'_>, now: Timestamp) -> Decision<'_> {
        match self.refusal(unit, attributes, now) {
            Some(reason) => self.serve_control(reason),
            None => self.split_unit(unit),
        }
    }

    /// The first check that keeps the unit out.
    fn refusal(&self, unit: &str, attributes: Attributes<'_>, now: Timestamp) -> Option<Reason> {
        let definition = self.definition();
        if definition.state != State::Running {
            return Some(Reason::Disabled);
        }
        if definition.start.is_some_and(|start| now < start) {
            return Some(Reason::NotStarted);
        }
        if definition.end.is_some_and(|end| now >= end) {
            return Some(Reason::Ended);
        }
        match definition.audience.as_ref().map(|audience| audience.admits(attributes)) {
            None | Some(Some(true)) => {}
            Some(Some(false)) => return Some(Reason::Default),
            Some(None) => return Some(Reason::AudienceFailed),
        }
        let takes_part = !unit.is_empty() && self.salted().traffic_bucket(unit) < definition.traffic_per_million;
        (!takes_part).then_some(Reason::Default)
    }

    fn split_unit(&self, unit: &str) -> Decision<'_> {
        let total = self.split().total();
        let arm = self.split().arm(self.salted().split_bucket(unit, total));
        match arm.and_then(|arm| self.variants().get(arm)) {
            Some(variant) => Decision {
                variant: Some(variant.name()),
                value: variant.value(),
                reason: Reason::Split,
                revision: self.revision(),
                propensity: Some(Propensity { weight: variant.weight(), total }),
            },
            None => self.serve_control(Reason::Default),
        }
    }

    fn serve_control(&self, reason: Reason) -> Decision<'_> {
        Decision { variant: None, value: self.control().value(), reason, revision: self.revision(), propensity: None }
    }
}
