//! Rebuilding a stage: fold everything into shadow state, publish only the difference, swap.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::diff::apply;
use crate::facts::{Work, write_facts};
use crate::record::Record;
use crate::stage::{Session, decode};
use crate::step::group;
use crate::{Claim, Commit, Fold, Inputs, JournalError, Key, LogRecord, Stage, Standing};

/// The live and the rebuilt record of every key of a page.
type Pairs<I> = BTreeMap<Key, (Record<I>, Record<I>)>;

/// What a rebuild found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Keys folded.
    pub keys: u64,
    /// Facts published or withdrawn because they differed; 0 when nothing had been wrong.
    pub facts: u64,
}

impl<F: Fold> Stage<F> {
    /// Folds all inputs again into shadow state up to where the stage stands, publishes what differs from what was
    /// published, under a new epoch, and puts the shadow in place of the old state in one transaction.
    /// The stage waits meanwhile.
    ///
    /// # Errors
    /// [`JournalError`]; the old state is then still in force.
    pub async fn rebuild(&self) -> Result<Rebuilt, JournalError> {
        let mut guard = self.session.lock().await;
        let fold = self.fold();
        // A new lease: the one at hand may be lost by now, and what it knows of the live state be old.
        *guard = None;
        let live = self.session(&mut guard).await?.claim.clone();
        let result = self.rebuild_from(&fold, &live).await;
        *guard = None;
        self.kick.send_modify(|count| *count = count.wrapping_add(1));
        result
    }

    async fn rebuild_from(&self, fold: &Arc<F>, live: &Claim) -> Result<Rebuilt, JournalError> {
        let shadow = live.generation + 1;
        self.store.discard(shadow).await?;
        let claim = Claim {
            epoch: live.epoch,
            generation: shadow,
            progress: BTreeMap::new(),
            folded: fold.parameters(),
            scan: None,
        };
        let mut session = Session::new(claim, self.new_cache(), fold.parameters());
        loop {
            let mut commit = Commit { epoch: live.epoch, generation: shadow, ..Commit::default() };
            let deliveries = self.read(&session, &mut commit, Some(&live.progress)).await?;
            if deliveries.is_empty() {
                break;
            }
            self.fold_groups(fold, &mut session, group(deliveries), &mut commit, false).await?;
            let after = commit.after.clone();
            self.store.commit(commit).await?;
            session.claim.progress.extend(after);
        }
        for (topic, end) in &live.progress {
            if session.claim.progress.get(topic).is_none_or(|now| now.offsets != end.offsets) {
                // Facts whose inputs are missing would be withdrawn.
                let what = format!("topic {}: it does not read up to where the stage stands", topic.name());
                return Err(JournalError::Corrupt { what });
            }
        }
        let Claim { epoch, generation, progress, .. } = self.store.claim().await?;
        if generation != live.generation || progress != live.progress {
            // Somebody else held the lease in between, so what was rebuilt is not what is live.
            return Err(JournalError::Fenced { stage: F::NAME });
        }
        let mut commit =
            Commit { epoch, generation: shadow, folded: fold.parameters(), swap: true, ..Commit::default() };
        let keys = self.compare(fold, live.generation, shadow, &mut commit).await?;
        let facts = commit.facts.values().map(|facts| facts.len() as u64).sum();
        self.store.commit(commit).await?;
        Ok(Rebuilt { keys, facts })
    }

    /// Walks both generations in key order and collects what has to be published.
    async fn compare(&self, fold: &Arc<F>, live: u64, shadow: u64, commit: &mut Commit) -> Result<u64, JournalError> {
        let mut keys = 0;
        let mut cursor = String::new();
        loop {
            let (old, old_end) = self.page(live, &cursor).await?;
            let (new, new_end) = self.page(shadow, &cursor).await?;
            // Only keys that both pages would hold can be compared now.
            let bound = [old_end, new_end].into_iter().flatten().min();
            let within = |key: &Key| bound.as_ref().is_none_or(|bound| key <= bound);
            let mut pairs: Pairs<F::Input> = BTreeMap::new();
            for (key, record) in old.into_iter().filter(|(key, _)| within(key)) {
                pairs.entry(key).or_default().0 = record;
            }
            for (key, record) in new.into_iter().filter(|(key, _)| within(key)) {
                pairs.entry(key).or_default().1 = record;
            }
            keys += pairs.len() as u64;
            self.publish_differences(fold, pairs, commit).await?;
            match bound {
                Some(bound) => cursor = bound.as_str().to_owned(),
                None => return Ok(keys),
            }
        }
    }

    /// A page of decoded records, and its last key where more may follow.
    #[allow(clippy::type_complexity, reason = "a page and its end")]
    async fn page(
        &self,
        generation: u64,
        after: &str,
    ) -> Result<(Vec<(Key, Record<F::Input>)>, Option<Key>), JournalError> {
        let page = self.store.scan(generation, after, self.page_keys).await?;
        let end = if page.len() < self.page_keys { None } else { page.last().map(|(key, _)| key.clone()) };
        let records = page
            .into_iter()
            .map(|(key, bytes)| decode(&key, &bytes).map(|record| (key, record)))
            .collect::<Result<_, _>>()?;
        Ok((records, end))
    }

    async fn publish_differences(
        &self,
        fold: &Arc<F>,
        pairs: Pairs<F::Input>,
        commit: &mut Commit,
    ) -> Result<(), JournalError> {
        let mut works = Vec::new();
        for (key, (old, new)) in pairs {
            let standing =
                if new.live() > self.options.key_inputs_max { Standing::Quarantined } else { Standing::Normal };
            let output = if new.failed || new.slots.is_empty() {
                crate::Output::default()
            } else {
                fold.fold(&key, Inputs { slots: &new.slots }, standing)
                    .map_err(|error| JournalError::Corrupt { what: format!("{key}: {error}") })?
            };
            let mut record = Record { counter: old.counter.max(new.counter), published: old.published, ..new };
            let applied = record.applied.clone();
            let changes = apply(&mut record, output, &mut BTreeMap::new());
            record.applied = applied;
            if !changes.publish.is_empty() || !changes.withdraw.is_empty() {
                works.push(Work { key, record, changes, trace: None });
            }
        }
        let mut origins: HashMap<u64, Arc<LogRecord>> = HashMap::new();
        self.fetch_origins(&works, &mut origins).await?;
        for mut work in works {
            write_facts(fold.as_ref(), &mut work, &origins, commit, true)
                .map_err(|error| JournalError::Corrupt { what: format!("{}: {error}", work.key) })?;
            commit.records.push((work.key, work.record.encode()));
        }
        Ok(())
    }
}
