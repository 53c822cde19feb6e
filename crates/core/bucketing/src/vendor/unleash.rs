//! Unleash's gradual rollout and variants.
//!
//! Source: yggdrasil (crates.io `unleash-yggdrasil`), the core of every newer SDK: murmur3 over UTF-8 of
//! `group:unit`, seed 0 for the rollout and 86028157 for variants, `% n + 1`. The Node SDK keeps one byte of every
//! UTF-16 code unit, so it disagrees wherever a group or unit leaves ASCII. An empty unit is hashed; a unit without
//! stickiness value is the caller's case. Must never know: constraints, segments, overrides.

use super::ranges::Ranges;
use super::{InvalidParameter, check_arms, check_key};
use crate::murmur3::Murmur3;
use crate::split::MAX_TOTAL_WEIGHT;
use serde::{Deserialize, Serialize};

const ROLLOUT_SEED: u32 = 0;
const VARIANT_SEED: u32 = 86_028_157;
const PERCENT: u32 = 100;

/// A strategy's rollout, variants, or both: then both must take the unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Which share the strategy is on for; everybody where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
    /// What those are split into; one arm, "enabled", where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variants: Option<Variants>,
}

/// `flexibleRollout`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rollout {
    /// `groupId`; the feature's name where it is not set.
    pub group: String,
    /// 0 to 100.
    pub percentage: u32,
}

/// A split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variants {
    /// The feature's name, or the strategy's `groupId` for variants of a strategy.
    pub group: String,
    /// One weight per arm; the vendor's sum to 1,000.
    pub weights: Vec<u32>,
}

/// A strategy, checked.
#[derive(Clone, Debug)]
pub struct Strategy {
    parameters: Parameters,
    rollout: Option<(Murmur3, u32)>,
    split: Option<(Murmur3, u32, Ranges)>,
    weights: Box<[u32]>,
}

impl Strategy {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`InvalidParameter`] for groups above 1 KiB, a percentage above 100, no or more than 256 weights, weights that
    /// do not sum to 1..=2^31-1, or neither rollout nor variants.
    pub fn new(parameters: Parameters) -> Result<Self, InvalidParameter> {
        let rollout = match &parameters.rollout {
            None => None,
            Some(Rollout { group, percentage }) => {
                check_key("rollout.group", group)?;
                if *percentage > PERCENT {
                    return Err(InvalidParameter::new("rollout.percentage", format!("be at most {PERCENT}")));
                }
                Some((hash_group(group, ROLLOUT_SEED), *percentage))
            }
        };
        let split = match &parameters.variants {
            None if rollout.is_none() => return Err(InvalidParameter::new("variants", "be given without a rollout")),
            None => None,
            Some(Variants { group, weights }) => {
                check_key("variants.group", group)?;
                let total = check_weights(weights)?;
                let ends = weights.iter().scan(0_u32, |end, weight| {
                    *end = end.saturating_add(*weight);
                    Some(*end)
                });
                Some((hash_group(group, VARIANT_SEED), total, Ranges::from_ends(ends)))
            }
        };
        let weights = parameters.variants.as_ref().map_or_else(|| [1].into(), |variants| variants.weights[..].into());
        Ok(Self { parameters, rollout, split, weights })
    }

    /// What it was made of.
    #[must_use]
    pub const fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Chances of the arms among those the strategy is on for.
    #[must_use]
    pub fn weights(&self) -> &[u32] {
        &self.weights
    }

    /// The unit's arm; `None` where the strategy is off for it.
    #[must_use]
    pub fn arm(&self, unit: &str) -> Option<usize> {
        let on = self.rollout.is_none_or(|(group, percentage)| bucket_of(group, unit, PERCENT) < percentage);
        match &self.split {
            _ if !on => None,
            None => Some(0),
            Some((group, total, ranges)) => ranges.arm(bucket_of(*group, unit, *total)),
        }
    }
}

/// The unit's place in a rollout, 1 to 100.
#[must_use]
pub fn rollout_bucket(group: &str, unit: &str) -> u32 {
    bucket_of(hash_group(group, ROLLOUT_SEED), unit, PERCENT).saturating_add(1)
}

/// The unit's place among variants, 1 to `total`; 0 when `total` is.
#[must_use]
pub fn variant_bucket(group: &str, unit: &str, total: u32) -> u32 {
    match total {
        0 => 0,
        _ => bucket_of(hash_group(group, VARIANT_SEED), unit, total).saturating_add(1),
    }
}

fn hash_group(group: &str, seed: u32) -> Murmur3 {
    Murmur3::new(seed).update(group.as_bytes()).update(b":")
}

/// The vendor counts from 1; this counts from 0.
fn bucket_of(group: Murmur3, unit: &str, total: u32) -> u32 {
    group.update(unit.as_bytes()).finish().checked_rem(total).unwrap_or_default()
}

fn check_weights(weights: &[u32]) -> Result<u32, InvalidParameter> {
    check_arms("variants.weights", weights.len())?;
    let sum = weights.iter().copied().fold(0, u32::saturating_add);
    match sum {
        1..=MAX_TOTAL_WEIGHT => Ok(sum),
        _ => Err(InvalidParameter::new("variants.weights", format!("sum to 1..={MAX_TOTAL_WEIGHT}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strategy(percentage: Option<u32>, weights: Option<&[u32]>) -> Result<Strategy, InvalidParameter> {
        let rollout = percentage.map(|percentage| Rollout { group: "g".to_owned(), percentage });
        let variants = weights.map(|weights| Variants { group: "g".to_owned(), weights: weights.to_vec() });
        Strategy::new(Parameters { rollout, variants })
    }

    #[test]
    fn a_strategy_that_is_off_for_a_unit_gives_no_variant() {
        let (half, all) = (strategy(Some(50), Some(&[1, 0, 2])).unwrap(), strategy(None, Some(&[1, 0, 2])).unwrap());
        let only_half = strategy(Some(50), None).unwrap();
        let mut inside = 0;
        for unit in (0..1_000).map(|unit| unit.to_string()) {
            let on = rollout_bucket("g", &unit) <= 50;
            inside += usize::from(on);
            assert_eq!(half.arm(&unit), all.arm(&unit).filter(|_| on));
            assert_eq!(only_half.arm(&unit), on.then_some(0));
            assert_ne!(all.arm(&unit), Some(1));
            assert!(all.arm(&unit).is_some());
        }
        assert!((400..600).contains(&inside));
        assert_eq!(strategy(Some(0), None).unwrap().arm("unit"), None);
    }

    #[test]
    fn parameters_out_of_range_are_named() {
        let refused = |percentage, weights| strategy(percentage, weights).unwrap_err().to_string();
        assert!(refused(None, None).starts_with("variants must"));
        assert!(refused(Some(101), None).starts_with("rollout.percentage must"));
        assert!(refused(None, Some(&[])).starts_with("variants.weights must have"));
        assert!(refused(None, Some(&[0])).starts_with("variants.weights must sum"));
        assert!(refused(None, Some(&[u32::MAX])).starts_with("variants.weights must sum"));
    }
}
