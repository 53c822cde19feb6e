//! flagd's `fractional` in its three published generations, which place the same unit differently.
//!
//! 1. float: `|murmur3(flag key ++ unit) as i32| / (2^31 - 1) * 100` against running percentages (Go before
//!    flagd#1909, Python provider to 0.3).
//! 2. integer: `murmur3(flag key ++ unit) * total >> 32` against running weights (Go from 0.15, Python core 1.0).
//! 3. CBOR: as the second, over the canonical CBOR (RFC 8949, section 4.2.1) of `[flag key, unit]` or of the value
//!    that the flag buckets by (Python core 2.0, Rust).
//!
//! Where the SDKs of one generation differ, this follows Python's, which the Go sources agree with save for an
//! explicit empty text. Must never know: variants, how targeting is written or evaluated.

use super::{InvalidParameter, check_arms, check_key};
use crate::murmur3::Murmur3;
use crate::split::{MAX_TOTAL_WEIGHT, scale};
use serde::{Deserialize, Serialize};

mod cbor;

/// Which of the published algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Generation {
    /// The first: percentages in floats.
    Float,
    /// The second: integers throughout.
    Integer,
    /// The third: integers, over canonical CBOR.
    Cbor,
}

/// What is hashed.
#[derive(Clone, Copy, Debug)]
pub enum HashKey<'a> {
    /// The shorthand, without a bucketing value: the flag's key and the unit's targeting key. An empty targeting key
    /// gets no arm.
    Shorthand {
        /// Key of the flag.
        flag_key: &'a str,
        /// Who asks.
        targeting_key: &'a str,
    },
    /// A bucketing value that is a text. An empty one gets no arm before the third generation.
    Text(&'a str),
    /// Any other bucketing value. Before the third generation it gets no arm; null, and a list, which flagd takes for
    /// a distribution, never do.
    Json(&'a serde_json::Value),
}

impl Generation {
    /// The stored name: `flagd1`, `flagd2` or `flagd3`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Float => "flagd1",
            Self::Integer => "flagd2",
            Self::Cbor => "flagd3",
        }
    }

    /// The generation of a stored name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Float, Self::Integer, Self::Cbor].into_iter().find(|generation| generation.as_str() == name)
    }

    /// The index of the arm a key falls to; `None` for a key that this generation does not hash, for weights that sum
    /// to 0 or (from the second generation on) to more than 2^31 - 1, and, in the first, for the one id in 2^31 whose
    /// hash is past the last percentage. flagd then serves the default variant.
    ///
    /// The weights are walked twice; nothing is allocated but for the keys of an object.
    #[must_use]
    pub fn arm<I>(self, key: HashKey<'_>, weights: I) -> Option<usize>
    where
        I: IntoIterator<Item = u32>,
        I::IntoIter: Clone,
    {
        self.place(self.hash(key)?, weights.into_iter())
    }

    /// The 32 bits that decide.
    fn hash(self, key: HashKey<'_>) -> Option<u32> {
        let hash = match (self, key) {
            (_, HashKey::Shorthand { targeting_key: "", .. }) => return None,
            (_, HashKey::Shorthand { flag_key, targeting_key }) => {
                self.with_unit(self.with_flag_key(flag_key), targeting_key)
            }
            (_, HashKey::Json(serde_json::Value::String(text))) => return self.hash(HashKey::Text(text)),
            (Self::Float | Self::Integer, HashKey::Text("") | HashKey::Json(_)) => return None,
            (Self::Float | Self::Integer, HashKey::Text(text)) => Murmur3::new(0).update(text.as_bytes()),
            (Self::Cbor, HashKey::Text(text)) => cbor::text(Murmur3::new(0), text),
            (Self::Cbor, HashKey::Json(serde_json::Value::Null | serde_json::Value::Array(_))) => return None,
            (Self::Cbor, HashKey::Json(value)) => cbor::value(Murmur3::new(0), value),
        };
        Some(hash.finish())
    }

    /// The shorthand's hash up to the unit.
    fn with_flag_key(self, flag_key: &str) -> Murmur3 {
        match self {
            Self::Float | Self::Integer => Murmur3::new(0).update(flag_key.as_bytes()),
            Self::Cbor => cbor::text(cbor::pair(Murmur3::new(0)), flag_key),
        }
    }

    fn with_unit(self, hash: Murmur3, unit: &str) -> Murmur3 {
        match self {
            Self::Float | Self::Integer => hash.update(unit.as_bytes()),
            Self::Cbor => cbor::text(hash, unit),
        }
    }

    fn place(self, hash: u32, weights: impl Iterator<Item = u32> + Clone) -> Option<usize> {
        let total = weights.clone().fold(0_u64, |sum, weight| sum.saturating_add(u64::from(weight)));
        if total == 0 {
            return None;
        }
        if self == Self::Float {
            return place_by_percentage(hash, total, weights);
        }
        let total = u32::try_from(total).ok().filter(|total| *total <= MAX_TOTAL_WEIGHT)?;
        let bucket = u64::from(scale(hash, total));
        let mut end = 0_u64;
        weights.into_iter().position(|weight| {
            end = end.saturating_add(u64::from(weight));
            bucket < end
        })
    }
}

