//! Units in the order in which they are given out, and the heaps that give and take many of them.
//!
//! Must never know: how many units there are.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::Part;

/// A weight and one of its units: the next one it waits for, or the last one it has. The greatest is given first and
/// taken back last.
pub(crate) struct Claim {
    weight: u64,
    /// `2a + 1` for the unit that follows `a` others.
    divisor: u64,
    place: usize,
}

impl Claim {
    /// The unit after those that the part has.
    pub(crate) fn next(weight: u64, part: impl Part, place: usize) -> Self {
        Self { weight, divisor: part.units().saturating_mul(2).saturating_add(1), place }
    }

    /// The last unit that the part has; none where it has none.
    pub(crate) fn last(weight: u64, part: impl Part, place: usize) -> Option<Self> {
        let divisor = part.units().checked_mul(2)?.checked_sub(1)?;
        Some(Self { weight, divisor, place })
    }
}

impl Ord for Claim {
    /// Compares the quotients exactly, by cross-multiplication; of equal ones the earlier place comes first.
    fn cmp(&self, other: &Self) -> Ordering {
        let left = u128::from(self.weight).wrapping_mul(u128::from(other.divisor));
        let right = u128::from(other.weight).wrapping_mul(u128::from(self.divisor));
        left.cmp(&right).then_with(|| other.place.cmp(&self.place))
    }
}

impl PartialOrd for Claim {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Claim {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Claim {}

pub(crate) fn give_by_heap<W: Copy + Into<u64>, P: Part>(weights: &[W], units: u64, parts: &mut [P]) {
    let waiting = parts.iter().zip(weights).enumerate();
    let mut heap: BinaryHeap<Claim> =
        waiting.map(|(place, (part, &weight))| Claim::next(weight.into(), *part, place)).collect();
    for _ in 0..units {
        let Some(mut first) = heap.peek_mut() else { return };
        first.divisor = first.divisor.saturating_add(2);
        if let Some(part) = parts.get_mut(first.place) {
            *part = P::of(part.units().saturating_add(1));
        }
    }
}

pub(crate) fn take_by_heap<W: Copy + Into<u64>, P: Part>(weights: &[W], units: u64, parts: &mut [P]) {
    let held = parts.iter().zip(weights).enumerate();
    let mut heap: BinaryHeap<Reverse<Claim>> =
        held.filter_map(|(place, (part, &weight))| Claim::last(weight.into(), *part, place).map(Reverse)).collect();
    for _ in 0..units {
        let Some(Reverse(last)) = heap.pop() else { return };
        if let Some(part) = parts.get_mut(last.place) {
            *part = P::of(part.units().saturating_sub(1));
            heap.extend(Claim::last(last.weight, *part, last.place).map(Reverse));
        }
    }
}
