//! What a decision is asked with, beyond the snapshot: the unit, what is known of it, the instant, and the state that
//! somebody else keeps.
//!
//! Must never know: where sticky entries and bandit weights are kept, or how they were reached.

use crate::attributes::Attributes;
use crate::propensity::Propensity;
use crate::split::{InvalidWeights, Split};
use foldhash::fast::FixedState;
use ids::{Name, Timestamp};
use std::collections::HashMap;

/// Who asks, when, and with what state.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The unit's id; flagd's targeting key. Empty when there is none.
    pub unit: &'a str,
    /// What is known of the unit.
    pub attributes: &'a Attributes<'a>,
    /// The instant of the decision.
    pub now: Timestamp,
    /// What was decided for the unit before.
    pub sticky: Sticky<'a>,
    /// The weights of bandits.
    pub bandits: Bandits<'a>,
    /// How who should be decided by state is decided while it cannot be read.
    pub fallback: Fallback,
}

/// How a unit is decided while the state that should decide cannot be read. Either way by its hash, the same on every
/// replica.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Fallback {
    /// By the weights of the registry.
    #[default]
    Deterministic,
    /// Evenly among the arms that have any weight.
    DeterministicRoundRobin,
}

impl Fallback {
    /// The name in settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deterministic => "deterministic",
            Self::DeterministicRoundRobin => "deterministic_round_robin",
        }
    }
}

/// The text names no fallback.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fallback must be \"deterministic\" or \"deterministic_round_robin\", not {text:?}")]
pub struct UnknownFallback {
    /// What was given.
    pub text: String,
}

impl std::str::FromStr for Fallback {
    type Err = UnknownFallback;

    fn from_str(text: &str) -> Result<Self, UnknownFallback> {
        let known = [Self::Deterministic, Self::DeterministicRoundRobin].into_iter().find(|one| one.as_str() == text);
        known.ok_or_else(|| UnknownFallback { text: text.to_owned() })
    }
}

impl<'a> Request<'a> {
    /// A request without sticky entries and without bandit weights.
    #[must_use]
    pub const fn new(unit: &'a str, attributes: &'a Attributes<'a>, now: Timestamp) -> Self {
        let (sticky, bandits) = (Sticky::Entries(&[]), Bandits::Unset);
        Self { unit, attributes, now, sticky, bandits, fallback: Fallback::Deterministic }
    }
}

/// The entries of the unit in the sticky state.
#[derive(Clone, Copy, Debug)]
pub enum Sticky<'a> {
    /// All entries there are for the experiments that may be decided; an experiment without one has none.
    Entries(&'a [StickyEntry<'a>]),
    /// The state could not be read: an experiment that keeps entries is decided as `FALLBACK`.
    Unavailable,
}

/// What a unit was given before by one revision of an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StickyEntry<'a> {
    /// Key of the experiment.
    pub experiment: &'a str,
    /// Its revision; entries of others are not looked at.
    pub revision: u32,
    /// Name of the variant.
    pub variant: &'a str,
    /// The chance the variant had when it was given.
    pub propensity: Propensity,
    /// The bandit's epoch, where a bandit gave it.
    pub epoch: Option<u64>,
}

/// The weights of all bandits at one moment.
#[derive(Clone, Copy, Debug)]
pub enum Bandits<'a> {
    /// No bandit has weights of its own yet: each splits by those of the registry.
    Unset,
    /// Those of the last epochs; a bandit that is not among them splits by the registry's.
    Weights(&'a BanditWeights),
    /// The weights could not be read: bandits are decided as `FALLBACK`.
    Unavailable,
}

/// The weights of one epoch of one bandit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochWeights {
    revision: u32,
    epoch: u64,
    split: Split,
}

impl EpochWeights {
    /// Weights of `epoch` for the arms of `revision`, in the order of its variants.
    ///
    /// # Errors
    /// [`InvalidWeights`] when they sum to 0 or above 2^31 - 1.
    pub fn new(revision: u32, epoch: u64, weights: impl IntoIterator<Item = u32>) -> Result<Self, InvalidWeights> {
        Split::new(weights).map(|split| Self { revision, epoch, split })
    }

    /// The revision of the experiment that the weights are for.
    #[must_use]
    pub const fn revision(&self) -> u32 {
        self.revision
    }

    /// Which epoch.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(crate) const fn split(&self) -> &Split {
        &self.split
    }
}

/// Weights by the key of the bandit's experiment.
#[derive(Clone, Debug, Default)]
pub struct BanditWeights(HashMap<Name, EpochWeights, FixedState>);

impl BanditWeights {
    /// Weights of no bandit.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts the weights of an experiment's bandit in place of those it had.
    pub fn insert(&mut self, experiment: Name, weights: EpochWeights) {
        self.0.insert(experiment, weights);
    }

    /// The weights of an experiment's bandit.
    #[must_use]
    pub fn get(&self, experiment: &Name) -> Option<&EpochWeights> {
        self.0.get(experiment)
    }
}

impl FromIterator<(Name, EpochWeights)> for BanditWeights {
    fn from_iter<I: IntoIterator<Item = (Name, EpochWeights)>>(weights: I) -> Self {
        Self(weights.into_iter().collect())
    }
}