/// The first generation. Every quotient is the float nearest to the exact one, as in Python and Go.
fn place_by_percentage(hash: u32, total: u64, mut weights: impl Iterator<Item = u32>) -> Option<usize> {
    let bucket = f64::from(hash.cast_signed().unsigned_abs()) / f64::from(i32::MAX) * 100.0;
    let mut end = 0.0;
    weights.position(|weight| {
        end += u64::from(weight).wrapping_mul(100) as f64 / total as f64;
        bucket < end
    })
}

/// What a flag's `fractional` is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// The flag's key; absent where the flag names its own bucketing value, which then is the unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flag_key: Option<String>,
    /// One weight per arm, in the flag's order.
    pub weights: Vec<u32>,
}

/// A `fractional` with fixed weights: a flag's key is hashed once, then only the unit.
#[derive(Clone, Debug)]
pub struct Fractional {
    generation: Generation,
    parameters: Parameters,
    flag_key: Option<Murmur3>,
}

impl Fractional {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`InvalidParameter`] for a flag key above 1 KiB, no or more than 256 weights, or weights that do not sum to
    /// 1..=2^31-1.
    pub fn new(generation: Generation, parameters: Parameters) -> Result<Self, InvalidParameter> {
        let Parameters { flag_key, weights } = &parameters;
        check_key("flag_key", flag_key.as_deref().unwrap_or_default())?;
        check_arms("weights", weights.len())?;
        let sum: u64 = weights.iter().copied().map(u64::from).fold(0, u64::saturating_add);
        if !(1..=u64::from(MAX_TOTAL_WEIGHT)).contains(&sum) {
            return Err(InvalidParameter::new("weights", format!("sum to 1..={MAX_TOTAL_WEIGHT}, not {sum}")));
        }
        let flag_key = flag_key.as_ref().map(|flag_key| generation.with_flag_key(flag_key));
        Ok(Self { generation, flag_key, parameters })
    }

    /// Which algorithm.
    #[must_use]
    pub const fn generation(&self) -> Generation {
        self.generation
    }

    /// What it was made of.
    #[must_use]
    pub const fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Chances of the arms: the weights themselves.
    #[must_use]
    pub fn weights(&self) -> &[u32] {
        &self.parameters.weights
    }

    /// The arm of a unit; `None` where [`Generation::arm`] says so.
    #[must_use]
    pub fn arm(&self, unit: &str) -> Option<usize> {
        let hash = match self.flag_key {
            Some(_) if unit.is_empty() => return None,
            Some(prefix) => self.generation.with_unit(prefix, unit).finish(),
            None => self.generation.hash(HashKey::Text(unit))?,
        };
        self.generation.place(hash, self.weights().iter().copied())
    }
}

#[cfg(test)]
mod tests;
