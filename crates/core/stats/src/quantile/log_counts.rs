//! Counts of values by buckets of bounded relative width: quantiles without the values.
//!
//! Small integers have a bucket each; above, every power of two is divided into equal buckets (the layout of
//! HdrHistogram). Buckets are fixed once and for all and computed with integers only, so counts can be merged, taken
//! back and compared between machines. Memory: at most `(64 - bits) 2^bits` buckets for each sign, 7,300 at 7 bits.

use crate::undefined::Undefined;
use std::collections::BTreeMap;

/// The finest precision.
pub const PRECISION_BITS_MAX: u32 = 12;

/// Why counts cannot be made, merged or taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogCountsError {
    /// More bits than [`PRECISION_BITS_MAX`], or none.
    #[error("precision must lie in 1..={PRECISION_BITS_MAX} bits, not {given}")]
    Precision {
        /// What was given.
        given: u32,
    },
    /// Counts of different precision have different buckets.
    #[error("counts of {other} bits do not go with counts of {own} bits")]
    PrecisionDiffers {
        /// Bits of these counts.
        own: u32,
        /// Bits of the others.
        other: u32,
    },
    /// More than 2^64 values.
    #[error("the number of values is too large")]
    TooLarge,
    /// More is taken away than was added.
    #[error("more values of bucket {bucket} would be taken away than were added")]
    BelowZero {
        /// Which bucket.
        bucket: i32,
    },
    /// A stored bucket that these counts cannot have.
    #[error("there is no bucket {bucket}")]
    NoBucket {
        /// Which bucket.
        bucket: i32,
    },
}

impl LogCountsError {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Precision { .. } => "precision",
            Self::PrecisionDiffers { .. } => "precision_differs",
            Self::TooLarge => "too_large",
            Self::BelowZero { .. } => "below_zero",
            Self::NoBucket { .. } => "no_bucket",
        }
    }
}

/// Counts of 64-bit values by bucket. Any value that a bucket stands for is within [`LogCounts::relative_error`] of
/// every value in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogCounts {
    bits: u32,
    n: u64,
    /// By signed bucket: 0 is the value 0, negative buckets mirror the positive ones, so that order is order.
    buckets: BTreeMap<i32, u64>,
}

impl LogCounts {
    /// No values yet; `bits` of precision, 7 for a relative error of 1/256.
    ///
    /// # Errors
    /// [`LogCountsError::Precision`] outside 1 to [`PRECISION_BITS_MAX`].
    pub const fn new(bits: u32) -> Result<Self, LogCountsError> {
        if bits >= 1 && bits <= PRECISION_BITS_MAX {
            Ok(Self { bits, n: 0, buckets: BTreeMap::new() })
        } else {
            Err(LogCountsError::Precision { given: bits })
        }
    }

    /// From stored buckets; see [`LogCounts::buckets`].
    ///
    /// # Errors
    /// [`LogCountsError::NoBucket`] for a bucket beyond the last, [`LogCountsError::TooLarge`].
    pub fn from_buckets(bits: u32, buckets: impl IntoIterator<Item = (i32, u64)>) -> Result<Self, LogCountsError> {
        let mut counts = Self::new(bits)?;
        let last = bucket_of(i64::MIN.unsigned_abs(), bits);
        for (bucket, count) in buckets {
            if bucket.unsigned_abs() > last {
                return Err(LogCountsError::NoBucket { bucket });
            }
            counts.add_bucket(bucket, count)?;
        }
        Ok(counts)
    }

    /// Buckets with their counts, in order of value; none of the counts is zero.
    pub fn buckets(&self) -> impl Iterator<Item = (i32, u64)> {
        self.buckets.iter().map(|(bucket, count)| (*bucket, *count))
    }

    /// The bucket of a value, at this precision.
    #[must_use]
    pub fn bucket(&self, value: i64) -> i32 {
        let magnitude = bucket_of(value.unsigned_abs(), self.bits).cast_signed();
        if value < 0 { magnitude.saturating_neg() } else { magnitude }
    }

    /// Values counted.
    #[must_use]
    pub const fn n(&self) -> u64 {
        self.n
    }

    /// Bits of precision.
    #[must_use]
    pub const fn bits(&self) -> u32 {
        self.bits
    }

    /// By how much, relative to a value, the value that stands for its bucket may differ: `2^-(bits + 1)`. Magnitudes
    /// below `2^(bits + 1)` are exact.
    #[must_use]
    pub fn relative_error(&self) -> f64 {
        libm::scalbn(0.5, self.bits.cast_signed().saturating_neg())
    }

    /// Counts a value, `count` times. Unchanged on error.
    ///
    /// # Errors
    /// [`LogCountsError::TooLarge`].
    pub fn add(&mut self, value: i64, count: u64) -> Result<(), LogCountsError> {
        self.add_bucket(self.bucket(value), count)
    }

    /// Takes a value back, `count` times. Unchanged on error.
    ///
    /// # Errors
    /// [`LogCountsError::BelowZero`].
    pub fn subtract(&mut self, value: i64, count: u64) -> Result<(), LogCountsError> {
        self.subtract_bucket(self.bucket(value), count)
    }

