//! Databases: one writer and a few readers over one SQLite file, prepared multi-row statements, one error.
//!
//! SQLite admits one writer, so the writer is a pool of exactly one connection: waiting for it is waiting for the
//! transaction before, in order, without busy errors. Every commit is synced (`synchronous = FULL`). A connection
//! whose transaction did not end with a commit is never written through again: when SQLite has rolled back by itself,
//! the driver's count of open transactions stays behind, and a later commit could be one of a savepoint only.
//! Must never know: what the tables mean.

mod bulk;
mod error;

pub use bulk::Bulk;
pub use error::StoreError;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectOptions, DbBackend, DbErr, Statement, TransactionTrait};
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
    writer: Arc<Mutex<Writer>>,
    reader: DatabaseConnection,
}

/// The one connection that writes; who holds its lock has the turn.
#[derive(Debug)]
struct Writer {
    path: PathBuf,
    connection: DatabaseConnection,
    /// False from the beginning of a transaction until its commit.
    settled: bool,
}

/// A write transaction that holds the database's turn to write. Dropping it without `commit` rolls back.
#[derive(Debug)]
pub struct Write {
    transaction: DatabaseTransaction,
    turn: OwnedMutexGuard<Writer>,
}

/// A committed transaction that still holds the turn: what must be seen before the next writer begins (numbering,
/// caches) is done before this is dropped.
#[derive(Debug)]
pub struct Committed {
    _turn: OwnedMutexGuard<Writer>,
}

impl Database {
    /// Opens (or creates) the SQLite file and brings its tables up to date.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be opened, written or migrated.
    pub async fn open_sqlite<M: MigratorTrait>(path: &Path) -> Result<Self, StoreError> {
        let open = |source| StoreError::Open { path: path.to_owned(), source };
        let connection = connect(path, 1, false).await.map_err(open)?;
        M::up(&connection, None).await.map_err(open)?;
        let reader = connect(path, READERS, true).await.map_err(open)?;
        let writer = Writer { path: path.to_owned(), connection, settled: true };
        Ok(Self { writer: Arc::new(Mutex::new(writer)), reader })
    }

    /// Begins a write transaction; waits for the one before it.
    ///
    /// # Errors
    /// [`StoreError::Database`] when no connection can be had in time.
    pub async fn begin(&self) -> Result<Write, StoreError> {
        let mut turn = Arc::clone(&self.writer).lock_owned().await;
        if !turn.settled {
            turn.connection.close_by_ref().await?;
            turn.connection = connect(&turn.path, 1, false).await?;
        }
        turn.settled = false;
        Ok(Write { transaction: turn.connection.begin().await?, turn })
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
        self.writer.lock().await.connection.close_by_ref().await?;
        Ok(())
    }
}

async fn connect(path: &Path, connections: u32, read_only: bool) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rwc", path.display()));
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
        let Self { transaction, mut turn } = self;
        transaction.commit().await?;
        turn.settled = true;
        Ok(Committed { _turn: turn })
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

#[cfg(test)]
mod tests;
