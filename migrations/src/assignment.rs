use sea_orm_migration::SchemaManagerConnection;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbErr};

crate::steps! { Registry = "m0001_registry" => registry }

async fn registry(on: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    on.execute_unprepared(
        "CREATE TABLE experiment (
            project TEXT NOT NULL,
            key TEXT NOT NULL,
            version INTEGER NOT NULL,
            definition BLOB NOT NULL,
            PRIMARY KEY (project, key)
        );
        CREATE TABLE registry (
            project TEXT PRIMARY KEY,
            version INTEGER NOT NULL
        );",
    )
    .await?;
    Ok(())
}
