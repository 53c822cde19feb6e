//! An experiment as the registry defines it, parsed: whatever exists as an [`Experiment`] can be decided.
//!
//! Must never know: how it is stored or edited; which changes its lifecycle allows.

use crate::audience::Audience;
use crate::hash_version::HashVersion;
use crate::limits::Limits;
use crate::prerequisite::{MAX_PREREQUISITES, Prerequisite};
use crate::randomiser::{Randomiser, Refused};
use crate::split::{InvalidWeights, TRAFFIC_TOTAL};
use crate::unit::UnitType;
use ids::{Name, Timestamp};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

mod invalid;
mod state;

pub use invalid::InvalidExperiment;
pub use state::{State, UnknownState};

/// Most variants of one experiment or flag.
pub const MAX_VARIANTS: usize = 256;
/// Most holdouts that one experiment names.
pub const MAX_HOLDOUTS: usize = 16;
pub(crate) const VALUE_LIMITS: Limits =
    Limits { field: "variants.value", depth: 32, nodes: 10_000, text_bytes: 65_536 };

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

/// What [`Experiment::new`] is asked to accept. Start from [`Definition::new`].
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// The key callers and flags ask for.
    pub key: Name,
    /// Which revision of the experiment this is; carried by every exposure.
    pub revision: u32,
    /// The arithmetic of the split.
    pub hash_version: HashVersion,
    /// What the unit is hashed with: 1 to 256 bytes, no control characters. Experiments that share a salt share
    /// their buckets.
    pub salt: String,
    /// What is randomised.
    pub unit: UnitType,
    /// 2 to 256 arms of different names, weights summing to 1..=2^31-1, in the order of their ranges. Where another
    /// tool's arithmetic splits, the weights only stand in for chances that it cannot give exactly.
    pub variants: Vec<Variant>,
    /// Index of the control among the variants.
    pub control: usize,
    /// Arms that were stopped in place, other than the control.
    pub stopped: Vec<StoppedArm>,
    /// Share of the audience that takes part, per million.
    pub traffic_per_million: u32,
    /// Who may take part; everybody when absent.
    pub audience: Option<Audience>,
    /// What other flags must serve a unit that takes part; at most 16.
    pub prerequisites: Vec<Prerequisite>,
    /// The layer whose buckets decide who may take part; everybody when absent.
    pub layer: Option<Name>,
    /// Holdouts that keep their units out, besides those of the layer and of everything; at most 16.
    pub holdouts: Vec<Name>,
    /// Where its weights come from.
    pub allocation: Allocation,
    /// Whether a unit keeps what it got before. Bandits always keep it.
    pub sticky: bool,
    /// Where it is in its life.
    pub state: State,
    /// First instant of taking part, if limited.
    pub start: Option<Timestamp>,
    /// First instant of no longer taking part, if limited.
    pub end: Option<Timestamp>,
}

/// Where an experiment's weights come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Allocation {
    /// The definition's, for as long as the revision lasts.
    #[default]
    Fixed,
    /// A bandit's, from epoch to epoch; the definition's while there are none and when they cannot be had.
    Bandit,
}

/// An arm that takes nobody any more. Its units are not counted; all others stay where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoppedArm {
    /// Name of the variant.
    pub variant: Name,
    /// What its units get.
    pub units: StoppedUnits,
}

/// What the units of a stopped arm get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoppedUnits {
    /// The control's value.
    ToControl,
    /// What those get who take no part.
    Out,
}

impl Definition {
    /// A draft of revision 1 for everybody, with the key as its salt and nothing else that could keep units out.
    #[must_use]
    pub fn new(key: Name, variants: Vec<Variant>, control: usize) -> Self {
        Self {
            revision: 1,
            hash_version: HashVersion::Upshot1,
            salt: key.as_str().to_owned(),
            key,
            unit: UnitType::Request,
            variants,
            control,
            stopped: Vec::new(),
            traffic_per_million: TRAFFIC_TOTAL,
            audience: None,
            prerequisites: Vec::new(),
            layer: None,
            holdouts: Vec::new(),
            allocation: Allocation::Fixed,
            sticky: false,
            state: State::Draft,
            start: None,
            end: None,
        }
    }
}

/// A definition that keeps every rule.
#[derive(Clone, Debug)]
pub struct Experiment {
    definition: Definition,
    control: Variant,
    randomiser: Randomiser,
    /// By the number of the arm; empty when no arm was stopped.
    stopped: Box<[Option<StoppedUnits>]>,
}

