//! Mutual exclusion: experiments of one layer own disjoint sets of a million buckets, so that no unit is in two.
//!
//! Buckets are given out from what is free, when an experiment needs them, and taken back when it stops; so nobody
//! plans room ahead. Which ones is scattered anew with every allocation: an experiment does not inherit the users of
//! the one that had its room before. Every layer is a value; a change makes another. Must never know: what the owners
//! are.

use crate::hash_version::{MAX_SALT_BYTES, Salted, is_salt};
use crate::murmur3::Murmur3;
use ids::Name;
use std::collections::BTreeMap;
use std::sync::Arc;

mod buckets;

pub use buckets::{BucketSet, InvalidBuckets, LAYER_BUCKETS};

/// Between the parts of what scatters an allocation; no salt and no name holds it.
const SEPARATOR: &[u8] = &[0x1f];

/// What [`Layer::new`] is asked to accept.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerDefinition {
    /// Unique name.
    pub key: Name,
    /// What the unit is hashed with: 1 to 256 bytes, no control characters.
    pub salt: String,
    /// Allocations so far; what the next one is scattered by.
    pub allocations: u64,
    /// Disjoint sets by the key of the experiment that owns them.
    pub owners: BTreeMap<Name, Arc<BucketSet>>,
}

impl LayerDefinition {
    /// A layer that nobody owns any of, with the key as its salt.
    #[must_use]
    pub fn new(key: Name) -> Self {
        Self { salt: key.as_str().to_owned(), key, allocations: 0, owners: BTreeMap::new() }
    }
}

/// A definition that keeps every rule. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Layer {
    definition: Arc<LayerDefinition>,
    salted: Salted,
}

/// Which field of a [`LayerDefinition`] breaks which rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLayer {
    /// The salt is empty, too long or holds control characters.
    #[error("salt must have 1 to {MAX_SALT_BYTES} bytes and no control characters")]
    Salt,
    /// A bucket has two owners.
    #[error("owners.{owner} must not own bucket {bucket}, which another owner has")]
    Shared {
        /// The owner, the second by key.
        owner: Name,
        /// The first bucket at fault.
        bucket: u32,
    },
}

/// Why buckets cannot be given out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAllocation {
    /// There are not so many free.
    #[error("buckets must be at most the {free} that are free, not {asked}")]
    TooFew {
        /// Free in the layer.
        free: u32,
        /// Asked for.
        asked: u32,
    },
    /// The owner has not so many to hand on.
    #[error("buckets must be at most the {owned} that {owner} owns, not {asked}")]
    NotOwned {
        /// Who was to hand on.
        owner: Name,
        /// What it owns.
        owned: u32,
        /// Asked for.
        asked: u32,
    },
    /// Owner and receiver are one.
    #[error("to must be another than {owner}")]
    Itself {
        /// Both.
        owner: Name,
    },
}

impl Layer {
    /// Checks a definition.
    ///
    /// # Errors
    /// [`InvalidLayer`] naming the field at fault and its rule.
    pub fn new(definition: LayerDefinition) -> Result<Self, InvalidLayer> {
        if !is_salt(&definition.salt) {
            return Err(InvalidLayer::Salt);
        }
        let mut owned = BucketSet::default();
        for (owner, set) in &definition.owners {
            if let Some(bucket) = owned.first_shared(set) {
                return Err(InvalidLayer::Shared { owner: owner.clone(), bucket });
            }
            owned.extend(set);
        }
        Ok(Self::of(definition))
    }

    fn of(definition: LayerDefinition) -> Self {
        Self { salted: Salted::layer(&definition.salt), definition: Arc::new(definition) }
    }

    /// Everything that was defined.
    #[must_use]
    pub fn definition(&self) -> &LayerDefinition {
        &self.definition
    }

    /// Unique name.
    #[must_use]
    pub fn key(&self) -> &Name {
        &self.definition.key
    }

