//! A database that holds a stage and some topics.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use journal::{LogRecord, NewRecord, Progress, SqlStage, SqlTopic, Topic, TopicReader, stage_tables, topic_table};
use sea_orm_migration::sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager};
use store::{ConnectionTrait, Database, column, statement};

struct Tables;

struct First;

impl MigrationName for First {
    fn name(&self) -> &str {
        "first"
    }
}

#[async_trait]
impl MigrationTrait for First {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let on = manager.get_connection();
        stage_tables(on).await?;
        for topic in Topic::ALL {
            topic_table(on, topic).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl MigratorTrait for Tables {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(First)]
    }
}

pub async fn open(path: &Path) -> Database {
    Database::open_sqlite::<Tables>(path).await.unwrap()
}

pub async fn topic(database: &Database, topic: Topic) -> Arc<SqlTopic> {
    Arc::new(SqlTopic::open(database, topic).await.unwrap())
}

pub fn stage(name: &'static str, database: &Database, outputs: &[&Arc<SqlTopic>]) -> Arc<SqlStage> {
    let outputs: BTreeMap<_, _> = outputs.iter().map(|topic| (topic.topic(), Arc::clone(topic))).collect();
    Arc::new(SqlStage::new(name, database, outputs))
}

/// Appends records in a transaction of their own.
pub async fn append(database: &Database, topic: &SqlTopic, records: Vec<NewRecord>) {
    let write = database.begin().await.unwrap();
    let appended = topic.append(write.connection(), records).await.unwrap();
    topic.publish(appended, &write.commit().await.unwrap());
}

/// Everything in the topic.
pub async fn all(topic: &SqlTopic) -> Vec<Arc<LogRecord>> {
    topic.read(&Progress::default(), usize::MAX >> 1).await.unwrap()
}

/// One column of text of all rows.
pub async fn texts(database: &Database, sql: &str) -> Vec<String> {
    let rows = database.reader().query_all_raw(statement(sql, [])).await.unwrap();
    rows.iter().map(|row| column(row, 0).unwrap()).collect()
}
