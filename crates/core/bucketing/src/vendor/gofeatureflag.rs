//! GO Feature Flag's percentages.
//!
//! Source: its Go core (`internal/flag/rule.go`, 1.x): FNV-1a, 32 bits, over the UTF-8 bytes of `flag ++ key`, modulo
//! the sum of the percentages in thousandths. Variations own ranges in **reverse** byte order of their names; bounds
//! are running float sums, cut off to integers, so a percentage of three places can own one bucket less than it says.
//! Nobody without a key is in. Must never know: queries, progressive rollouts, values.

use super::ranges::{Range, Ranges};
use super::{InvalidParameter, check_arms, check_key};
use serde::{Deserialize, Serialize};

/// Buckets per percent.
const PERCENTAGE_MULTIPLIER: f64 = 1_000.0;
/// Largest percentage: far past any, and its buckets fit 32 bits.
const MAX_PERCENTAGE: f64 = 10_000.0;

/// A rule's percentages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// The flag's key.
    pub flag_key: String,
    /// Variations and their percentages, of any sum; the arms are their places here.
    pub percentages: Vec<(String, f64)>,
}

/// A rule, checked.
#[derive(Clone, Debug)]
pub struct Rule {
    parameters: Parameters,
    prefix: Fnv,
    total: u32,
    ranges: Ranges,
    weights: Box<[u32]>,
}

impl Rule {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`InvalidParameter`] for names above 1 KiB or used twice, no or more than 256 variations, percentages that are
    /// negative or above 10,000, or that sum to less than a bucket.
    pub fn new(parameters: Parameters) -> Result<Self, InvalidParameter> {
        let Parameters { flag_key, percentages } = &parameters;
        check_key("flag_key", flag_key)?;
        check_arms("percentages", percentages.len())?;
        for (name, percentage) in percentages {
            check_key("percentages.name", name)?;
            if !(0.0..=MAX_PERCENTAGE).contains(percentage) {
                return Err(InvalidParameter::new("percentages", format!("be in 0..={MAX_PERCENTAGE}")));
            }
        }
        let mut laid_out: Vec<_> = percentages.iter().enumerate().collect();
        laid_out.sort_by(|(_, (left, _)), (_, (right, _))| right.cmp(left));
        if laid_out.windows(2).any(|pair| matches!(pair, [(_, (left, _)), (_, (right, _))] if left == right)) {
            return Err(InvalidParameter::new("percentages.name", "be unique"));
        }
        // Go sums a map in any order; this is the order of the ranges.
        let sum: f64 = laid_out.iter().map(|(_, (_, percentage))| percentage).sum();
        let total = (sum * PERCENTAGE_MULTIPLIER) as u32;
        if total == 0 {
            return Err(InvalidParameter::new("percentages", "sum to at least 0.001"));
        }
        let mut end = 0.0;
        let ranges = Ranges::new(laid_out.into_iter().map(|(arm, (_, percentage))| {
            let start = end;
            end += percentage * PERCENTAGE_MULTIPLIER;
            Range { arm, start: start as u32, end: end as u32 }
        }));
        let weights = ranges.owned(percentages.len(), total);
        Ok(Self { prefix: Fnv::new().update(flag_key), total, ranges, weights, parameters })
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

    /// How many buckets there are.
    #[must_use]
    pub const fn total(&self) -> u32 {
        self.total
    }

    /// The unit's bucket, below [`Rule::total`].
    #[must_use]
    pub fn bucket(&self, unit: &str) -> u32 {
        self.prefix.update(unit).0.checked_rem(self.total).unwrap_or_default()
    }

    /// The unit's variation.
    #[must_use]
    pub fn arm(&self, unit: &str) -> Option<usize> {
        if unit.is_empty() { None } else { self.ranges.arm(self.bucket(unit)) }
    }
}

/// FNV-1a under way, over bytes.
#[derive(Clone, Copy, Debug)]
struct Fnv(u32);

impl Fnv {
    const fn new() -> Self {
        Self(0x811c_9dc5)
    }

    fn update(self, text: &str) -> Self {
        Self(text.bytes().fold(self.0, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(percentages: &[(&str, f64)]) -> Result<Rule, InvalidParameter> {
        let percentages = percentages.iter().map(|(name, percentage)| ((*name).to_owned(), *percentage)).collect();
        Rule::new(Parameters { flag_key: "flag".to_owned(), percentages })
    }

    #[test]
    fn the_last_name_owns_the_first_range() {
        let rule = rule(&[("a", 10.0), ("c", 30.0), ("b", 60.0)]).unwrap();
        assert_eq!((rule.total(), rule.weights()), (100_000, &[10_000, 30_000, 60_000][..]));
        for unit in (0..1_000).map(|unit| unit.to_string()) {
            let expected = match rule.bucket(&unit) {
                0..30_000 => 1,
                30_000..90_000 => 2,
                _ => 0,
            };
            assert_eq!(rule.arm(&unit), Some(expected));
        }
        assert_eq!(rule.arm(""), None);
    }

    #[test]
    fn bounds_are_cut_off() {
        assert_eq!(rule(&[("a", 98.999), ("b", 1.001)]).unwrap().weights(), [99_000, 1_000]);
    }

    #[test]
    fn parameters_out_of_range_are_named() {
        let refused = |percentages| rule(percentages).unwrap_err().to_string();
        assert!(refused(&[]).starts_with("percentages must have"));
        assert!(refused(&[("a", -1.0)]).starts_with("percentages must be in"));
        assert!(refused(&[("a", f64::NAN)]).starts_with("percentages must be in"));
        assert!(refused(&[("a", 0.0)]).starts_with("percentages must sum"));
        assert!(refused(&[("a", 1.0), ("a", 1.0)]).starts_with("percentages.name must be unique"));
    }
}
