//! The worlds in which the whole system is tried: the chain of folds in memory, and a process that can be killed.
//!
//! Must never know: what is right. That is said by the plain reference, or by an undisturbed run.

pub mod chain;
pub mod generator;
pub mod history;
mod hop;
pub mod parameters;
pub mod plan;
pub mod record;
pub mod reports;
pub mod topics;
mod witness;