impl Experiment {
    /// Checks a definition and prepares it for deciding.
    ///
    /// # Errors
    /// [`InvalidExperiment`] naming the first field at fault and its rule.
    pub fn new(definition: Definition) -> Result<Self, InvalidExperiment> {
        let Definition { variants, control, start, end, .. } = &definition;
        if !(2..=MAX_VARIANTS).contains(&variants.len()) {
            return Err(InvalidExperiment::VariantCount { found: variants.len() });
        }
        if let Some(name) = repeated(variants.iter().map(Variant::name)) {
            return Err(InvalidExperiment::DuplicateVariant { name: name.clone() });
        }
        let Some(control) = variants.get(*control).cloned() else {
            return Err(InvalidExperiment::Control { found: *control, variants: variants.len() });
        };
        let randomiser = randomiser(&definition)?;
        check_references(&definition)?;
        let stopped = stopped_arms(&definition, &control)?;
        if let (Some(start), Some(end)) = (*start, *end)
            && end <= start
        {
            return Err(InvalidExperiment::Period { start, end });
        }
        Ok(Self { control, randomiser, stopped, definition })
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

    /// Whether a unit keeps what it got before, so that entries are to be looked up and written.
    #[must_use]
    pub fn keeps_entries(&self) -> bool {
        self.definition.sticky || self.definition.allocation == Allocation::Bandit
    }

    pub(crate) const fn randomiser(&self) -> &Randomiser {
        &self.randomiser
    }

    /// What became of the units of each arm that was stopped; empty when none was.
    pub(crate) fn stopped_arms(&self) -> &[Option<StoppedUnits>] {
        &self.stopped
    }
}

fn randomiser(definition: &Definition) -> Result<Randomiser, InvalidExperiment> {
    let Definition { hash_version, salt, variants, traffic_per_million, .. } = definition;
    if definition.allocation == Allocation::Bandit && matches!(hash_version, HashVersion::Vendor(_)) {
        return Err(InvalidExperiment::VendorBandit { hash_version: hash_version.as_str() });
    }
    let weights = variants.iter().map(Variant::weight);
    Randomiser::new(hash_version, salt, weights, *traffic_per_million).map_err(|refused| match refused {
        Refused::Salt => InvalidExperiment::Salt,
        Refused::Weights(InvalidWeights { sum }) => InvalidExperiment::Weights { sum },
        Refused::Traffic => InvalidExperiment::Traffic { found: *traffic_per_million },
        Refused::Arms { vendor } => InvalidExperiment::VendorArms { vendor, variants: variants.len() },
    })
}

fn check_references(definition: &Definition) -> Result<(), InvalidExperiment> {
    let Definition { prerequisites, holdouts, .. } = definition;
    if prerequisites.len() > MAX_PREREQUISITES {
        return Err(InvalidExperiment::PrerequisiteCount { found: prerequisites.len() });
    }
    if holdouts.len() > MAX_HOLDOUTS {
        return Err(InvalidExperiment::HoldoutCount { found: holdouts.len() });
    }
    match repeated(holdouts.iter()) {
        Some(name) => Err(InvalidExperiment::DuplicateHoldout { name: name.clone() }),
        None => Ok(()),
    }
}

fn stopped_arms(definition: &Definition, control: &Variant) -> Result<Box<[Option<StoppedUnits>]>, InvalidExperiment> {
    if definition.stopped.is_empty() {
        return Ok(Box::default());
    }
    let mut arms = vec![None; definition.variants.len()];
    for StoppedArm { variant, units } in &definition.stopped {
        let position = definition.variants.iter().position(|one| one.name() == variant);
        match position.and_then(|index| arms.get_mut(index)) {
            None => return Err(InvalidExperiment::StoppedUnknown { variant: variant.clone() }),
            Some(_) if variant == control.name() => {
                return Err(InvalidExperiment::StoppedControl { variant: variant.clone() });
            }
            Some(Some(_)) => return Err(InvalidExperiment::StoppedTwice { variant: variant.clone() }),
            Some(arm) => *arm = Some(*units),
        }
    }
    Ok(arms.into())
}

/// The first name that was there before.
pub(crate) fn repeated<'a>(mut names: impl Iterator<Item = &'a Name>) -> Option<&'a Name> {
    let mut seen = BTreeSet::new();
    names.find(|name| !seen.insert(*name))
}

#[cfg(test)]
mod tests;
