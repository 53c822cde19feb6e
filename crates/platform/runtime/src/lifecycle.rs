//! How a process ends: one token that everything watches, signals that set it off, and an ordered, bounded drain.
//!
//! Must never know: what is being ended.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Exit code after a second signal: 128 and SIGINT's number, as shells have it.
const ABORTED: i32 = 130;

/// The wish to end; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    token: CancellationToken,
}

impl Shutdown {
    /// Nobody wishes to end yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Wishes to end.
    pub fn begin(&self) {
        self.token.cancel();
    }

    /// Whether somebody wished to end.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Returns when somebody wished to end.
    pub async fn begun(&self) {
        self.token.cancelled().await;
    }

    /// Returns when `bound` has passed since somebody wished to end.
    pub async fn begun_and(&self, bound: Duration) {
        self.begun().await;
        tokio::time::sleep(bound).await;
    }

    /// Ends with this one, and can end before it.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { token: self.token.child_token() }
    }

    /// Begins at the first SIGTERM or SIGINT; a second one ends the process at once.
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    pub fn on_signals(&self) -> std::io::Result<()> {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let shutdown = self.clone();
        tokio::spawn(async move {
            let name = either(&mut terminate, &mut interrupt).await;
            tracing::info!(signal = name, "shutting down; a second signal ends at once");
            shutdown.begin();
            let name = either(&mut terminate, &mut interrupt).await;
            tracing::warn!(signal = name, "ended before everything was drained");
            std::process::exit(ABORTED);
        });
        Ok(())
    }
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}

/// What became of one step of a drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// It ended by itself.
    Done,
    /// Its time was up.
    TimedOut,
}

struct Step {
    name: &'static str,
    bound: Duration,
    work: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Ends things one after the other, each within its own bound: first what takes work in, last what keeps it.
#[derive(Default)]
pub struct Drain {
    steps: Vec<Step>,
}

impl Drain {
    /// Nothing to end yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a step after the others.
    #[must_use]
    pub fn then(
        mut self,
        name: &'static str,
        bound: Duration,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        self.steps.push(Step { name, bound, work: Box::pin(work) });
        self
    }

    /// Runs all steps in order; one that does not end in time is left behind.
    pub async fn run(self) -> Vec<(&'static str, Drained)> {
        let mut report = Vec::with_capacity(self.steps.len());
        for Step { name, bound, work } in self.steps {
            let outcome = match tokio::time::timeout(bound, work).await {
                Ok(()) => Drained::Done,
                Err(_) => {
                    tracing::warn!(
                        step = name,
                        bound_ms = u64::try_from(bound.as_millis()).ok(),
                        "not drained in time"
                    );
                    Drained::TimedOut
                }
            };
            report.push((name, outcome));
        }
        report
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[tokio::test]
    async fn everybody_hears_of_the_end_and_a_child_can_end_alone() {
        let shutdown = Shutdown::new();
        let (child, other) = (shutdown.child(), shutdown.child());
        child.begin();
        assert!(child.is_begun() && !shutdown.is_begun() && !other.is_begun());
        let waiting = tokio::spawn(async move { other.begun().await });
        shutdown.begin();
        waiting.await.unwrap();
    }

    #[tokio::test]
    async fn a_drain_keeps_its_order_and_its_bounds() {
        let order = Arc::new(Mutex::new(Vec::new()));
        let note = |name: &'static str| {
            let order = order.clone();
            async move { order.lock().unwrap().push(name) }
        };
        let drain = Drain::new()
            .then("servers", Duration::from_secs(60), note("servers"))
            .then("stuck", Duration::ZERO, pending())
            .then("storage", Duration::from_secs(60), note("storage"));
        let report = drain.run().await;
        assert_eq!(report, [("servers", Drained::Done), ("stuck", Drained::TimedOut), ("storage", Drained::Done)]);
        assert_eq!(*order.lock().unwrap(), ["servers", "storage"]);
    }

    #[tokio::test]
    async fn a_signal_begins_the_end() {
        let shutdown = Shutdown::new();
        shutdown.on_signals().unwrap();
        let killed = std::process::Command::new("kill").args(["-TERM", &std::process::id().to_string()]).status();
        assert!(killed.unwrap().success());
        shutdown.begun().await;
    }
}
