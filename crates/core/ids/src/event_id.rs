//! The identity of one event, chosen by the client.

use uuid::Uuid;

/// A client-chosen UUID. Ordered by its bytes, which is also the order of its lower-case text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(Uuid);

/// The text or bytes are not a UUID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a UUID such as 3f2a2207-423e-4f30-872d-f6189a1c312d")]
pub struct InvalidEventId;

impl EventId {
    /// Reads any of the usual UUID notations; nil is refused.
    ///
    /// # Errors
    /// [`InvalidEventId`] when the text is no UUID or all zeros.
    pub fn parse(text: &str) -> Result<Self, InvalidEventId> {
        match Uuid::try_parse(text) {
            Ok(id) if !id.is_nil() => Ok(Self(id)),
            _ => Err(InvalidEventId),
        }
    }

    /// From 16 bytes as [`EventId::as_bytes`] gives them.
    ///
    /// # Errors
    /// [`InvalidEventId`] when there are not exactly 16.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, InvalidEventId> {
        Uuid::from_slice(bytes).map(Self).map_err(|_| InvalidEventId)
    }

    /// From 16 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The same id for the same (namespace, text), for importers that must repeat themselves (UUID version 5).
    #[must_use]
    pub fn derived(namespace: &str, text: &str) -> Self {
        let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, namespace.as_bytes());
        Self(Uuid::new_v5(&namespace, text.as_bytes()))
    }

    /// The 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl std::fmt::Display for EventId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}
