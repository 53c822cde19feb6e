//! Divides an amount by integer shares: Webster's divisor method (Sainte-Lague).
//!
//! Each unit goes to the largest `share / (2a + 1)`, where `a` is what that share already has; ties go to the earlier
//! index (Balinski and Young, Fair Representation, 1982, chapter 4). Of the methods that add up exactly this one is
//! also monotone: one cent less never raises anybody's part, which largest remainder does (Alabama paradox).
//! Must never know: what the shares stand for.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Up to this many shares scanning beats a heap, and nothing is allocated.
const SCAN_LIMIT: usize = 16;

/// Why an amount cannot be divided.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllocError {
    /// Less than nothing.
    #[error("an amount of {amount} cannot be divided; it must not be negative")]
    Negative {
        /// What was given.
        amount: i64,
    },
    /// Nobody to give it to.
    #[error("an amount of {amount} cannot be divided without a share above zero")]
    NoShares {
        /// What was given.
        amount: i64,
    },
    /// The output has not one place per share.
    #[error("{shares} shares need as many places, not {places}")]
    Length {
        /// Shares given.
        shares: usize,
        /// Places given.
        places: usize,
    },
}

/// Divides `amount` by `shares`: one part per share, in their order, summing to exactly `amount`.
///
/// The result is that of giving unit after unit to the largest `share / (2a + 1)`, ties to the earlier index, at a cost
/// that depends on the number of shares only. An amount of 0 gives zeros whatever the shares.
///
/// # Errors
/// [`AllocError`] when the amount is negative, or above zero without a share above zero.
pub fn alloc(shares: &[u32], amount: i64) -> Result<Vec<i64>, AllocError> {
    let mut parts = vec![0; shares.len()];
    alloc_into(shares, amount, &mut parts)?;
    Ok(parts)
}

/// [`alloc`] into `parts`, which is overwritten. Allocates nothing for up to 16 shares.
///
/// # Errors
/// As [`alloc`], and [`AllocError::Length`] when `parts` is not as long as `shares`; `parts` is unspecified then.
pub fn alloc_into(shares: &[u32], amount: i64, parts: &mut [i64]) -> Result<(), AllocError> {
    if parts.len() != shares.len() {
        return Err(AllocError::Length { shares: shares.len(), places: parts.len() });
    }
    let units = u64::try_from(amount).map_err(|_| AllocError::Negative { amount })?;
    parts.fill(0);
    if units == 0 {
        return Ok(());
    }
    let total = shares.iter().fold(0_u64, |total, &share| total.saturating_add(u64::from(share)));
    if total == 0 {
        return Err(AllocError::NoShares { amount });
    }
    let mut given = 0_u64;
    for (part, &share) in parts.iter_mut().zip(shares) {
        let rounded = rounded_part(share, units, total);
        given = given.saturating_add(rounded);
        *part = i64::try_from(rounded).unwrap_or(amount);
    }
    let few = shares.len() <= SCAN_LIMIT;
    match given.cmp(&units) {
        Ordering::Less if few => give_by_scan(shares, units.saturating_sub(given), parts),
        Ordering::Less => give_by_heap(shares, units.saturating_sub(given), parts),
        Ordering::Greater if few => take_by_scan(shares, given.saturating_sub(units), parts),
        Ordering::Greater => take_by_heap(shares, given.saturating_sub(units), parts),
        Ordering::Equal => {}
    }
    Ok(())
}

/// `share * units / total`, rounded, halves up; `total` is not 0. All parts together miss `units` by at most half a
/// unit per share.
///
/// These are exactly the units whose `share / (2a + 1)` is at least `total / (2 units)`: the first ones of the method's
/// order. So what is missing or too much follows in that same order, or leaves in its reverse.
fn rounded_part(share: u32, units: u64, total: u64) -> u64 {
    // Amounts of every day stay in 64 bits, where the division is several times faster.
    if let Some(product) = units.checked_mul(2).and_then(|twice| twice.checked_mul(u64::from(share)))
        && let (Some(numerator), Some(denominator)) = (product.checked_add(total), total.checked_mul(2))
        && let Some(rounded) = numerator.checked_div(denominator)
    {
        return rounded;
    }
    let (units, total) = (u128::from(units), u128::from(total));
    let numerator = units.saturating_mul(2).saturating_mul(u128::from(share)).saturating_add(total);
    numerator.checked_div(total.saturating_mul(2)).and_then(|rounded| u64::try_from(rounded).ok()).unwrap_or(u64::MAX)
}

