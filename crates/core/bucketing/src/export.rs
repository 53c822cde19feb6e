//! Definitions as other tools' files, for clients that decide by themselves.
//!
//! A file says the same as the definitions or leaves a flag out, naming it and why. Must never know: where files go.

pub mod flagd;

use serde_json::Value;

/// A file, and what is not in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// The file.
    pub document: Value,
    /// What is left out or means less there, in the order of the definitions.
    pub omissions: Vec<Omission>,
}

/// Something that the definitions say and the file does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Omission {
    /// Key of the flag.
    pub flag: String,
    /// Whether the flag is missing from the file; else only what is said here is.
    pub is_left_out: bool,
    /// What cannot be expressed.
    pub what: String,
}
