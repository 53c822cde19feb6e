//! Path counts: what trainable models read instead of journeys. `path -> conversions, value, lost journeys`.
//!
//! Counts are whole numbers, so the order of journeys, the splitting of a count over several calls and the merging of
//! parts leave no trace, and a journey taken back was never there. A path is a sequence of tokens: names of channels,
//! or whatever else credit is given to. Must never know: persons, times, models, currencies.

mod encoding;
mod key;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use key::Key;

pub use encoding::InvalidEncoding;

/// Most touches of one path: as many events as one person may have.
pub const MAX_PATH_TOUCHES: usize = 10_000;
/// Most different tokens.
pub const MAX_CHANNELS: usize = 65_535;
/// Most journeys in one table: visits of a state then still fit 64 bits.
pub const MAX_JOURNEYS: u64 = 1 << 40;

/// How often a path was walked, and with which end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tally {
    /// Journeys that ended in a conversion.
    pub conversions: u64,
    /// What those conversions were worth, in minor units of one currency; not negative.
    pub value_minor: i64,
    /// Journeys that ended without one.
    pub lost: u64,
}

impl Tally {
    /// One journey that converted.
    #[must_use]
    pub const fn converted(value_minor: i64) -> Self {
        Self { conversions: 1, value_minor, lost: 0 }
    }

    /// One journey that did not convert.
    pub const LOST: Self = Self { conversions: 0, value_minor: 0, lost: 1 };

    /// Journeys of both kinds.
    #[must_use]
    pub const fn journeys(&self) -> u64 {
        self.conversions.saturating_add(self.lost)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.conversions == 0 && self.lost == 0 && self.value_minor == 0
    }

    fn checked_add(self, other: Self) -> Option<Self> {
        let sum = Self {
            conversions: self.conversions.checked_add(other.conversions)?,
            value_minor: self.value_minor.checked_add(other.value_minor)?,
            lost: self.lost.checked_add(other.lost)?,
        };
        (sum.conversions.checked_add(sum.lost)? <= MAX_JOURNEYS).then_some(sum)
    }

    fn checked_sub(self, other: Self) -> Option<Self> {
        let rest = Self {
            conversions: self.conversions.checked_sub(other.conversions)?,
            value_minor: self.value_minor.checked_sub(other.value_minor)?,
            lost: self.lost.checked_sub(other.lost)?,
        };
        rest.is_possible().then_some(rest)
    }

    /// Whether journeys exist that this counts: value is not negative, and comes with conversions only.
    const fn is_possible(&self) -> bool {
        self.value_minor >= 0 && (self.conversions > 0 || self.value_minor == 0)
    }
}

/// Why a journey cannot be counted, or taken back. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCount {
    /// A touch names no channel.
    #[error("path[{place}] must not be empty")]
    EmptyChannel {
        /// Which touch, from 0.
        place: usize,
    },
    /// The path is too long.
    #[error("path must have at most {MAX_PATH_TOUCHES} touches")]
    TooLong,
    /// There are too many different tokens.
    #[error("paths must name at most {MAX_CHANNELS} different channels")]
    TooManyChannels,
    /// A value below 0, or without a conversion.
    #[error("value_minor must not be negative, and 0 where there are no conversions")]
    Value,
    /// A sum does not fit.
    #[error("the sums must stay within {MAX_JOURNEYS} journeys and 9223372036854775807 minor units")]
    Overflow,
    /// What is to be taken back was not counted.
    #[error("the path was not counted with these conversions, value and lost journeys")]
    NotCounted,
}

/// Counts by path.
///
/// Memory is that of the different paths that are counted now. Two tables are equal when they count the same, however
/// they came about.
#[derive(Clone, Debug, Default)]
pub struct PathCounts {
    names: Names,
    tallies: HashMap<Key, Tally, Seeded>,
    total: Tally,
    /// Room for the key at hand.
    key: Key,
}

/// Hashing differs by process, so that nobody can write names that collide. What is read out stands in order.
type Seeded = foldhash::fast::RandomState;

/// Names of tokens and the numbers given out for them.
#[derive(Clone, Debug, Default)]
struct Names {
    ids: HashMap<Arc<str>, u32, Seeded>,
    names: Vec<Arc<str>>,
    /// Touches over all different paths, by id.
    uses: Vec<u64>,
    /// Ids whose names nobody uses any more.
    free: Vec<u32>,
}

/// One path with its count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathRow {
    /// Tokens, oldest first.
    pub path: Vec<Arc<str>>,
    /// How often it was walked.
    pub tally: Tally,
}

