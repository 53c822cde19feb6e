//! How a list of events is cut into requests.
//!
//! Must never know: channels, retries.

use api::ingestion::v1::Event;
use prost::Message as _;

/// Most events of one request.
pub const BATCH_EVENTS: usize = 500;

/// Most bytes of one request, unless a single event is larger. A server reads messages of up to 4 MiB.
pub const BATCH_BYTES: usize = 2 * 1024 * 1024;

/// Cuts events into runs of at most [`BATCH_EVENTS`] and about [`BATCH_BYTES`], in order, none of them empty.
pub(crate) fn split(events: Vec<Event>) -> Vec<Vec<Event>> {
    let mut batches = Vec::with_capacity(events.len().div_ceil(BATCH_EVENTS));
    let mut batch = Vec::with_capacity(events.len().min(BATCH_EVENTS));
    let mut bytes = 0;
    for event in events {
        let size = event.encoded_len();
        if batch.len() == BATCH_EVENTS || (bytes + size > BATCH_BYTES && !batch.is_empty()) {
            batches.push(std::mem::take(&mut batch));
            bytes = 0;
        }
        bytes += size;
        batch.push(event);
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: usize, padding: usize) -> Event {
        Event { event_id: id.to_string(), event_type: "x".repeat(padding), ..Event::default() }
    }

    fn sizes(batches: &[Vec<Event>]) -> Vec<usize> {
        batches.iter().map(Vec::len).collect()
    }

    #[test]
    fn order_is_kept_and_no_batch_is_empty_or_too_long() {
        let batches = split((0..1_001).map(|id| event(id, 1)).collect());
        assert_eq!(sizes(&batches), [500, 500, 1]);
        let ids: Vec<usize> = batches.iter().flatten().map(|event| event.event_id.parse().unwrap()).collect();
        assert!(ids.iter().copied().eq(0..1_001));
        assert!(split(Vec::new()).is_empty());
    }

    #[test]
    fn large_events_make_short_batches_and_a_huge_one_goes_alone() {
        let third = BATCH_BYTES / 3;
        assert_eq!(sizes(&split((0..5).map(|id| event(id, third)).collect())), [2, 2, 1]);
        assert_eq!(sizes(&split(vec![event(0, 1), event(1, 2 * BATCH_BYTES), event(2, 1)])), [1, 1, 1]);
    }
}
