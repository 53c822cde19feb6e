//! Workers over stages: the most downstream stage that has input goes first, so that nothing piles up behind it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

use crate::metrics as names;
use crate::{StageRunner, Stepped};

/// How long a stage that failed is left alone.
const BACK_OFF: Duration = Duration::from_millis(200);

/// Drives stages until told to stop.
pub struct Scheduler {
    stages: Vec<Arc<dyn StageRunner>>,
    workers: usize,
}

impl Scheduler {
    /// Over these stages, the most downstream one first.
    #[must_use]
    pub const fn new(stages: Vec<Arc<dyn StageRunner>>, workers: usize) -> Self {
        Self { stages, workers }
    }

    /// Runs until `stop` turns true; a batch that has begun is finished.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let busy: Arc<Vec<Mutex<()>>> = Arc::new(self.stages.iter().map(|_| Mutex::new(())).collect());
        let stages: Arc<[Arc<dyn StageRunner>]> = self.stages.into();
        let mut workers = JoinSet::new();
        for _ in 0..self.workers.max(1) {
            workers.spawn(work(Arc::clone(&stages), Arc::clone(&busy), stop.clone()));
        }
        while workers.join_next().await.is_some() {}
    }
}

async fn work(stages: Arc<[Arc<dyn StageRunner>]>, busy: Arc<Vec<Mutex<()>>>, mut stop: watch::Receiver<bool>) {
    let mut wakers: Vec<watch::Receiver<u64>> = stages.iter().flat_map(|stage| stage.wakers()).collect();
    // Without anybody left who could say stop, it is time too.
    while !*stop.borrow() && stop.has_changed().is_ok() {
        for waker in &mut wakers {
            waker.mark_unchanged();
        }
        match pass(&stages, &busy).await {
            Pass::Worked => {}
            Pass::Idle => wait(&mut wakers, &mut stop).await,
            Pass::Failed => {
                let _ = tokio::time::timeout(BACK_OFF, stop.wait_for(|stop| *stop)).await;
            }
        }
    }
}

enum Pass {
    Worked,
    Idle,
    Failed,
}

/// Steps the first stage that is free and has something to do.
async fn pass(stages: &[Arc<dyn StageRunner>], busy: &[Mutex<()>]) -> Pass {
    let mut failed = false;
    for (stage, turn) in stages.iter().zip(busy) {
        let Ok(_turn) = turn.try_lock() else {
            continue;
        };
        // Apart, so that a batch ends in order when this worker is dropped, and a panic takes nobody else along.
        let step = tokio::spawn({
            let stage = Arc::clone(stage);
            async move { stage.step().await }
        });
        let (error, cause) = match step.await {
            Ok(Ok(Stepped::Worked(_))) => return Pass::Worked,
            Ok(Ok(Stepped::Idle)) => continue,
            Ok(Err(error)) => (error.to_string(), std::error::Error::source(&error).map(ToString::to_string)),
            Err(panicked) => (panicked.to_string(), None),
        };
        tracing::error!(stage = stage.name(), error, cause, "a batch failed; it will be tried again");
        metrics::counter!(names::FAILED_BATCHES, "stage" => stage.name()).increment(1);
        failed = true;
    }
    if failed { Pass::Failed } else { Pass::Idle }
}

/// Waits until any topic grows, any parameter changes, or it is time to stop.
async fn wait(wakers: &mut [watch::Receiver<u64>], stop: &mut watch::Receiver<bool>) {
    let mut grown = std::pin::pin!(any_changed(wakers));
    tokio::select! {
        () = &mut grown => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

async fn any_changed(wakers: &mut [watch::Receiver<u64>]) {
    let mut waits: Vec<_> = wakers.iter_mut().map(|waker| Box::pin(waker.changed())).collect();
    std::future::poll_fn(|context| {
        for wait in &mut waits {
            if wait.as_mut().poll(context).is_ready() {
                return std::task::Poll::Ready(());
            }
        }
        std::task::Poll::Pending
    })
    .await;
}