impl PathCounts {
    /// Counts nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts journeys over one path, oldest touch first. The empty path counts journeys without a touch: they are
    /// part of the totals and of no model.
    ///
    /// # Errors
    /// [`InvalidCount`] when a bound or rule is broken; nothing has changed then.
    pub fn add<T: AsRef<str>>(&mut self, path: impl IntoIterator<Item = T>, tally: Tally) -> Result<(), InvalidCount> {
        if !tally.is_possible() {
            return Err(InvalidCount::Value);
        }
        let total = self.total.checked_add(tally).ok_or(InvalidCount::Overflow)?;
        let named = self.name(path);
        if named.is_err() || tally.is_empty() {
            self.names.forget_unused(&self.key);
            return named;
        }
        match self.tallies.get_mut(&*self.key) {
            Some(held) => *held = held.checked_add(tally).ok_or(InvalidCount::Overflow)?,
            None => {
                self.names.use_more(&self.key);
                self.tallies.insert(self.key.clone(), tally);
            }
        }
        self.total = total;
        Ok(())
    }

    /// Takes back what [`PathCounts::add`] counted, so that it was never there.
    ///
    /// # Errors
    /// [`InvalidCount::NotCounted`] when the path holds less than that; nothing has changed then.
    pub fn retract<T: AsRef<str>>(
        &mut self,
        path: impl IntoIterator<Item = T>,
        tally: Tally,
    ) -> Result<(), InvalidCount> {
        if !tally.is_possible() {
            return Err(InvalidCount::Value);
        }
        self.key.clear();
        for token in path {
            key::push(&mut self.key, self.names.known(token.as_ref()).ok_or(InvalidCount::NotCounted)?);
        }
        let held = self.tallies.get_mut(&*self.key).ok_or(InvalidCount::NotCounted)?;
        let rest = held.checked_sub(tally).ok_or(InvalidCount::NotCounted)?;
        self.total = self.total.checked_sub(tally).ok_or(InvalidCount::NotCounted)?;
        *held = rest;
        if rest.is_empty() {
            self.tallies.remove(&*self.key);
            self.names.use_less(&self.key);
        }
        Ok(())
    }

    /// Counts all that another table counts.
    ///
    /// # Errors
    /// [`InvalidCount`] when the sum breaks a bound; nothing has changed then.
    pub fn merge(&mut self, other: &Self) -> Result<(), InvalidCount> {
        self.total.checked_add(other.total).ok_or(InvalidCount::Overflow)?;
        let fresh = other.channels().iter().filter(|name| self.names.known(name).is_none()).count();
        if self.names.ids.len().saturating_add(fresh) > MAX_CHANNELS {
            return Err(InvalidCount::TooManyChannels);
        }
        // Within the totals, so no count can break a bound any more.
        other.rows().iter().try_for_each(|row| self.add(&row.path, row.tally))
    }

    /// Writes the key of a path; new names get an id.
    fn name<T: AsRef<str>>(&mut self, path: impl IntoIterator<Item = T>) -> Result<(), InvalidCount> {
        self.key.clear();
        for (place, token) in path.into_iter().enumerate() {
            if place >= MAX_PATH_TOUCHES {
                return Err(InvalidCount::TooLong);
            }
            key::push(&mut self.key, self.names.id(token.as_ref(), place)?);
        }
        Ok(())
    }

    /// Sums over all paths, the empty one included.
    #[must_use]
    pub const fn total(&self) -> Tally {
        self.total
    }

    /// Journeys without a touch.
    #[must_use]
    pub fn without_touch(&self) -> Tally {
        self.tallies.get(&[][..]).copied().unwrap_or_default()
    }

    /// Sums over the paths with touches.
    #[must_use]
    pub fn with_touches(&self) -> Tally {
        self.total.checked_sub(self.without_touch()).unwrap_or_default()
    }

    /// The tokens of all paths, each once, in order of their bytes.
    #[must_use]
    pub fn channels(&self) -> Vec<Arc<str>> {
        self.places().0
    }

    /// All paths with their counts, in order of the bytes of their tokens, shorter ones before their continuations.
    #[must_use]
    pub fn rows(&self) -> Vec<PathRow> {
        let reader = self.reader();
        let name = |channel: &u32| reader.channels.get(*channel as usize).cloned();
        let paths = reader.ordered(|_| true).into_iter();
        paths.map(|(path, tally)| PathRow { path: path.iter().filter_map(name).collect(), tally }).collect()
    }

