//! Which arithmetic an experiment buckets by. Stored with the experiment, for ever: a version is never changed, only
//! added.
//!
//! Must never know: weights, variants, audiences.

use crate::murmur3::Murmur3;
use crate::split::{TRAFFIC_TOTAL, scale};

/// Appended to the salt for the traffic decision. Starts with a control character, which no salt may hold, so that
/// no experiment's split ever equals another one's traffic.
const TRAFFIC_SUFFIX: &str = "\u{1f}traffic";

/// The arithmetic from (salt, unit) to buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashVersion {
    /// Split: `(murmur3_x86_32(salt ++ unit, 0) * total) >> 32`, as flagd's integer `fractional`.
    /// Traffic: the same with `salt ++ 0x1F ++ "traffic"`, out of 1,000,000.
    Upshot1,
}

/// The text names no known hash version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("hash_version must be \"upshot1\", not {text:?}")]
pub struct UnknownHashVersion {
    /// What was given.
    pub text: String,
}

impl HashVersion {
    /// The stored text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upshot1 => "upshot1",
        }
    }

    /// Hashes the salt once, so that a decision only hashes the unit.
    pub(crate) fn salted(self, salt: &str) -> Salted {
        match self {
            Self::Upshot1 => {
                let split = Murmur3::new(0).update(salt.as_bytes());
                Salted { split, traffic: split.update(TRAFFIC_SUFFIX.as_bytes()) }
            }
        }
    }
}

impl std::str::FromStr for HashVersion {
    type Err = UnknownHashVersion;

    fn from_str(text: &str) -> Result<Self, UnknownHashVersion> {
        match text {
            "upshot1" => Ok(Self::Upshot1),
            _ => Err(UnknownHashVersion { text: text.to_owned() }),
        }
    }
}

impl std::fmt::Display for HashVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An experiment's salt, already hashed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Salted {
    split: Murmur3,
    traffic: Murmur3,
}

impl Salted {
    /// The unit's bucket among `total` weights.
    pub(crate) fn split_bucket(&self, unit: &str, total: u32) -> u32 {
        scale(self.split.update(unit.as_bytes()).finish(), total)
    }

    /// The unit's place in the ramp, in `0..1_000_000`; independent of its split bucket.
    pub(crate) fn traffic_bucket(&self, unit: &str) -> u32 {
        scale(self.traffic.update(unit.as_bytes()).finish(), TRAFFIC_TOTAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::split::bucket;

    #[test]
    fn stored_text_round_trips() {
        assert_eq!("upshot1".parse(), Ok(HashVersion::Upshot1));
        assert_eq!(HashVersion::Upshot1.to_string(), "upshot1");
        assert!("upshot2".parse::<HashVersion>().unwrap_err().to_string().starts_with("hash_version"));
    }

    #[test]
    fn salted_hashers_are_the_documented_formula() {
        let salted = HashVersion::Upshot1.salted("checkout");
        for unit in ["", "a", "user-42", "Łódź-🦊"] {
            assert_eq!(salted.split_bucket(unit, 997), bucket("checkout", unit, 997));
            assert_eq!(salted.traffic_bucket(unit), bucket("checkout\u{1f}traffic", unit, TRAFFIC_TOTAL));
        }
    }
}
