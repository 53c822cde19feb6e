//! Eppo's splits: shards of MD5.
//!
//! Source: `eppo_core` (crates.io), the core of `eppo-server-sdk`: the first 4 bytes of MD5 over `salt-unit`,
//! big-endian, modulo the number of shards. A split takes a unit that lies in a range of each of its shards; the first
//! split that does wins. An empty unit is hashed (the Node SDK serves its default instead). Must never know: rules,
//! allocations in time.

use super::ranges::{Range, Ranges};
use super::{InvalidParameter, MAX_ARMS, check_arms, check_key};
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

/// Most shards of one split.
pub const MAX_SHARDS: usize = 16;

/// An allocation's splits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// `totalShards`: into how many shards every hash is cut.
    pub total_shards: u32,
    /// How many variations there are.
    pub variations: usize,
    /// In the order in which they are asked.
    pub splits: Vec<Split>,
}

/// A variation and who gets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// The variation's index.
    pub variation: usize,
    /// All must hold the unit; none is everybody.
    pub shards: Vec<Shard>,
}

/// Ranges of one hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// What it hashes with.
    pub salt: String,
    /// `[start, end)`; any of them will do.
    pub ranges: Vec<(u32, u32)>,
}

/// Splits, checked.
#[derive(Clone, Debug)]
pub struct Allocation {
    parameters: Parameters,
    splits: Box<[(usize, Box<[Compiled]>)]>,
    weights: Option<Box<[u32]>>,
}

#[derive(Clone, Debug)]
struct Compiled {
    prefix: Md5,
    ranges: Ranges,
}

impl Allocation {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`InvalidParameter`] for no shards in total, salts above 1 KiB, no or more than 256 variations, more than 256
    /// splits or ranges or 16 shards, or a variation that is none.
    pub fn new(parameters: Parameters) -> Result<Self, InvalidParameter> {
        let Parameters { total_shards, variations, splits } = &parameters;
        if *total_shards == 0 {
            return Err(InvalidParameter::new("total_shards", "be at least 1"));
        }
        check_arms("variations", *variations)?;
        check_arms("splits", splits.len())?;
        let compile_split = |Split { variation, shards }: &Split| {
            if variation >= variations {
                return Err(InvalidParameter::new("splits.variation", format!("be below {variations}")));
            }
            if shards.len() > MAX_SHARDS {
                return Err(InvalidParameter::new("splits.shards", format!("have at most {MAX_SHARDS} entries")));
            }
            Ok((*variation, shards.iter().map(Compiled::new).collect::<Result<_, _>>()?))
        };
        let compiled = splits.iter().map(compile_split).collect::<Result<_, _>>()?;
        Ok(Self { splits: compiled, weights: exact_weights(&parameters), parameters })
    }

    /// What it was made of.
    #[must_use]
    pub const fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Shards of each variation, where every split asks the same hashes and they differ in the last alone, as the
    /// vendor writes them; otherwise chances depend on several hashes at once.
    #[must_use]
    pub fn weights(&self) -> Option<&[u32]> {
        self.weights.as_deref()
    }

    /// The unit's variation; `None` where no split takes it.
    #[must_use]
    pub fn arm(&self, unit: &str) -> Option<usize> {
        let total = self.parameters.total_shards;
        let takes = |shard: &Compiled| shard.ranges.arm(shard_of(&shard.prefix, unit, total)).is_some();
        self.splits.iter().find(|(_, shards)| shards.iter().all(takes)).map(|(variation, _)| *variation)
    }
}

impl Compiled {
    fn new(Shard { salt, ranges }: &Shard) -> Result<Self, InvalidParameter> {
        check_key("splits.shards.salt", salt)?;
        if ranges.len() > MAX_ARMS {
            let rule = format!("have at most {MAX_ARMS} entries");
            return Err(InvalidParameter::new("splits.shards.ranges", rule));
        }
        let ranges = Ranges::new(ranges.iter().map(|(start, end)| Range { arm: 0, start: *start, end: *end }));
        Ok(Self { prefix: prefix(salt), ranges })
    }
}

