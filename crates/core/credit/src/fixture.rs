//! Events for the tests of this crate.

use ids::{EventId, Timestamp};

use crate::{Conversion, Milestone, Touch, TouchKind};

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).unwrap()
}

/// The id whose last byte is `number`, so that numbers give the order.
pub(crate) fn id(number: u8) -> EventId {
    let mut bytes = [0; 16];
    bytes[0] = 1;
    bytes[15] = number;
    EventId::from_bytes(bytes)
}

pub(crate) fn touch(number: u8, millis: i64, channel: &str) -> Touch {
    Touch {
        at: at(millis),
        event_id: id(number),
        channel: channel.into(),
        campaign: None,
        link: None,
        session: None,
        kind: TouchKind::Marketing,
    }
}

pub(crate) fn conversion(number: u8, millis: i64) -> Conversion {
    Conversion {
        at: at(millis),
        event_id: id(number),
        conversion_type: "purchase".into(),
        session: None,
        transaction: None,
    }
}

pub(crate) fn milestone(number: u8, millis: i64, event_type: &str) -> Milestone {
    Milestone { at: at(millis), event_id: id(number), event_type: event_type.into() }
}
