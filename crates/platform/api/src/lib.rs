//! The wire: generated messages, clients and servers, the descriptor set, the one error table and the channels.
//!
//! Must never know: any service's logic, storage.

mod channel;
mod convert;
mod error;
mod method;

pub use channel::{
    ChannelError, Incoming, MAX_MESSAGE_BYTES, MemoryConnectInfo, MemoryConnection, in_memory, tcp, tcp_connected,
};
pub use convert::{
    duration_from_wire, duration_to_wire, event_id_from_wire, money_from_wire, money_to_wire, name_from_wire,
    timestamp_from_wire, timestamp_from_wire_optional, timestamp_to_wire,
};
pub use error::{ERROR_DOMAIN, FieldViolation, Problem};
pub use method::{Method, methods};

/// File descriptor set of every contract, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/upshot.bin"));

/// The shared words under a name that needs no escape.
pub use self::r#type::v1 as types;

macro_rules! contracts {
    ($($(#[$doc:meta])* $module:ident = $package:literal;)*) => {$(
        $(#[$doc])*
        #[allow(missing_docs, clippy::all, clippy::pedantic)]
        pub mod $module {
            pub mod v1 {
                tonic::include_proto!($package);
            }
        }
    )*};
}

contracts! {
    /// Words that every service shares: `upshot.type.v1`.
    r#type = "upshot.r#type.v1";
    /// Which variant a person gets: `upshot.assignment.v1`.
    assignment = "upshot.assignment.v1";
    /// What happened: `upshot.ingestion.v1`.
    ingestion = "upshot.ingestion.v1";
    /// What caused it: `upshot.attribution.v1`.
    attribution = "upshot.attribution.v1";
    /// What was kept: `upshot.revenue.v1`.
    revenue = "upshot.revenue.v1";
    /// What one stage tells the next: `upshot.journal.v1`.
    journal = "upshot.journal.v1";
    /// Whether to ship: `upshot.analysis.v1`.
    analysis = "upshot.analysis.v1";
}
