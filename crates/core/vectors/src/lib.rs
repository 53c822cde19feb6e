//! Files of reference vectors beside our own answers: anybody's, as long as they have the shape of the files in
//! `tests/vectors`.
//!
//! A runner knows the files of one topic and compares every case of a file; [`check`] finds the runner. Tests call it
//! with the project's files, `upshot-bench vectors DIR` with anybody's. Must never know: directories, terminals, how
//! a core computes what is compared.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod bucketing;
mod numbers;
mod report;
mod retail;
mod statistics;
mod touchpoints;

pub use report::{Difference, Miss, Report};

use serde_json::Value;

/// The files of one topic.
struct Runner {
    /// Whether a file, by its name and content, is of this topic.
    recognises: fn(&str, &Value) -> bool,
    run: fn(&str, &Value, Companion<'_>) -> Report,
}

/// Reads a text file that lies beside the vectors, by its name.
pub type Companion<'a> = &'a dyn Fn(&str) -> Option<String>;

const RUNNERS: &[Runner] = &[
    Runner { recognises: bucketing::recognises, run: |_, file, _| bucketing::run(file) },
    Runner { recognises: statistics::recognises, run: statistics::run },
    Runner { recognises: touchpoints::recognises, run: touchpoints::run },
    Runner { recognises: retail::recognises, run: retail::run },
];

/// Compares every case of a file with our answers; `None` for a file that no runner recognises. A file that is
/// recognised and holds nothing to compare is a miss.
#[must_use]
pub fn check(file_name: &str, file: &Value) -> Option<Report> {
    check_beside(file_name, file, &|_| None)
}

/// As [`check`], for vectors that name data in another file.
#[must_use]
pub fn check_beside(file_name: &str, file: &Value, companion: Companion<'_>) -> Option<Report> {
    let runner = RUNNERS.iter().find(|runner| (runner.recognises)(file_name, file))?;
    Some((runner.run)(file_name, file, companion))
}
