//! The journal from outside: the ports on both backends, the stage's promises one by one, a seeded simulation of a
//! chain of two stages, the same chain killed at random on SQLite, and the scheduler.

#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod contract;
mod crash;
mod promises;
mod reference;
mod scheduler;
mod seed;
mod segment;
mod simulation;
mod sql;
mod toy;
