//! Trained models: what was learned from path counts, applied to one journey at a time.
//!
//! A trained model is a value: it is versioned by its hash, holds from a date on in the time of conversions, and gives
//! a journey the same shares for ever. Must never know: path counts after training, money, storage.

mod encoding;

use std::collections::BTreeMap;
use std::sync::Arc;

use ids::Timestamp;

use crate::data_driven::{self, Coefficients};
use crate::incremental::Calibration;
use crate::markov::parts;
use crate::measure::{by_distinct_channel, scaled, take_last_if_none};
use crate::model::{IncrementalBase, ModelSpec, TrainedSpec};
use crate::paths::PathCounts;
use crate::{Journey, RuleModel, ShareForm, Shares, Undefined, shares};

pub use encoding::InvalidTrainedModel;

/// A model with what it learned.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainedModel {
    spec: TrainedSpec,
    effective_from: Timestamp,
    learned: Learned,
}

/// What divides a journey.
#[derive(Clone, Debug, PartialEq)]
enum Learned {
    /// Removal effects over their sum, by token.
    Effects(BTreeMap<Arc<str>, f64>),
    /// Coefficients of the logistic regression.
    Logistic(Coefficients),
    /// Factors on another model, with what that one learned.
    Scaled(Calibration, Option<Box<Self>>),
}

impl TrainedModel {
    /// Learns from path counts whose paths are those of [`TrainedSpec::path`].
    ///
    /// # Errors
    /// [`Undefined::NotPerJourney`] for a global share form, which has totals and no shares;
    /// [`Undefined::LearnsFromLifts`] for an incremental model, which is made by [`TrainedModel::calibrated`] or
    /// [`TrainedModel::calibrated_rule`]. Else as the model's own totals.
    pub fn train(spec: TrainedSpec, counts: &PathCounts, effective_from: Timestamp) -> Result<Self, Undefined> {
        let learned = match &spec {
            TrainedSpec::Markov(markov) if markov.share != ShareForm::Global => {
                let effects = crate::markov::exact_effects(counts, markov.order, markov.effect, markov.outcome)?;
                // One zero: artefacts are compared by their bytes.
                let parts = parts(effects)?.into_iter().map(|(channel, part)| (channel, part.rounded() + 0.0));
                Learned::Effects(parts.collect())
            }
            TrainedSpec::DataDriven(parameters) => {
                Learned::Logistic(data_driven::fitted(counts, parameters)?.coefficients)
            }
            TrainedSpec::Incremental(_) => return Err(Undefined::LearnsFromLifts),
            TrainedSpec::Markov(_) | TrainedSpec::Shapley { .. } => return Err(Undefined::NotPerJourney),
        };
        Ok(Self { spec, effective_from, learned })
    }

    /// A rule scaled by randomised lifts; the factors' channels are those of the touches.
    #[must_use]
    pub fn calibrated_rule(base: RuleModel, calibration: Calibration, effective_from: Timestamp) -> Self {
        let spec = TrainedSpec::Incremental(Box::new(IncrementalBase::of_rule(base)));
        Self { spec, effective_from, learned: Learned::Scaled(calibration, None) }
    }

    /// This model scaled by randomised lifts; none when it is scaled already. The factors' channels are tokens of its
    /// grain.
    #[must_use]
    pub fn calibrated(self, calibration: Calibration, effective_from: Timestamp) -> Option<Self> {
        let base = IncrementalBase::new(ModelSpec::Trained(self.spec))?;
        let learned = Learned::Scaled(calibration, Some(Box::new(self.learned)));
        Some(Self { spec: TrainedSpec::Incremental(Box::new(base)), effective_from, learned })
    }

    /// The model and its parameters.
    #[must_use]
    pub const fn spec(&self) -> &TrainedSpec {
        &self.spec
    }

    /// The first conversion time that it divides.
    #[must_use]
    pub const fn effective_from(&self) -> Timestamp {
        self.effective_from
    }

    /// Divides a journey. A function of the journey and of this value alone. Touches of channels that training never
    /// saw get nothing beside others; where no touch gets anything, the last takes all.
    #[must_use]
    pub fn shares(&self, journey: &Journey<'_>) -> Shares {
        divided(&self.spec, &self.learned, journey)
    }
}

fn divided(spec: &TrainedSpec, learned: &Learned, journey: &Journey<'_>) -> Shares {
    let path = spec.path_of(journey);
    let mut weights = match learned {
        Learned::Effects(parts) => {
            let distinct = matches!(spec, TrainedSpec::Markov(markov) if markov.share == ShareForm::PerJourneyDistinct);
            let own: Vec<f64> = path.iter().map(|token| parts.get(&**token).copied().unwrap_or(0.0)).collect();
            let weights = scaled(&own);
            if distinct { by_distinct_channel(path.iter().map(|token| &**token).zip(weights)) } else { weights }
        }
        Learned::Logistic(coefficients) => {
            let mut tokens: Vec<&str> = path.iter().map(|token| &**token).collect();
            tokens.sort_unstable();
            tokens.dedup();
            let drops = scaled(&coefficients.drops(&tokens));
            let drops: BTreeMap<&str, u64> = tokens.into_iter().zip(drops).collect();
            let weight = |token: &str| drops.get(token).copied().unwrap_or(0);
            by_distinct_channel(path.iter().map(|token| (&**token, weight(token))))
        }
        Learned::Scaled(calibration, base) => {
            let TrainedSpec::Incremental(of) = spec else { return Shares::of_weights(&[]) };
            let shares = match (of.spec(), base) {
                (ModelSpec::Rule(rule), _) => shares(journey, rule),
                (ModelSpec::Trained(spec), Some(base)) => divided(spec, base, journey),
                (ModelSpec::Trained(_), None) => return Shares::of_weights(&vec![0; path.len()]),
            };
            let grain = spec.grain();
            let tokens: Vec<_> = journey.touches().iter().map(|touch| grain.token(touch)).collect();
            return calibration.shares(&shares, tokens.iter().map(|token| &**token));
        }
    };
    take_last_if_none(&mut weights);
    Shares::of_weights(&weights)
}

#[cfg(test)]
mod tests;
