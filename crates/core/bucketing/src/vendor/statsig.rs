//! Statsig's gates, and experiments inside layers.
//!
//! Source: `statsig-python-core` (PyPI): the first 8 bytes of SHA-256, big-endian, modulo 10,000 for a gate's pass
//! percentage (`spec salt.rule salt.unit`) and modulo 1,000 for experiments and layers (`salt.unit`). An empty unit
//! is hashed, so everybody without an id shares a bucket. Must never know: conditions, overrides.

use super::ranges::Ranges;
use super::{InvalidParameter, check_arms, check_key};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Buckets of a gate.
pub const GATE_BUCKETS: u32 = 10_000;
/// Buckets of an experiment and of a layer.
pub const EXPERIMENT_BUCKETS: u32 = 1_000;

/// A rule of a gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateParameters {
    /// The gate's salt.
    pub salt: String,
    /// The rule's salt, or its id where it has none.
    pub rule_salt: String,
    /// `passPercentage`, 0 to 100.
    pub pass_percentage: f64,
}

/// An experiment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExperimentParameters {
    /// The experiment's salt.
    pub salt: String,
    /// Groups by the exclusive ends of their buckets, of 1,000.
    pub end_of_range: Vec<u32>,
    /// The layer that allocates units to it; everybody where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<LayerParameters>,
}

/// An experiment's part of a layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerParameters {
    /// The layer's salt.
    pub salt: String,
    /// The buckets that are the experiment's, each below 1,000.
    pub buckets: Vec<u16>,
}

/// A gate, checked. Its one arm is "passes".
#[derive(Clone, Debug)]
pub struct Gate {
    parameters: GateParameters,
    prefix: Sha256,
    passing: u32,
}

/// An experiment, checked.
#[derive(Clone, Debug)]
pub struct Experiment {
    parameters: ExperimentParameters,
    prefix: Sha256,
    groups: Ranges,
    layer: Option<Layer>,
    weights: Box<[u32]>,
}

#[derive(Clone, Debug)]
struct Layer {
    prefix: Sha256,
    /// One bit per bucket.
    allocated: [u64; EXPERIMENT_BUCKETS.div_ceil(u64::BITS) as usize],
}

impl Gate {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`InvalidParameter`] for salts above 1 KiB or a percentage out of 0..=100.
    pub fn new(parameters: GateParameters) -> Result<Self, InvalidParameter> {
        let GateParameters { salt, rule_salt, pass_percentage } = &parameters;
        check_key("salt", salt)?;
        check_key("rule_salt", rule_salt)?;
        if !(0.0..=100.0).contains(pass_percentage) {
            return Err(InvalidParameter::new("pass_percentage", "be in 0..=100"));
        }
        // The SDK asks `bucket < percentage * 100` in floats: so many buckets pass.
        let passing = (pass_percentage * 100.0).ceil() as u32;
        Ok(Self { prefix: gate_prefix(salt, rule_salt), passing, parameters })
    }

    /// What it was made of.
    #[must_use]
    pub const fn parameters(&self) -> &GateParameters {
        &self.parameters
    }

    /// `Some(0)` where the unit passes.
    #[must_use]
    pub fn arm(&self, unit: &str) -> Option<usize> {
        (bucket_of(&self.prefix, unit, GATE_BUCKETS) < self.passing).then_some(0)
    }
}

impl Experiment {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`InvalidParameter`] for salts above 1 KiB, no or more than 256 groups, or a bucket past the last.
    pub fn new(parameters: ExperimentParameters) -> Result<Self, InvalidParameter> {
        let ExperimentParameters { salt, end_of_range, layer } = &parameters;
        check_key("salt", salt)?;
        check_arms("end_of_range", end_of_range.len())?;
        let groups = Ranges::from_ends(end_of_range.iter().copied());
        let layer = layer.as_ref().map(Layer::new).transpose()?;
        let weights = groups.owned(end_of_range.len(), EXPERIMENT_BUCKETS);
        Ok(Self { prefix: prefix(salt), groups, layer, weights, parameters })
    }

    /// What it was made of.
    #[must_use]
    pub const fn parameters(&self) -> &ExperimentParameters {
        &self.parameters
    }

    /// Buckets of each group.
    #[must_use]
    pub fn weights(&self) -> &[u32] {
        &self.weights
    }

    /// The unit's group; `None` where the layer does not allocate it, or no group takes it.
    #[must_use]
    pub fn arm(&self, unit: &str) -> Option<usize> {
        if !self.layer.as_ref().is_none_or(|layer| layer.allocates(unit)) {
            return None;
        }
        self.groups.arm(bucket_of(&self.prefix, unit, EXPERIMENT_BUCKETS))
    }
}

