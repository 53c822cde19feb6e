//! How far an import is, on stderr: a bar on a terminal, else a line every few seconds.
//!
//! Must never know: what is imported. Stdout belongs to the summary.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Pause between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// One bar for all phases of an import. Clones share it.
#[derive(Clone)]
pub(super) struct Progress(Arc<Mutex<State>>);

struct State {
    bar: ProgressBar,
    label: &'static str,
    last_line: Instant,
}

impl Progress {
    /// Draws on stderr if that is a terminal.
    pub(super) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        Self(Arc::new(Mutex::new(State { bar, label: "", last_line: Instant::now() })))
    }

    /// Starts a phase of `total` bytes.
    pub(super) fn phase(&self, label: &'static str, total: u64) {
        let style = "{prefix:10} {wide_bar} {bytes}/{total_bytes} {eta} {msg}";
        let style = ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
        self.with(|state| {
            state.label = label;
            state.bar.reset();
            state.bar.set_style(style);
            state.bar.set_length(total);
            state.bar.set_prefix(label);
        });
    }

    /// Moves on by `bytes`; `events` is how many have been recorded so far.
    pub(super) fn advance(&self, bytes: u64, events: u64) {
        self.with(|state| {
            state.bar.inc(bytes);
            if !state.bar.is_hidden() {
                state.bar.set_message(format!("{events} events"));
            } else if state.last_line.elapsed() >= LINE_EVERY {
                state.last_line = Instant::now();
                let total = state.bar.length().unwrap_or_default().max(1);
                let percent = state.bar.position().saturating_mul(100) / total;
                eprintln!("{}: {percent} %, {events} events", state.label);
            }
        });
    }

    /// Shows that everything is sent and the reports are awaited.
    pub(super) fn waiting(&self) {
        self.with(|state| {
            state.bar.set_style(ProgressStyle::default_spinner());
            state.bar.set_message("waiting for the reports");
            state.bar.tick();
        });
    }

    /// Takes the bar away.
    pub(super) fn clear(&self) {
        self.with(|state| state.bar.finish_and_clear());
    }

    fn with(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
