//! A cut through topics: how far something must have come, one offset per partition.
//!
//! Must never know: what the records at these offsets hold.

use std::collections::BTreeMap;

use api::types::Position;

/// The highest position seen in every (topic, partition). Holds at most 256 entries per topic, however many
/// events stand behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cut(BTreeMap<(String, u32), u64>);

impl Cut {
    /// Moves the cut so that it includes `position`.
    pub fn include(&mut self, position: Position) {
        let offset = self.0.entry((position.topic, position.partition)).or_default();
        *offset = position.offset.max(*offset);
    }

    /// Whether nothing was included.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The positions, by topic and partition.
    #[must_use]
    pub fn into_positions(self) -> Vec<Position> {
        self.0.into_iter().map(|((topic, partition), offset)| Position { topic, partition, offset }).collect()
    }

    /// The positions in the named topics only.
    #[must_use]
    pub(crate) fn of(&self, topics: &[&str]) -> Vec<Position> {
        let wanted = |((topic, _), _): &(&(String, u32), &u64)| topics.contains(&topic.as_str());
        let position = |((topic, partition), offset): (&(String, u32), &u64)| Position {
            topic: topic.clone(),
            partition: *partition,
            offset: *offset,
        };
        self.0.iter().filter(wanted).map(position).collect()
    }
}

impl FromIterator<Position> for Cut {
    fn from_iter<I: IntoIterator<Item = Position>>(positions: I) -> Self {
        let mut cut = Self::default();
        cut.extend(positions);
        cut
    }
}

impl Extend<Position> for Cut {
    fn extend<I: IntoIterator<Item = Position>>(&mut self, positions: I) {
        positions.into_iter().for_each(|position| self.include(position));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(topic: &str, partition: u32, offset: u64) -> Position {
        Position { topic: topic.to_owned(), partition, offset }
    }

    #[test]
    fn only_the_highest_offset_of_a_partition_is_kept() {
        let cut: Cut =
            [position("money", 1, 3), position("events", 7, 5), position("events", 7, 4)].into_iter().collect();
        assert_eq!(cut.of(&["money"]), [position("money", 1, 3)]);
        assert_eq!(cut.into_positions(), [position("events", 7, 5), position("money", 1, 3)]);
    }
}
