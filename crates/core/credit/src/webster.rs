//! Webster's method: whole numbers in proportion to weights.
//!
//! Definition (Sainte-Lague 1910; Balinski and Young, Fair Representation, 1982, ch. 4): start at 0 and give each
//! unit to the largest `weight / (2 * held + 1)`. Unlike largest remainders it is monotone, so a refund never raises
//! somebody's credit. Must never know what the weights mean.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// One unit in the queue: the one that takes `touch` to `(divisor + 1) / 2` units. Greater means handed out before.
struct Seat {
    weight: u64,
    divisor: u32,
    touch: usize,
}

impl Seat {
    /// The unit that comes after `held`.
    fn after(weight: u64, held: u32, touch: usize) -> Self {
        Self { weight, divisor: held.saturating_mul(2).saturating_add(1), touch }
    }

    /// The last of the units `held`; none when there are none.
    fn last_of(weight: u64, held: u32, touch: usize) -> Option<Self> {
        Some(Self::after(weight, held.checked_sub(1)?, touch))
    }

    fn scaled_by(&self, divisor: u32) -> u128 {
        u128::from(self.weight).saturating_mul(u128::from(divisor))
    }
}

impl Ord for Seat {
    /// Compares the quotients exactly, by cross-multiplication; of equal ones the earlier touch comes first.
    fn cmp(&self, other: &Self) -> Ordering {
        self.scaled_by(other.divisor).cmp(&other.scaled_by(self.divisor)).then_with(|| other.touch.cmp(&self.touch))
    }
}

impl PartialOrd for Seat {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Seat {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Seat {}

/// Splits `total` (below 2^31) in proportion to `weights`: one count per weight, ties to the earlier one. The counts
/// sum to `total`, or are all 0 when the weights are.
///
/// `round(total * weight / sum)`, halves up, is every unit whose quotient reaches `sum / (2 * total)`: a prefix of
/// the definition's order. What it has too few or too many (at most half a unit per weight) is handed out or taken
/// back in that same order, so the result is the definition's, in `O(n log n)` whatever the total.
pub(crate) fn apportion(weights: &[u64], total: u32) -> Vec<u32> {
    let sum: u128 = weights.iter().fold(0, |sum, weight| sum.saturating_add(u128::from(*weight)));
    let twice_sum = sum.saturating_mul(2);
    let twice_total = u128::from(total).saturating_mul(2);
    let rounded = |weight: u64| {
        let numerator = u128::from(weight).saturating_mul(twice_total).saturating_add(sum);
        numerator.checked_div(twice_sum).and_then(|count| u32::try_from(count).ok()).unwrap_or(0)
    };
    let mut counts: Vec<u32> = weights.iter().map(|weight| rounded(*weight)).collect();
    if sum == 0 {
        return counts;
    }
    let given: u64 = counts.iter().fold(0, |given, count| given.saturating_add(u64::from(*count)));
    match given.cmp(&u64::from(total)) {
        Ordering::Less => hand_out(weights, &mut counts, u64::from(total).saturating_sub(given)),
        Ordering::Greater => take_back(weights, &mut counts, given.saturating_sub(u64::from(total))),
        Ordering::Equal => {}
    }
    counts
}

fn hand_out(weights: &[u64], counts: &mut [u32], missing: u64) {
    let seats = weights.iter().zip(counts.iter()).enumerate();
    let mut queue: BinaryHeap<Seat> = seats.map(|(touch, (weight, held))| Seat::after(*weight, *held, touch)).collect();
    for _ in 0..missing {
        let Some(mut next) = queue.peek_mut() else { return };
        if let Some(held) = counts.get_mut(next.touch) {
            *held = held.saturating_add(1);
            *next = Seat::after(next.weight, *held, next.touch);
        }
    }
}

fn take_back(weights: &[u64], counts: &mut [u32], surplus: u64) {
    let seats = weights.iter().zip(counts.iter()).enumerate();
    let mut queue: BinaryHeap<Reverse<Seat>> =
        seats.filter_map(|(touch, (weight, held))| Seat::last_of(*weight, *held, touch).map(Reverse)).collect();
    for _ in 0..surplus {
        let Some(Reverse(last)) = queue.pop() else { return };
        if let Some(held) = counts.get_mut(last.touch) {
            *held = held.saturating_sub(1);
            queue.extend(Seat::last_of(last.weight, *held, last.touch).map(Reverse));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, one unit at a time.
    fn greedy(weights: &[u64], total: u32) -> Vec<u32> {
        let mut counts = vec![0u32; weights.len()];
        for _ in 0..total {
            let mut best = 0;
            for touch in 1..weights.len() {
                let challenger = u128::from(weights[touch]) * u128::from(2 * counts[best] + 1);
                if challenger > u128::from(weights[best]) * u128::from(2 * counts[touch] + 1) {
                    best = touch;
                }
            }
            counts[best] += 1;
        }
        counts
    }

    fn weights(highest: u64, length: usize) -> impl Strategy<Value = Vec<u64>> {
        prop::collection::vec(0..=highest, 1..=length).prop_filter("all zero", |w| w.iter().any(|w| *w > 0))
    }

    proptest! {
        #[test]
        fn equals_the_definition_where_ties_are_common(weights in weights(9, 12), total in 0u32..200) {
            prop_assert_eq!(apportion(&weights, total), greedy(&weights, total));
        }

        #[test]
        fn equals_the_definition_for_wide_weights(weights in weights(1 << 62, 40), total in 0u32..400) {
            prop_assert_eq!(apportion(&weights, total), greedy(&weights, total));
        }

        #[test]
        fn equals_the_definition_when_one_weight_dwarfs_many(big in 1u64..5_000, many in 1usize..200, total in 0u32..300) {
            let mut weights = vec![1; many];
            weights.push(big);
            prop_assert_eq!(apportion(&weights, total), greedy(&weights, total));
        }

        #[test]
        fn a_larger_total_never_takes_anything_away(weights in weights(50, 10), total in 0u32..(1 << 30)) {
            let (fewer, more) = (apportion(&weights, total), apportion(&weights, total + 1));
            prop_assert!(fewer.iter().zip(&more).all(|(fewer, more)| fewer <= more));
            prop_assert_eq!(fewer.iter().sum::<u32>(), total);
        }
    }

    #[test]
    fn ties_go_to_the_earlier_touch() {
        assert_eq!(apportion(&[1, 1, 1], 100), [34, 33, 33]);
        assert_eq!(apportion(&[1, 1, 1, 1], 2), [1, 1, 0, 0]);
        assert_eq!(apportion(&[1, 3], 1), [0, 1]);
        assert_eq!(apportion(&[1, 3], 2), [1, 1]);
    }

    #[test]
    fn the_classic_paradox_of_largest_remainders_does_not_happen() {
        // Largest remainders give 4, 4, 2 and then 5, 5, 1.
        assert_eq!(apportion(&[6, 6, 2], 10), [5, 4, 1]);
        assert_eq!(apportion(&[6, 6, 2], 11), [5, 5, 1]);
    }

    #[test]
    fn nothing_to_weigh_gives_nothing() {
        assert_eq!(apportion(&[], 7), Vec::<u32>::new());
        assert_eq!(apportion(&[0, 0], 7), [0, 0]);
    }
}
