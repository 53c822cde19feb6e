//! One import: its client, its progress and its summary.
//!
//! Must never know: file formats.

use std::time::Instant;

use tokio::sync::mpsc;
use upshot_client::{Client, Cut};

use super::progress::Progress;
use super::source::{Chunk, Outlet};
use super::summary::Summary;
use super::{Error, Options};

/// Chunks read ahead of the one being recorded.
const CHUNKS_AHEAD: usize = 4;

/// What an import carries through its phases.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) progress: Progress,
    pub(super) summary: Summary,
    options: Options,
    started: Instant,
    recorded: Cut,
    /// True once something changed that no event position stands for; the wait is then for all there is.
    changed_beside_events: bool,
}

impl Session {
    pub(super) fn new(client: Client, options: Options) -> Self {
        Self {
            client,
            options,
            progress: Progress::new(),
            summary: Summary::default(),
            started: Instant::now(),
            recorded: Cut::default(),
            changed_beside_events: false,
        }
    }

    /// Makes the wait cover everything, for imports that are not events.
    pub(super) fn wait_for_everything(&mut self) {
        self.changed_beside_events = true;
    }

    /// Runs `read` on a thread of its own and records what it hands over, in order. When `read` fails, what it had
    /// handed over is recorded all the same.
    pub(super) async fn pump<F>(&mut self, read: F) -> Result<(), Error>
    where
        F: FnOnce(&mut Outlet) -> Result<(), Error> + Send + 'static,
    {
        let (sender, mut chunks) = mpsc::channel(CHUNKS_AHEAD);
        let strict = self.options.strict;
        let reader = tokio::task::spawn_blocking(move || {
            let mut outlet = Outlet::new(sender, strict);
            let read = read(&mut outlet);
            outlet.flush().and(read)
        });
        while let Some(chunk) = chunks.recv().await {
            self.record(chunk).await?;
        }
        reader.await.map_err(Error::Reader)?
    }

    async fn record(&mut self, mut chunk: Chunk) -> Result<(), Error> {
        let events = std::mem::take(&mut chunk.events);
        let bytes = chunk.bytes;
        self.summary.read(chunk);
        let results = self.client.record(events).await?;
        self.recorded.extend(results.iter().filter_map(|result| result.position.clone()));
        results.into_iter().for_each(|result| self.summary.judged(result));
        self.progress.advance(bytes, self.summary.events);
        Ok(())
    }

    /// Returns when the reports include what was recorded, unless the caller does not care.
    ///
    /// # Errors
    /// [`upshot_client::Error::Behind`] when that takes too long.
    pub(super) async fn wait_for_reports(&mut self) -> Result<(), Error> {
        let recorded = std::mem::take(&mut self.recorded);
        let Some(wait) = self.options.wait() else { return Ok(()) };
        if recorded.is_empty() && !self.changed_beside_events {
            return Ok(());
        }
        self.progress.waiting();
        let positions = if self.changed_beside_events { Vec::new() } else { recorded.into_positions() };
        self.client.wait_caught_up(positions, wait).await?;
        self.summary.in_reports = true;
        Ok(())
    }

    /// Prints the summary on stdout; an empty one only if `always`.
    pub(super) fn print_summary(&mut self, always: bool) -> Result<(), Error> {
        self.progress.clear();
        if self.summary.is_empty() && !always {
            return Ok(());
        }
        self.summary.elapsed = self.started.elapsed();
        println!("{}", self.summary.render(self.options.format)?);
        Ok(())
    }
}
