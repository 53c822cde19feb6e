//! Optimizely's experiments, with traffic allocation and mutually exclusive groups.
//!
//! Source: `optimizely-sdk` (PyPI) `bucketer.py`: `murmur3(unit ++ id, seed 1) / 2^32 * 10000`, which is
//! `(hash * 10000) >> 32` exactly, for any id: the group's first, then the experiment's. `$opt_bucketing_id` is the
//! unit where it is set. An empty unit is hashed. Must never know: audiences, forced variations, features.

use super::ranges::{Range, Ranges};
use super::{InvalidParameter, MAX_ARMS, check_arms, check_key};
use crate::murmur3::Murmur3;
use crate::split::scale;
use serde::{Deserialize, Serialize};

/// `MAX_TRAFFIC_VALUE`: how many buckets there are.
pub const BUCKETS: u32 = 10_000;
const SEED: u32 = 1;

/// What the datafile says of an experiment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// The experiment's id.
    pub experiment: String,
    /// Ids of the variations; the arms are their places here.
    pub variations: Vec<String>,
    /// `trafficAllocation`.
    pub traffic_allocation: Vec<Allocation>,
    /// The group that the experiment is in, if its policy is `random`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
}

/// An entry of a `trafficAllocation`: buckets below the end that no entry before it took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allocation {
    /// Id of a variation or experiment; any other, as the empty one, is nobody's.
    pub entity: String,
    /// `endOfRange`, exclusive.
    pub end_of_range: u32,
}

/// A group of experiments that share no unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The group's id.
    pub id: String,
    /// `trafficAllocation` over the group's experiments.
    pub traffic_allocation: Vec<Allocation>,
}

/// An experiment, checked.
#[derive(Clone, Debug)]
pub struct Experiment {
    parameters: Parameters,
    ranges: Ranges,
    /// Buckets of the group that are this experiment's.
    group: Option<Ranges>,
    weights: Box<[u32]>,
}

impl Experiment {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`InvalidParameter`] for ids above 1 KiB, no or more than 256 variations, or more than 256 entries of a
    /// traffic allocation.
    pub fn new(parameters: Parameters) -> Result<Self, InvalidParameter> {
        let Parameters { experiment, variations, traffic_allocation, group } = &parameters;
        check_key("experiment", experiment)?;
        check_arms("variations", variations.len())?;
        // An entity that is none of the variations ends up past the last arm, which is nobody's.
        let arm = |entity: &str| variations.iter().position(|id| id == entity).unwrap_or(MAX_ARMS);
        let ranges = compile("traffic_allocation", traffic_allocation, arm)?;
        let group = match group {
            None => None,
            Some(Group { id, traffic_allocation }) => {
                check_key("group.id", id)?;
                let is_ours = |entity: &str| usize::from(entity != experiment);
                Some(compile("group.traffic_allocation", traffic_allocation, is_ours)?)
            }
        };
        let weights = ranges.owned(variations.len(), BUCKETS);
        Ok(Self { ranges, group, weights, parameters })
    }

    /// What it was made of.
    #[must_use]
    pub const fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Buckets of each variation.
    #[must_use]
    pub fn weights(&self) -> &[u32] {
        &self.weights
    }

    /// The unit's variation; `None` where the group gives the unit to another experiment, or the traffic allocation
    /// to nobody.
    #[must_use]
    pub fn arm(&self, unit: &str) -> Option<usize> {
        let group = self.parameters.group.as_ref().zip(self.group.as_ref());
        if group.is_some_and(|(Group { id, .. }, ranges)| ranges.arm(bucket(id, unit)) != Some(0)) {
            return None;
        }
        let arm = self.ranges.arm(bucket(&self.parameters.experiment, unit));
        arm.filter(|arm| *arm < self.weights.len())
    }
}

fn compile(
    field: &'static str,
    allocation: &[Allocation],
    arm: impl Fn(&str) -> usize,
) -> Result<Ranges, InvalidParameter> {
    if allocation.len() > MAX_ARMS {
        return Err(InvalidParameter::new(field, format!("have at most {MAX_ARMS} entries")));
    }
    let range = |entry: &Allocation| Range { arm: arm(&entry.entity), start: 0, end: entry.end_of_range };
    Ok(Ranges::new(allocation.iter().map(range)))
}

/// The unit's bucket under an experiment's or group's id, below [`BUCKETS`].
#[must_use]
pub fn bucket(id: &str, unit: &str) -> u32 {
    scale(Murmur3::new(SEED).update(unit.as_bytes()).update(id.as_bytes()).finish(), BUCKETS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allocation(entries: &[(&str, u32)]) -> Vec<Allocation> {
        let entry = |(entity, end): &(&str, u32)| Allocation { entity: (*entity).to_owned(), end_of_range: *end };
        entries.iter().map(entry).collect()
    }

    fn experiment(entries: &[(&str, u32)], group: Option<&[(&str, u32)]>) -> Result<Experiment, InvalidParameter> {
        Experiment::new(Parameters {
            experiment: "1".to_owned(),
            variations: vec!["10".to_owned(), "11".to_owned()],
            traffic_allocation: allocation(entries),
            group: group.map(|group| Group { id: "7".to_owned(), traffic_allocation: allocation(group) }),
        })
    }

    #[test]
    fn a_variation_may_own_several_ranges_and_nobody_may_own_one() {
        let ramped = experiment(&[("10", 1_000), ("", 5_000), ("11", 6_000), ("10", 7_000)], None).unwrap();
        assert_eq!(ramped.weights(), [2_000, 1_000]);
        for unit in (0..1_000).map(|unit| unit.to_string()) {
            let expected = match bucket("1", &unit) {
                0..1_000 | 6_000..7_000 => Some(0),
                5_000..6_000 => Some(1),
                _ => None,
            };
            assert_eq!(ramped.arm(&unit), expected);
        }
    }

    #[test]
    fn a_group_leaves_the_units_of_others_out() {
        let alone = experiment(&[("10", 5_000), ("11", 10_000)], None).unwrap();
        let grouped = experiment(&[("10", 5_000), ("11", 10_000)], Some(&[("2", 4_000), ("1", 9_000)])).unwrap();
        for unit in (0..1_000).map(|unit| unit.to_string()) {
            let ours = (4_000..9_000).contains(&bucket("7", &unit));
            assert_eq!(grouped.arm(&unit), alone.arm(&unit).filter(|_| ours));
        }
    }

    #[test]
    fn parameters_out_of_range_are_named() {
        let refused = |error: InvalidParameter| error.to_string();
        let long = vec![("10", 1); 257];
        assert!(refused(experiment(&long, None).unwrap_err()).starts_with("traffic_allocation must"));
        assert!(refused(experiment(&[], Some(&long)).unwrap_err()).starts_with("group.traffic_allocation must"));
        let mut parameters = experiment(&[], None).unwrap().parameters().clone();
        parameters.variations.clear();
        assert!(refused(Experiment::new(parameters.clone()).unwrap_err()).starts_with("variations must"));
        parameters.experiment = "1".repeat(1_025);
        assert!(refused(Experiment::new(parameters).unwrap_err()).starts_with("experiment must"));
    }
}