    /// Adds other counts. Unchanged on error.
    ///
    /// # Errors
    /// [`LogCountsError::PrecisionDiffers`], [`LogCountsError::TooLarge`].
    pub fn merge(&mut self, other: &Self) -> Result<(), LogCountsError> {
        self.expect_precision(other)?;
        // The total bounds every bucket: if it fits, they all do.
        self.n.checked_add(other.n).ok_or(LogCountsError::TooLarge)?;
        for (bucket, count) in &other.buckets {
            self.add_bucket(*bucket, *count)?;
        }
        Ok(())
    }

    /// Takes other counts back that were merged before. Unchanged on error.
    ///
    /// # Errors
    /// [`LogCountsError::PrecisionDiffers`], [`LogCountsError::BelowZero`].
    pub fn take_back(&mut self, other: &Self) -> Result<(), LogCountsError> {
        self.expect_precision(other)?;
        let has = |bucket: &i32| self.buckets.get(bucket).copied().unwrap_or(0);
        if let Some((bucket, _)) = other.buckets.iter().find(|(bucket, count)| has(bucket) < **count) {
            return Err(LogCountsError::BelowZero { bucket: *bucket });
        }
        for (bucket, count) in &other.buckets {
            self.subtract_bucket(*bucket, *count)?;
        }
        Ok(())
    }

    /// The value below or at which a `share` of all values lies: the middle of the bucket of the value at rank
    /// `ceil(share n)`, and so within the relative error of that value.
    ///
    /// # Errors
    /// [`Undefined::NoUnits`] when nothing was counted, [`Undefined::OutOfRange`] when `share` is outside (0, 1).
    pub fn quantile(&self, share: f64) -> Result<i64, Undefined> {
        if self.n == 0 {
            return Err(Undefined::NoUnits);
        }
        if !(share > 0.0 && share < 1.0) {
            return Err(Undefined::OutOfRange);
        }
        // The product is rounded: a rank that is an integer but for that is this integer.
        let place = share * self.n as f64;
        let rank = libm::ceil(place - place * 4.0 * f64::EPSILON).max(1.0) as u64;
        let mut seen = 0_u64;
        let found = self.buckets.iter().find(|(_, count)| {
            seen = seen.saturating_add(**count);
            seen >= rank
        });
        found.or(self.buckets.last_key_value()).map(|(bucket, _)| self.middle(*bucket)).ok_or(Undefined::NoUnits)
    }

    /// How many values lie in buckets up to and with that of `value`.
    #[must_use]
    pub fn at_or_below(&self, value: i64) -> u64 {
        self.buckets.range(..=self.bucket(value)).fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// The value that stands for a bucket.
    fn middle(&self, bucket: i32) -> i64 {
        let (lower, upper) = bounds_of(bucket.unsigned_abs(), self.bits);
        let magnitude = lower.midpoint(upper);
        let value = i64::try_from(magnitude).unwrap_or(i64::MAX);
        if bucket < 0 { value.saturating_neg() } else { value }
    }

    fn expect_precision(&self, other: &Self) -> Result<(), LogCountsError> {
        let (own, other) = (self.bits, other.bits);
        if own == other { Ok(()) } else { Err(LogCountsError::PrecisionDiffers { own, other }) }
    }

    fn add_bucket(&mut self, bucket: i32, count: u64) -> Result<(), LogCountsError> {
        if count == 0 {
            return Ok(());
        }
        self.n = self.n.checked_add(count).ok_or(LogCountsError::TooLarge)?;
        let held = self.buckets.entry(bucket).or_default();
        *held = held.saturating_add(count);
        Ok(())
    }

    fn subtract_bucket(&mut self, bucket: i32, count: u64) -> Result<(), LogCountsError> {
        let below = LogCountsError::BelowZero { bucket };
        let left = self.buckets.get(&bucket).copied().unwrap_or(0).checked_sub(count).ok_or(below)?;
        if left == 0 {
            self.buckets.remove(&bucket);
        } else {
            self.buckets.insert(bucket, left);
        }
        self.n = self.n.saturating_sub(count);
        Ok(())
    }
}

/// Magnitudes below `2^(bits + 1)` are their own bucket; above, the leading `bits + 1` binary digits and the exponent
/// number the buckets without a gap.
fn bucket_of(magnitude: u64, bits: u32) -> u32 {
    let digits = 64_u32.saturating_sub(magnitude.leading_zeros());
    let dropped = digits.saturating_sub(bits.saturating_add(1));
    let leading = magnitude.wrapping_shr(dropped);
    let octave = dropped.wrapping_shl(bits);
    u32::try_from(leading).unwrap_or(u32::MAX).saturating_add(octave)
}

/// Smallest and largest magnitude of a bucket.
fn bounds_of(bucket: u32, bits: u32) -> (u64, u64) {
    let per_octave = 1_u32.wrapping_shl(bits);
    let dropped = bucket.wrapping_shr(bits).saturating_sub(1);
    let leading = u64::from(bucket.saturating_sub(dropped.saturating_mul(per_octave)));
    let lower = leading.wrapping_shl(dropped);
    let width = 1_u64.wrapping_shl(dropped);
    (lower, lower.saturating_add(width.saturating_sub(1)))
}
