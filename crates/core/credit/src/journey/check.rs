//! Which histories are refused: what nobody can credit rightly.
//!
//! Cutting journeys never fails: it makes something of every input. Whoever takes events from outside asks here first.

use std::collections::BTreeSet;

use ids::EventId;

use super::History;

/// A rule that a history breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHistory {
    /// A touch names no channel.
    #[error("touches[{place}].channel must not be empty")]
    EmptyChannel {
        /// Which touch, from 0.
        place: usize,
    },
    /// A conversion names no type.
    #[error("conversions[{place}].conversion_type must not be empty")]
    EmptyType {
        /// Which conversion, from 0.
        place: usize,
    },
    /// An instant before 1970.
    #[error("{list}[{place}].at must not be before 1970-01-01T00:00:00Z")]
    BeforeEpoch {
        /// The list of events.
        list: &'static str,
        /// Which of them, from 0.
        place: usize,
    },
    /// Two events of one kind have one id.
    #[error("{list}[{place}].event_id {event_id} must be unique")]
    RepeatedId {
        /// The list of events.
        list: &'static str,
        /// The later of the two, from 0.
        place: usize,
        /// The id.
        event_id: EventId,
    },
}

impl History<'_> {
    /// Whether every touch has a channel, every conversion a type, every event an instant from 1970 on and an id of
    /// its own.
    ///
    /// # Errors
    /// The first rule that is broken: touches before conversions before milestones.
    pub fn check(&self) -> Result<(), InvalidHistory> {
        if let Some(place) = self.touches.iter().position(|touch| touch.channel.is_empty()) {
            return Err(InvalidHistory::EmptyChannel { place });
        }
        if let Some(place) = self.conversions.iter().position(|conversion| conversion.conversion_type.is_empty()) {
            return Err(InvalidHistory::EmptyType { place });
        }
        check_events("touches", self.touches.iter().map(|touch| (touch.at.as_millis(), touch.event_id)))?;
        check_events("conversions", self.conversions.iter().map(|event| (event.at.as_millis(), event.event_id)))?;
        check_events("milestones", self.milestones.iter().map(|event| (event.at.as_millis(), event.event_id)))
    }
}

fn check_events(list: &'static str, events: impl Iterator<Item = (i64, EventId)>) -> Result<(), InvalidHistory> {
    let mut ids = BTreeSet::new();
    for (place, (at_ms, event_id)) in events.enumerate() {
        if at_ms < 0 {
            return Err(InvalidHistory::BeforeEpoch { list, place });
        }
        if !ids.insert(event_id) {
            return Err(InvalidHistory::RepeatedId { list, place, event_id });
        }
    }
    Ok(())
}
