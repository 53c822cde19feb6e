use journal::{Topic, stage_tables, topic_table};
use sea_orm_migration::SchemaManagerConnection;
use sea_orm_migration::sea_orm::DbErr;

crate::steps! { Stage = "m0001_stage" => stage }

async fn stage(on: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    stage_tables(on).await?;
    topic_table(on, Topic::Events).await?;
    topic_table(on, Topic::PersonEvents).await?;
    topic_table(on, Topic::Money).await
}
