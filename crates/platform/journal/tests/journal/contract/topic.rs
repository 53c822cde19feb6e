//! Promises of [`TopicReader`](journal::TopicReader).

use std::collections::BTreeMap;

use journal::{Op, Position, Progress, Topic, heads_of};

use super::{Backend, facts, lane, promises, record};
use crate::toy::fact_id;

promises!(
    records_come_back_as_they_went_in,
    offsets_are_dense_per_partition_and_seqs_over_all,
    progress_says_what_is_new,
    a_limit_gives_the_first_ones,
    records_are_fetched_by_seq_and_unknown_ones_left_out,
    heads_and_numbers_survive_a_restart,
    growth_wakes_whoever_waits,
);

async fn records_come_back_as_they_went_in(on: &mut impl Backend) {
    let mut records: Vec<_> = (0..300).map(|number| record(&format!("k:{}", number % 7), number)).collect();
    records[5].op = Op::Tombstone;
    records[6].op = Op::Reversal;
    on.append(records.clone()).await;
    on.append(vec![]).await;
    let before = on.all(Topic::Events).await;
    assert_eq!(before.iter().map(|record| record.record.clone()).collect::<Vec<_>>(), records);
    on.reopen().await;
    assert_eq!(on.all(Topic::Events).await, before, "the tail in memory and the table say the same");
}

async fn offsets_are_dense_per_partition_and_seqs_over_all(on: &mut impl Backend) {
    for batch in 0..5 {
        on.append((0..20).map(|number| record(&format!("k:{number}"), batch * 20 + number)).collect()).await;
    }
    let mut heads: BTreeMap<u16, u64> = BTreeMap::new();
    for (seq, record) in (1..).zip(on.all(Topic::Events).await) {
        assert_eq!((record.seq, record.partition), (seq, record.record.key.partition()));
        let head = heads.entry(record.partition).or_default();
        *head += 1;
        assert_eq!(record.offset, *head);
    }
    let topic = Topic::Events;
    let expected: Vec<_> = heads.into_iter().map(|(partition, offset)| Position { topic, partition, offset }).collect();
    assert_eq!(heads_of(on.reader(topic).as_ref()), expected);
}

async fn progress_says_what_is_new(on: &mut impl Backend) {
    assert_ne!(lane("k:1"), lane("k:2"));
    on.append(vec![record("k:1", 1), record("k:2", 2), record("k:1", 3), record("k:2", 4)]).await;
    let mut progress = Progress::default();
    progress.offsets[lane("k:1")] = 2;
    for _ in 0..2 {
        let reader = on.reader(Topic::Events);
        assert_eq!(facts(&reader.read(&progress, 10).await.unwrap()), [fact_id(2), fact_id(4)]);
        // What is scanned is a promise of the stage, that a reader may rely on or not.
        let scanned = Progress { scanned: 1, ..progress.clone() };
        assert_eq!(facts(&reader.read(&scanned, 10).await.unwrap()), [fact_id(2), fact_id(4)]);
        let mut done = Progress { scanned: 4, ..progress.clone() };
        done.offsets[lane("k:2")] = 2;
        assert!(reader.read(&done, 10).await.unwrap().is_empty());
        let mut past = progress.clone();
        past.offsets[lane("k:2")] = u64::MAX;
        assert!(reader.read(&past, 10).await.unwrap().is_empty());
        on.reopen().await;
    }
}

async fn a_limit_gives_the_first_ones(on: &mut impl Backend) {
    assert_ne!(lane("k:1"), lane("k:2"));
    let key = |number: u32| if number < 30 { "k:1" } else { "k:2" };
    on.append((0..40).map(|number| record(key(number), number)).collect()).await;
    let mut progress = Progress::default();
    progress.offsets[lane("k:1")] = 30;
    for _ in 0..2 {
        let reader = on.reader(Topic::Events);
        assert_eq!(facts(&reader.read(&Progress::default(), 3).await.unwrap()), [0, 1, 2].map(fact_id));
        assert_eq!(facts(&reader.read(&progress, 2).await.unwrap()), [30, 31].map(fact_id), "past many that are done");
        on.reopen().await;
    }
}

async fn records_are_fetched_by_seq_and_unknown_ones_left_out(on: &mut impl Backend) {
    on.append((1..=400).map(|number| record("k:1", number)).collect()).await;
    let wanted: Vec<u64> = [400, 0, 7, 401, 1_000_000].into_iter().chain(100..300).collect();
    let mut found = on.reader(Topic::Events).fetch(&wanted).await.unwrap();
    found.sort_by_key(|record| record.seq);
    let expected: Vec<_> = [7].into_iter().chain(100..300).chain([400]).map(fact_id).collect();
    assert_eq!(facts(&found), expected);
    assert!(on.reader(Topic::Events).fetch(&[]).await.unwrap().is_empty());
}

async fn heads_and_numbers_survive_a_restart(on: &mut impl Backend) {
    on.append((1..=50).map(|number| record(&format!("k:{number}"), number)).collect()).await;
    let heads = on.reader(Topic::Events).heads();
    on.reopen().await;
    assert_eq!(on.reader(Topic::Events).heads(), heads);
    assert_eq!(*on.reader(Topic::Events).changed().borrow(), 50);
    on.append(vec![record("k:1", 51)]).await;
    let last = on.all(Topic::Events).await.pop().unwrap();
    assert_eq!((last.seq, last.offset), (51, heads[lane("k:1")] + 1));
}

async fn growth_wakes_whoever_waits(on: &mut impl Backend) {
    let mut waker = on.reader(Topic::Events).changed();
    waker.mark_unchanged();
    assert!(!waker.has_changed().unwrap());
    on.append(vec![record("k:1", 1), record("k:2", 2)]).await;
    assert!(waker.has_changed().unwrap());
    assert_eq!(*waker.borrow_and_update(), 2);
}
