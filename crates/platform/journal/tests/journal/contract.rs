//! What every backend of the ports promises. Each promise is one function, run on memory and on SQLite.

mod stage;
mod topic;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use journal::{
    FactId, Key, LogRecord, MemoryStage, MemoryTopic, NewRecord, Op, Progress, Revision, SqlStage, SqlTopic,
    StageStore, Topic, TopicReader,
};
use store::Database;
use tempfile::TempDir;

use crate::{sql, toy};

/// Runs each promise on each backend.
macro_rules! promises {
    ($($name:ident),+ $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(&mut crate::contract::Memory::new()).await;
            })+
        }

        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(&mut crate::contract::Sqlite::new().await).await;
            })+
        }
    };
}
use promises;

/// A backend with one topic that is fed from outside and one stage that writes two others.
#[async_trait]
trait Backend: Send + Sync {
    /// Appends to [`Topic::Events`] and numbers.
    async fn append(&mut self, records: Vec<NewRecord>);
    /// A topic: events, or what the stage writes.
    fn reader(&self, topic: Topic) -> Arc<dyn TopicReader>;
    fn stage(&self) -> Arc<dyn StageStore>;
    /// Numbers what the stage wrote, where that does not happen by itself.
    fn settle(&self);
    /// As after a restart.
    async fn reopen(&mut self);
    /// `seq` and reason of the dead letters.
    async fn dead(&self) -> Vec<String>;

    async fn all(&self, topic: Topic) -> Vec<Arc<LogRecord>> {
        self.settle();
        self.reader(topic).read(&Progress::default(), 1_000_000).await.unwrap()
    }
}

struct Memory {
    topics: Vec<Arc<MemoryTopic>>,
    stage: Arc<MemoryStage>,
}

impl Memory {
    fn new() -> Self {
        let topics =
            [Topic::Events, Topic::Transactions, Topic::Postings].map(|topic| Arc::new(MemoryTopic::new(topic)));
        let stage = Arc::new(MemoryStage::new("tested", topics[1..].to_vec()));
        Self { topics: topics.into(), stage }
    }
}

#[async_trait]
impl Backend for Memory {
    async fn append(&mut self, records: Vec<NewRecord>) {
        self.topics[0].append(records);
        self.topics[0].number(|_| 0);
    }

    fn reader(&self, topic: Topic) -> Arc<dyn TopicReader> {
        Arc::clone(self.topics.iter().find(|reader| reader.topic() == topic).unwrap()) as _
    }

    fn stage(&self) -> Arc<dyn StageStore> {
        Arc::clone(&self.stage) as _
    }

    fn settle(&self) {
        self.topics.iter().for_each(|topic| topic.number(|_| 0));
    }

    async fn reopen(&mut self) {}

    async fn dead(&self) -> Vec<String> {
        self.stage.dead().into_iter().map(|dead| format!("{} {}", dead.seq, dead.reason)).collect()
    }
}

struct Sqlite {
    _directory: TempDir,
    path: PathBuf,
    database: Database,
    topics: Vec<Arc<SqlTopic>>,
    stage: Arc<SqlStage>,
}

impl Sqlite {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tested.db");
        let (database, topics, stage) = Self::open(&path).await;
        Self { _directory: directory, path, database, topics, stage }
    }

    async fn open(path: &std::path::Path) -> (Database, Vec<Arc<SqlTopic>>, Arc<SqlStage>) {
        let database = sql::open(path).await;
        let mut topics = Vec::new();
        for topic in [Topic::Events, Topic::Transactions, Topic::Postings] {
            topics.push(sql::topic(&database, topic).await);
        }
        let stage = sql::stage("tested", &database, &[&topics[1], &topics[2]]);
        (database, topics, stage)
    }
}

#[async_trait]
impl Backend for Sqlite {
    async fn append(&mut self, records: Vec<NewRecord>) {
        sql::append(&self.database, &self.topics[0], records).await;
    }

    fn reader(&self, topic: Topic) -> Arc<dyn TopicReader> {
        Arc::clone(self.topics.iter().find(|reader| reader.topic() == topic).unwrap()) as _
    }

    fn stage(&self) -> Arc<dyn StageStore> {
        Arc::clone(&self.stage) as _
    }

    fn settle(&self) {}

    async fn reopen(&mut self) {
        self.database.clone().close().await.unwrap();
        (self.database, self.topics, self.stage) = Self::open(&self.path).await;
    }

    async fn dead(&self) -> Vec<String> {
        sql::texts(&self.database, "SELECT seq || ' ' || reason FROM stage_dead ORDER BY seq").await
    }
}

/// A record for a key, told apart by its number.
fn record(key: &str, number: u32) -> NewRecord {
    NewRecord {
        key: toy::key(key),
        source: toy::key("a:source"),
        fact: toy::fact_id(number),
        revision: Revision { epoch: 3, counter: u64::from(number) },
        op: Op::Value,
        body: Bytes::from(format!("body {number}")),
        trace: (number % 2 == 1).then(|| "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
    }
}

fn facts(records: &[Arc<LogRecord>]) -> Vec<FactId> {
    records.iter().map(|record| record.record.fact).collect()
}

fn lane(key: &str) -> usize {
    usize::from(Key::partition(&toy::key(key)))
}
