//! Databases: one writer and a few readers over one SQLite file, prepared multi-row statements, one error.
//!
//! SQLite admits one writer, so the writer is a pool of exactly one connection: waiting for it is waiting for the
//! transaction before, in order, without busy errors. Every commit is synced (`synchronous = FULL`).
//! Must never know: what the tables mean.

mod bulk;
mod error;

pub use bulk::Bulk;
pub use error::StoreError;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectOptions, DbBackend, Statement, TransactionTrait};
pub use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, QueryResult, Value};
use sea_orm_migration::MigratorTrait;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Connections that only read.
const READERS: u32 = 4;
/// Longest wait for a connection before the call is refused.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

/// One service's database.
#[derive(Clone, Debug)]
pub struct Database {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    turn: Arc<Mutex<()>>,
}

/// A write transaction that holds the database's turn to write. Dropping it without `commit` rolls back.
#[derive(Debug)]
pub struct Write {
    transaction: DatabaseTransaction,
    turn: OwnedMutexGuard<()>,
}

/// A committed transaction that still holds the turn: what must be seen before the next writer begins (numbering,
/// caches) is done before this is dropped.
#[derive(Debug)]
pub struct Committed {
    _turn: OwnedMutexGuard<()>,
}

impl Database {
    /// Opens (or creates) the SQLite file and brings its tables up to date.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be opened, written or migrated.
    pub async fn open_sqlite<M: MigratorTrait>(path: &Path) -> Result<Self, StoreError> {
        let url = format!("sqlite://{}?mode=rwc", path.display());
        let connect = async |connections: u32, read_only: bool| {
            let mut options = ConnectOptions::new(url.clone());
            options
                .max_connections(connections)
                .min_connections(0)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .connect_timeout(ACQUIRE_TIMEOUT)
                .test_before_acquire(false)
                .sqlx_logging(false)
                .map_sqlx_sqlite_opts(move |sqlite| {
                    sqlite
                        .pragma("journal_mode", "WAL")
                        .pragma("synchronous", "FULL")
                        .pragma("busy_timeout", "10000")
                        .pragma("cache_size", "-8192")
                        .pragma("wal_autocheckpoint", "4000")
                        .pragma("temp_store", "MEMORY")
                        .pragma("query_only", if read_only { "ON" } else { "OFF" })
                        .statement_cache_capacity(256)
                });
            sea_orm::Database::connect(options).await
        };
        let open = |source| StoreError::Open { path: path.to_owned(), source };
        let writer = connect(1, false).await.map_err(open)?;
        M::up(&writer, None).await.map_err(open)?;
        let reader = connect(READERS, true).await.map_err(open)?;
        Ok(Self { writer, reader, turn: Arc::default() })
    }

    /// Begins a write transaction; waits for the one before it.
    ///
    /// # Errors
    /// [`StoreError::Database`] when no connection can be had in time.
    pub async fn begin(&self) -> Result<Write, StoreError> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        Ok(Write { transaction: self.writer.begin().await?, turn })
    }

    /// For reading what has been committed.
    #[must_use]
    pub const fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// Closes every connection, so that the last one folds the write-ahead log into the file.
    ///
    /// # Errors
    /// [`StoreError::Database`] when a connection cannot be closed.
    pub async fn close(self) -> Result<(), StoreError> {
        self.reader.close().await?;
        self.writer.close().await?;
        Ok(())
    }
}

impl Write {
    /// Where the statements of this transaction run.
    #[must_use]
    pub const fn connection(&self) -> &DatabaseTransaction {
        &self.transaction
    }

    /// Makes the transaction durable.
    ///
    /// # Errors
    /// [`StoreError`] when the commit fails; then nothing was kept.
    pub async fn commit(self) -> Result<Committed, StoreError> {
        self.transaction.commit().await?;
        Ok(Committed { _turn: self.turn })
    }
}

/// A statement for SQLite with its values in the order of its `?` marks.
pub fn statement(sql: impl Into<String>, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)
}

/// A blob value.
#[must_use]
pub fn blob(bytes: impl Into<Vec<u8>>) -> Value {
    Value::from(bytes.into())
}

/// An unsigned number as SQLite stores it. Values past `i64::MAX` keep their bits.
#[must_use]
pub fn unsigned(number: u64) -> Value {
    Value::from(number.cast_signed())
}

/// Reads column `index` of a row.
///
/// # Errors
/// [`StoreError::Database`] when the column has another type.
pub fn column<T: sea_orm::TryGetable>(row: &QueryResult, index: usize) -> Result<T, StoreError> {
    Ok(row.try_get_by_index(index)?)
}

/// Reads column `index` of a row as an unsigned number.
///
/// # Errors
/// [`StoreError::Database`] when the column is no integer.
pub fn unsigned_column(row: &QueryResult, index: usize) -> Result<u64, StoreError> {
    Ok(column::<i64>(row, index)?.cast_unsigned())
}
