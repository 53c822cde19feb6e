use journal::stage_tables;
use sea_orm_migration::SchemaManagerConnection;
use sea_orm_migration::sea_orm::DbErr;

crate::steps! { Stage = "m0001_stage" => stage }

async fn stage(on: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    stage_tables(on).await
}
