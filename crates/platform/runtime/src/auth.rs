//! Who may call what: API keys with scopes, kept as SHA-256 hashes.
//!
//! Without any key the server trusts its callers and therefore listens on loopback only. Calls over the in-memory
//! channel come from this process and are trusted. Health and reflection are open to everybody.
//! Must never know: what a call carries.

use std::net::SocketAddr;
use std::sync::Arc;

use ::http::HeaderMap;
use ::http::header::AUTHORIZATION;
use api::Problem;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

mod scopes;

pub use scopes::{Requirement, requirement};

const API_KEY_HEADER: &str = "x-api-key";
const BEARER: &str = "bearer ";
const HASH_BYTES: usize = 32;

/// What an API key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Ask for variants.
    Assign,
    /// Send events.
    Ingest,
    /// Read reports and registries.
    Read,
    /// Change registries; assign, ingest and read besides.
    Admin,
    /// Set exchange rates and whatever else changes what money is worth.
    Finance,
}

impl Scope {
    /// As written in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Assign => "assign",
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Admin => "admin",
            Self::Finance => "finance",
        }
    }

    /// Whether a key with this scope may do what needs `needed`.
    #[must_use]
    pub fn grants(self, needed: Self) -> bool {
        self == needed || (self == Self::Admin && needed != Self::Finance)
    }
}

/// One API key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// Who has it; shown in logs.
    pub name: String,
    /// SHA-256 of the key, 64 hexadecimal digits: `printf %s "$KEY" | sha256sum`.
    pub sha256: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
}

/// The API keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthConfig {
    /// Empty: everybody on this machine may do everything.
    pub api_keys: Vec<ApiKey>,
}

/// Why the configuration of keys is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// Everybody could reach a server that trusts everybody.
    #[error(
        "refusing to listen on {address} without API keys: everybody who reaches it could read and change everything; \
         configure [[auth.api_keys]] (name, sha256 of the key, scopes) or listen on 127.0.0.1"
    )]
    OpenToTheWorld {
        /// Where it was to listen.
        address: SocketAddr,
    },
    /// The hash is none.
    #[error("the sha256 of API key {name:?} must have 64 hexadecimal digits")]
    Hash {
        /// Whose.
        name: String,
    },
    /// A key that may do nothing.
    #[error("API key {name:?} has no scopes; give it some of assign, ingest, read, admin, finance")]
    NoScopes {
        /// Whose.
        name: String,
    },
}

/// Refuses to listen beyond this machine while there are no API keys.
///
/// # Errors
/// [`AuthError::OpenToTheWorld`], whose text tells what to do.
pub fn check_bind(address: SocketAddr, config: &AuthConfig) -> Result<(), AuthError> {
    if config.api_keys.is_empty() && !address.ip().to_canonical().is_loopback() {
        return Err(AuthError::OpenToTheWorld { address });
    }
    Ok(())
}

/// Who called, in the extensions of a request that showed a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Name of the key.
    pub name: Arc<str>,
}

/// Checks the keys of calls.
#[derive(Clone, Debug)]
pub struct Authenticator {
    keys: Arc<[Key]>,
}

#[derive(Debug)]
struct Key {
    name: Arc<str>,
    hash: [u8; HASH_BYTES],
    scopes: Vec<Scope>,
}

impl Authenticator {
    /// `None` without keys: then everybody is trusted.
    ///
    /// # Errors
    /// [`AuthError`] naming the key that is malformed.
    pub fn new(config: &AuthConfig) -> Result<Option<Self>, AuthError> {
        let mut keys = Vec::with_capacity(config.api_keys.len());
        for key in &config.api_keys {
            let hash = parse_hash(&key.sha256).ok_or_else(|| AuthError::Hash { name: key.name.clone() })?;
            if key.scopes.is_empty() {
                return Err(AuthError::NoScopes { name: key.name.clone() });
            }
            keys.push(Key { name: key.name.as_str().into(), hash, scopes: key.scopes.clone() });
        }
        Ok((!keys.is_empty()).then(|| Self { keys: keys.into() }))
    }

    /// Judges one call. `Ok(None)`: open to everybody.
    ///
    /// # Errors
    /// [`Problem::Unauthenticated`] without a valid key, [`Problem::PermissionDenied`] with one that lacks the scope.
    pub fn check(&self, requirement: Requirement, headers: &HeaderMap) -> Result<Option<Caller>, Problem> {
        let Requirement::Scope(needed) = requirement else {
            return Ok(None);
        };
        let hash: [u8; HASH_BYTES] = Sha256::digest(presented(headers).ok_or(Problem::Unauthenticated)?).into();
        // Looks at every key, so that the time taken tells nothing about which one was near.
        let mut found = None;
        for key in self.keys.iter() {
            if same(&key.hash, &hash) {
                found = Some(key);
            }
        }
        let key = found.ok_or(Problem::Unauthenticated)?;
        if !key.scopes.iter().any(|scope| scope.grants(needed)) {
            return Err(Problem::PermissionDenied { scope: needed.name().to_owned() });
        }
        Ok(Some(Caller { name: key.name.clone() }))
    }
}

fn presented(headers: &HeaderMap) -> Option<&[u8]> {
    if let Some(value) = headers.get(API_KEY_HEADER) {
        return Some(value.as_bytes());
    }
    let (scheme, key) = headers.get(AUTHORIZATION)?.as_bytes().split_at_checked(BEARER.len())?;
    scheme.eq_ignore_ascii_case(BEARER.as_bytes()).then(|| key.trim_ascii())
}

/// Constant in time.
fn same(left: &[u8; HASH_BYTES], right: &[u8; HASH_BYTES]) -> bool {
    let difference = left.iter().zip(right).fold(0, |difference, (a, b)| difference | (a ^ b));
    std::hint::black_box(difference) == 0
}

fn parse_hash(text: &str) -> Option<[u8; HASH_BYTES]> {
    let mut hash = [0; HASH_BYTES];
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() == 2 * HASH_BYTES)?;
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair[0] << 4 | pair[1];
    }
    Some(hash)
}

#[cfg(test)]
mod tests;
