//! Progress on standard error: a bar on a terminal, one line per step elsewhere.
//!
//! Must never know: what a step does. Nothing here reaches the report.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

const BAR: &str = "{msg:<26} [{bar:40}] {human_pos:>7}/{human_len} {per_sec} {eta}";
const SPINNER: &str = "{msg:<26} {spinner} {elapsed}";

/// One step of the demo. Its bar is cleared when the step is dropped.
pub struct Step(ProgressBar);

impl Step {
    /// A step of known length.
    pub fn counted(what: &'static str, length: usize) -> Self {
        announce(what);
        let style = ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self(ProgressBar::new(length as u64).with_style(style).with_message(what))
    }

    /// A step of unknown length.
    pub fn open(what: &'static str) -> Self {
        announce(what);
        let style = ProgressStyle::with_template(SPINNER).unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::new_spinner().with_style(style).with_message(what);
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    /// So many more are done.
    pub fn advance(&self, by: u64) {
        self.0.inc(by);
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn announce(what: &str) {
    if !std::io::stderr().is_terminal() {
        eprintln!("{what}");
    }
}
