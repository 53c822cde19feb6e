//! Hommel's procedure in `O(m log m)`.
//!
//! Written as closed testing shows it (Meijer, Krebs & Goeman 2019, "Hommel's procedure in linear time"): let `S(j)` be
//! the Simes p-value of the j largest p-values and `h(alpha)` the largest j with `S(j) > alpha`. A hypothesis is
//! rejected at alpha exactly when `h(alpha) p <= alpha`. The customary algorithm takes `O(m^2)`.

/// Adjusted p-values of ascending p-values.
pub(super) fn adjusted(sorted: &[f64]) -> Vec<f64> {
    let simes = simes_of_largest(sorted);
    // bound[j]: the largest S of more than j; h(alpha) is at most j exactly from there on.
    let mut bound: Vec<f64> = Vec::with_capacity(simes.len().saturating_add(1));
    let mut largest = 0.0_f64;
    bound.push(largest);
    for value in simes.iter().rev() {
        largest = largest.max(*value);
        bound.push(largest);
    }
    bound.reverse();
    let at = |j: usize| bound.get(j).copied().unwrap_or(0.0);
    // p is rejected from max(bound[j], j p) on, for the best j; one falls and the other rises with j.
    let one = |p: f64| {
        let level = |j: usize| at(j).max(j as f64 * p);
        let crossing = first_without(bound.len(), |j| at(j) > j as f64 * p);
        level(crossing).min(level(crossing.saturating_sub(1))).min(1.0)
    };
    sorted.iter().map(|p| one(*p)).collect()
}

/// `h(alpha)`: hypotheses that may be true together at this level.
pub(super) fn true_at_most(p_values: &[f64], alpha: f64) -> f64 {
    let mut sorted = p_values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let simes = simes_of_largest(&sorted);
    simes.iter().rposition(|value| *value > alpha).map_or(0.0, |place| place.saturating_add(1) as f64)
}

/// `S(j)` for j = 1 to m: the least of `j p / rank` over the j largest p-values.
///
/// `S(j) / j` is the least slope from the point (m - j, 0) to the points (rank, p) right of it, which lies on their
/// lower convex hull; the hull grows to the left with j.
fn simes_of_largest(sorted: &[f64]) -> Vec<f64> {
    let count = sorted.len();
    // The hull, its left end last.
    let mut hull: Vec<(f64, f64)> = Vec::with_capacity(count);
    let mut simes = Vec::with_capacity(count);
    for (index, p) in sorted.iter().enumerate().rev() {
        let point = (index.saturating_add(1) as f64, *p);
        while let [.., beyond, last] = hull.as_slice()
            && is_above(point, *last, *beyond)
        {
            hull.pop();
        }
        hull.push(point);
        let origin = index as f64;
        let slope = |place: usize| hull.get(place).map_or(f64::INFINITY, |(rank, p)| p / (rank - origin));
        // Slopes from the origin fall along the hull from its right end up to the tangent, then rise.
        let tangent =
            first_without(hull.len().saturating_sub(1), |place| slope(place.saturating_add(1)) < slope(place));
        let (least, size) = (slope(tangent), count.saturating_sub(index) as f64);
        simes.push((least * size).min(1.0));
    }
    simes
}

/// Whether `middle` lies on or above the line from `left` to `right`.
fn is_above(left: (f64, f64), middle: (f64, f64), right: (f64, f64)) -> bool {
    (middle.1 - left.1) * (right.0 - left.0) >= (right.1 - left.1) * (middle.0 - left.0)
}

/// The first of `count` places that lacks a property which all before it have; `count` when none lacks it.
fn first_without(count: usize, has: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low.midpoint(high);
        if has(middle) {
            low = middle.saturating_add(1);
        } else {
            high = middle;
        }
    }
    low
}
