//! What several services read from a call and write into an answer in the same way.
//!
//! Must never know: what any of it is used for.

use std::time::Duration;

use api::{FieldViolation, Problem, types};
use ids::PARTITIONS;
use journal::{Lag, Position, Topic};
use tonic::metadata::MetadataMap;

/// Longest wait of one call; a client that wants more asks again.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// The transport ends a call at the client's deadline without a word of ours, so the answer has to be ready before.
const ANSWER_MARGIN: Duration = Duration::from_millis(50);
/// Rows of a page when the client names no number, and at most.
const PAGE: (u32, u32) = (100, 1_000);

/// How long a call may wait: the client's deadline less a margin, and a minute at most.
#[must_use]
pub fn wait_bound(metadata: &MetadataMap) -> Duration {
    let asked = metadata.get("grpc-timeout").and_then(|header| header.to_str().ok()).and_then(grpc_timeout);
    asked.map_or(WAIT_MAX, |asked| asked.saturating_sub(ANSWER_MARGIN.min(asked / 10))).min(WAIT_MAX)
}

/// At most eight digits and a unit, as the gRPC protocol over HTTP/2 has it.
fn grpc_timeout(header: &str) -> Option<Duration> {
    let (digits, unit) = header.split_at_checked(header.len().checked_sub(1)?)?;
    let count: u32 = digits.parse().ok()?;
    let one = match unit {
        "H" => Duration::from_secs(3_600),
        "M" => Duration::from_secs(60),
        "S" => Duration::from_secs(1),
        "m" => Duration::from_millis(1),
        "u" => Duration::from_micros(1),
        "n" => Duration::from_nanos(1),
        _ => return None,
    };
    one.checked_mul(count)
}

/// Rows of the page that is asked for.
///
/// # Errors
/// [`Problem::InvalidField`] above the most that a page holds.
pub fn page_size(page: &types::PageRequest) -> Result<u32, Problem> {
    let (default, most) = PAGE;
    match page.page_size {
        0 => Ok(default),
        size if size <= most => Ok(size),
        _ => Err(Problem::invalid("page.page_size", format!("must be at most {most}"))),
    }
}

/// Positions in topics that the service reads.
///
/// # Errors
/// [`Problem`] naming every position at fault.
pub fn positions_from_wire(positions: &[types::Position], reads: &[Topic]) -> Result<Vec<Position>, Problem> {
    let mut violations = Vec::new();
    let mut parsed = Vec::with_capacity(positions.len());
    for (index, position) in positions.iter().enumerate() {
        let topic = Topic::named(&position.topic).filter(|topic| reads.contains(topic));
        let partition = u16::try_from(position.partition).ok().filter(|partition| *partition < PARTITIONS);
        if topic.is_none() {
            let names = reads.iter().map(|topic| topic.name()).collect::<Vec<_>>().join(" or ");
            violations.push(FieldViolation::new(format!("positions[{index}].topic"), format!("must be {names}")));
        }
        if partition.is_none() {
            violations.push(FieldViolation::new(format!("positions[{index}].partition"), "must be from 0 to 255"));
        }
        if let (Some(topic), Some(partition)) = (topic, partition) {
            parsed.push(Position { topic, partition, offset: position.offset });
        }
    }
    Problem::from_violations(violations).map_or(Ok(parsed), Err)
}

/// A position as the contracts have it.
#[must_use]
pub fn position_to_wire(position: &Position) -> types::Position {
    types::Position {
        topic: position.topic.name().to_owned(),
        partition: u32::from(position.partition),
        offset: position.offset,
    }
}

/// Positions as the contracts have them.
#[must_use]
pub fn positions_to_wire(positions: &[Position]) -> Vec<types::Position> {
    positions.iter().map(position_to_wire).collect()
}

/// A lag as the contracts have it.
#[must_use]
pub const fn lag_to_wire(lag: Lag) -> types::Lag {
    types::Lag { pending_records: lag.pending_records, oldest_ms: lag.oldest_ms }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(header: &str) -> Option<u128> {
        let mut metadata = MetadataMap::new();
        metadata.insert("grpc-timeout", header.parse().ok()?);
        Some(wait_bound(&metadata).as_millis())
    }

    #[test]
    fn the_answer_is_ready_before_the_clients_deadline() {
        assert_eq!(wait_bound(&MetadataMap::new()), WAIT_MAX);
        assert_eq!(bound("10S"), Some(9_950));
        assert_eq!(bound("100m"), Some(90));
        assert_eq!(bound("2H"), Some(60_000));
        assert_eq!(bound("nonsense"), Some(60_000));
        assert_eq!(bound("99999999999S"), Some(60_000));
    }

    #[test]
    fn every_position_at_fault_is_named() {
        let position = |topic: &str, partition| types::Position { topic: topic.into(), partition, offset: 1 };
        let good = positions_from_wire(&[position("money", 255)], &[Topic::Money]);
        assert_eq!(good, Ok(vec![Position { topic: Topic::Money, partition: 255, offset: 1 }]));
        let bad = positions_from_wire(&[position("shares", 1), position("money", 256)], &[Topic::Money]);
        let fields: Vec<String> = match bad {
            Err(problem) => problem.violations().into_iter().map(|violation| violation.field).collect(),
            Ok(_) => Vec::new(),
        };
        assert_eq!(fields, ["positions[0].topic", "positions[1].partition"]);
    }
}
