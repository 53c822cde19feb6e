use journal::{Topic, stage_tables, topic_table};
use sea_orm_migration::SchemaManagerConnection;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbErr};

crate::steps! {
    Stage = "m0001_stage" => stage,
    Rates = "m0002_rates" => rates,
}

async fn stage(on: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    stage_tables(on).await?;
    topic_table(on, Topic::Transactions).await?;
    topic_table(on, Topic::Postings).await
}

/// `day` counts from 1970-01-01, UTC; `rate` is a decimal as text, because no binary number holds it exactly.
async fn rates(on: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    on.execute_unprepared(
        "CREATE TABLE rate (
            reporting TEXT NOT NULL,
            currency TEXT NOT NULL,
            day INTEGER NOT NULL,
            rate TEXT NOT NULL,
            PRIMARY KEY (reporting, currency, day)
        ) WITHOUT ROWID;",
    )
    .await?;
    Ok(())
}
