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
use crate::ShareForm;
use crate::data_driven::MOST_COEFFICIENTS;
use crate::incremental::{Calibration, Factor, MOST_FACTOR};
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
    let named = |rows: &[(String, f64)]| !rows.is_empty() && rows.iter().all(|(name, _)| !name.is_empty());
    match (spec, encoded) {
        (TrainedSpec::Markov(markov), EncodedLearned::Effects(parts))
            if markov.share != ShareForm::Global && named(&parts) && are_parts(&parts) =>
        {
            Ok(Learned::Effects(rows(parts)))
        }
        (TrainedSpec::DataDriven(_), EncodedLearned::Logistic(constant, by_token))
            if named(&by_token)
                && by_token.len() < MOST_COEFFICIENTS
                && is_number(constant)
                && by_token.iter().all(|(_, value)| is_number(*value)) =>
        {
            Ok(Learned::Logistic(Coefficients { constant, by_token: rows(by_token) }))
        }
        _ => Err(InvalidTrainedModel::Learned),
    }
}

/// Of a whole, as effects over their sum are.
fn are_parts(parts: &[(String, f64)]) -> bool {
    let whole: f64 = parts.iter().map(|(_, part)| part).sum();
    parts.iter().all(|(_, part)| is_number(*part) && (0.0..=1.0).contains(part)) && (whole - 1.0).abs() <= 1e-9
}

/// Finite, and not the other zero: what is equal has equal bytes.
fn is_number(value: f64) -> bool {
    value.is_finite() && (value != 0.0 || value.is_sign_positive())
}

fn calibration(factors: Vec<(String, f64, f64, f64)>) -> Result<Calibration, InvalidTrainedModel> {
    // As they are fitted: within the interval, but for a harmful channel's, which is 0 and may be above it.
    let possible = |(_, factor, lower, upper): &(String, f64, f64, f64)| {
        let numbers = [factor, lower, upper].into_iter().all(|value| is_number(*value));
        let ordered = lower <= factor && lower <= upper && (factor <= upper || *factor == 0.0);
        numbers && ordered && (0.0..=MOST_FACTOR).contains(factor)
    };
    if !factors.iter().all(possible) {
        return Err(InvalidTrainedModel::Learned);
    }
    let row =
        |(channel, factor, lower, upper): (String, f64, f64, f64)| (channel.into(), Factor { factor, lower, upper });
    Ok(Calibration::of(factors.into_iter().map(row).collect()))
}
