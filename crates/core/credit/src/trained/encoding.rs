//! Trained models as bytes: equal models have equal bytes, and other bytes than those are refused.
//!
//! Version 1, the canonical text of the model, its date, and what it learned in order of names, in the encoding of
//! `postcard`. Must never know where the bytes are kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use ids::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Coefficients, Learned, TrainedModel};
use crate::incremental::{Calibration, Factor};
use crate::model::{InvalidModel, ModelSpec, TrainedSpec};

const VERSION: u8 = 1;

/// Why bytes are no trained model.
#[derive(Debug, thiserror::Error)]
pub enum InvalidTrainedModel {
    /// They do not read as the format.
    #[error("the bytes are no trained model")]
    Unreadable {
        /// Where reading ended.
        #[source]
        source: postcard::Error,
    },
    /// A later version wrote them, or nobody did.
    #[error("version {found} of trained models is not known; known is {VERSION}")]
    Version {
        /// As written.
        found: u8,
    },
    /// The text of the model breaks a rule.
    #[error("the model cannot be read")]
    Model {
        /// Which rule.
        #[from]
        source: InvalidModel,
    },
    /// What it learned is not what such a model learns, or no number.
    #[error("what was learned does not fit the model")]
    Learned,
    /// They mean something, but are not the bytes that this would be written as.
    #[error("the bytes are not in canonical form")]
    NotCanonical,
}

#[derive(Serialize, Deserialize)]
struct Encoded {
    version: u8,
    model: String,
    effective_from_ms: i64,
    /// Factors of an incremental model.
    factors: Option<Vec<(String, f64, f64, f64)>>,
    learned: EncodedLearned,
}

#[derive(Serialize, Deserialize)]
enum EncodedLearned {
    Nothing,
    Effects(Vec<(String, f64)>),
    Logistic(f64, Vec<(String, f64)>),
}

impl TrainedModel {
    /// The canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (factors, learned) = match &self.learned {
            Learned::Scaled(calibration, base) => {
                let row = |(channel, factor): (&Arc<str>, &Factor)| {
                    (channel.to_string(), factor.factor, factor.lower, factor.upper)
                };
                (Some(calibration.factors().iter().map(row).collect()), base.as_deref())
            }
            learned => (None, Some(learned)),
        };
        let encoded = Encoded {
            version: VERSION,
            model: self.spec.to_string(),
            effective_from_ms: self.effective_from.as_millis(),
            factors,
            learned: encoded(learned),
        };
        // Numbers, texts and sequences of known length: the only failure known is a lack of room, and a vector grows.
        postcard::to_allocvec(&encoded).unwrap_or_default()
    }

    /// SHA-256 over the canonical bytes: the version of the model.
    #[must_use]
    pub fn artefact_hash(&self) -> [u8; 32] {
        Sha256::digest(self.encode()).into()
    }

    /// Reads what [`TrainedModel::encode`] wrote.
    ///
    /// # Errors
    /// [`InvalidTrainedModel`] for anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, InvalidTrainedModel> {
        let encoded: Encoded =
            postcard::from_bytes(bytes).map_err(|source| InvalidTrainedModel::Unreadable { source })?;
        if encoded.version != VERSION {
            return Err(InvalidTrainedModel::Version { found: encoded.version });
        }
        let ModelSpec::Trained(spec) = encoded.model.parse()? else { return Err(InvalidTrainedModel::Learned) };
        let effective_from =
            Timestamp::from_millis(encoded.effective_from_ms).map_err(|_| InvalidTrainedModel::Learned)?;
        let learned = match (&spec, encoded.factors) {
            (TrainedSpec::Incremental(base), Some(factors)) => {
                let base = match base.spec() {
                    ModelSpec::Rule(_) if matches!(encoded.learned, EncodedLearned::Nothing) => None,
                    ModelSpec::Rule(_) => return Err(InvalidTrainedModel::Learned),
                    ModelSpec::Trained(spec) => Some(Box::new(learned(spec, encoded.learned)?)),
                };
                Learned::Scaled(calibration(factors)?, base)
            }
            (spec, None) => learned(spec, encoded.learned)?,
            (_, Some(_)) => return Err(InvalidTrainedModel::Learned),
        };
        let model = Self { spec, effective_from, learned };
        if model.encode() == bytes { Ok(model) } else { Err(InvalidTrainedModel::NotCanonical) }
    }
}

fn encoded(learned: Option<&Learned>) -> EncodedLearned {
    let rows =
        |values: &BTreeMap<Arc<str>, f64>| values.iter().map(|(name, value)| (name.to_string(), *value)).collect();
    match learned {
        Some(Learned::Effects(parts)) => EncodedLearned::Effects(rows(parts)),
        Some(Learned::Logistic(coefficients)) => {
            EncodedLearned::Logistic(coefficients.constant, rows(&coefficients.by_token))
        }
        Some(Learned::Scaled(..)) | None => EncodedLearned::Nothing,
    }
}

fn learned(spec: &TrainedSpec, encoded: EncodedLearned) -> Result<Learned, InvalidTrainedModel> {
    let rows = |rows: Vec<(String, f64)>| -> BTreeMap<Arc<str>, f64> {
        rows.into_iter().map(|(name, value)| (name.into(), value)).collect()
    };
    match (spec, encoded) {
        (TrainedSpec::Markov(_), EncodedLearned::Effects(parts))
            if parts.iter().all(|(_, part)| (0.0..=1.0).contains(part)) =>
        {
            Ok(Learned::Effects(rows(parts)))
        }
        (TrainedSpec::DataDriven(_), EncodedLearned::Logistic(constant, by_token))
            if constant.is_finite() && by_token.iter().all(|(_, value)| value.is_finite()) =>
        {
            Ok(Learned::Logistic(Coefficients { constant, by_token: rows(by_token) }))
        }
        _ => Err(InvalidTrainedModel::Learned),
    }
}

fn calibration(factors: Vec<(String, f64, f64, f64)>) -> Result<Calibration, InvalidTrainedModel> {
    let possible = |(_, factor, lower, upper): &(String, f64, f64, f64)| {
        factor.is_finite() && *factor >= 0.0 && lower.is_finite() && upper.is_finite()
    };
    if !factors.iter().all(possible) {
        return Err(InvalidTrainedModel::Learned);
    }
    let row =
        |(channel, factor, lower, upper): (String, f64, f64, f64)| (channel.into(), Factor { factor, lower, upper });
    Ok(Calibration::of(factors.into_iter().map(row).collect()))
}
