//! The bare driver: rusqlite, over the same SQLite library that the service is linked with.
//!
//! Must never know: how the rows came about.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, Transaction, params};
use store::Database;

use crate::error::Error;

/// Rows of each table per commit.
pub const COMMIT: usize = 500;

/// What the service sets on its own connection for writing.
const SETTINGS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -8192;
    PRAGMA wal_autocheckpoint = 4000; PRAGMA temp_store = MEMORY;";
const SELECT: &str = "SELECT d.event_id, d.content, d.lane, d.offset, t.seq, t.appended_ms, t.key, t.source, t.epoch,
    t.counter, t.op, t.body, t.trace FROM topic_events t JOIN dedup d ON d.event_id = t.fact ORDER BY t.seq";
const INSERT_FIRST: &str = "INSERT INTO dedup (event_id, content, lane, offset) VALUES (?, ?, ?, ?)";
const INSERT_EVENT: &str = "INSERT INTO topic_events
    (seq, lane, offset, appended_ms, key, source, fact, epoch, counter, op, body, trace)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Rows as the service wrote them, in its order.
pub struct Rows(Vec<Row>);

/// One event's row in the dedup index and in the topic.
struct Row {
    event_id: Vec<u8>,
    content: Vec<u8>,
    lane: i64,
    offset: i64,
    seq: i64,
    appended_ms: i64,
    key: String,
    source: String,
    epoch: i64,
    counter: i64,
    op: i64,
    body: Vec<u8>,
    trace: Option<String>,
}

/// Makes the file with the service's own tables and indexes.
///
/// # Errors
/// [`Error::Store`] when it cannot be made.
pub async fn create(file: &Path) -> Result<(), Error> {
    Ok(Database::open_sqlite::<migrations::ingestion::Migrator>(file).await?.close().await?)
}

impl Rows {
    /// Reads what a service left behind.
    ///
    /// # Errors
    /// [`Error::Driver`] when the file does not read.
    pub fn read(file: &Path) -> Result<Self, Error> {
        let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut select = connection.prepare(SELECT)?;
        let rows = select.query_map([], |row| {
            Ok(Row {
                event_id: row.get(0)?,
                content: row.get(1)?,
                lane: row.get(2)?,
                offset: row.get(3)?,
                seq: row.get(4)?,
                appended_ms: row.get(5)?,
                key: row.get(6)?,
                source: row.get(7)?,
                epoch: row.get(8)?,
                counter: row.get(9)?,
                op: row.get(10)?,
                body: row.get(11)?,
                trace: row.get(12)?,
            })
        })?;
        Ok(Self(rows.collect::<Result<_, _>>()?))
    }

    /// How many events they stand for.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Writes all of them into an empty file of [`create`]; the time from the first statement to the last commit.
    ///
    /// # Errors
    /// [`Error::Driver`] when a statement fails.
    pub fn write(&self, file: &Path) -> Result<Duration, Error> {
        let mut connection = Connection::open(file)?;
        connection.execute_batch(SETTINGS)?;
        connection.set_prepared_statement_cache_capacity(16);
        let begun = Instant::now();
        for rows in self.0.chunks(COMMIT) {
            let transaction = connection.transaction()?;
            insert(&transaction, rows)?;
            transaction.commit()?;
        }
        Ok(begun.elapsed())
    }
}

fn insert(on: &Transaction<'_>, rows: &[Row]) -> Result<(), rusqlite::Error> {
    let (mut first, mut event) = (on.prepare_cached(INSERT_FIRST)?, on.prepare_cached(INSERT_EVENT)?);
    for row in rows {
        first.execute(params![row.event_id, row.content, row.lane, row.offset])?;
        event.execute(params![
            row.seq,
            row.lane,
            row.offset,
            row.appended_ms,
            row.key,
            row.source,
            row.event_id,
            row.epoch,
            row.counter,
            row.op,
            row.body,
            row.trace,
        ])?;
    }
    Ok(())
}
