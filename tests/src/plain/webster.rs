//! Webster's method as it is defined: unit after unit to the largest `weight / (2 held + 1)`, ties to the earlier one.

/// Divides `total` by weights; nothing where all weights are 0.
pub fn divide(weights: &[i128], total: i128) -> Vec<i128> {
    let sum: i128 = weights.iter().sum();
    let count = weights.len() as i128;
    // Nobody ends further than half a unit per weight below its proportional part, so the first units need not be
    // handed out one by one: they are handed out whatever their order.
    let mut parts: Vec<i128> = weights
        .iter()
        .map(|weight| (weight * total).checked_div(sum).map_or(0, |part| (part - count).max(0)))
        .collect();
    if sum == 0 {
        return parts;
    }
    for _ in parts.iter().sum::<i128>()..total {
        let mut best = 0;
        for next in 1..weights.len() {
            if weights[next] * (2 * parts[best] + 1) > weights[best] * (2 * parts[next] + 1) {
                best = next;
            }
        }
        parts[best] += 1;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::divide;

    #[test]
    fn the_head_start_changes_nothing() {
        let by_hand = |weights: &[i128], total: i128| {
            let mut parts = vec![0_i128; weights.len()];
            for _ in 0..total {
                let better = |a: &usize, b: &usize| {
                    let left = weights[*a] * (2 * parts[*b] + 1);
                    left.cmp(&(weights[*b] * (2 * parts[*a] + 1))).then(b.cmp(a))
                };
                let best = (0..weights.len()).max_by(better).unwrap();
                parts[best] += 1;
            }
            parts
        };
        for weights in [vec![1], vec![1, 1, 1], vec![4, 1, 1, 4], vec![0, 5, 3, 0, 1_000], vec![7, 1, 1, 1, 1, 1, 1]] {
            for total in [0, 1, 2, 9, 10, 100, 1_001] {
                assert_eq!(divide(&weights, total), by_hand(&weights, total), "{weights:?} {total}");
            }
        }
    }
}