/// `2a + 1`, the divisor of the next unit; a part is never negative.
fn divisor(part: i64) -> u64 {
    part.unsigned_abs().saturating_mul(2).saturating_add(1)
}

/// `2a - 1`, the divisor of the last unit of a part above zero.
fn last_divisor(part: i64) -> u64 {
    part.unsigned_abs().saturating_mul(2).saturating_sub(1)
}

/// Whether `share / divisor` is above `other / other_divisor`. Products stay below 2^96.
fn is_above(share: u32, divisor: u64, other: u32, other_divisor: u64) -> bool {
    let left = u128::from(share).wrapping_mul(u128::from(other_divisor));
    let right = u128::from(other).wrapping_mul(u128::from(divisor));
    left > right
}

fn give_by_scan(shares: &[u32], units: u64, parts: &mut [i64]) {
    for _ in 0..units {
        let mut places = parts.iter_mut().zip(shares);
        let Some((mut best, &(mut best_share))) = places.next() else { return };
        let mut best_divisor = divisor(*best);
        for (part, &share) in places {
            let next_divisor = divisor(*part);
            if is_above(share, next_divisor, best_share, best_divisor) {
                (best, best_share, best_divisor) = (part, share, next_divisor);
            }
        }
        *best = best.saturating_add(1);
    }
}

fn take_by_scan(shares: &[u32], units: u64, parts: &mut [i64]) {
    for _ in 0..units {
        let mut places = parts.iter_mut().zip(shares).filter(|(part, _)| **part > 0);
        let Some((mut last, &(mut last_share))) = places.next() else { return };
        let mut least_divisor = last_divisor(*last);
        for (part, &share) in places {
            let divisor = last_divisor(*part);
            if !is_above(share, divisor, last_share, least_divisor) {
                (last, last_share, least_divisor) = (part, share, divisor);
            }
        }
        *last = last.saturating_sub(1);
    }
}

fn give_by_heap(shares: &[u32], units: u64, parts: &mut [i64]) {
    let claims = parts.iter().zip(shares).enumerate();
    let mut heap: BinaryHeap<Claim> = claims
        .filter(|(_, (_, share))| **share > 0)
        .map(|(index, (part, share))| Claim { share: *share, divisor: divisor(*part), index })
        .collect();
    for _ in 0..units {
        let Some(mut first) = heap.peek_mut() else { return };
        first.divisor = first.divisor.saturating_add(2);
        if let Some(part) = parts.get_mut(first.index) {
            *part = part.saturating_add(1);
        }
    }
}

fn take_by_heap(shares: &[u32], units: u64, parts: &mut [i64]) {
    let held = parts.iter().zip(shares).enumerate().filter(|(_, (part, _))| **part > 0);
    let mut heap: BinaryHeap<Reverse<Claim>> = held
        .map(|(index, (part, share))| Reverse(Claim { share: *share, divisor: last_divisor(*part), index }))
        .collect();
    for _ in 0..units {
        let Some(Reverse(mut last)) = heap.pop() else { return };
        if let Some(part) = parts.get_mut(last.index) {
            *part = part.saturating_sub(1);
            if *part > 0 {
                last.divisor = last_divisor(*part);
                heap.push(Reverse(last));
            }
        }
    }
}

/// A share and one of its units: the next one it waits for, or the last one it has. The greatest is given first and
/// taken back last.
struct Claim {
    share: u32,
    divisor: u64,
    index: usize,
}

impl Ord for Claim {
    fn cmp(&self, other: &Self) -> Ordering {
        let left = u128::from(self.share).wrapping_mul(u128::from(other.divisor));
        let right = u128::from(other.share).wrapping_mul(u128::from(self.divisor));
        left.cmp(&right).then_with(|| other.index.cmp(&self.index))
    }
}

impl PartialOrd for Claim {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Claim {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Claim {}

#[cfg(test)]
mod tests;
