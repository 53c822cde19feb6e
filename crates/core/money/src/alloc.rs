//! Divides an amount by integer shares, by Webster's method: one cent less never raises anybody's part.
//!
//! Must never know: what the shares stand for.

use apportion::apportion;

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
    if units > 0 && shares.iter().all(|share| *share == 0) {
        return Err(AllocError::NoShares { amount });
    }
    apportion(shares, units, parts);
    Ok(())
}

#[cfg(test)]
mod tests;
