//! One stage of the chain: its state, which outlives everything, and two workers who take the lease from each other.
//!
//! Must never know: what it folds.

use std::sync::Arc;

use journal::{Fold, MemoryStage, MemoryTopic, Options, Stage, StageRunner, StageStore, TopicReader};

use crate::lanes::{Shuffled, Slow, Trouble};
use crate::plain::Rules;

/// A stage whatever it folds.
pub trait Hop {
    /// One of the two workers.
    fn worker(&self, which: usize) -> &dyn StageRunner;

    /// A new worker takes the place of that one.
    fn restart(&mut self, which: usize, rules: &Rules);

    /// Both workers are told the rules.
    fn obey(&self, rules: &Rules);

    /// Where its sums are.
    fn state(&self) -> &MemoryStage;
}

/// A stage of that fold.
pub struct HopOf<F: Fold> {
    make: fn(&Rules) -> F,
    state: Arc<MemoryStage>,
    store: Arc<Slow>,
    inputs: Vec<Arc<dyn TopicReader>>,
    options: Options,
    workers: [Stage<F>; 2],
}

impl<F: Fold> HopOf<F> {
    /// Between these topics, with at most `cap` live inputs per key.
    pub fn new(
        make: fn(&Rules) -> F,
        rules: &Rules,
        inputs: &[&Arc<MemoryTopic>],
        outputs: &[&Arc<MemoryTopic>],
        cap: usize,
        trouble: &Arc<Trouble>,
    ) -> Self {
        let state = Arc::new(MemoryStage::new(F::NAME, outputs.iter().map(|topic| Arc::clone(topic)).collect()));
        state.crash_when(trouble.crashes());
        let store = Arc::new(Slow::new(Arc::clone(&state), Arc::clone(trouble)));
        let reader = |topic: &&Arc<MemoryTopic>| {
            Arc::new(Shuffled::new(Arc::clone(topic), Arc::clone(trouble))) as Arc<dyn TopicReader>
        };
        let inputs: Vec<_> = inputs.iter().map(reader).collect();
        // A small cache, so that records come from everywhere.
        let options = Options { batch_records_max: 16, key_inputs_max: cap, cache_bytes: 4_096 };
        let workers = [0, 1].map(|_| worker(make(rules), &store, &inputs, &options));
        Self { make, state, store, inputs, options, workers }
    }
}

fn worker<F: Fold>(fold: F, store: &Arc<Slow>, inputs: &[Arc<dyn TopicReader>], options: &Options) -> Stage<F> {
    let store = Arc::clone(store) as Arc<dyn StageStore>;
    Stage::new(fold, store, inputs.to_vec(), options.clone()).with_page_keys(3)
}

impl<F: Fold> Hop for HopOf<F> {
    fn worker(&self, which: usize) -> &dyn StageRunner {
        &self.workers[which]
    }

    fn restart(&mut self, which: usize, rules: &Rules) {
        self.workers[which] = worker((self.make)(rules), &self.store, &self.inputs, &self.options);
    }

    fn obey(&self, rules: &Rules) {
        self.workers.iter().for_each(|worker| worker.set_fold((self.make)(rules)));
    }

    fn state(&self) -> &MemoryStage {
        &self.state
    }
}
