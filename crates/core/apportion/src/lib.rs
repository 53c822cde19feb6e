//! Whole units divided in proportion to weights: Webster's divisor method (Sainte-Lague).
//!
//! Each unit goes to the largest `weight / (2a + 1)`, where `a` is what that weight already has; ties go to the earlier
//! one (Sainte-Lague, 1910; Balinski and Young, Fair Representation, 1982, chapter 4). Of the methods that add up
//! exactly this one is also monotone: one unit less never raises anybody's part, which largest remainder does (Alabama
//! paradox). Must never know: what is divided, and what the weights stand for.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod claim;

use std::cmp::Ordering;

use claim::Claim;

/// Up to this many weights scanning beats a heap, and nothing is allocated.
const SCAN_LIMIT: usize = 16;

/// A number of units, not negative.
pub trait Part: Copy {
    /// From so many, which must fit.
    fn of(units: u64) -> Self;
    /// How many.
    fn units(self) -> u64;
}

impl Part for u32 {
    fn of(units: u64) -> Self {
        Self::try_from(units).unwrap_or(Self::MAX)
    }

    fn units(self) -> u64 {
        self.into()
    }
}

impl Part for i64 {
    fn of(units: u64) -> Self {
        Self::try_from(units).unwrap_or(Self::MAX)
    }

    fn units(self) -> u64 {
        self.unsigned_abs()
    }
}

/// Divides `units` by `weights` into `parts`, one per weight, which are overwritten. They sum to `units`, or are all 0
/// where no weight is above 0.
///
/// The result is that of giving unit after unit to the largest `weight / (2a + 1)`, ties to the earlier one, at a cost
/// that depends on the number of weights only; nothing is allocated for up to 16. The largest weight times `units` must
/// stay below 2^126, and `units` must fit a part: then all arithmetic is exact.
pub fn apportion<W: Copy + Into<u64>, P: Part>(weights: &[W], units: u64, parts: &mut [P]) {
    parts.fill(P::of(0));
    let total = weights.iter().fold(0_u128, |total, &weight| total.saturating_add(u128::from(weight.into())));
    if total == 0 || units == 0 {
        return;
    }
    let narrow_total = u64::try_from(total).ok();
    let mut given = 0_u64;
    for (part, &weight) in parts.iter_mut().zip(weights) {
        let rounded = rounded_part(weight.into(), units, total, narrow_total);
        given = given.saturating_add(rounded);
        *part = P::of(rounded);
    }
    // Every part is off by half a unit at most, so more steps are never needed.
    let most = weights.len() as u64;
    let few = weights.len() <= SCAN_LIMIT;
    match given.cmp(&units) {
        Ordering::Less if few => give_by_scan(weights, units.saturating_sub(given).min(most), parts),
        Ordering::Less => claim::give_by_heap(weights, units.saturating_sub(given).min(most), parts),
        Ordering::Greater if few => take_by_scan(weights, given.saturating_sub(units).min(most), parts),
        Ordering::Greater => claim::take_by_heap(weights, given.saturating_sub(units).min(most), parts),
        Ordering::Equal => {}
    }
}

/// `weight * units / total`, rounded, halves up; `total` is not 0. All parts together miss `units` by at most half a
/// unit per weight.
///
/// These are exactly the units whose `weight / (2a + 1)` is at least `total / (2 units)`: the first ones of the
/// method's order. So what is missing or too much follows in that same order, or leaves in its reverse.
fn rounded_part(weight: u64, units: u64, total: u128, narrow_total: Option<u64>) -> u64 {
    // Amounts of every day stay in 64 bits, where the division is several times faster.
    if let Some(total) = narrow_total
        && let Some(product) = units.checked_mul(2).and_then(|twice| twice.checked_mul(weight))
        && let (Some(numerator), Some(denominator)) = (product.checked_add(total), total.checked_mul(2))
        && let Some(rounded) = numerator.checked_div(denominator)
    {
        return rounded;
    }
    let numerator = u128::from(units).saturating_mul(2).saturating_mul(u128::from(weight)).saturating_add(total);
    numerator.checked_div(total.saturating_mul(2)).and_then(|rounded| u64::try_from(rounded).ok()).unwrap_or(u64::MAX)
}

fn give_by_scan<W: Copy + Into<u64>, P: Part>(weights: &[W], units: u64, parts: &mut [P]) {
    for _ in 0..units {
        let mut places = parts.iter_mut().zip(weights).enumerate();
        let Some((place, (mut best, &weight))) = places.next() else { return };
        let mut first = Claim::next(weight.into(), *best, place);
        for (place, (part, &weight)) in places {
            let claim = Claim::next(weight.into(), *part, place);
            if claim > first {
                (best, first) = (part, claim);
            }
        }
        *best = P::of(best.units().saturating_add(1));
    }
}

fn take_by_scan<W: Copy + Into<u64>, P: Part>(weights: &[W], units: u64, parts: &mut [P]) {
    for _ in 0..units {
        let held = parts.iter_mut().zip(weights).enumerate();
        let mut places =
            held.filter_map(|(place, (part, &weight))| Some((Claim::last(weight.into(), *part, place)?, part)));
        let Some((mut last, mut least)) = places.next() else { return };
        for (claim, part) in places {
            if claim < last {
                (last, least) = (claim, part);
            }
        }
        *least = P::of(least.units().saturating_sub(1));
    }
}

#[cfg(test)]
mod tests;
