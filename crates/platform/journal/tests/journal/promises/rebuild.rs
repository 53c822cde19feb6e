//! Rebuilding while nothing is wrong, while something is, and while somebody else holds the lease.

use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use journal::{
    Fold, JournalError, Lanes, LogRecord, MemoryTopic, Progress, Stage, StageRunner, Stepped, Topic, TopicReader,
};
use tokio::sync::watch;

use super::{Bench, assert_fenced, bought, keys, of_person};
use crate::reference::sums;
use crate::toy::{People, Totals, event, withdrawn};

#[tokio::test]
async fn a_rebuild_publishes_exactly_what_differs() {
    let mut bench = Bench::people();
    bench.stage = bench.another().with_page_keys(2);
    bench.deliver((1..10).map(|id| event(&format!("device {id}"), 1, &bought(id, "x", 5))));
    bench.deliver((11..14).map(|id| event("device 3", 1, &bought(id, "", 5))));
    bench.rest().await;
    let published = bench.published();
    let rebuilt = bench.stage.rebuild().await.unwrap();
    assert_eq!((rebuilt.keys, rebuilt.facts), (9, 0));
    bench.stage.set_fold(People { merge: false });
    // Three events leave the user for the device: a value and a tombstone each.
    assert_eq!(bench.stage.rebuild().await.unwrap().facts, 6);
    bench.rest().await;
    assert_eq!(bench.published(), published + 6);
    assert_eq!(keys(&bench.live(Topic::PersonEvents)).iter().filter(|key| **key == "a:device 3").count(), 3);
    assert_eq!(bench.stage.rebuild().await.unwrap().facts, 0);
}

#[tokio::test]
async fn sums_and_postings_survive_a_rebuild() {
    let bench: Bench<Totals> = Bench::totals();
    let gone = of_person("u:x", &bought(99, "", 7));
    bench.deliver((0..20).map(|id| of_person(&format!("u:{}", id % 3), &bought(id, "", 10))));
    bench.deliver([gone.clone()]);
    bench.rest().await;
    bench.deliver([withdrawn(gone)]);
    bench.rest().await;
    let (before, live) = (sums(bench.state.as_ref()).await, bench.live(Topic::Postings));
    for _ in 0..2 {
        assert_eq!(bench.stage.rebuild().await.unwrap().facts, 0);
        assert_eq!(sums(bench.state.as_ref()).await, before);
    }
    bench.stage.set_fold(Totals { factor: 2 });
    assert_eq!(bench.stage.rebuild().await.unwrap().facts, 20 + 2 * 20, "totals; reversals and postings");
    bench.rest().await;
    assert_eq!(bench.live(Topic::Postings).len(), live.len());
    assert_eq!(sums(bench.state.as_ref()).await["all"][1], 400);
    // What is withdrawn afterwards is withdrawn as it was published.
    bench.deliver([withdrawn(of_person("u:0", &bought(0, "", 10)))]);
    bench.rest().await;
    assert_eq!(bench.live(Topic::Postings).len(), live.len() - 1);
}

#[tokio::test]
async fn whoever_lost_the_lease_rebuilds_what_is_live_now() {
    let bench: Bench<Totals> = Bench::totals();
    bench.deliver((0..20).map(|id| of_person(&format!("u:{}", id % 3), &bought(id, "", 10))));
    bench.rest().await;
    let (before, published) = (sums(bench.state.as_ref()).await, bench.published());
    let other = bench.another();
    for _ in 0..3 {
        assert_eq!(other.rebuild().await.unwrap().facts, 0);
    }
    assert_eq!(bench.stage.rebuild().await.unwrap().facts, 0);
    bench.rest().await;
    assert_eq!((sums(bench.state.as_ref()).await, bench.published()), (before, published));
}

/// What becomes of reading: it gets what the topic gives.
type Twist<F> = fn(&Twisted<F>, Vec<Arc<LogRecord>>) -> BoxFuture<'_, Vec<Arc<LogRecord>>>;
type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A topic with something about it, and somebody else who works on the same stage.
struct Twisted<F: Fold> {
    inner: Arc<MemoryTopic>,
    other: Stage<F>,
    twist: Twist<F>,
}

#[async_trait]
impl<F: Fold> TopicReader for Twisted<F> {
    fn topic(&self) -> Topic {
        self.inner.topic()
    }

    async fn read(&self, from: &Progress, limit: usize) -> Result<Vec<Arc<LogRecord>>, JournalError> {
        let records = self.inner.read(from, limit).await?;
        Ok((self.twist)(self, records).await)
    }

    async fn fetch(&self, seqs: &[u64]) -> Result<Vec<Arc<LogRecord>>, JournalError> {
        self.inner.fetch(seqs).await
    }

    fn heads(&self) -> Box<Lanes> {
        self.inner.heads()
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.inner.changed()
    }
}

/// A stage at rest, with somebody else on it who reads with a twist.
async fn twisted(twist: Twist<Totals>) -> (Bench<Totals>, Stage<Totals>) {
    let bench: Bench<Totals> = Bench::totals();
    bench.deliver((0..20).map(|id| of_person(&format!("u:{}", id % 3), &bought(id, "", 10))));
    bench.rest().await;
    let reader = Twisted { inner: Arc::clone(&bench.input), other: bench.another(), twist };
    let state = Arc::clone(&bench.state) as _;
    let stage = Stage::new(Totals { factor: 1 }, state, vec![Arc::new(reader)], bench.options.clone());
    (bench, stage)
}

#[tokio::test]
async fn a_rebuild_that_somebody_overtakes_is_void() {
    let batch: Twist<Totals> = |reader, records| {
        Box::pin(async move {
            if records.is_empty() {
                reader.inner.append([of_person("u:0", &bought(500, "", 10))]);
                reader.inner.number(|_| 0);
                while reader.other.step().await.unwrap() != Stepped::Idle {}
            }
            records
        })
    };
    let rebuild: Twist<Totals> = |reader, records| {
        Box::pin(async move {
            if records.is_empty() {
                reader.other.rebuild().await.unwrap();
            }
            records
        })
    };
    for (twist, more) in [(batch, 1), (rebuild, 0)] {
        let (bench, overtaken) = twisted(twist).await;
        let published = bench.published();
        assert_fenced(overtaken.rebuild().await);
        bench.number();
        assert_eq!(bench.published(), published + 2 * more);
        assert_eq!(bench.stage.rebuild().await.unwrap().facts, 0);
        assert_eq!(sums(bench.state.as_ref()).await["all"][0], 20 + more as i128);
    }
}

#[tokio::test]
async fn a_rebuild_from_a_topic_with_a_gap_withdraws_nothing() {
    let (bench, stage) =
        twisted(|_, records| Box::pin(async move { records.into_iter().filter(|record| record.seq < 10).collect() }))
            .await;
    let published = bench.published();
    assert!(matches!(stage.rebuild().await, Err(JournalError::Corrupt { .. })));
    bench.rest().await;
    assert_eq!(bench.published(), published);
    assert_eq!(sums(bench.state.as_ref()).await["all"][0], 20);
}
