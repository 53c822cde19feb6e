//! Half-open ranges of buckets, one list for all arms, where the first that holds a bucket owns it.
//!
//! Must never know: how a unit got its bucket.

/// Ranges in the order in which they are asked, each with the arm it belongs to. They may overlap and leave gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ranges(Box<[Range]>);

/// Buckets `start..end` of an arm; none where `end <= start`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) arm: usize,
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Ranges {
    pub(super) fn new(ranges: impl IntoIterator<Item = Range>) -> Self {
        Self(ranges.into_iter().collect())
    }

    /// Arms by the exclusive ends of their ranges: an arm owns what is below its end and not taken before.
    pub(super) fn from_ends(ends: impl IntoIterator<Item = u32>) -> Self {
        Self::new(ends.into_iter().enumerate().map(|(arm, end)| Range { arm, start: 0, end }))
    }

    pub(super) fn arm(&self, bucket: u32) -> Option<usize> {
        self.0.iter().find(|range| (range.start..range.end).contains(&bucket)).map(|range| range.arm)
    }

    /// How many of the buckets below `total` each of `arms` owns.
    pub(super) fn owned(&self, arms: usize, total: u32) -> Box<[u32]> {
        let mut bounds: Vec<u32> = self.0.iter().flat_map(|range| [range.start, range.end]).collect();
        bounds.extend([0, total]);
        bounds.retain(|bound| *bound <= total);
        bounds.sort_unstable();
        let mut owned = vec![0_u32; arms];
        for pair in bounds.windows(2) {
            let [start, end] = *pair else { continue };
            if start < end
                && let Some(count) = self.arm(start).and_then(|arm| owned.get_mut(arm))
            {
                *count = count.saturating_add(end.saturating_sub(start));
            }
        }
        owned.into_boxed_slice()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ends_that_fall_own_nothing() {
        let ranges = Ranges::from_ends([3, 2, 5]);
        assert_eq!([0, 2, 3, 4, 5].map(|bucket| ranges.arm(bucket)), [Some(0), Some(0), Some(2), Some(2), None]);
        assert_eq!(*ranges.owned(3, 10), [3, 0, 2]);
        assert_eq!(*ranges.owned(3, 4), [3, 0, 1]);
    }

    proptest! {
        #[test]
        fn what_is_owned_is_what_is_found(
            drawn in prop::collection::vec((0_usize..4, 0_u32..40, 0_u32..40), 0..6),
            total in 0_u32..40,
        ) {
            let ranges = Ranges::new(drawn.into_iter().map(|(arm, start, end)| Range { arm, start, end }));
            let mut found = [0_u32; 4];
            for arm in (0..total).filter_map(|bucket| ranges.arm(bucket)) {
                found[arm] += 1;
            }
            prop_assert_eq!(&*ranges.owned(4, total), &found[..]);
        }
    }
}
