//! Everything that a snapshot is compiled from. Shared parts: whoever changes one flag keeps the others.
//!
//! Must never know: how it is stored, what was there before.

use crate::experiment::Experiment;
use crate::flag::Flag;
use crate::holdout::Holdout;
use crate::layer::Layer;
use crate::logic::Evaluators;
use std::sync::Arc;

/// A registry's definitions, each kind in any order.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    /// At most 100,000, keys unique among flags.
    pub flags: Vec<Arc<Flag>>,
    /// At most 100,000, keys unique among experiments; a flag may have the same key.
    pub experiments: Vec<Arc<Experiment>>,
    /// At most 1,000.
    pub layers: Vec<Arc<Layer>>,
    /// At most 1,000.
    pub holdouts: Vec<Arc<Holdout>>,
    /// Those that audiences and targeting were parsed with.
    pub evaluators: Evaluators,
}

impl FromIterator<Arc<Experiment>> for Definitions {
    /// Experiments alone.
    fn from_iter<I: IntoIterator<Item = Arc<Experiment>>>(experiments: I) -> Self {
        Self { experiments: experiments.into_iter().collect(), ..Self::default() }
    }
}
