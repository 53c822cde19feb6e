//! PostHog's flags: holdout, rollout, variants.
//!
//! Source: `posthog` (PyPI) `feature_flags.py`: the first 60 bits of SHA-1 over `key.unit` plus a salt, as a float
//! over 2^60. Rollout and holdout take a hash up to and including their share, variants own half-open ranges of a
//! running sum in floats. An empty unit is hashed. Must never know: properties, groups, cohorts.

use super::{InvalidParameter, MAX_ARMS, check_key, exact_weights};
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

const TWO_TO_60: f64 = 1_152_921_504_606_846_976.0;

/// What a flag says, for the condition that matched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// The flag's key.
    pub key: String,
    /// Percentage of the condition, 0 to 100; everybody where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout_percentage: Option<f64>,
    /// Percentage of each variant; one arm, "on", where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<f64>,
    /// Percentage held out of every flag of this holdout; nobody where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdout_percentage: Option<f64>,
}

/// Where a unit ends up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// In the holdout.
    HeldOut,
    /// Outside the rollout: the flag is off.
    Excluded,
    /// In this arm.
    Arm(usize),
    /// Inside, past the last variant: the flag is on without one.
    NoVariant,
}

/// A flag, checked.
#[derive(Clone, Debug)]
pub struct Flag {
    parameters: Parameters,
    prefix: Sha1,
    /// Exclusive end of each variant.
    ends: Box<[f64]>,
    weights: Option<Box<[u32]>>,
}

impl Flag {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`InvalidParameter`] for a key above 1 KiB, percentages out of 0..=100 or more than 256 variants.
    pub fn new(parameters: Parameters) -> Result<Self, InvalidParameter> {
        let Parameters { key, rollout_percentage, variants, holdout_percentage } = &parameters;
        check_key("key", key)?;
        check_percentages("rollout_percentage", rollout_percentage.as_slice())?;
        check_percentages("holdout_percentage", holdout_percentage.as_slice())?;
        check_percentages("variants", variants)?;
        if variants.len() > MAX_ARMS {
            return Err(InvalidParameter::new("variants", format!("have at most {MAX_ARMS} entries")));
        }
        let mut end = 0.0;
        let ends = variants.iter().map(|percentage| {
            end += percentage / 100.0;
            end
        });
        let ends = ends.collect();
        let weights = if variants.is_empty() { Some([1].into()) } else { exact_weights(variants) };
        Ok(Self { prefix: prefix(key, "."), ends, weights, parameters })
    }

    /// What it was made of.
    #[must_use]
    pub const fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Chances of the variants, where the percentages are decimals of at most six places.
    #[must_use]
    pub fn weights(&self) -> Option<&[u32]> {
        self.weights.as_deref()
    }

    /// The unit's variant, or `Some(0)` where a flag without variants is on.
    #[must_use]
    pub fn arm(&self, unit: &str) -> Option<usize> {
        match self.outcome(unit) {
            Outcome::Arm(arm) => Some(arm),
            Outcome::HeldOut | Outcome::Excluded | Outcome::NoVariant => None,
        }
    }

    /// Where the unit ends up: the holdout is asked first, then the rollout, then the variants.
    #[must_use]
    pub fn outcome(&self, unit: &str) -> Outcome {
        let Parameters { rollout_percentage, holdout_percentage, .. } = self.parameters;
        // Everybody is held out at 100, without hashing, as in the SDK; the inclusive bound says the same.
        if holdout_percentage.is_some_and(|percentage| holdout_hash(unit) <= percentage / 100.0) {
            return Outcome::HeldOut;
        }
        if rollout_percentage.is_some_and(|percentage| hash_of(&self.prefix, unit, "") > percentage / 100.0) {
            return Outcome::Excluded;
        }
        if self.ends.is_empty() {
            return Outcome::Arm(0);
        }
        // The running sum never falls and starts at 0, so the first end past the hash owns it.
        let hash = hash_of(&self.prefix, unit, "variant");
        self.ends.iter().position(|end| hash < *end).map_or(Outcome::NoVariant, Outcome::Arm)
    }
}

