//! Which arithmetic an experiment or a rollout buckets by. Stored with it, for ever: a version is never changed, only
//! added.
//!
//! Must never know: audiences, names of variants.

use crate::murmur3::Murmur3;
use crate::split::{TRAFFIC_TOTAL, scale};
use crate::vendor::Bucketing;
use std::sync::Arc;

/// Longest salt, in bytes.
pub const MAX_SALT_BYTES: usize = 256;
/// Appended to a salt for decisions other than the split. They start with a control character, which no salt may hold,
/// so that no experiment's split ever equals another one's traffic, layer or holdout.
pub(crate) const TRAFFIC_SUFFIX: &str = "\u{1f}traffic";
const LAYER_SUFFIX: &str = "\u{1f}layer";
const HOLDOUT_SUFFIX: &str = "\u{1f}holdout";

/// The arithmetic from (salt, unit) to an arm.
#[derive(Clone, Debug, PartialEq)]
pub enum HashVersion {
    /// Split: `(murmur3_x86_32(salt ++ unit, 0) * total) >> 32`, as flagd's integer `fractional`.
    /// Traffic: the same with `salt ++ 0x1F ++ "traffic"`, out of 1,000,000.
    Upshot1,
    /// Split: another tool's, by its own parameters. Traffic as above, on top of the tool's own coverage.
    Vendor(Arc<Bucketing>),
}

/// The text names no arithmetic of our own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("hash_version must be \"upshot1\", not {text:?}")]
pub struct UnknownHashVersion {
    /// What was given.
    pub text: String,
}

impl HashVersion {
    /// The stored text; a vendor's needs its parameters beside it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Upshot1 => "upshot1",
            Self::Vendor(bucketing) => bucketing.version(),
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

/// Whether a text may be a salt: 1 to 256 bytes, no control characters.
pub(crate) fn is_salt(text: &str) -> bool {
    (1..=MAX_SALT_BYTES).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// A salt, already hashed, so that a decision only hashes the unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Salted(Murmur3);

impl Salted {
    pub(crate) fn split(salt: &str) -> Self {
        Self(Murmur3::new(0).update(salt.as_bytes()))
    }

    pub(crate) fn traffic(salt: &str) -> Self {
        Self::suffixed(salt, TRAFFIC_SUFFIX)
    }

    pub(crate) fn layer(salt: &str) -> Self {
        Self::suffixed(salt, LAYER_SUFFIX)
    }

    pub(crate) fn holdout(salt: &str) -> Self {
        Self::suffixed(salt, HOLDOUT_SUFFIX)
    }

    fn suffixed(salt: &str, suffix: &str) -> Self {
        Self(Self::split(salt).0.update(suffix.as_bytes()))
    }

    /// The unit's bucket among `total`.
    #[inline]
    pub(crate) fn bucket(self, unit: &str, total: u32) -> u32 {
        scale(self.0.update(unit.as_bytes()).finish(), total)
    }

    /// The unit's place among a million.
    pub(crate) fn per_million(self, unit: &str) -> u32 {
        self.bucket(unit, TRAFFIC_TOTAL)
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
        for unit in ["", "a", "user-42", "Łódź-🦊"] {
            assert_eq!(Salted::split("checkout").bucket(unit, 997), bucket("checkout", unit, 997));
            for (salted, salt) in [
                (Salted::traffic("checkout"), "checkout\u{1f}traffic"),
                (Salted::layer("checkout"), "checkout\u{1f}layer"),
                (Salted::holdout("checkout"), "checkout\u{1f}holdout"),
            ] {
                assert_eq!(salted.per_million(unit), bucket(salt, unit, TRAFFIC_TOTAL));
            }
        }
    }
}
