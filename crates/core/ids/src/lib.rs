//! Typed identifiers, instants and validated names: the vocabulary that every other crate shares.
//!
//! Nothing here reads a clock or draws randomness; `now` is always an argument somewhere else.
//! Must never know: wire formats, storage, any service.

mod event_id;
mod key;
mod name;
mod timestamp;

pub use event_id::{EventId, InvalidEventId};
pub use key::{ActorKey, InvalidKey, MAX_IDENTITY_BYTES, MoneyKey, PARTITIONS, PersonKey, partition_of};
pub use name::{InvalidName, Name};
pub use timestamp::{DAY_MS, HOUR_MS, InvalidTimestamp, Timestamp};
