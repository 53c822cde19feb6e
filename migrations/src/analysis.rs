use journal::stage_tables;
use sea_orm_migration::SchemaManagerConnection;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbErr};

crate::steps! {
    Stage = "m0001_stage" => stage,
    KnownRegistry = "m0002_known_registry" => known_registry,
}

async fn stage(on: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    stage_tables(on).await
}

/// The registry of experiments as it was last known: one row.
async fn known_registry(on: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    on.execute_unprepared(
        "CREATE TABLE known_registry (
            id INTEGER PRIMARY KEY CHECK (id = 0),
            version INTEGER NOT NULL,
            body BLOB NOT NULL
        );",
    )
    .await?;
    Ok(())
}
