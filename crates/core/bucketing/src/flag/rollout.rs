//! A split of a flag's variants without an experiment: nothing is compared, nobody is exposed.
//!
//! Must never know: the flag, who the rule is for.

use crate::experiment::{MAX_VARIANTS, repeated};
use crate::hash_version::{HashVersion, MAX_SALT_BYTES};
use crate::randomiser::{Randomiser, Refused};
use crate::split::{InvalidWeights, MAX_TOTAL_WEIGHT, TRAFFIC_TOTAL};
use crate::unit::UnitType;
use ids::Name;

/// A variant and its weight in a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// A variant of the flag.
    pub variant: Name,
    /// Its weight; 0 gets nobody.
    pub weight: u32,
}

/// What [`Rollout::new`] is asked to accept.
#[derive(Clone, Debug, PartialEq)]
pub struct RolloutDefinition {
    /// The arithmetic of the split.
    pub hash_version: HashVersion,
    /// What the unit is hashed with: 1 to 256 bytes, no control characters.
    pub salt: String,
    /// What is randomised.
    pub unit: UnitType,
    /// 1 to 256 variants, weights summing to 1..=2^31-1, in the order of their ranges.
    pub shares: Vec<Share>,
    /// Share of units that take part, per million.
    pub traffic_per_million: u32,
}

/// A definition that keeps every rule.
#[derive(Clone, Debug)]
pub struct Rollout {
    definition: RolloutDefinition,
    randomiser: Randomiser,
}

/// Which field of a [`RolloutDefinition`] breaks which rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRollout {
    /// The salt is empty, too long or holds control characters.
    #[error("salt must have 1 to {MAX_SALT_BYTES} bytes and no control characters")]
    Salt,
    /// No shares, or too many.
    #[error("shares must be 1 to {MAX_VARIANTS}, not {found}")]
    Count {
        /// Shares given.
        found: usize,
    },
    /// Two shares of one variant, which could be one.
    #[error("shares.variant must be unique, {name} is not")]
    Duplicate {
        /// The variant named twice.
        name: Name,
    },
    /// The weights sum to 0 or to too much.
    #[error("shares.weight must sum to 1..={MAX_TOTAL_WEIGHT}, not {sum}")]
    Weights {
        /// The sum given.
        sum: u64,
    },
    /// A vendor's bucketing has another number of arms.
    #[error("hash_version must have as many arms as there are shares, {shares}, not {vendor}")]
    VendorArms {
        /// Arms of the vendor's bucketing.
        vendor: usize,
        /// Shares there are.
        shares: usize,
    },
    /// More than everybody.
    #[error("traffic_per_million must be at most {TRAFFIC_TOTAL}, not {found}")]
    Traffic {
        /// Share given.
        found: u32,
    },
}

impl Rollout {
    /// Checks a definition.
    ///
    /// # Errors
    /// [`InvalidRollout`] naming the first field at fault and its rule.
    pub fn new(definition: RolloutDefinition) -> Result<Self, InvalidRollout> {
        let RolloutDefinition { hash_version, salt, shares, traffic_per_million, .. } = &definition;
        if !(1..=MAX_VARIANTS).contains(&shares.len()) {
            return Err(InvalidRollout::Count { found: shares.len() });
        }
        // Another tool's arms may serve the same variant, as its variations may have the same value.
        if *hash_version == HashVersion::Upshot1
            && let Some(name) = repeated(shares.iter().map(|share| &share.variant))
        {
            return Err(InvalidRollout::Duplicate { name: name.clone() });
        }
        let weights = shares.iter().map(|share| share.weight);
        let randomiser = Randomiser::new(hash_version, salt, weights, *traffic_per_million);
        let randomiser = randomiser.map_err(|refused| match refused {
            Refused::Salt => InvalidRollout::Salt,
            Refused::Weights(InvalidWeights { sum }) => InvalidRollout::Weights { sum },
            Refused::Traffic => InvalidRollout::Traffic { found: *traffic_per_million },
            Refused::Arms { vendor } => InvalidRollout::VendorArms { vendor, shares: shares.len() },
        })?;
        Ok(Self { definition, randomiser })
    }

    /// Everything that was defined.
    #[must_use]
    pub const fn definition(&self) -> &RolloutDefinition {
        &self.definition
    }

    /// The variants and their weights, in the order of their ranges.
    #[must_use]
    pub fn shares(&self) -> &[Share] {
        &self.definition.shares
    }

    pub(crate) const fn randomiser(&self) -> &Randomiser {
        &self.randomiser
    }
}

impl PartialEq for Rollout {
    fn eq(&self, other: &Self) -> bool {
        self.definition == other.definition
    }
}
