//! A set of a layer's buckets, compressed: two bytes for a bucket among few, a bit among many.
//!
//! Must never know: who owns it.

use crate::murmur3::Murmur3;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roaring::RoaringBitmap;
use std::ops::Sub;

/// Buckets of a layer.
pub const LAYER_BUCKETS: u32 = 1_000_000;
/// Longest text of a set: more than the million alternating bits take.
const MAX_TEXT_BYTES: usize = 400_000;

/// Buckets of `0..1_000_000`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BucketSet(RoaringBitmap);

/// What is no set of buckets.
#[derive(Debug, thiserror::Error)]
pub enum InvalidBuckets {
    /// A bucket that no layer has.
    #[error("must be below {LAYER_BUCKETS}, not {found}")]
    OutOfRange {
        /// The bucket given.
        found: u32,
    },
    /// Longer than any set is.
    #[error("must have at most {MAX_TEXT_BYTES} bytes, not {found}")]
    TooLong {
        /// Bytes given.
        found: usize,
    },
    /// Not base64.
    #[error("must be base64")]
    Text(#[source] base64::DecodeError),
    /// Not the portable serialisation of a Roaring bitmap.
    #[error("must be a Roaring bitmap")]
    Bitmap(#[source] std::io::Error),
    /// A bitmap with something after it.
    #[error("must be one Roaring bitmap and nothing else")]
    Trailing,
}

impl BucketSet {
    /// A set of these buckets.
    ///
    /// # Errors
    /// [`InvalidBuckets::OutOfRange`] at or above 1,000,000.
    pub fn new(buckets: impl IntoIterator<Item = u32>) -> Result<Self, InvalidBuckets> {
        Self::checked(buckets.into_iter().collect())
    }

    fn checked(bitmap: RoaringBitmap) -> Result<Self, InvalidBuckets> {
        match bitmap.max() {
            Some(found) if found >= LAYER_BUCKETS => Err(InvalidBuckets::OutOfRange { found }),
            _ => Ok(Self(bitmap)),
        }
    }

    /// Reads what [`BucketSet::encode`] wrote.
    ///
    /// # Errors
    /// [`InvalidBuckets`] naming the rule broken.
    pub fn decode(text: &str) -> Result<Self, InvalidBuckets> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(InvalidBuckets::TooLong { found: text.len() });
        }
        let bytes = STANDARD.decode(text).map_err(InvalidBuckets::Text)?;
        let mut rest = bytes.as_slice();
        let bitmap = RoaringBitmap::deserialize_from(&mut rest).map_err(InvalidBuckets::Bitmap)?;
        if !rest.is_empty() {
            return Err(InvalidBuckets::Trailing);
        }
        Self::checked(bitmap)
    }

    /// The portable serialisation of a Roaring bitmap (<https://github.com/RoaringBitmap/RoaringFormatSpec>), in
    /// base64.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(self.0.serialized_size());
        // Writing to memory does not fail; what were missing would not read back.
        let _ = self.0.serialize_into(&mut bytes);
        STANDARD.encode(bytes)
    }

    /// Whether it holds a bucket.
    #[must_use]
    pub fn contains(&self, bucket: u32) -> bool {
        self.0.contains(bucket)
    }

    /// How many it holds.
    #[must_use]
    pub fn len(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All it holds, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter()
    }

    /// The first bucket that both hold.
    pub(super) fn first_shared(&self, other: &Self) -> Option<u32> {
        (&self.0 & &other.0).min()
    }

    pub(super) fn extend(&mut self, other: &Self) {
        self.0 |= &other.0;
    }

    pub(super) fn without(&self, other: &Self) -> Self {
        Self(Sub::sub(&self.0, &other.0))
    }

    pub(super) fn complement(&self) -> Self {
        let mut all = RoaringBitmap::new();
        all.insert_range(0..LAYER_BUCKETS);
        Self(all).without(self)
    }

    /// `count` of these, spread over all of them in a way that only `seed` decides: those that hash lowest.
    pub(super) fn scattered(&self, count: u32, seed: Murmur3) -> Self {
        let count = count as usize;
        let place = |bucket: u32| u64::from(seed.update(&bucket.to_le_bytes()).finish()) << 32 | u64::from(bucket);
        let mut places: Vec<u64> = self.iter().map(place).collect();
        if count < places.len() {
            places.select_nth_unstable(count);
            places.truncate(count);
        }
        Self(places.into_iter().map(|place| place as u32).collect())
    }
}