impl Layer {
    fn new(parameters: &LayerParameters) -> Result<Self, InvalidParameter> {
        let LayerParameters { salt, buckets } = parameters;
        check_key("layer.salt", salt)?;
        let mut layer = Self { prefix: prefix(salt), allocated: Default::default() };
        for bucket in buckets {
            let bucket = u32::from(*bucket);
            let word = layer.allocated.get_mut((bucket / u64::BITS) as usize);
            match word.filter(|_| bucket < EXPERIMENT_BUCKETS) {
                Some(word) => *word |= 1 << (bucket % u64::BITS),
                None => {
                    let rule = format!("be below {EXPERIMENT_BUCKETS}, not {bucket}");
                    return Err(InvalidParameter::new("layer.buckets", rule));
                }
            }
        }
        Ok(layer)
    }

    fn allocates(&self, unit: &str) -> bool {
        let bucket = bucket_of(&self.prefix, unit, EXPERIMENT_BUCKETS);
        let word = self.allocated.get((bucket / u64::BITS) as usize).copied().unwrap_or_default();
        word & (1 << (bucket % u64::BITS)) != 0
    }
}

/// The unit's bucket of a gate's rule, below [`GATE_BUCKETS`].
#[must_use]
pub fn gate_bucket(salt: &str, rule_salt: &str, unit: &str) -> u32 {
    bucket_of(&gate_prefix(salt, rule_salt), unit, GATE_BUCKETS)
}

/// The unit's bucket of an experiment or layer, below [`EXPERIMENT_BUCKETS`].
#[must_use]
pub fn experiment_bucket(salt: &str, unit: &str) -> u32 {
    bucket_of(&prefix(salt), unit, EXPERIMENT_BUCKETS)
}

fn gate_prefix(salt: &str, rule_salt: &str) -> Sha256 {
    prefix(salt).chain_update(rule_salt).chain_update(".")
}

fn prefix(salt: &str) -> Sha256 {
    Sha256::new_with_prefix(salt).chain_update(".")
}

fn bucket_of(prefix: &Sha256, unit: &str, buckets: u32) -> u32 {
    let digest: [u8; 32] = prefix.clone().chain_update(unit).finalize().into();
    let first = digest.first_chunk().copied().unwrap_or_default();
    // A remainder of a `u32` is one.
    u64::from_be_bytes(first).checked_rem(u64::from(buckets)).unwrap_or_default() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(pass_percentage: f64) -> Result<Gate, InvalidParameter> {
        Gate::new(GateParameters { salt: "s".to_owned(), rule_salt: "r".to_owned(), pass_percentage })
    }

    fn experiment(ends: &[u32], buckets: Option<Vec<u16>>) -> Result<Experiment, InvalidParameter> {
        let layer = buckets.map(|buckets| LayerParameters { salt: "l".to_owned(), buckets });
        Experiment::new(ExperimentParameters { salt: "s".to_owned(), end_of_range: ends.to_vec(), layer })
    }

    #[test]
    fn everybody_or_nobody_passes_at_the_ends() {
        let passes =
            |percentage| (0..500).filter(move |unit| gate(percentage).unwrap().arm(&unit.to_string()).is_some());
        assert_eq!((passes(0.0).count(), passes(100.0).count()), (0, 500));
    }

    #[test]
    fn a_layer_leaves_the_units_of_others_out() {
        let buckets: Vec<u16> = (0..1_000).step_by(3).collect();
        let (alone, layered) = (experiment(&[300, 900], None), experiment(&[300, 900], Some(buckets.clone())));
        let (alone, layered) = (alone.unwrap(), layered.unwrap());
        assert_eq!(layered.weights(), [300, 600]);
        for unit in (0..2_000).map(|unit| unit.to_string()) {
            let ours = experiment_bucket("l", &unit).is_multiple_of(3);
            assert_eq!(layered.arm(&unit), alone.arm(&unit).filter(|_| ours));
        }
    }

    #[test]
    fn parameters_out_of_range_are_named() {
        assert!(gate(100.1).unwrap_err().to_string().starts_with("pass_percentage must"));
        assert!(gate(f64::NAN).unwrap_err().to_string().starts_with("pass_percentage must"));
        assert!(experiment(&[], None).unwrap_err().to_string().starts_with("end_of_range must"));
        for bucket in [1_000, 1_023, 1_024, u16::MAX] {
            let refused = experiment(&[1], Some(vec![bucket])).unwrap_err().to_string();
            assert!(refused.starts_with("layer.buckets must be below 1000"), "{refused}");
        }
    }
}