fn exact_weights(Parameters { total_shards, variations, splits }: &Parameters) -> Option<Box<[u32]>> {
    let (first_salt, common) = splits.first()?.shards.split_last().map(|(last, common)| (&last.salt, common))?;
    let mut ranges = Vec::new();
    for Split { variation, shards } in splits {
        let (last, others) = shards.split_last()?;
        if others != common || last.salt != *first_salt {
            return None;
        }
        ranges.extend(last.ranges.iter().map(|(start, end)| Range { arm: *variation, start: *start, end: *end }));
    }
    // Shards asked in common say who takes part, unless they ask the very hash that splits.
    let apart = common.iter().all(|shard| shard.salt != *first_salt);
    apart.then(|| Ranges::new(ranges).owned(*variations, *total_shards))
}

/// The unit's shard, below `total_shards`; 0 when that is.
#[must_use]
pub fn shard(salt: &str, unit: &str, total_shards: u32) -> u32 {
    shard_of(&prefix(salt), unit, total_shards)
}

fn prefix(salt: &str) -> Md5 {
    Md5::new_with_prefix(salt).chain_update("-")
}

fn shard_of(prefix: &Md5, unit: &str, total_shards: u32) -> u32 {
    let digest: [u8; 16] = prefix.clone().chain_update(unit).finalize().into();
    let first = digest.first_chunk().copied().unwrap_or_default();
    u32::from_be_bytes(first).checked_rem(total_shards).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(variation: usize, shards: &[(&str, &[(u32, u32)])]) -> Split {
        let shard =
            |(salt, ranges): &(&str, &[(u32, u32)])| Shard { salt: (*salt).to_owned(), ranges: ranges.to_vec() };
        Split { variation, shards: shards.iter().map(shard).collect() }
    }

    fn allocation(splits: Vec<Split>) -> Result<Allocation, InvalidParameter> {
        Allocation::new(Parameters { total_shards: 100, variations: 2, splits })
    }

    #[test]
    fn the_first_split_whose_shards_all_hold_the_unit_wins() {
        let splits = vec![split(1, &[("a", &[(0, 20), (50, 60)]), ("b", &[(0, 50)])]), split(0, &[("a", &[(0, 40)])])];
        let allocation = allocation(splits).unwrap();
        assert_eq!(allocation.weights(), None);
        for unit in (0..1_000).map(|unit| unit.to_string()) {
            let (a, b) = (shard("a", &unit, 100), shard("b", &unit, 100));
            let first = (a < 20 || (50..60).contains(&a)) && b < 50;
            assert_eq!(allocation.arm(&unit), if first { Some(1) } else { (a < 40).then_some(0) });
        }
    }

    #[test]
    fn chances_are_known_where_only_the_last_hash_splits() {
        let exposed: (&str, &[(u32, u32)]) = ("exposure", &[(0, 37)]);
        let written = |salt| vec![split(0, &[exposed, (salt, &[(0, 30)])]), split(1, &[exposed, (salt, &[(20, 90)])])];
        assert_eq!(allocation(written("assignment")).unwrap().weights(), Some(&[30, 60][..]));
        assert_eq!(allocation(written("exposure")).unwrap().weights(), None);
        let ramped = vec![split(0, &[exposed, ("s", &[(0, 50)])]), split(1, &[("e", &[(0, 9)]), ("s", &[(50, 100)])])];
        assert_eq!(allocation(ramped).unwrap().weights(), None);
        assert_eq!(allocation(vec![split(0, &[])]).unwrap().arm("unit"), Some(0));
    }

    #[test]
    fn parameters_out_of_range_are_named() {
        let refused = |splits| allocation(splits).unwrap_err().to_string();
        assert!(refused(vec![]).starts_with("splits must have"));
        assert!(refused(vec![split(2, &[])]).starts_with("splits.variation must be below 2"));
        assert!(refused(vec![split(0, &[("s", &[][..]); 17])]).starts_with("splits.shards must"));
        assert!(refused(vec![split(0, &[("s", &[(0, 1); 257])])]).starts_with("splits.shards.ranges must"));
        let none = Parameters { total_shards: 0, variations: 1, splits: vec![split(0, &[])] };
        assert!(Allocation::new(none).unwrap_err().to_string().starts_with("total_shards must"));
    }
}
