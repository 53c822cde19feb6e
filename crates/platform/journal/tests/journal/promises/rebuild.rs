//! Rebuilding while nothing is wrong, while something is, and while somebody else holds the lease.

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

/// A topic at whose end somebody else does a batch, and another that begins only then.
struct Meanwhile<F: Fold> {
    inner: Arc<MemoryTopic>,
    other: Stage<F>,
    rebuilds: bool,
}

#[async_trait]
impl<F: Fold> TopicReader for Meanwhile<F> {
    fn topic(&self) -> Topic {
        self.inner.topic()
    }

    async fn read(&self, from: &Progress, limit: usize) -> Result<Vec<Arc<LogRecord>>, JournalError> {
        let records = self.inner.read(from, limit).await?;
        if records.is_empty() {
            if self.rebuilds {
                self.other.rebuild().await?;
            } else {
                self.inner.append([of_person("u:0", &bought(500, "", 10))]);
                self.inner.number(|_| 0);
                while self.other.step().await? != Stepped::Idle {}
            }
        }
        Ok(records)
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

#[tokio::test]
async fn a_rebuild_that_somebody_overtakes_is_void() {
    for rebuilds in [false, true] {
        let bench: Bench<Totals> = Bench::totals();
        bench.deliver((0..20).map(|id| of_person(&format!("u:{}", id % 3), &bought(id, "", 10))));
        bench.rest().await;
        let published = bench.published();
        let reader = Meanwhile { inner: Arc::clone(&bench.input), other: bench.another(), rebuilds };
        let options = bench.options.clone();
        let overtaken =
            Stage::new(Totals::<false> { factor: 1 }, Arc::clone(&bench.state) as _, vec![Arc::new(reader)], options);
        assert_fenced(overtaken.rebuild().await);
        bench.number();
        assert_eq!(bench.published(), published + if rebuilds { 0 } else { 2 });
        assert_eq!(bench.stage.rebuild().await.unwrap().facts, 0);
        let count = sums(bench.state.as_ref()).await["all"][0];
        assert_eq!(count, if rebuilds { 20 } else { 21 });
    }
}
