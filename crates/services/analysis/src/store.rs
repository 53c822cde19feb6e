//! The registry as it was last known. Without it every restart would fold everything to nothing until the registry
//! answers, and everything again afterwards.
//!
//! Must never know: what an experiment is.

mod sql;

use ::store::StoreError;
use api::assignment::v1::WatchRegistryResponse;
use async_trait::async_trait;

pub use sql::SqlKnownRegistry;

/// Keeps the last registry heard of.
#[async_trait]
pub trait KnownRegistry: Send + Sync {
    /// The last one; `None` before the first.
    async fn load(&self) -> Result<Option<WatchRegistryResponse>, StoreError>;

    /// Replaces it.
    async fn save(&self, snapshot: &WatchRegistryResponse) -> Result<(), StoreError>;
}
