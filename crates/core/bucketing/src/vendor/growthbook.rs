//! GrowthBook's experiments and rollouts, hash versions 1 and 2.
//!
//! Source: `@growthbook/growthbook` (npm) `core.ts` and `util.ts`, 1.8. FNV-1a runs over UTF-16 code units, each taken
//! whole. Version 1 has 1,000 buckets, version 2 has 10,000; `n = bucket / buckets` is compared with the bounds in
//! floats, which is done once here: every bound becomes the first bucket at or past it. Older Python SDKs (to 3.2)
//! hash code points, so they disagree beyond the basic plane.
//!
//! A unit without an id takes no part. Must never know: values, conditions, how features are written.

use super::ranges::{Range, Ranges};
use super::{InvalidParameter, MAX_ARMS, check_arms, check_key};
use serde::{Deserialize, Serialize};

mod hash;

use hash::Seeded;
pub use hash::Version;

/// Most filters of one experiment.
pub const MAX_FILTERS: usize = 64;
/// Units up to this far from 1 the weights may sum to; further off, the SDK splits evenly.
const WEIGHT_SUM: std::ops::RangeInclusive<f64> = 0.99..=1.01;

/// An experiment, in the SDK's own terms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExperimentParameters {
    /// `seed`, or the experiment's key where there is none.
    pub seed: String,
    /// How many variations there are: 2 to 256.
    pub variations: usize,
    /// Share of each variation. Even where absent, of another length or not summing to about 1, as in the SDK.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<Vec<f64>>,
    /// Share of units that take part, clamped to 0..=1; 1 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<f64>,
    /// `[start, end)` of each variation; where present, weights and coverage do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranges: Option<Vec<(f64, f64)>>,
    /// `[id, start, end)`; does not count where there are filters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<(String, f64, f64)>,
    /// All must let a unit pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Filter>,
}

/// A forced value for a share of units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RolloutParameters {
    /// `seed`, or the feature's key where there is none.
    pub seed: String,
    /// Share of units, `n <= coverage`: one bucket more than asked, as in the SDK; nobody at 0. Python's 4.0 leaves
    /// that bucket out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<f64>,
    /// `[start, end)`; where present, coverage does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<(f64, f64)>,
    /// All must let a unit pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Filter>,
}

/// Ranges of another hash that let a unit pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// What it hashes with.
    pub seed: String,
    /// Its hash version; 2 unless said otherwise.
    #[serde(default)]
    pub hash_version: Version,
    /// `[start, end)`; any of them will do, and none lets nobody pass.
    pub ranges: Vec<(f64, f64)>,
}

/// An experiment, checked.
#[derive(Clone, Debug)]
pub struct Experiment {
    parameters: ExperimentParameters,
    hash: Seeded,
    gates: Box<[Gate]>,
    ranges: Ranges,
    weights: Box<[u32]>,
}

/// A rollout, checked. Its one arm is "the value is forced".
#[derive(Clone, Debug)]
pub struct Rollout {
    parameters: RolloutParameters,
    hash: Seeded,
    gates: Box<[Gate]>,
    /// Absent where everybody gets the value, hashed or not.
    range: Option<Ranges>,
}

/// A filter or namespace, compiled.
#[derive(Clone, Debug)]
struct Gate {
    hash: Seeded,
    ranges: Ranges,
}

impl Experiment {
    /// Checks the parameters and compiles their bounds.
    ///
    /// # Errors
    /// [`InvalidParameter`] for seeds above 1 KiB, numbers that are not finite, or more variations, ranges or filters
    /// than allowed.
    pub fn new(version: Version, parameters: ExperimentParameters) -> Result<Self, InvalidParameter> {
        let ExperimentParameters { seed, variations, weights, coverage, ranges, namespace, filters } = &parameters;
        check_key("seed", seed)?;
        check_arms("variations", *variations)?;
        if *variations < 2 {
            return Err(InvalidParameter::new("variations", "be at least 2"));
        }
        finite("weights", weights.as_deref().unwrap_or_default())?;
        finite("coverage", coverage.as_slice())?;
        let bounds = match ranges {
            Some(ranges) => check_ranges("ranges", ranges)?.to_vec(),
            None => bounds(*variations, weights.as_deref(), coverage.unwrap_or(1.0)),
        };
        let named = bounds.into_iter().enumerate().take(*variations);
        let ranges = Ranges::new(named.map(|(arm, bounds)| range(version, arm, bounds)));
        let gates = match namespace {
            Some((id, start, end)) if filters.is_empty() => [namespace_gate(id, *start, *end)?].into(),
            _ => gates(filters)?,
        };
        let weights = ranges.owned(*variations, version.buckets());
        Ok(Self { hash: Seeded::new(version, seed), gates, ranges, weights, parameters })
    }

    /// Which hash.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.hash.version()
    }

    /// What it was made of.
    #[must_use]
    pub const fn parameters(&self) -> &ExperimentParameters {
        &self.parameters
    }

    /// Buckets that each variation owns: its exact chance among those who take part is its share of their sum.
    #[must_use]
    pub fn weights(&self) -> &[u32] {
        &self.weights
    }

    /// The variation of a unit; `None` when it takes no part.
    #[must_use]
    pub fn arm(&self, unit: &str) -> Option<usize> {
        if unit.is_empty() || !self.gates.iter().all(|gate| gate.admits(unit)) {
            return None;
        }
        self.ranges.arm(self.hash.bucket(unit))
    }
}