fn check_percentages(field: &'static str, percentages: &[f64]) -> Result<(), InvalidParameter> {
    match percentages.iter().all(|percentage| (0.0..=100.0).contains(percentage)) {
        true => Ok(()),
        false => Err(InvalidParameter::new(field, "be in 0..=100")),
    }
}

/// The hash that a flag's rollout is compared with, in `0..=1`.
#[must_use]
pub fn rollout_hash(key: &str, unit: &str) -> f64 {
    hash_of(&prefix(key, "."), unit, "")
}

/// The hash that a flag's variants are laid out over, in `0..=1`.
#[must_use]
pub fn variant_hash(key: &str, unit: &str) -> f64 {
    hash_of(&prefix(key, "."), unit, "variant")
}

/// The hash that a holdout's share is compared with, in `0..=1`: the same for all holdouts.
#[must_use]
pub fn holdout_hash(unit: &str) -> f64 {
    hash_of(&prefix("holdout", "-"), unit, "")
}

fn prefix(key: &str, separator: &str) -> Sha1 {
    Sha1::new_with_prefix(key).chain_update(separator)
}

fn hash_of(prefix: &Sha1, unit: &str, salt: &str) -> f64 {
    let digest: [u8; 20] = prefix.clone().chain_update(unit).chain_update(salt).finalize().into();
    let first = digest.first_chunk().copied().unwrap_or_default();
    (u64::from_be_bytes(first) >> 4) as f64 / TWO_TO_60
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flag(rollout: Option<f64>, variants: &[f64], holdout: Option<f64>) -> Result<Flag, InvalidParameter> {
        Flag::new(Parameters {
            key: "flag".to_owned(),
            rollout_percentage: rollout,
            variants: variants.to_vec(),
            holdout_percentage: holdout,
        })
    }

    #[test]
    fn holdout_comes_before_rollout_before_variants() {
        let flag = flag(Some(60.0), &[40.0, 40.0], Some(30.0)).unwrap();
        assert_eq!(flag.weights(), Some(&[40, 40][..]));
        for unit in (0..1_000).map(|unit| unit.to_string()) {
            let expected = match (holdout_hash(&unit), rollout_hash("flag", &unit), variant_hash("flag", &unit)) {
                (holdout, _, _) if holdout <= 0.3 => Outcome::HeldOut,
                (_, rollout, _) if rollout > 0.6 => Outcome::Excluded,
                (_, _, variant) if variant < 0.4 => Outcome::Arm(0),
                (_, _, variant) if variant < 0.8 => Outcome::Arm(1),
                _ => Outcome::NoVariant,
            };
            assert_eq!(flag.outcome(&unit), expected);
        }
    }

    #[test]
    fn a_flag_without_variants_is_on_or_off() {
        let half = flag(Some(50.0), &[], None).unwrap();
        assert_eq!(half.weights(), Some(&[1][..]));
        for unit in (0..200).map(|unit| unit.to_string()) {
            assert_eq!(half.arm(&unit), (rollout_hash("flag", &unit) <= 0.5).then_some(0));
        }
        assert_eq!(flag(None, &[], Some(100.0)).unwrap().outcome("unit"), Outcome::HeldOut);
    }

    #[test]
    fn parameters_out_of_range_are_named() {
        let refused = |flag: Result<Flag, InvalidParameter>| flag.unwrap_err().to_string();
        assert!(refused(flag(Some(-1.0), &[], None)).starts_with("rollout_percentage must"));
        assert!(refused(flag(None, &[f64::NAN], None)).starts_with("variants must be in"));
        assert!(refused(flag(None, &[1.0; 257], None)).starts_with("variants must have"));
        assert!(refused(flag(None, &[], Some(101.0))).starts_with("holdout_percentage must"));
    }
}
