use sea_orm_migration::SchemaManagerConnection;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbErr};

crate::steps! { Registry = "m0001_registry" => registry }

/// `definition` is the message as created and never changes; what changes in an experiment's life has its own
/// columns. `state` is draft, running or stopped.
async fn registry(on: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    on.execute_unprepared(
        "CREATE TABLE experiment (
            project TEXT NOT NULL,
            key TEXT NOT NULL,
            definition BLOB NOT NULL,
            revision INTEGER NOT NULL,
            state TEXT NOT NULL,
            start_ms INTEGER,
            stop_ms INTEGER,
            stop_reason TEXT NOT NULL,
            PRIMARY KEY (project, key)
        ) STRICT;
        CREATE TABLE registry (
            project TEXT PRIMARY KEY,
            version INTEGER NOT NULL
        ) STRICT;",
    )
    .await?;
    Ok(())
}
