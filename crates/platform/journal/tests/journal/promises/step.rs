//! Batches, leases and what others may ask meanwhile.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use journal::{
    Cell, Claim, Commit, JournalError, Key, MemoryStage, NewRecord, Op, Position, StageRunner, StageStore, Stepped,
    Topic,
};

use super::{Bench, assert_fenced, bought, done_at_once, keys};
use crate::toy::{Totals, event, key, withdrawn};

#[tokio::test]
async fn events_move_to_the_only_user_and_back() {
    let bench = Bench::people();
    bench.deliver([event("phone", 1, &bought(1, "", 5)), event("phone", 1, &bought(2, "", 6))]);
    bench.rest().await;
    assert_eq!(keys(&bench.live(Topic::PersonEvents)), ["a:phone", "a:phone"]);
    let login = event("phone", 1, &bought(3, "x", 0));
    bench.deliver([login]);
    bench.rest().await;
    assert_eq!(keys(&bench.live(Topic::PersonEvents)), ["u:x", "u:x", "u:x"]);
    let other = event("phone", 1, &bought(4, "y", 0));
    bench.deliver([other.clone()]);
    bench.rest().await;
    assert_eq!(keys(&bench.live(Topic::PersonEvents)), ["a:phone", "a:phone", "u:x", "u:y"]);
    bench.deliver([withdrawn(other)]);
    bench.rest().await;
    assert_eq!(keys(&bench.live(Topic::PersonEvents)), ["u:x", "u:x", "u:x"]);
}

#[tokio::test]
async fn an_older_version_that_comes_later_is_ignored() {
    let bench = Bench::people();
    let (old, new) = (event("phone", 1, &bought(1, "", 5)), event("phone", 2, &bought(1, "", 6)));
    bench.deliver([new.clone()]);
    bench.rest().await;
    let (live, published) = (bench.live(Topic::PersonEvents), bench.published());
    bench.deliver([old, new.clone(), NewRecord { body: vec![].into(), ..new }]);
    bench.rest().await;
    assert_eq!((bench.live(Topic::PersonEvents), bench.published()), (live, published));
}

#[tokio::test]
async fn a_version_that_is_older_than_a_withdrawal_stays_withdrawn() {
    let bench = Bench::people();
    let sold = event("phone", 1, &bought(1, "", 5));
    bench.deliver([withdrawn(sold.clone()), sold]);
    bench.rest().await;
    assert!(bench.live(Topic::PersonEvents).is_empty());
}

#[tokio::test]
async fn the_lease_goes_to_and_fro() {
    let bench = Bench::people();
    let (first, second) = (&bench.stage, bench.another());
    bench.deliver([event("phone", 1, &bought(1, "", 5))]);
    while first.step().await.unwrap() != Stepped::Idle {}
    while second.step().await.unwrap() != Stepped::Idle {}
    bench.deliver([event("phone", 1, &bought(2, "x", 5))]);
    assert_fenced(first.step().await);
    bench.number();
    assert_eq!(keys(&bench.live(Topic::PersonEvents)), ["a:phone"], "what was fenced is not to be seen");
    // After that it takes the lease back, and its cache does not remember the batch that was void.
    bench.rest().await;
    assert_eq!(keys(&bench.live(Topic::PersonEvents)), ["u:x", "u:x"]);
    bench.deliver([event("phone", 1, &bought(3, "y", 5))]);
    assert_fenced(second.step().await);
    while second.step().await.unwrap() != Stepped::Idle {}
    bench.number();
    assert_eq!(keys(&bench.live(Topic::PersonEvents)), ["a:phone", "u:x", "u:y"]);
}

/// A store whose first commit never comes back, written or not.
struct Stuck {
    inner: Arc<MemoryStage>,
    writes: bool,
    free: AtomicBool,
}

#[async_trait]
impl StageStore for Stuck {
    async fn claim(&self) -> Result<Claim, JournalError> {
        self.inner.claim().await
    }

    async fn load(&self, generation: u64, keys: &[Key]) -> Result<HashMap<Key, Vec<u8>>, JournalError> {
        self.inner.load(generation, keys).await
    }

    async fn scan(&self, generation: u64, after: &str, limit: usize) -> Result<Vec<(Key, Vec<u8>)>, JournalError> {
        self.inner.scan(generation, after, limit).await
    }

    async fn commit(&self, commit: Commit) -> Result<(), JournalError> {
        if commit.records.is_empty() || self.free.swap(true, Ordering::Relaxed) {
            return self.inner.commit(commit).await;
        }
        if self.writes {
            self.inner.commit(commit).await?;
        }
        std::future::pending().await
    }

