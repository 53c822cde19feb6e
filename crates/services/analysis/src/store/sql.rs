//! The last registry heard of, in the service's database: one row.

use ::store::{ConnectionTrait, Database, StoreError, Value, blob, column, statement, unsigned};
use api::assignment::v1::WatchRegistryResponse;
use async_trait::async_trait;
use prost::Message as _;

use super::KnownRegistry;

/// In the table `known_registry`.
pub struct SqlKnownRegistry {
    database: Database,
}

impl SqlKnownRegistry {
    /// Over a database that has the table.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl KnownRegistry for SqlKnownRegistry {
    async fn load(&self) -> Result<Option<WatchRegistryResponse>, StoreError> {
        let sql = "SELECT body FROM known_registry WHERE id = ?";
        let Some(row) = self.database.reader().query_one_raw(statement(sql, [Value::from(0)])).await? else {
            return Ok(None);
        };
        let body: Vec<u8> = column(&row, 0)?;
        let snapshot = WatchRegistryResponse::decode(body.as_slice());
        snapshot.map(Some).map_err(|_| StoreError::Corrupt { what: "known registry" })
    }

    async fn save(&self, snapshot: &WatchRegistryResponse) -> Result<(), StoreError> {
        let write = self.database.begin().await?;
        let sql = "INSERT OR REPLACE INTO known_registry (id, version, body) VALUES (?, ?, ?)";
        let values = [Value::from(0), unsigned(snapshot.registry_version), blob(snapshot.encode_to_vec())];
        write.connection().execute_raw(statement(sql, values)).await?;
        write.commit().await?;
        Ok(())
    }
}
