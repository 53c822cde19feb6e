//! Divides an amount by integer shares: Webster's divisor method (Sainte-Lague).
//!
//! Each unit goes to the largest `share / (2a + 1)`, where `a` is what that share already has; ties go to the earlier
//! index (Balinski and Young, Fair Representation, 1982, chapter 4). Of the methods that add up exactly this one is
//! also monotone: one cent less never raises anybody's part, which largest remainder does (Alabama paradox).
//! Must never know: what the shares stand for.

use std::cmp::Ordering;
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
    let (mut total, mut holders) = (0_u64, 0_u64);
    for &share in shares {
        total = total.saturating_add(u64::from(share));
        holders = holders.saturating_add(u64::from(share > 0));
    }
    if total == 0 {
        return Err(AllocError::NoShares { amount });
    }
    // In the result every part lies within 1/2 of share * x for one common x (the divisor's inverse), so x is at least
    // (units - holders/2) / total. Hence share * (2 units - holders) / (2 total) - 1/2, rounded up, is never above the
    // part, and all of these together miss at most one unit per holder.
    let mut left = units;
    if let Some(doubled) = units.saturating_mul(2).checked_sub(holders) {
        for (part, &share) in parts.iter_mut().zip(shares) {
            let least = least_part(share, doubled, total);
            left = left.saturating_sub(least);
            *part = i64::try_from(least).unwrap_or(amount);
        }
    }
    if shares.len() <= SCAN_LIMIT {
        give_by_scan(shares, left, parts);
    } else {
        give_by_heap(shares, left, parts);
    }
    Ok(())
}

/// `ceil((share * doubled - total) / (2 total))`, at least 0; `total` is not 0.
fn least_part(share: u32, doubled: u64, total: u64) -> u64 {
    // Amounts of every day stay in 64 bits, where the division is several times faster.
    if let (Some(product), Some(divisor)) = (u64::from(share).checked_mul(doubled), total.checked_mul(2)) {
        return product.saturating_sub(total).div_ceil(divisor);
    }
    let (product, total) = (u128::from(share).saturating_mul(u128::from(doubled)), u128::from(total));
    let least = product.saturating_sub(total).div_ceil(total.saturating_mul(2));
    u64::try_from(least).unwrap_or(u64::MAX)
}

/// `2a + 1`; a part is never negative.
fn divisor(part: i64) -> u64 {
    part.unsigned_abs().saturating_mul(2).saturating_add(1)
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

/// A share waiting for its next unit; the greatest claim is served first.
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
