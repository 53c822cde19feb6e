//! The content of an event as one number: equal content, equal hash, however it was written.
//!
//! A keyed BLAKE3 over the canonical message before scrubbing: times cut to milliseconds, `sent_at` left out, absent
//! and empty alike, maps in key order. The key is the installation's own, so that a hash tells nobody what was hashed.

use api::ingestion::v1::Event;
use prost::Message as _;

/// 128 bits that change with the content.
pub(crate) type ContentHash = [u8; 16];

/// Hashes an event's content.
pub(crate) fn content_hash(key: &[u8; 32], event: &Event) -> ContentHash {
    let mut canonical = event.clone();
    canonical.sent_at = None;
    canonical.event_id = canonical.event_id.to_ascii_lowercase();
    if let Some(at) = &mut canonical.occurred_at {
        at.nanos -= at.nanos.rem_euclid(1_000_000);
    }
    canonical.properties.retain(|_, value| !matches!(value.kind, None | Some(prost_types::value::Kind::NullValue(_))));
    drop_if_empty(&mut canonical.identity);
    drop_if_empty(&mut canonical.source);
    drop_if_empty(&mut canonical.context);
    drop_if_empty(&mut canonical.consent);
    let mut hash = [0; 16];
    blake3::Hasher::new_keyed(key).update(&canonical.encode_to_vec()).finalize_xof().fill(&mut hash);
    hash
}

fn drop_if_empty<M: prost::Message + Default + PartialEq>(part: &mut Option<M>) {
    if part.as_ref().is_some_and(|part| *part == M::default()) {
        *part = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::ingestion::v1::Source;
    use api::types::Identity;

    fn event() -> Event {
        Event {
            event_id: "3f2a2207-423e-4f30-872d-f6189a1c312d".into(),
            event_type: "touch".into(),
            occurred_at: Some(prost_types::Timestamp { seconds: 1, nanos: 500_000_000 }),
            ..Event::default()
        }
    }

    #[test]
    fn writing_it_differently_changes_nothing() {
        let key = [7; 32];
        let plain = content_hash(&key, &event());
        let mut other = event();
        other.sent_at = other.occurred_at;
        other.event_id = other.event_id.to_uppercase();
        other.identity = Some(Identity::default());
        if let Some(at) = &mut other.occurred_at {
            at.nanos += 999_999;
        }
        assert_eq!(plain, content_hash(&key, &other));
    }

    #[test]
    fn saying_something_else_changes_it() {
        let key = [7; 32];
        let mut other = event();
        other.source = Some(Source { channel: "email".into(), campaign: String::new() });
        assert_ne!(content_hash(&key, &event()), content_hash(&key, &other));
        assert_ne!(content_hash(&key, &event()), content_hash(&[8; 32], &event()));
    }
}
