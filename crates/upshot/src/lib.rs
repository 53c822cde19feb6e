//! The binary's parts: settings, the system of services in one process, and the subcommands. No logic of its own.
//!
//! Must never know: how a service does its work.

pub mod cli;
pub mod demo;
pub mod import;
pub mod rebuild;
pub mod report;
pub mod serve;
pub mod settings;
pub mod system;
