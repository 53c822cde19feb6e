//! Attribution models as data: which one, with which parameters, written as `id` or `id(parameter=value)`.
//!
//! The canonical text and its hash are stored with every share, so they must never change for a given model.
//! Must never know: journeys, or how a model weighs.

mod parameters;
mod rule;
mod text;
mod trained;

use sha2::{Digest, Sha256};

pub use rule::{ChannelDecays, Decay, InvalidPosition, Milestoned, Position, Rule, RuleModel};
pub use text::InvalidModel;
pub use trained::{DataDriven, Estimator, Grain, IncrementalBase, Markov, TrainedSpec};

/// A model with its parameters. [`Display`](std::fmt::Display) writes the canonical form, which names every
/// parameter that the model has, also where it is the default, and reads back as the same model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModelSpec {
    /// Knows the journey alone; [`shares`](crate::shares) divides by it.
    Rule(RuleModel),
    /// Reads path counts first; [`TrainedModel`](crate::TrainedModel) divides by what came of them.
    Trained(TrainedSpec),
}

impl ModelSpec {
    /// The id without parameters.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Rule(model) => model.id(),
            Self::Trained(spec) => spec.id(),
        }
    }

    /// SHA-256 over the canonical text (UTF-8): equal for equal models however they were written.
    #[must_use]
    pub fn parameter_hash(&self) -> [u8; 32] {
        hash(&self.to_string())
    }

    /// The model, where it knows the journey alone.
    #[must_use]
    pub const fn rule(&self) -> Option<&RuleModel> {
        match self {
            Self::Rule(model) => Some(model),
            Self::Trained(_) => None,
        }
    }
}

impl From<RuleModel> for ModelSpec {
    fn from(model: RuleModel) -> Self {
        Self::Rule(model)
    }
}

impl From<TrainedSpec> for ModelSpec {
    fn from(spec: TrainedSpec) -> Self {
        Self::Trained(spec)
    }
}

fn hash(canonical: &str) -> [u8; 32] {
    Sha256::digest(canonical).into()
}

#[cfg(test)]
mod tests;