    async fn cells(&self, prefix: &str) -> Result<Vec<Cell>, JournalError> {
        self.inner.cells(prefix).await
    }

    async fn discard(&self, generation: u64) -> Result<(), JournalError> {
        self.inner.discard(generation).await
    }
}

#[tokio::test]
async fn a_batch_that_is_dropped_half_way_is_done_again() {
    for writes in [false, true] {
        let bench = Bench::people();
        let stuck = Stuck { inner: Arc::clone(&bench.state), writes, free: AtomicBool::new(false) };
        let stage = bench.over(Arc::new(stuck));
        assert_eq!(stage.step().await.unwrap(), Stepped::Worked(0), "it learns the parameters");
        bench.deliver([event("phone", 1, &bought(1, "", 5))]);
        assert!(!done_at_once(stage.step()));
        while stage.step().await.unwrap() != Stepped::Idle {}
        bench.number();
        assert_eq!(keys(&bench.live(Topic::PersonEvents)), ["a:phone"]);
    }
}

#[tokio::test]
async fn whoever_waits_is_let_go_when_everything_before_is_folded() {
    let bench = Bench::people();
    bench.deliver([event("phone", 1, &bought(1, "", 5))]);
    let heads = bench.stage.input_heads();
    let elsewhere = Position { topic: Topic::Money, partition: 0, offset: 99 };
    assert!(!done_at_once(bench.stage.wait_past(&[elsewhere])), "nothing is claimed yet");
    bench.rest().await;
    assert!(done_at_once(bench.stage.wait_past(&heads)));
    assert!(done_at_once(bench.stage.wait_past(&[elsewhere])), "topics it does not read are passed over");
    bench.deliver([event("phone", 1, &bought(2, "", 5))]);
    assert!(!done_at_once(bench.stage.wait_past(&bench.stage.input_heads())));
    assert_eq!(bench.stage.lag().await.unwrap().pending_records, 1);
    bench.rest().await;
    assert!(done_at_once(bench.stage.wait_past(&bench.stage.input_heads())));
    assert_eq!(bench.stage.lag().await.unwrap().pending_records, 0);
}

#[tokio::test]
async fn a_reversal_repeats_what_was_booked() {
    let bench: Bench<Totals> = Bench::totals();
    let sold = super::of_person("u:x", &bought(1, "x", 500));
    let mut changed = super::of_person("u:x", &bought(1, "x", 700));
    changed.revision.counter += 1;
    bench.deliver([sold]);
    bench.rest().await;
    bench.deliver([changed.clone()]);
    bench.rest().await;
    bench.deliver([withdrawn(changed)]);
    bench.rest().await;
    let postings: Vec<_> = bench.outputs[1].records().iter().map(|posting| posting.record.clone()).collect();
    let entries: Vec<_> = postings.iter().map(|posting| (posting.op, &posting.body[..])).collect();
    let expected: [(Op, &[u8]); 4] =
        [(Op::Value, b"1 500"), (Op::Reversal, b"1 500"), (Op::Value, b"1 700"), (Op::Reversal, b"1 700")];
    assert_eq!(entries, expected);
    assert!(bench.state.cells("").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_key_over_the_cap_says_nothing_until_it_is_below_again() {
    let options = journal::Options { key_inputs_max: 2, ..Default::default() };
    let bench: Bench<Totals> =
        Bench::new(Totals { factor: 1 }, Topic::PersonEvents, &[Topic::Transactions, Topic::Postings], options);
    let sold = [1, 2, 3].map(|id| super::of_person("u:x", &bought(id, "x", 10)));
    bench.deliver(sold[..2].to_vec());
    bench.rest().await;
    assert_eq!(bench.live(Topic::Transactions).len(), 2);
    bench.deliver([sold[2].clone()]);
    bench.rest().await;
    assert!(bench.live(Topic::Transactions).is_empty() && bench.state.cells("").await.unwrap().is_empty());
    assert_eq!(bench.live(Topic::Postings).len(), 3, "money goes on");
    assert!(bench.stage.inspect(&key("u:x")).await.unwrap().unwrap().quarantined);
    bench.deliver([withdrawn(sold[0].clone())]);
    bench.rest().await;
    assert_eq!(keys(&bench.live(Topic::Transactions)), ["t:2", "t:3"]);
    assert_eq!(keys(&bench.live(Topic::Postings)), ["t:2", "t:3"]);
    assert!(bench.stage.inspect(&key("u:y")).await.unwrap().is_none());
}
