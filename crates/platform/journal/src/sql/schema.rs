//! Tables of the journal, for the services' migrations.

use sea_orm_migration::sea_orm::{ConnectionTrait, DbErr};

use crate::Topic;

/// Creates the segment of a topic.
///
/// # Errors
/// [`DbErr`] from the database.
pub async fn topic_table<C: ConnectionTrait>(on: &C, topic: Topic) -> Result<(), DbErr> {
    let name = topic.name();
    on.execute_unprepared(&format!(
        "CREATE TABLE topic_{name} (
            seq INTEGER PRIMARY KEY,
            lane INTEGER NOT NULL,
            offset INTEGER NOT NULL,
            appended_ms INTEGER NOT NULL,
            key TEXT NOT NULL,
            source TEXT NOT NULL,
            fact BLOB NOT NULL,
            epoch INTEGER NOT NULL,
            counter INTEGER NOT NULL,
            op INTEGER NOT NULL,
            body BLOB NOT NULL,
            trace TEXT
        );
        CREATE TABLE topic_{name}_head (
            id INTEGER PRIMARY KEY CHECK (id = 0),
            seq INTEGER NOT NULL,
            heads BLOB NOT NULL
        );"
    ))
    .await?;
    Ok(())
}

/// Creates the state of a stage.
///
/// # Errors
/// [`DbErr`] from the database.
pub async fn stage_tables<C: ConnectionTrait>(on: &C) -> Result<(), DbErr> {
    on.execute_unprepared(
        "CREATE TABLE stage_state (
            stage TEXT PRIMARY KEY,
            epoch INTEGER NOT NULL,
            generation INTEGER NOT NULL,
            folded BLOB NOT NULL,
            scan_target BLOB,
            scan_cursor TEXT
        );
        CREATE TABLE stage_progress (
            generation INTEGER NOT NULL,
            topic TEXT NOT NULL,
            scanned INTEGER NOT NULL,
            offsets BLOB NOT NULL,
            PRIMARY KEY (generation, topic)
        );
        CREATE TABLE stage_record (
            generation INTEGER NOT NULL,
            key TEXT NOT NULL,
            body BLOB NOT NULL
        );
        CREATE UNIQUE INDEX stage_record_key ON stage_record (key, generation);
        CREATE TABLE stage_sum (
            generation INTEGER NOT NULL,
            cell TEXT NOT NULL,
            columns BLOB NOT NULL,
            PRIMARY KEY (generation, cell)
        ) WITHOUT ROWID;
        CREATE TABLE stage_dead (
            id INTEGER PRIMARY KEY,
            topic TEXT NOT NULL,
            seq INTEGER NOT NULL,
            fact BLOB NOT NULL,
            reason TEXT NOT NULL,
            UNIQUE (topic, seq)
        );",
    )
    .await?;
    Ok(())
}