impl Rollout {
    /// Checks the parameters and compiles their bounds.
    ///
    /// # Errors
    /// As [`Experiment::new`].
    pub fn new(version: Version, parameters: RolloutParameters) -> Result<Self, InvalidParameter> {
        let RolloutParameters { seed, coverage, range: bounds, filters } = &parameters;
        check_key("seed", seed)?;
        finite("coverage", coverage.as_slice())?;
        let compiled = match (bounds, coverage) {
            (Some(bounds), _) => {
                check_ranges("range", std::slice::from_ref(bounds))?;
                Some(range(version, 0, *bounds))
            }
            (None, Some(0.0)) => Some(Range { arm: 0, start: 0, end: 0 }),
            (None, Some(coverage)) => Some(Range { arm: 0, start: 0, end: version.buckets_up_to(*coverage) }),
            (None, None) => None,
        };
        let range = compiled.map(|range| Ranges::new([range]));
        Ok(Self { hash: Seeded::new(version, seed), gates: gates(filters)?, range, parameters })
    }

    /// Which hash.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.hash.version()
    }

    /// What it was made of.
    #[must_use]
    pub const fn parameters(&self) -> &RolloutParameters {
        &self.parameters
    }

    /// `Some(0)` where the value is forced. Without coverage and range that takes no id.
    #[must_use]
    pub fn arm(&self, unit: &str) -> Option<usize> {
        if !self.gates.iter().all(|gate| gate.admits(unit)) {
            return None;
        }
        match &self.range {
            None => Some(0),
            Some(_) if unit.is_empty() => None,
            Some(range) => range.arm(self.hash.bucket(unit)),
        }
    }
}

impl Gate {
    fn admits(&self, unit: &str) -> bool {
        !unit.is_empty() && self.ranges.arm(self.hash.bucket(unit)).is_some()
    }
}

/// The hash of a unit, in thousandths for version 1 and in ten-thousandths for version 2, as the SDK's `util.hash`.
#[must_use]
pub fn bucket(version: Version, seed: &str, unit: &str) -> u32 {
    Seeded::new(version, seed).bucket(unit)
}

/// The bucket that a namespace compares with its range: always version 1, in thousandths.
#[must_use]
pub fn namespace_bucket(id: &str, unit: &str) -> u32 {
    Seeded::new(Version::V1, &format!("__{id}")).bucket(unit)
}

/// `getBucketRanges`: each variation starts where the one before it would end at full coverage.
fn bounds(variations: usize, weights: Option<&[f64]>, coverage: f64) -> Vec<(f64, f64)> {
    let weights = weights.filter(|weights| weights.len() == variations);
    let weights = weights.filter(|weights| WEIGHT_SUM.contains(&weights.iter().fold(0.0, |sum, weight| sum + weight)));
    let even = vec![1.0 / variations as f64; variations];
    let coverage = coverage.clamp(0.0, 1.0);
    let mut cumulated = 0.0;
    let range = |weight: &f64| {
        let start = cumulated;
        cumulated += weight;
        (start, start + coverage * weight)
    };
    weights.unwrap_or(&even).iter().map(range).collect()
}

fn range(version: Version, arm: usize, (start, end): (f64, f64)) -> Range {
    Range { arm, start: version.buckets_below(start), end: version.buckets_below(end) }
}

fn gates(filters: &[Filter]) -> Result<Box<[Gate]>, InvalidParameter> {
    if filters.len() > MAX_FILTERS {
        return Err(InvalidParameter::new("filters", format!("have at most {MAX_FILTERS} entries")));
    }
    let gate = |Filter { seed, hash_version, ranges }: &Filter| {
        check_key("filters.seed", seed)?;
        let ranges = check_ranges("filters.ranges", ranges)?;
        let ranges = Ranges::new(ranges.iter().map(|bounds| range(*hash_version, 0, *bounds)));
        Ok(Gate { hash: Seeded::new(*hash_version, seed), ranges })
    };
    filters.iter().map(gate).collect()
}

fn namespace_gate(id: &str, start: f64, end: f64) -> Result<Gate, InvalidParameter> {
    check_key("namespace", id)?;
    finite("namespace", &[start, end])?;
    let ranges = Ranges::new([range(Version::V1, 0, (start, end))]);
    Ok(Gate { hash: Seeded::new(Version::V1, &format!("__{id}")), ranges })
}

fn finite(field: &'static str, numbers: &[f64]) -> Result<(), InvalidParameter> {
    match numbers.iter().all(|number| number.is_finite()) && numbers.len() <= MAX_ARMS {
        true => Ok(()),
        false => Err(InvalidParameter::new(field, format!("be finite numbers, at most {MAX_ARMS}"))),
    }
}

fn check_ranges<'a>(field: &'static str, ranges: &'a [(f64, f64)]) -> Result<&'a [(f64, f64)], InvalidParameter> {
    match ranges.iter().all(|(start, end)| start.is_finite() && end.is_finite()) && ranges.len() <= MAX_ARMS {
        true => Ok(ranges),
        false => Err(InvalidParameter::new(field, format!("be pairs of finite numbers, at most {MAX_ARMS}"))),
    }
}

#[cfg(test)]
mod tests;
