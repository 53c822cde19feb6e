use super::claim::{give_by_heap, take_by_heap};
use super::*;
use proptest::prelude::*;

fn apportioned(weights: &[u64], units: u64) -> Vec<i64> {
    let mut parts = vec![0; weights.len()];
    apportion(weights, units, &mut parts);
    parts
}

/// The definition, one unit at a time.
fn greedy(weights: &[u64], units: u64) -> Vec<i64> {
    let mut parts = vec![0i64; weights.len()];
    for _ in 0..units {
        let mut best = 0;
        for place in 1..weights.len() {
            let challenger = u128::from(weights[place]) * (2 * parts[best] + 1) as u128;
            if challenger > u128::from(weights[best]) * (2 * parts[place] + 1) as u128 {
                best = place;
            }
        }
        parts[best] += 1;
    }
    parts
}

fn weights(highest: u64, length: usize) -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(0..=highest, 1..=length).prop_filter("all zero", |w| w.iter().any(|w| *w > 0))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn equals_the_definition_where_ties_are_common(weights in weights(9, 40), units in 0u64..200) {
        prop_assert_eq!(apportioned(&weights, units), greedy(&weights, units));
    }

    #[test]
    fn equals_the_definition_for_wide_weights(weights in weights(1 << 62, 40), units in 0u64..400) {
        prop_assert_eq!(apportioned(&weights, units), greedy(&weights, units));
    }

    #[test]
    fn equals_the_definition_when_one_weight_dwarfs_many(big in 1u64..5_000, many in 1usize..200, units in 0u64..300) {
        let mut weights = vec![1; many];
        weights.push(big);
        prop_assert_eq!(apportioned(&weights, units), greedy(&weights, units));
    }

    #[test]
    fn a_larger_total_never_takes_anything_away(weights in weights(1 << 62, 40), units in 0u64..i64::MAX as u64) {
        let (fewer, more) = (apportioned(&weights, units), apportioned(&weights, units + 1));
        prop_assert!(fewer.iter().zip(&more).all(|(fewer, more)| fewer <= more));
        prop_assert_eq!(fewer.iter().map(|part| *part as u64).sum::<u64>(), units);
    }

    #[test]
    fn both_kinds_of_parts_are_the_same(weights in weights(1 << 40, 20), units in 0u64..1 << 30) {
        let mut narrow = vec![7u32; weights.len()];
        apportion(&weights, units, &mut narrow);
        let wide: Vec<i64> = narrow.into_iter().map(i64::from).collect();
        prop_assert_eq!(wide, apportioned(&weights, units));
    }

    #[test]
    fn scan_and_heap_agree(weights in weights(1 << 40, SCAN_LIMIT), units in 0..200_u64) {
        let (mut scanned, mut heaped) = (vec![0i64; weights.len()], vec![0i64; weights.len()]);
        give_by_scan(&weights, units, &mut scanned);
        give_by_heap(&weights, units, &mut heaped);
        prop_assert_eq!(&scanned, &heaped);
        let (taken, mut fewer) = (units / 2, scanned.clone());
        take_by_scan(&weights, taken, &mut scanned);
        take_by_heap(&weights, taken, &mut heaped);
        prop_assert_eq!(&scanned, &heaped);
        fewer.fill(0);
        give_by_scan(&weights, units - taken, &mut fewer);
        prop_assert_eq!(scanned, fewer, "what is taken back was given last");
    }

    #[test]
    fn weights_of_any_size_end(weights in prop::collection::vec(any::<u64>(), 0..40), units in any::<u64>()) {
        let parts = apportioned(&weights, units);
        prop_assert!(parts.iter().all(|part| *part >= 0));
    }
}

#[test]
fn ties_go_to_the_earlier_one() {
    assert_eq!(apportioned(&[1, 1, 1], 100), [34, 33, 33]);
    assert_eq!(apportioned(&[1, 1, 1, 1], 2), [1, 1, 0, 0]);
    assert_eq!(apportioned(&[1, 3], 1), [0, 1]);
    assert_eq!(apportioned(&[1, 3], 2), [1, 1]);
}

#[test]
fn the_classic_paradox_of_largest_remainders_does_not_happen() {
    // Largest remainders give 4, 4, 2 and then 5, 5, 1.
    assert_eq!(apportioned(&[6, 6, 2], 10), [5, 4, 1]);
    assert_eq!(apportioned(&[6, 6, 2], 11), [5, 5, 1]);
}

#[test]
fn nothing_to_weigh_gives_nothing() {
    assert_eq!(apportioned(&[], 7), [0i64; 0]);
    assert_eq!(apportioned(&[0, 0], 7), [0, 0]);
    assert_eq!(apportioned(&[1, 2], 0), [0, 0]);
}