    /// What an experiment owns; `None` where it owns nothing.
    #[must_use]
    pub fn owned(&self, owner: &Name) -> Option<&Arc<BucketSet>> {
        self.definition.owners.get(owner)
    }

    /// How many buckets nobody owns.
    #[must_use]
    pub fn free(&self) -> u32 {
        let owned = self.definition.owners.values().map(|set| set.len()).fold(0, u32::saturating_add);
        LAYER_BUCKETS.saturating_sub(owned)
    }

    /// The unit's bucket, in `0..1_000_000`.
    #[must_use]
    pub fn bucket(&self, unit: &str) -> u32 {
        self.salted.per_million(unit)
    }

    pub(crate) const fn salted(&self) -> Salted {
        self.salted
    }

    /// This layer with `buckets` more for `owner`, out of what is free; what it owns already stays its own.
    ///
    /// # Errors
    /// [`InvalidAllocation::TooFew`] when less is free.
    pub fn allocate(&self, owner: &Name, buckets: u32) -> Result<Self, InvalidAllocation> {
        let free = self.free();
        if buckets > free {
            return Err(InvalidAllocation::TooFew { free, asked: buckets });
        }
        let mut owned = BucketSet::default();
        self.definition.owners.values().for_each(|set| owned.extend(set));
        Ok(self.changed(|definition| {
            let seed = seed(definition, owner);
            let taken = owned.complement().scattered(buckets, seed);
            give(definition, owner, &taken);
        }))
    }

    /// This layer without `owner`; what it owned is free.
    #[must_use]
    pub fn release(&self, owner: &Name) -> Self {
        let mut definition = LayerDefinition::clone(&self.definition);
        definition.owners.remove(owner);
        Self::of(definition)
    }

    /// This layer with `buckets` of what `owner` owns handed on to `to`, as when one experiment becomes two.
    ///
    /// # Errors
    /// [`InvalidAllocation`] when `owner` owns less, or is `to`.
    pub fn split(&self, owner: &Name, to: &Name, buckets: u32) -> Result<Self, InvalidAllocation> {
        if owner == to {
            return Err(InvalidAllocation::Itself { owner: owner.clone() });
        }
        let set = self.owned(owner).cloned().unwrap_or_default();
        let owned = set.len();
        if buckets > owned {
            return Err(InvalidAllocation::NotOwned { owner: owner.clone(), owned, asked: buckets });
        }
        Ok(self.changed(|definition| {
            let handed = set.scattered(buckets, seed(definition, to));
            let kept = set.without(&handed);
            if kept.is_empty() {
                definition.owners.remove(owner);
            } else {
                definition.owners.insert(owner.clone(), Arc::new(kept));
            }
            give(definition, to, &handed);
        }))
    }

    /// The next layer, with one more allocation counted.
    fn changed(&self, change: impl FnOnce(&mut LayerDefinition)) -> Self {
        let mut definition = LayerDefinition::clone(&self.definition);
        definition.allocations = definition.allocations.wrapping_add(1);
        change(&mut definition);
        Self::of(definition)
    }
}

impl PartialEq for Layer {
    fn eq(&self, other: &Self) -> bool {
        self.definition == other.definition
    }
}

fn give(definition: &mut LayerDefinition, to: &Name, buckets: &BucketSet) {
    if buckets.is_empty() {
        return;
    }
    let owned = definition.owners.entry(to.clone()).or_default();
    Arc::make_mut(owned).extend(buckets);
}

/// What scatters this allocation: another order of the buckets for every salt, owner and time.
fn seed(definition: &LayerDefinition, owner: &Name) -> Murmur3 {
    let hash = Murmur3::new(0).update(definition.salt.as_bytes()).update(SEPARATOR);
    let hash = hash.update(owner.as_str().as_bytes()).update(SEPARATOR);
    hash.update(&definition.allocations.to_le_bytes())
}

#[cfg(test)]
mod tests;
