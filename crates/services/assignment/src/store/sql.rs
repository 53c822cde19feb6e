//! The registry in SQLite: tables `experiment` and `registry`.
//!
//! Must never know: what a definition says.

use api::assignment::v1;
use async_trait::async_trait;
use bucketing::State;
use ids::Timestamp;
use prost::Message as _;
use store::{ConnectionTrait, Database, QueryResult, StoreError, Value, blob, column, statement, unsigned_column};

use super::{Record, RegistryStore, Stored};
use crate::PROJECT;
use crate::experiment::Life;

const LOAD: &str = "SELECT key, definition, revision, state, start_ms, stop_ms, stop_reason FROM experiment \
                    WHERE project = ? ORDER BY key";
const VERSION: &str = "SELECT version FROM registry WHERE project = ?";
const INSERT: &str = "INSERT INTO experiment \
                      (project, key, definition, revision, state, start_ms, stop_ms, stop_reason) \
                      VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
const MOVE_ON: &str = "UPDATE experiment SET state = ?, start_ms = ?, stop_ms = ?, stop_reason = ? \
                       WHERE project = ? AND key = ? AND state = ?";
const RAISE: &str = "INSERT INTO registry (project, version) VALUES (?, 1) \
                     ON CONFLICT (project) DO UPDATE SET version = version + 1 RETURNING version";

/// The registry in a database that has assignment's tables.
#[derive(Clone, Debug)]
pub(crate) struct SqlRegistry(Database);

impl SqlRegistry {
    pub(crate) const fn new(database: Database) -> Self {
        Self(database)
    }

    /// Executes one statement; where it changes a row, raises the version in the same transaction.
    async fn change(&self, sql: &'static str, values: Vec<Value>) -> Result<Option<u64>, StoreError> {
        let write = self.0.begin().await?;
        let changed = write.connection().execute_raw(statement(sql, values)).await?.rows_affected();
        if changed == 0 {
            write.commit().await?;
            return Ok(None);
        }
        let row = write.connection().query_one_raw(statement(RAISE, [PROJECT.into()])).await?;
        let version = unsigned_column(&row.ok_or(StoreError::Corrupt { what: "registry version" })?, 0)?;
        write.commit().await?;
        Ok(Some(version))
    }
}

#[async_trait]
impl RegistryStore for SqlRegistry {
    async fn load(&self) -> Result<Stored, StoreError> {
        // In the writer's turn, so that version and rows are of one moment.
        let write = self.0.begin().await?;
        let version = write.connection().query_one_raw(statement(VERSION, [PROJECT.into()])).await?;
        let rows = write.connection().query_all_raw(statement(LOAD, [PROJECT.into()])).await?;
        write.commit().await?;
        let version = version.map_or(Ok(0), |row| unsigned_column(&row, 0))?;
        Ok(Stored { version, records: rows.iter().map(record).collect::<Result<_, _>>()? })
    }

    async fn insert(&self, record: &Record) -> Result<Option<u64>, StoreError> {
        let mut values: Vec<Value> = vec![
            PROJECT.into(),
            record.key.clone().into(),
            blob(record.definition.encode_to_vec()),
            record.revision.into(),
        ];
        values.extend(life_columns(&record.life));
        self.change(INSERT, values).await
    }

    async fn move_on(&self, key: &str, from: State, to: &Life) -> Result<Option<u64>, StoreError> {
        let mut values = life_columns(to).to_vec();
        values.extend([PROJECT.into(), key.into(), from.as_str().into()]);
        self.change(MOVE_ON, values).await
    }
}

/// State, start, stop, reason.
fn life_columns(life: &Life) -> [Value; 4] {
    let (stop, reason) = match life {
        Life::Draft | Life::Running { .. } => (None, ""),
        Life::Stopped { at, reason, .. } => (Some(at.as_millis()), reason.as_str()),
    };
    [life.state().as_str().into(), life.start().map(Timestamp::as_millis).into(), stop.into(), reason.into()]
}

fn record(row: &QueryResult) -> Result<Record, StoreError> {
    let corrupt = |what| StoreError::Corrupt { what };
    let definition: Vec<u8> = column(row, 1)?;
    Ok(Record {
        key: column(row, 0)?,
        definition: v1::Experiment::decode(definition.as_slice()).map_err(|_| corrupt("experiment definition"))?,
        revision: u32::try_from(unsigned_column(row, 2)?).map_err(|_| corrupt("experiment revision"))?,
        life: life(row)?,
    })
}

fn life(row: &QueryResult) -> Result<Life, StoreError> {
    let state: String = column(row, 3)?;
    let instant = |index| -> Result<Option<Timestamp>, StoreError> {
        let millis: Option<i64> = column(row, index)?;
        let parsed = millis.map(Timestamp::from_millis).transpose();
        parsed.map_err(|_| StoreError::Corrupt { what: "experiment instant" })
    };
    match (state.parse(), instant(4)?, instant(5)?) {
        (Ok(State::Draft), None, None) => Ok(Life::Draft),
        (Ok(State::Running), Some(start), None) => Ok(Life::Running { start }),
        (Ok(State::Stopped), Some(start), Some(at)) => Ok(Life::Stopped { start, at, reason: column(row, 6)? }),
        _ => Err(StoreError::Corrupt { what: "experiment state" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract;

    #[tokio::test]
    async fn keeps_the_contract() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("assignment.db");
        let open =
            async || SqlRegistry::new(Database::open_sqlite::<migrations::assignment::Migrator>(&path).await.unwrap());
        let store = open().await;
        contract::run(&store).await;
        let before = store.load().await.unwrap();
        store.0.clone().close().await.unwrap();
        assert_eq!(open().await.load().await.unwrap(), before, "reads back after a restart");
    }
}
