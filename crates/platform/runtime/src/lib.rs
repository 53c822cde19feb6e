//! What every process of ours needs around its services: configuration, lifecycle, authentication, telemetry,
//! circuit breakers, the data directory and the assembly of servers.
//!
//! Must never know: what any service does, storage.

pub mod auth;
pub mod breaker;
pub mod config;
pub mod datadir;
pub mod http;
pub mod lifecycle;
pub mod metrics;
pub mod readiness;
pub mod server;
pub mod telemetry;
pub mod trace;
pub mod wire;
