//! The decision: which variant a unit gets, and why.
//!
//! Of a flag, in order: enabled, prerequisites, then the rules, of which the first that takes the unit decides. Of an
//! experiment: the state, the period, prerequisites, holdouts, the layer, the audience, the traffic share, what the
//! unit got before, and last the split by the weights of the registry or of a bandit. Whoever was not randomised has
//! no propensity, so that nobody is counted who was not.
//! Must never know: sessions, storage, whether an exposure follows.

use crate::propensity::Propensity;
use crate::request::Request;
use crate::snapshot::Snapshot;
use ids::Name;
use serde_json::Value;

mod experiment;
mod flag;

use flag::Choice;

/// Longest part of an unknown key that an error repeats, in characters.
const KEY_SHOWN_CHARS: usize = 128;

/// What a unit gets of one flag or experiment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision<'a> {
    /// The variant served: one of the flag's, or of the experiment's where that was asked for. `None` when a flag has
    /// no default and nothing else was decided.
    pub variant: Option<&'a Name>,
    /// What it serves; present exactly when `variant` is.
    pub value: Option<&'a Value>,
    /// Why.
    pub reason: Reason,
    /// The experiment that decided or kept the unit out, if one did.
    pub experiment: Option<&'a Name>,
    /// Its revision; present exactly when `experiment` is.
    pub revision: Option<u32>,
    /// The holdout that the unit is in; present exactly when the reason is [`Reason::Holdout`].
    pub holdout: Option<&'a Name>,
    /// The chance that this variant had or, for [`Reason::Sticky`], had when it was given; present exactly when the
    /// unit was randomised.
    pub propensity: Option<Propensity>,
    /// The bandit's epoch, where its weights decided.
    pub epoch: Option<u64>,
}

impl Decision<'_> {
    /// Whether the unit was randomised by an experiment, so that meeting the variant is an exposure.
    #[must_use]
    pub const fn is_exposure(&self) -> bool {
        self.experiment.is_some() && self.propensity.is_some()
    }
}

/// Why a unit got what it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The flag has no rules: everybody gets its default, which may be cached by the flag's key.
    Static,
    /// A rule serves the variant, or its targeting names it.
    TargetingMatch,
    /// Randomised by the registry's weights.
    Split,
    /// Randomised by a bandit's weights.
    Bandit,
    /// Randomised before; the unit keeps what it got.
    Sticky,
    /// Randomised by the request's fallback, as the state that should have decided could not be read.
    Fallback,
    /// No rule took the unit, or it is outside the audience of the experiment asked for.
    Default,
    /// The flag is switched off, or the experiment is not running.
    Disabled,
    /// Before the experiment's start.
    NotStarted,
    /// At or past the experiment's end.
    Ended,
    /// Another flag does not serve what it must.
    Prerequisite,
    /// Held out.
    Holdout,
    /// In a bucket of the layer that the experiment does not own.
    Excluded,
    /// Outside the traffic share, or outside the coverage of another tool's bucketing.
    OutOfTraffic,
    /// Without an id to hash.
    NoUnit,
    /// In an arm that was stopped.
    ArmStopped,
    /// An audience could not be evaluated for these attributes, as when it orders a number against a text.
    AudienceFailed,
    /// Targeting could not be evaluated for these attributes, or named no variant.
    TargetingFailed,
}

impl Reason {
    /// The name in reports, upper case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Static => "STATIC",
            Self::TargetingMatch => "TARGETING_MATCH",
            Self::Split => "SPLIT",
            Self::Bandit => "BANDIT",
            Self::Sticky => "STICKY",
            Self::Fallback => "FALLBACK",
            Self::Default => "DEFAULT",
            Self::Disabled => "DISABLED",
            Self::NotStarted => "NOT_STARTED",
            Self::Ended => "ENDED",
            Self::Prerequisite => "PREREQUISITE",
            Self::Holdout => "HOLDOUT",
            Self::Excluded => "EXCLUDED",
            Self::OutOfTraffic => "OUT_OF_TRAFFIC",
            Self::NoUnit => "NO_UNIT",
            Self::ArmStopped => "ARM_STOPPED",
            Self::AudienceFailed => "AUDIENCE_FAILED",
            Self::TargetingFailed => "TARGETING_FAILED",
        }
    }
}

/// Neither a flag nor an experiment of the snapshot has this key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no flag or experiment has the key {key:?}")]
pub struct UnknownFlag {
    /// What was asked for, cut to 128 characters.
    pub key: String,
}

/// No experiment of the snapshot has this key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no experiment has the key {key:?}")]
pub struct UnknownExperiment {
    /// What was asked for, cut to 128 characters.
    pub key: String,
}

/// Decides one flag of a snapshot for one unit; where no flag has the key, the experiment that has it.
///
/// # Errors
/// [`UnknownFlag`] when the snapshot has no such key.
pub fn decide<'a>(snapshot: &'a Snapshot, key: &str, request: &Request<'_>) -> Result<Decision<'a>, UnknownFlag> {
    let evaluation = Evaluation { snapshot, request };
    let mut choice = Choice::none();
    if snapshot.flag_position(key).is_some_and(|index| evaluation.flag(index, &mut choice)) {
        return Ok(choice.decision());
    }
    evaluation.experiment_alone(key).ok_or_else(|| UnknownFlag { key: shown(key) })
}

/// Decides one experiment of a snapshot for one unit, also where a flag has the same key. Whoever takes no part is
/// served the control.
///
/// # Errors
/// [`UnknownExperiment`] when the snapshot has no such key.
pub fn decide_experiment<'a>(
    snapshot: &'a Snapshot,
    key: &str,
    request: &Request<'_>,
) -> Result<Decision<'a>, UnknownExperiment> {
    let decided = Evaluation { snapshot, request }.experiment_alone(key);
    decided.ok_or_else(|| UnknownExperiment { key: shown(key) })
}

fn shown(key: &str) -> String {
    key.chars().take(KEY_SHOWN_CHARS).collect()
}

/// One request against one snapshot.
#[derive(Clone, Copy)]
struct Evaluation<'a, 'r> {
    snapshot: &'a Snapshot,
    request: &'r Request<'r>,
}
