//! Which exposures were handed on already: a bounded memory of full keys, the ones not met for long going first.
//!
//! Must never know: the queue.

use std::hash::{Hash, Hasher};

use ids::Name;
use quick_cache::Equivalent;
use quick_cache::sync::Cache;

use super::Exposure;

/// One exposure of a unit to an arm on a UTC day. A user and a device of the same name are two units.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    unit: Box<str>,
    experiment: Name,
    variant: Name,
    revision: u32,
    is_user: bool,
    day: i64,
}

/// The same without owning it, so that looking it up allocates nothing.
struct Borrowed<'a>(&'a Exposure);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&*self.unit, &self.experiment, &self.variant, self.revision, self.is_user, self.day).hash(state);
    }
}

impl Hash for Borrowed<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self(Exposure { experiment, variant, revision, identity, at, .. }) = self;
        (identity.unit(), experiment, variant, *revision, identity.is_user(), at.day()).hash(state);
    }
}

impl Equivalent<Key> for Borrowed<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        let Self(Exposure { experiment, variant, revision, identity, at, .. }) = self;
        *identity.unit() == *key.unit
            && *experiment == key.experiment
            && *variant == key.variant
            && *revision == key.revision
            && identity.is_user() == key.is_user
            && at.day() == key.day
    }
}

/// The memory.
pub(super) struct Remembered(Cache<Key, ()>);

impl Remembered {
    /// Room for about `capacity` keys.
    pub(super) fn new(capacity: usize) -> Self {
        Self(Cache::new(capacity))
    }

    /// Whether it was inserted before and is still known.
    pub(super) fn contains(&self, exposure: &Exposure) -> bool {
        self.0.get(&Borrowed(exposure)).is_some()
    }

    pub(super) fn insert(&self, exposure: &Exposure) {
        let key = Key {
            unit: exposure.identity.unit().into(),
            experiment: exposure.experiment.clone(),
            variant: exposure.variant.clone(),
            revision: exposure.revision,
            is_user: exposure.identity.is_user(),
            day: exposure.at.day(),
        };
        self.0.insert(key, ());
    }
}
