//! GrowthBook's two hashes: FNV-1a, 32 bits, over UTF-16 code units.
//!
//! Must never know: ranges, weights, experiments.

use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// `hashVersion`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Version {
    /// `fnv(unit ++ seed) % 1000`; biased, and the default of features.
    V1,
    /// `fnv(decimal(fnv(seed ++ unit))) % 10000`.
    #[default]
    V2,
}

impl Version {
    /// The version of GrowthBook's number.
    #[must_use]
    pub const fn from_number(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::V1),
            2 => Some(Self::V2),
            _ => None,
        }
    }

    /// How many buckets it has.
    #[must_use]
    pub const fn buckets(self) -> u32 {
        match self {
            Self::V1 => 1_000,
            Self::V2 => 10_000,
        }
    }

    /// How many buckets have `bucket / buckets < bound`, compared in floats.
    pub(super) fn buckets_below(self, bound: f64) -> u32 {
        self.count(|share| share < bound)
    }

    /// How many buckets have `bucket / buckets <= bound`, compared in floats.
    pub(super) fn buckets_up_to(self, bound: f64) -> u32 {
        self.count(|share| share <= bound)
    }

    /// Bisects, since `holds` is true up to some share and false from there on.
    fn count(self, holds: impl Fn(f64) -> bool) -> u32 {
        let (mut low, mut high) = (0, self.buckets());
        while low < high {
            let middle = low.midpoint(high);
            if holds(f64::from(middle) / f64::from(self.buckets())) {
                low = middle.saturating_add(1);
            } else {
                high = middle;
            }
        }
        low
    }
}

impl TryFrom<u8> for Version {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        Self::from_number(number.into()).ok_or("hash_version must be 1 or 2")
    }
}

impl From<Version> for u8 {
    fn from(version: Version) -> Self {
        match version {
            Version::V1 => 1,
            Version::V2 => 2,
        }
    }
}

/// A hash that waits for the unit.
#[derive(Clone, Debug)]
pub(super) enum Seeded {
    /// The seed comes last, so it stays a text.
    V1(Box<[u16]>),
    /// The seed, hashed.
    V2(Fnv),
}

impl Seeded {
    pub(super) fn new(version: Version, seed: &str) -> Self {
        match version {
            Version::V1 => Self::V1(seed.encode_utf16().collect()),
            Version::V2 => Self::V2(Fnv::new().text(seed)),
        }
    }

    pub(super) const fn version(&self) -> Version {
        match self {
            Self::V1(_) => Version::V1,
            Self::V2(_) => Version::V2,
        }
    }

    /// The unit's bucket, below [`Version::buckets`].
    pub(super) fn bucket(&self, unit: &str) -> u32 {
        match self {
            Self::V1(seed) => Fnv::new().text(unit).units(seed.iter().copied()).0 % 1_000,
            Self::V2(seeded) => {
                let mut again = Fnv::new();
                // Hashing cannot fail, so neither can writing the digits.
                let _ = write!(again, "{}", seeded.text(unit).0);
                again.0 % 10_000
            }
        }
    }
}

/// FNV-1a under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fnv(u32);

impl Fnv {
    const fn new() -> Self {
        Self(0x811c_9dc5)
    }

    fn text(self, text: &str) -> Self {
        self.units(text.encode_utf16())
    }

    fn units(self, units: impl Iterator<Item = u16>) -> Self {
        Self(units.fold(self.0, |hash, unit| (hash ^ u32::from(unit)).wrapping_mul(0x0100_0193)))
    }
}

impl Write for Fnv {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        *self = self.text(text);
        Ok(())
    }
}
