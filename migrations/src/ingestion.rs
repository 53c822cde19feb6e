use journal::{Topic, stage_tables, topic_table};
use sea_orm_migration::SchemaManagerConnection;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbErr};

crate::steps! { Journal = "m0001_journal" => journal, Intake = "m0002_intake" => intake }

async fn journal(on: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    stage_tables(on).await?;
    topic_table(on, Topic::Events).await?;
    topic_table(on, Topic::PersonEvents).await?;
    topic_table(on, Topic::Money).await
}

/// The dedup index, verdict counters, dead letters, event types, and the key of the content hash.
async fn intake(on: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    on.execute_unprepared(
        "CREATE TABLE dedup (
            event_id BLOB NOT NULL,
            content BLOB NOT NULL,
            lane INTEGER NOT NULL,
            offset INTEGER NOT NULL,
            PRIMARY KEY (event_id)
        ) WITHOUT ROWID;
        CREATE TABLE statistics (
            id INTEGER PRIMARY KEY CHECK (id = 0),
            received INTEGER NOT NULL DEFAULT 0,
            accepted INTEGER NOT NULL DEFAULT 0,
            duplicates INTEGER NOT NULL DEFAULT 0,
            conflicts INTEGER NOT NULL DEFAULT 0,
            rejected INTEGER NOT NULL DEFAULT 0,
            consent_dropped INTEGER NOT NULL DEFAULT 0,
            analytics_dropped INTEGER NOT NULL DEFAULT 0
        );
        INSERT INTO statistics (id) VALUES (0);
        CREATE TABLE dead_letter (
            id INTEGER PRIMARY KEY,
            verdict INTEGER NOT NULL,
            field TEXT NOT NULL,
            rule TEXT NOT NULL,
            received_ms INTEGER NOT NULL,
            event BLOB NOT NULL
        );
        CREATE TABLE event_type (
            name TEXT PRIMARY KEY,
            payload INTEGER NOT NULL,
            description TEXT NOT NULL
        );
        INSERT INTO event_type (name, payload, description) VALUES ('exposure', 1, 'A unit met a variant.');
        CREATE TABLE content_key (
            id INTEGER PRIMARY KEY CHECK (id = 0),
            key BLOB NOT NULL
        );
        INSERT INTO content_key (id, key) VALUES (0, randomblob(32));",
    )
    .await?;
    Ok(())
}
