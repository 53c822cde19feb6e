//! An experiment as the registry defines it, parsed: whatever exists as an [`Experiment`] can be decided.
//!
//! Must never know: how it is stored or edited; which changes its lifecycle allows.

use crate::audience::Audience;
use crate::hash_version::{HashVersion, Salted};
use crate::limits::{Limits, TooLarge};
use crate::split::{InvalidWeights, MAX_TOTAL_WEIGHT, Split, TRAFFIC_TOTAL};
use ids::{Name, Timestamp};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

mod state;

pub use state::{State, UnknownState};

/// Most variants of one experiment.
pub const MAX_VARIANTS: usize = 256;
/// Longest salt, in bytes.
pub const MAX_SALT_BYTES: usize = 256;
const VALUE_LIMITS: Limits = Limits { field: "variants.value", depth: 32, nodes: 10_000, text_bytes: 65_536 };

/// One arm: its name, its weight in the split and what it serves. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    name: Name,
    weight: u32,
    value: Arc<Value>,
}

impl Variant {
    /// A variant that serves `value`. Weight 0 is an arm that gets nobody.
    ///
    /// # Errors
    /// [`InvalidExperiment::Value`] past 32 levels, 10,000 values or 64 KiB of text.
    pub fn new(name: Name, weight: u32, value: Value) -> Result<Self, InvalidExperiment> {
        VALUE_LIMITS.check(&value)?;
        Ok(Self { name, weight, value: Arc::new(value) })
    }

    /// The name, unique within the experiment.
    #[must_use]
    pub const fn name(&self) -> &Name {
        &self.name
    }

    /// The weight, out of the experiment's total.
    #[must_use]
    pub const fn weight(&self) -> u32 {
        self.weight
    }

    /// What is served.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }
}

/// What [`Experiment::new`] is asked to accept.
#[derive(Clone, Debug)]
pub struct Definition {
    /// The key callers ask for.
    pub key: Name,
    /// Which revision of the experiment this is; carried by every exposure.
    pub revision: u32,
    /// The arithmetic of both bucketings.
    pub hash_version: HashVersion,
    /// What the unit is hashed with: 1 to 256 bytes, no control characters. Experiments that share a salt share
    /// their buckets.
    pub salt: String,
    /// 2 to 256 arms of different names, weights summing to 1..=2^31-1, in the order of their ranges.
    pub variants: Vec<Variant>,
    /// Index of the control among the variants.
    pub control: usize,
    /// Share of the audience that takes part, per million.
    pub traffic_per_million: u32,
    /// Who may take part; everybody when absent.
    pub audience: Option<Audience>,
    /// Where it is in its life.
    pub state: State,
    /// First instant of taking part, if limited.
    pub start: Option<Timestamp>,
    /// First instant of no longer taking part, if limited.
    pub end: Option<Timestamp>,
}

/// A definition that keeps every rule.
#[derive(Clone, Debug)]
pub struct Experiment {
    definition: Definition,
    control: Variant,
    split: Split,
    salted: Salted,
}

/// Which field of a [`Definition`] breaks which rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExperiment {
    /// The salt is empty, too long or holds control characters.
    #[error("salt must have 1 to {MAX_SALT_BYTES} bytes and no control characters")]
    Salt,
    /// Too few or too many variants.
    #[error("variants must be 2 to {MAX_VARIANTS}, not {found}")]
    VariantCount {
        /// Variants given.
        found: usize,
    },
    /// Two variants of one name.
    #[error("variants.name must be unique, {name} is not")]
    DuplicateVariant {
        /// The name used twice.
        name: Name,
    },
    /// The weights sum to 0 or to too much.
    #[error("variants.weight must sum to 1..={MAX_TOTAL_WEIGHT}, not {sum}")]
    Weights {
        /// The sum given.
        sum: u64,
    },
    /// A variant's value is too large.
    #[error(transparent)]
    Value(#[from] TooLarge),
    /// The control is none of the variants.
    #[error("control must be the index of one of the {variants} variants, not {found}")]
    Control {
        /// Index given.
        found: usize,
        /// Variants there are.
        variants: usize,
    },
    /// More than everybody.
    #[error("traffic_per_million must be at most {TRAFFIC_TOTAL}, not {found}")]
    Traffic {
        /// Share given.
        found: u32,
    },
    /// The end is not after the start.
    #[error("end must be after the start, {start}, not {end}")]
    Period {
        /// Start given.
        start: Timestamp,
        /// End given.
        end: Timestamp,
    },
}

impl InvalidExperiment {
    /// The field at fault, as a path.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Salt => "salt",
            Self::VariantCount { .. } => "variants",
            Self::DuplicateVariant { .. } => "variants.name",
            Self::Weights { .. } => "variants.weight",
            Self::Value(error) => error.field(),
            Self::Control { .. } => "control",
            Self::Traffic { .. } => "traffic_per_million",
            Self::Period { .. } => "end",
        }
    }
}

impl Experiment {
    /// Checks a definition and prepares it for deciding.
    ///
    /// # Errors
    /// [`InvalidExperiment`] naming the first field at fault and its rule.
    pub fn new(definition: Definition) -> Result<Self, InvalidExperiment> {
        let Definition { salt, variants, control, traffic_per_million, start, end, .. } = &definition;
        if salt.is_empty() || salt.len() > MAX_SALT_BYTES || salt.chars().any(char::is_control) {
            return Err(InvalidExperiment::Salt);
        }
        if !(2..=MAX_VARIANTS).contains(&variants.len()) {
            return Err(InvalidExperiment::VariantCount { found: variants.len() });
        }
        let mut names = BTreeSet::new();
        if let Some(repeated) = variants.iter().find(|variant| !names.insert(&variant.name)) {
            return Err(InvalidExperiment::DuplicateVariant { name: repeated.name.clone() });
        }
        let split = Split::new(variants.iter().map(Variant::weight))
            .map_err(|InvalidWeights { sum }| InvalidExperiment::Weights { sum })?;
        let Some(control) = variants.get(*control).cloned() else {
            return Err(InvalidExperiment::Control { found: *control, variants: variants.len() });
        };
        if *traffic_per_million > TRAFFIC_TOTAL {
            return Err(InvalidExperiment::Traffic { found: *traffic_per_million });
        }
        if let (Some(start), Some(end)) = (*start, *end)
            && end <= start
        {
            return Err(InvalidExperiment::Period { start, end });
        }
        let salted = definition.hash_version.salted(salt);
        Ok(Self { control, split, salted, definition })
    }

    /// Everything that was defined, to be read or to start the next revision from.
    #[must_use]
    pub const fn definition(&self) -> &Definition {
        &self.definition
    }

    /// The key callers ask for.
    #[must_use]
    pub const fn key(&self) -> &Name {
        &self.definition.key
    }

    /// Which revision this is.
    #[must_use]
    pub const fn revision(&self) -> u32 {
        self.definition.revision
    }

    /// All variants, in the order of their ranges.
    #[must_use]
    pub fn variants(&self) -> &[Variant] {
        &self.definition.variants
    }

    /// The variant that the others are compared with; whoever does not take part is served its value.
    #[must_use]
    pub const fn control(&self) -> &Variant {
        &self.control
    }

    pub(crate) const fn split(&self) -> &Split {
        &self.split
    }

    pub(crate) const fn salted(&self) -> &Salted {
        &self.salted
    }
}

#[cfg(test)]
mod tests;