    /// Number of different paths, the empty one included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tallies.len()
    }

    /// Whether nothing is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tallies.is_empty()
    }

    /// The channels in order, and a way to read paths as places among them.
    pub(crate) fn reader(&self) -> Reader<'_> {
        let (channels, places) = self.places();
        Reader { channels, places, counts: self }
    }

    /// Names of channels in use in order of their bytes, and the place of each id among them.
    fn places(&self) -> (Vec<Arc<str>>, Vec<u32>) {
        let named = self.names.names.iter().zip(&self.names.uses).zip(0u32..);
        let mut used: Vec<(&Arc<str>, u32)> =
            named.filter(|((_, uses), _)| **uses > 0).map(|((name, _), id)| (name, id)).collect();
        used.sort_unstable();
        let mut places = vec![u32::MAX; self.names.names.len()];
        for ((_, id), next) in used.iter().zip(0u32..) {
            places.get_mut(*id as usize).into_iter().for_each(|place| *place = next);
        }
        (used.into_iter().map(|(name, _)| Arc::clone(name)).collect(), places)
    }
}

/// Path counts as models read them: channels are places in the order of their bytes.
pub(crate) struct Reader<'c> {
    pub(crate) channels: Vec<Arc<str>>,
    places: Vec<u32>,
    counts: &'c PathCounts,
}

/// A path as places among the channels in order, with its count.
pub(crate) type PlacedPath = (Vec<u32>, Tally);

impl Reader<'_> {
    fn place(&self, id: u32) -> u32 {
        self.places.get(id as usize).copied().unwrap_or(u32::MAX)
    }

    /// Calls back with every path that has touches, **in no order**: for sums that show none.
    pub(crate) fn each(&self, mut visit: impl FnMut(&[u32], Tally)) {
        let mut path = Vec::new();
        for (key, tally) in self.counts.tallies.iter().filter(|(key, _)| !key.is_empty()) {
            path.clear();
            path.extend(key::ids(key).map(|id| self.place(id)));
            visit(&path, *tally);
        }
    }

    /// The paths that are wanted, in order, the empty one first.
    pub(crate) fn ordered(&self, wanted: impl Fn(Tally) -> bool) -> Vec<PlacedPath> {
        let wanted = self.counts.tallies.iter().filter(|(_, tally)| wanted(**tally));
        let mut paths: Vec<PlacedPath> =
            wanted.map(|(key, tally)| (key::ids(key).map(|id| self.place(id)).collect(), *tally)).collect();
        paths.sort_unstable_by(|left, right| left.0.cmp(&right.0));
        paths
    }
}

impl Names {
    fn known(&self, token: &str) -> Option<u32> {
        self.ids.get(token).copied()
    }

    /// The token's id, given out where there is none.
    fn id(&mut self, token: &str, place: usize) -> Result<u32, InvalidCount> {
        if let Some(id) = self.known(token) {
            return Ok(id);
        }
        if token.is_empty() {
            return Err(InvalidCount::EmptyChannel { place });
        }
        if self.ids.len() >= MAX_CHANNELS {
            return Err(InvalidCount::TooManyChannels);
        }
        let name: Arc<str> = token.into();
        let id = match self.free.pop() {
            Some(id) => {
                self.names.get_mut(id as usize).into_iter().for_each(|held| *held = Arc::clone(&name));
                id
            }
            None => {
                let id = u32::try_from(self.names.len()).map_err(|_| InvalidCount::TooManyChannels)?;
                self.names.push(Arc::clone(&name));
                self.uses.push(0);
                id
            }
        };
        self.ids.insert(name, id);
        Ok(id)
    }

    fn use_more(&mut self, path: &Key) {
        for id in key::ids(path) {
            self.uses.get_mut(id as usize).into_iter().for_each(|uses| *uses = uses.saturating_add(1));
        }
    }

    fn use_less(&mut self, path: &Key) {
        for id in key::ids(path) {
            self.uses.get_mut(id as usize).into_iter().for_each(|uses| *uses = uses.saturating_sub(1));
        }
        self.forget_unused(path);
    }

    /// Takes back the ids of a path's tokens that no path has.
    fn forget_unused(&mut self, path: &Key) {
        for id in key::ids(path).filter(|id| self.uses.get(*id as usize) == Some(&0)).collect::<BTreeSet<u32>>() {
            if let Some(name) = self.names.get(id as usize) {
                self.ids.remove(name);
            }
            self.free.push(id);
        }
    }
}

impl PartialEq for PathCounts {
    fn eq(&self, other: &Self) -> bool {
        self.total == other.total && self.rows() == other.rows()
    }
}

impl Eq for PathCounts {}

#[cfg(test)]
mod tests;
