//! Typed keys: what a topic is partitioned by. A kind letter keeps kinds apart, so that a user who calls
//! himself `a:x` collides with nobody.

use crate::EventId;
use xxhash_rust::xxh3::xxh3_64;

/// Virtual partitions of every topic. Part of the format for ever.
pub const PARTITIONS: u16 = 256;
/// Longest user, anonymous or transaction id, in bytes.
pub const MAX_IDENTITY_BYTES: usize = 512;

/// The partition of an encoded key: the low 8 bits of XXH3-64 over (project, 0, key).
#[must_use]
pub fn partition_of(project: &str, key: &str) -> u16 {
    let mut bytes = Vec::with_capacity(project.len().saturating_add(key.len()).saturating_add(1));
    bytes.extend_from_slice(project.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(key.as_bytes());
    u16::from(xxh3_64(&bytes).to_le_bytes()[0])
}

/// The text is no encoded key of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a key of this kind")]
pub struct InvalidKey {
    /// What was given.
    pub text: String,
}

/// Who or what an event is folded by on arrival: a device, else a user, else a transaction, else the event itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActorKey {
    /// An anonymous id: one device or browser.
    Anonymous(String),
    /// A user id without a device.
    User(String),
    /// Money without an identity.
    Transaction(String),
    /// An event without any of these.
    Event(EventId),
}

/// Who an event belongs to, once identities are linked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PersonKey {
    /// A known user.
    User(String),
    /// A device that belongs to no single user.
    Anonymous(String),
}

/// What money is folded by: a transaction, or the event that moved it when no transaction is named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MoneyKey {
    /// A transaction id.
    Transaction(String),
    /// An event without a transaction id.
    Event(EventId),
}

impl std::fmt::Display for ActorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Anonymous(id) => write!(f, "a:{id}"),
            Self::User(id) => write!(f, "u:{id}"),
            Self::Transaction(id) => write!(f, "t:{id}"),
            Self::Event(id) => write!(f, "e:{id}"),
        }
    }
}

impl std::fmt::Display for PersonKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(id) => write!(f, "u:{id}"),
            Self::Anonymous(id) => write!(f, "a:{id}"),
        }
    }
}

impl std::fmt::Display for MoneyKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Transaction(id) => write!(f, "t:{id}"),
            Self::Event(id) => write!(f, "e:{id}"),
        }
    }
}

impl std::str::FromStr for ActorKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let invalid = || InvalidKey { text: text.to_owned() };
        match text.split_at_checked(2).ok_or_else(invalid)? {
            ("a:", id) => Ok(Self::Anonymous(id.to_owned())),
            ("u:", id) => Ok(Self::User(id.to_owned())),
            ("t:", id) => Ok(Self::Transaction(id.to_owned())),
            ("e:", id) => EventId::parse(id).map(Self::Event).map_err(|_| invalid()),
            _ => Err(invalid()),
        }
    }
}

impl std::str::FromStr for PersonKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        match text.split_at_checked(2) {
            Some(("u:", id)) => Ok(Self::User(id.to_owned())),
            Some(("a:", id)) => Ok(Self::Anonymous(id.to_owned())),
            _ => Err(InvalidKey { text: text.to_owned() }),
        }
    }
}

impl std::str::FromStr for MoneyKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let invalid = || InvalidKey { text: text.to_owned() };
        match text.split_at_checked(2).ok_or_else(invalid)? {
            ("t:", id) => Ok(Self::Transaction(id.to_owned())),
            ("e:", id) => EventId::parse(id).map(Self::Event).map_err(|_| invalid()),
            _ => Err(invalid()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_never_collide_and_round_trip() {
        let device = ActorKey::Anonymous("x".into());
        let user = ActorKey::User("a:x".into());
        assert_ne!(device.to_string(), user.to_string());
        assert_eq!(user.to_string().parse::<ActorKey>(), Ok(user));
        assert!("x".parse::<PersonKey>().is_err());
        assert!("e:nothing".parse::<MoneyKey>().is_err());
    }

    #[test]
    fn partitions_are_frozen() {
        assert_eq!(partition_of("default", "u:alice"), partition_of("default", "u:alice"));
        let spread: std::collections::BTreeSet<u16> =
            (0..4096).map(|i| partition_of("default", &format!("u:{i}"))).collect();
        assert_eq!(spread.len(), usize::from(PARTITIONS));
    }
}
