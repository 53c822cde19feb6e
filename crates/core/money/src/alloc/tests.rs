use proptest::prelude::*;

use super::*;

/// The definition, unit by unit.
fn greedy(shares: &[u32], amount: i64) -> Vec<i64> {
    let mut parts = vec![0_i64; shares.len()];
    for _ in 0..amount {
        let mut best = 0;
        for i in 1..shares.len() {
            let quotient = u128::from(shares[i]) * (2 * parts[best] + 1) as u128;
            if quotient > u128::from(shares[best]) * (2 * parts[i] + 1) as u128 {
                best = i;
            }
        }
        parts[best] += 1;
    }
    parts
}

/// Whether the last unit given to anybody ranks before the next one anybody could get: the definition at any amount.
fn is_the_greedy_result(shares: &[u32], parts: &[i64]) -> bool {
    (0..shares.len()).filter(|&i| parts[i] > 0).all(|i| {
        (0..shares.len()).all(|j| {
            let given = u128::from(shares[i]) * (2 * parts[j] as u128 + 1);
            let next = u128::from(shares[j]) * (2 * parts[i] as u128 - 1);
            given > next || (given == next && i <= j) || i == j
        })
    })
}

fn any_shares(most: usize) -> impl Strategy<Value = Vec<u32>> {
    let share = prop_oneof![Just(0), 1..8_u32, 1..1_000_000_u32, Just(1 << 30), any::<u32>()];
    prop::collection::vec(share, 1..most).prop_filter("a share above zero", |s| s.iter().any(|w| *w > 0))
}

fn any_amount() -> impl Strategy<Value = i64> {
    prop_oneof![0..50_i64, 0..1_000_000_i64, 0..=i64::MAX, i64::MAX - 100..=i64::MAX]
}

#[test]
fn known_divisions() {
    assert_eq!(alloc(&[6, 6, 2], 11), Ok(vec![5, 5, 1]));
    assert_eq!(alloc(&[6, 6, 2], 10), Ok(vec![5, 4, 1]));
    assert_eq!(alloc(&[1, 1, 1], 8060), Ok(vec![2687, 2687, 2686]));
    assert_eq!(alloc(&[1, 1], 1), Ok(vec![1, 0]));
    assert_eq!(alloc(&[0, 7, 0], 9), Ok(vec![0, 9, 0]));
    assert_eq!(alloc(&[u32::MAX; 3], i64::MAX), Ok(vec![i64::MAX / 3 + 1, i64::MAX / 3, i64::MAX / 3]));
}

#[test]
fn what_cannot_be_divided_is_refused() {
    assert_eq!(alloc(&[1], -1), Err(AllocError::Negative { amount: -1 }));
    assert_eq!(alloc(&[], 1), Err(AllocError::NoShares { amount: 1 }));
    assert_eq!(alloc(&[0, 0], 1), Err(AllocError::NoShares { amount: 1 }));
    assert_eq!(alloc_into(&[1, 1], 1, &mut [0]), Err(AllocError::Length { shares: 2, places: 1 }));
    assert_eq!(alloc(&[], 0), Ok(vec![]));
    assert_eq!(alloc(&[0, 0], 0), Ok(vec![0, 0]));
}

#[test]
fn an_old_result_in_the_output_does_not_matter() {
    let mut parts = [9, -9, 9];
    assert_eq!(alloc_into(&[1, 2, 1], 4, &mut parts), Ok(()));
    assert_eq!(parts, [1, 2, 1]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn equals_the_definition_unit_by_unit(shares in any_shares(12), amount in 0..600_i64) {
        prop_assert_eq!(alloc(&shares, amount), Ok(greedy(&shares, amount)));
    }

    #[test]
    fn equals_the_definition_with_many_shares(shares in any_shares(90), amount in 0..40_i64) {
        prop_assert_eq!(alloc(&shares, amount), Ok(greedy(&shares, amount)));
    }

    #[test]
    fn adds_up_and_ranks_as_defined_at_any_amount(shares in any_shares(50), amount in any_amount()) {
        let parts = alloc(&shares, amount).unwrap();
        prop_assert!(parts.iter().all(|p| *p >= 0));
        prop_assert_eq!(parts.iter().map(|p| i128::from(*p)).sum::<i128>(), i128::from(amount));
        prop_assert!(is_the_greedy_result(&shares, &parts));
    }

    #[test]
    fn a_smaller_amount_raises_no_part(shares in any_shares(40), amount in any_amount(), less in 0..2_000_i64) {
        let (before, after) = (alloc(&shares, amount).unwrap(), alloc(&shares, (amount - less).max(0)).unwrap());
        prop_assert!(before.iter().zip(&after).all(|(b, a)| a <= b));
    }
}
