//! Ingestion: what happened, once, with consent; and whose it is.
//!
//! Owns the registry of event types, the dedup index, dead letters, the topic `events`, and the identity step, which
//! folds every actor's events and publishes `person_events` and `money`.
//! Must never know: experiments, models of attribution, the ledger.
//!
//! The way of an event: [`parse`](mod@event) -> group commit in `recorder` (dedup, type, consent, append, one
//! transaction) -> [`stage`] (bots, links, person).

mod config;
mod content;
mod error;
mod event;
mod grpc;
mod metrics;
mod recorder;
mod scrub;
mod service;
pub mod stage;
mod store;

pub use config::{AbsentConsent, Config};
pub use error::Error;
pub use event::{Parsed, Rejection, parse};
pub use grpc::{SERVICES, routes};
pub use metrics::describe as describe_metrics;
pub use recorder::{EventVerdict, Verdict};
pub use service::{ActorView, Service, Statistics};

/// The one project.
pub(crate) const PROJECT: &str = "default";
