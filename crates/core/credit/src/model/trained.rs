//! Models that read path counts before they divide.
//!
//! Must never know how they are trained.

use crate::{EffectKind, Fraction, Order, Outcome, ShareForm};

use super::{ModelSpec, RuleModel};

/// What is trained, with its parameters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrainedSpec {
    /// `markov(order=1, effect=redirect_to_null, outcome=conversions, share=per_journey, by=channel)`: removal
    /// effects of the chain of order k, in closed form.
    Markov(Markov),
    /// `shapley(share=global, by=channel)`: the totals. Per journey it is a [`RuleModel`], which needs no training.
    Shapley {
        /// What credit is given to.
        by: Grain,
    },
    /// `data_driven(estimator=logistic_drop/1, level=0.95, replicates=200, seed=1, by=channel)`: what the chance of
    /// converting loses without the touch.
    DataDriven(DataDriven),
    /// `incremental(base=...)`: another model's credit, scaled so that channels with a randomised lift get that.
    Incremental(Box<IncrementalBase>),
}

/// Parameters of Markov credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Markov {
    /// How much the chain remembers.
    pub order: Order,
    /// What removal does.
    pub effect: EffectKind,
    /// What it takes from.
    pub outcome: Outcome,
    /// What is divided.
    pub share: ShareForm,
    /// What credit is given to.
    pub by: Grain,
}

impl Default for Markov {
    fn default() -> Self {
        Self {
            order: Order::FIRST,
            effect: EffectKind::default(),
            outcome: Outcome::default(),
            share: ShareForm::default(),
            by: Grain::default(),
        }
    }
}

/// What a token of a path stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grain {
    /// `channel`, or the flag of an exposure.
    #[default]
    Channel,
    /// `campaign`: channel and campaign, or flag and variant.
    Campaign,
}

/// A named and versioned estimator. A change that moves a digit is a new version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Estimator {
    /// `logistic_drop/1`: logistic regression on which channels were met how long ago, and the drop of its chance.
    #[default]
    LogisticDrop1,
}

/// Parameters of data-driven credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataDriven {
    /// Which estimator.
    pub estimator: Estimator,
    /// Level of the intervals.
    pub level: Fraction,
    /// Resampled data sets behind the intervals; 0 for none, at most 10,000.
    pub replicates: u32,
    /// What they are drawn from.
    pub seed: u64,
    /// What credit is given to.
    pub by: Grain,
}

impl Default for DataDriven {
    fn default() -> Self {
        Self {
            estimator: Estimator::default(),
            level: Fraction::NINETEEN_TWENTIETHS,
            replicates: 200,
            seed: 1,
            by: Grain::default(),
        }
    }
}

/// A model whose credit can be scaled: any other than an incremental one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IncrementalBase(ModelSpec);

impl IncrementalBase {
    /// None for a model that is scaled already.
    #[must_use]
    pub fn new(base: ModelSpec) -> Option<Self> {
        (!matches!(base, ModelSpec::Trained(TrainedSpec::Incremental(_)))).then_some(Self(base))
    }

    /// A rule.
    #[must_use]
    pub const fn of_rule(rule: RuleModel) -> Self {
        Self(ModelSpec::Rule(rule))
    }

    /// The model.
    #[must_use]
    pub const fn spec(&self) -> &ModelSpec {
        &self.0
    }
}

impl TrainedSpec {
    /// The id without parameters.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Markov(_) => "markov",
            Self::Shapley { .. } => "shapley",
            Self::DataDriven(_) => "data_driven",
            Self::Incremental(_) => "incremental",
        }
    }

    /// What a token of the path counts stands for that this reads.
    #[must_use]
    pub fn grain(&self) -> Grain {
        match self {
            Self::Markov(markov) => markov.by,
            Self::Shapley { by } => *by,
            Self::DataDriven(data_driven) => data_driven.by,
            Self::Incremental(base) => match base.spec() {
                ModelSpec::Trained(spec) => spec.grain(),
                ModelSpec::Rule(_) => Grain::Channel,
            },
        }
    }

    /// SHA-256 over the canonical text (UTF-8): equal for equal models however they were written.
    #[must_use]
    pub fn parameter_hash(&self) -> [u8; 32] {
        super::hash(&self.to_string())
    }
}
