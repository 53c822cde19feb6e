//! From a hash to a bucket, and from a bucket to an arm. Integers only.
//!
//! Must never know: names of variants, what the arms serve.

use crate::murmur3::Murmur3;
use smallvec::SmallVec;

/// Largest sum of weights: 2^31 - 1, the limit of flagd's integer `fractional`.
pub const MAX_TOTAL_WEIGHT: u32 = i32::MAX as u32;
/// Buckets of the traffic decision: a share is an integer per million.
pub const TRAFFIC_TOTAL: u32 = 1_000_000;

/// The bucket of a unit, in `0..total_weight` (0 when `total_weight` is 0).
///
/// `(murmur3_x86_32(salt ++ unit, 0) * total_weight) >> 32` over the raw UTF-8 bytes, as in the second generation of
/// flagd's `fractional`.
#[must_use]
pub fn bucket(salt: &str, unit: &str, total_weight: u32) -> u32 {
    scale(Murmur3::new(0).update(salt.as_bytes()).update(unit.as_bytes()).finish(), total_weight)
}

/// Maps a 32-bit hash onto `0..total` without division or floats.
pub(crate) fn scale(hash: u32, total: u32) -> u32 {
    (u64::from(hash).wrapping_mul(u64::from(total)) >> 32) as u32
}

/// Weights laid end to end: arm `i` owns the half-open range of buckets after those of the arms before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Where each arm's range begins and, last, where all end; never falls.
    bounds: SmallVec<[u32; 4]>,
    total: u32,
}

/// The weights do not sum to 1..=2^31-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("weights must sum to 1..={MAX_TOTAL_WEIGHT}, not {sum}")]
pub struct InvalidWeights {
    /// The sum given, saturated.
    pub sum: u64,
}

impl Split {
    /// Lays the weights out in the order given. An arm of weight 0 owns nothing.
    ///
    /// # Errors
    /// [`InvalidWeights`] when the sum is 0 or above [`MAX_TOTAL_WEIGHT`].
    pub fn new(weights: impl IntoIterator<Item = u32>) -> Result<Self, InvalidWeights> {
        let mut sum: u64 = 0;
        let ends = weights.into_iter().map(|weight| {
            sum = sum.saturating_add(u64::from(weight));
            u32::try_from(sum).unwrap_or(u32::MAX)
        });
        let bounds = std::iter::once(0).chain(ends).collect();
        match u32::try_from(sum) {
            Ok(total @ 1..=MAX_TOTAL_WEIGHT) => Ok(Self { bounds, total }),
            _ => Err(InvalidWeights { sum }),
        }
    }

    /// The sum of all weights.
    #[must_use]
    pub const fn total(&self) -> u32 {
        self.total
    }

    /// How many arms there are.
    #[must_use]
    pub fn arms(&self) -> usize {
        self.bounds.len().saturating_sub(1)
    }

    /// The weight of an arm.
    #[must_use]
    pub fn weight(&self, arm: usize) -> Option<u32> {
        match self.bounds.get(arm..)? {
            [start, end, ..] => end.checked_sub(*start),
            [] | [_] => None,
        }
    }

    /// The index of the arm that owns `bucket`; `None` at or past [`Split::total`].
    #[must_use]
    pub fn arm(&self, bucket: u32) -> Option<usize> {
        let [_, ends @ ..] = self.bounds.as_slice() else { return None };
        let is_before = |end: &u32| *end <= bucket;
        // Counting ends takes no branch that a random bucket would mislead.
        (bucket < self.total).then(|| match ends {
            [first, _] => usize::from(is_before(first)),
            few @ ([_] | [_, _, _] | [_, _, _, _]) => few.iter().filter(|end| is_before(end)).count(),
            many => many.partition_point(is_before),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sums_outside_the_range_are_refused() {
        assert_eq!(Split::new([]), Err(InvalidWeights { sum: 0 }));
        assert_eq!(Split::new([0, 0]), Err(InvalidWeights { sum: 0 }));
        assert_eq!(Split::new([MAX_TOTAL_WEIGHT, 1]), Err(InvalidWeights { sum: 1 << 31 }));
        assert_eq!(Split::new([u32::MAX; 3]), Err(InvalidWeights { sum: 3 * u64::from(u32::MAX) }));
        assert_eq!(Split::new([MAX_TOTAL_WEIGHT, 0]).unwrap().total(), MAX_TOTAL_WEIGHT);
    }

    #[test]
    fn the_highest_hash_stays_inside() {
        assert_eq!(scale(u32::MAX, MAX_TOTAL_WEIGHT), MAX_TOTAL_WEIGHT - 1);
        assert_eq!(scale(u32::MAX, 1), 0);
        assert_eq!(bucket("salt", "unit", 0), 0);
    }

    proptest! {
        #[test]
        fn each_arm_owns_exactly_its_weight(weights in prop::collection::vec(0_u32..50, 1..9)) {
            prop_assume!(weights.iter().any(|weight| *weight > 0));
            let split = Split::new(weights.iter().copied()).unwrap();
            let mut owned = vec![0_u32; weights.len()];
            for bucket in 0..split.total() {
                owned[split.arm(bucket).unwrap()] += 1;
            }
            let laid_out: Vec<u32> = (0..split.arms()).map(|arm| split.weight(arm).unwrap()).collect();
            prop_assert_eq!(laid_out, owned.clone());
            prop_assert_eq!(owned, weights);
            prop_assert_eq!(split.arm(split.total()), None);
        }
    }
}
