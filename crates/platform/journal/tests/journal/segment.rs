//! What only a segment in a database can get wrong: commits that nobody told it of, and a tail that ends.

use std::path::Path;

use bytes::Bytes;
use journal::{NewRecord, Options, Progress, Stage, StageRunner, Stepped, Topic, TopicReader, heads_of};
use tempfile::TempDir;

use crate::toy::{Happened, Totals, event, fact_id, key, person_event};
use crate::{reference, sql};

fn happened(ids: std::ops::Range<u32>) -> Vec<NewRecord> {
    ids.map(|id| event(&format!("device {}", id % 3), 1, &Happened { id, ..Happened::default() })).collect()
}

struct Bench {
    _directory: TempDir,
    database: store::Database,
    topic: std::sync::Arc<journal::SqlTopic>,
}

async fn bench() -> Bench {
    let directory = tempfile::tempdir().unwrap();
    let database = sql::open(&directory.path().join("segment.db")).await;
    let topic = sql::topic(&database, Topic::Events).await;
    Bench { _directory: directory, database, topic }
}

impl Bench {
    /// All records are there once, in order, from the tail and from the table alike.
    async fn check(&self, count: u32) {
        let reopened = sql::topic(&self.database, Topic::Events).await;
        let records = sql::all(&reopened).await;
        let facts: Vec<_> = records.iter().map(|record| record.record.fact).collect();
        assert_eq!(facts, (0..count).map(fact_id).collect::<Vec<_>>());
        assert_eq!(sql::all(&self.topic).await, records);
        assert_eq!(heads_of(self.topic.as_ref()), heads_of(reopened.as_ref()));
        assert_eq!(*self.topic.changed().borrow(), u64::from(count));
    }
}

#[tokio::test]
async fn a_commit_that_is_never_published_is_found_by_the_next() {
    let bench = bench().await;
    sql::append(&bench.database, &bench.topic, happened(0..4)).await;
    // Whoever commits may be dropped before it can say so: a call whose client hangs up.
    let write = bench.database.begin().await.unwrap();
    let lost = bench.topic.append(write.connection(), happened(4..9)).await.unwrap();
    write.commit().await.unwrap();
    drop(lost);
    sql::append(&bench.database, &bench.topic, happened(9..12)).await;
    bench.check(12).await;
    sql::append(&bench.database, &bench.topic, happened(12..15)).await;
    bench.check(15).await;
}

#[tokio::test]
async fn what_is_rolled_back_leaves_no_gap() {
    let bench = bench().await;
    for begin in [0, 5] {
        let write = bench.database.begin().await.unwrap();
        let void = bench.topic.append(write.connection(), happened(90..95)).await.unwrap();
        drop((write, void));
        sql::append(&bench.database, &bench.topic, happened(begin..begin + 5)).await;
        bench.check(begin + 5).await;
    }
}

#[tokio::test]
async fn several_appends_in_one_transaction_follow_each_other() {
    let bench = bench().await;
    let write = bench.database.begin().await.unwrap();
    let first = bench.topic.append(write.connection(), happened(0..3)).await.unwrap();
    let none = bench.topic.append(write.connection(), vec![]).await.unwrap();
    let second = bench.topic.append(write.connection(), happened(3..6)).await.unwrap();
    assert!(sql::all(&bench.topic).await.is_empty(), "nothing is read before the commit");
    let committed = write.commit().await.unwrap();
    [first, none, second].into_iter().for_each(|appended| bench.topic.publish(appended, &committed));
    bench.check(6).await;
}

#[tokio::test]
async fn what_has_left_the_tail_is_read_from_the_table() {
    let bench = bench().await;
    let big = |record: NewRecord| NewRecord { body: Bytes::from(vec![7; 1 << 20]), ..record };
    for id in 0..24 {
        sql::append(&bench.database, &bench.topic, happened(id..id + 1).into_iter().map(big).collect()).await;
    }
    bench.check(24).await;
    let mut progress = Progress::default();
    let mut found = Vec::new();
    loop {
        let batch = bench.topic.read(&progress, 5).await.unwrap();
        let Some(last) = batch.last() else { break };
        progress.scanned = last.seq;
        for record in batch {
            progress.offsets[usize::from(record.partition)] = record.offset;
            found.push(record.record.fact);
        }
    }
    assert_eq!(found, (0..24).map(fact_id).collect::<Vec<_>>());
}

/// Appends and folds until rest; returns how many records wait and how many postings are open.
async fn fold<const STOP: bool>(path: &Path, records: Vec<NewRecord>) -> (u64, usize) {
    let database = sql::open(path).await;
    let input = sql::topic(&database, Topic::PersonEvents).await;
    let outputs = [sql::topic(&database, Topic::Transactions).await, sql::topic(&database, Topic::Postings).await];
    sql::append(&database, &input, records).await;
    let state = sql::stage("totals", &database, &outputs.each_ref());
    let options = Options { batch_records_max: 4, ..Options::default() };
    let stage = Stage::new(Totals::<STOP> { factor: 1 }, state, vec![input], options);
    while stage.step().await.unwrap() != Stepped::Idle {}
    let pending = stage.lag().await.unwrap().pending_records;
    let open = reference::balance(&sql::all(&outputs[1]).await).len();
    database.close().await.unwrap();
    (pending, open)
}

#[tokio::test]
async fn what_stands_still_is_found_again_however_far_the_others_are() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("segment.db");
    let bought = |person: &str, id: u32| {
        let happened = Happened { id, amount: 10, order: id, poison: id == 3, ..Happened::default() };
        NewRecord { key: key(person), body: person_event(person, &happened), ..event("device", 1, &happened) }
    };
    let stops = (0..30).map(|id| bought("u:x", id));
    let goes_on = (30..60).map(|id| bought("u:y", id));
    assert_eq!(fold::<true>(&path, stops.chain(goes_on).collect()).await, (30, 30));
    assert_eq!(fold::<true>(&path, vec![bought("u:y", 60)]).await, (30, 31));
    // Where a failure costs only its key, nothing waits any more.
    assert_eq!(fold::<false>(&path, vec![]).await, (0, 31));
}
