//! One rule of a flag: who it is for, and what becomes of them.
//!
//! Must never know: the flag, the other rules.

use super::Rollout;
use crate::audience::Audience;
use crate::prerequisite::Prerequisite;
use crate::targeting::Targeting;
use ids::Name;

/// Start from [`Rule::new`].
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Who it is for; everybody when absent. Whoever is not meant goes on to the next rule.
    pub audience: Option<Audience>,
    /// What other flags must serve whom it is for; at most 16.
    pub prerequisites: Vec<Prerequisite>,
    /// What is done with whom it is for.
    pub action: Action,
    /// What becomes of a unit it is for whom the action does not take.
    pub otherwise: Otherwise,
}

impl Rule {
    /// A rule for everybody, without prerequisites.
    #[must_use]
    pub const fn new(action: Action) -> Self {
        Self { audience: None, prerequisites: Vec::new(), action, otherwise: Otherwise::Default }
    }
}

/// What a rule does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Serves one variant.
    Serve(Name),
    /// Splits by weights, without an experiment.
    Rollout(Rollout),
    /// Asks an experiment of fixed weights; its variants are variants of the flag.
    Experiment(Name),
    /// Asks an experiment whose weights a bandit sets; its variants are variants of the flag.
    Bandit(Name),
    /// Serves the variant that an expression names; null leaves the unit to the next rule.
    Targeting(Targeting),
}

/// What becomes of a unit that a rule is for and whom its action does not take: prerequisites unmet, an experiment that
/// is not running, a layer that is not its own, outside the traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Otherwise {
    /// It gets the flag's default, with the reason why it was not taken.
    #[default]
    Default,
    /// It goes on to the next rule, as in GrowthBook.
    NextRule,
}
