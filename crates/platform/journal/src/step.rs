//! One batch: read, group, load, fold, compare, commit.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::diff::apply;
use crate::facts::{Work, note_failure, write_facts};
use crate::metrics as names;
use crate::record::Record;
use crate::stage::{Session, decode};
use crate::topic::SlotId;
use crate::{
    Commit, DeadRecord, Fold, FoldError, Inputs, JournalError, Key, Lag, LogRecord, OnFailure, Op, Output, Progress,
    Rebuilt, Stage, StageRunner, Standing, Stepped, Topic, TraceContext,
};

/// A record with the topic it came from.
type Delivery = (Topic, Arc<LogRecord>);

#[async_trait]
impl<F: Fold> StageRunner for Stage<F> {
    fn name(&self) -> &'static str {
        F::NAME
    }

    async fn step(&self) -> Result<Stepped, JournalError> {
        let mut guard = self.session.lock().await;
        // Out of its place meanwhile: a step that is dropped half-way takes the session along, uncommitted cache and
        // all.
        let mut session = guard.take();
        let done = match self.step_with(&mut session).await {
            Err(JournalError::Stopped { partitions, .. }) => {
                // What was folded of the batch is dropped; the other partitions go on with the next step.
                if let Some(session) = session.as_mut() {
                    session.stopped.extend(partitions);
                }
                Ok(Stepped::Worked(0))
            }
            done => done,
        };
        if done.is_ok() {
            *guard = session;
        }
        done
    }

    async fn rebuild_now(&self) -> Result<Rebuilt, JournalError> {
        self.rebuild().await
    }

    fn wakers(&self) -> Vec<watch::Receiver<u64>> {
        let own = std::iter::once(self.kick.subscribe());
        self.inputs.iter().map(|reader| reader.changed()).chain(own).collect()
    }

    async fn lag_now(&self) -> Result<Lag, JournalError> {
        self.lag().await
    }
}

impl<F: Fold> Stage<F> {
    async fn step_with(&self, guard: &mut Option<Session<F::Input>>) -> Result<Stepped, JournalError> {
        let fold = self.fold();
        let session = self.session(guard).await?;
        session.meet(fold.parameters());
        let mut commit = Commit {
            epoch: session.claim.epoch,
            generation: session.claim.generation,
            folded: session.claim.folded,
            scan: session.claim.scan.clone(),
            ..Commit::default()
        };
        let refold = session.unsettled() && !session.rested;
        // In turns, so that neither new records nor new parameters wait for ever.
        session.scanned_last = refold && !session.scanned_last;
        if !session.scanned_last {
            let deliveries = self.read(session, &mut commit, None).await?;
            if !deliveries.is_empty() {
                let count = deliveries.len();
                // From here on the parameters before no longer hold for every key, even if they come back.
                if session.unsettled() && commit.scan.as_ref().is_none_or(|(target, _)| *target != session.parameters) {
                    commit.scan = Some((session.parameters, String::new()));
                }
                self.fold_groups(&fold, session, group(deliveries), &mut commit, true).await?;
                self.finish(session, commit).await?;
                return Ok(Stepped::Worked(count));
            }
        }
        if refold { self.scan(&fold, session, commit).await.map(Stepped::Worked) } else { Ok(Stepped::Idle) }
    }

    /// Reads the next batch of every topic and sets the progress that it leads to. `until` stops reading there.
    pub(crate) async fn read(
        &self,
        session: &Session<F::Input>,
        commit: &mut Commit,
        until: Option<&BTreeMap<Topic, Progress>>,
    ) -> Result<Vec<Delivery>, JournalError> {
        let mut deliveries = Vec::new();
        for reader in &self.inputs {
            let topic = reader.topic();
            let before = session.claim.progress.get(&topic).cloned().unwrap_or_default();
            let end = until.map(|until| until.get(&topic).cloned().unwrap_or_default());
            let limit = self.options.batch_records_max;
            let mut after = before.clone();
            let mut whole = true;
            let closed = |lane: usize| {
                session.stopped.iter().any(|stopped| usize::from(*stopped) == lane)
                    || end.as_ref().is_some_and(|end| end.offsets[lane] <= before.offsets[lane])
            };
            let mut records = reader.read(&before, limit).await?;
            let useless = records.iter().filter(|record| closed(usize::from(record.partition))).count();
            if records.len() >= limit && useless > limit / 2 {
                // What stands still must not crowd out the rest, and must be found again: nothing is scanned past it.
                let mut past = before.clone();
                (0..).zip(past.offsets.iter_mut()).filter(|(lane, _)| closed(*lane)).for_each(|(_, o)| *o = u64::MAX);
                records = reader.read(&past, limit).await?;
                whole = false;
            }
            for record in records {
                let lane = usize::from(record.partition);
                if record.offset <= after.offsets[lane] {
                    continue;
                }
                // Past a gap or a stopped partition nothing may be skipped: it will be read again from there.
                let usable = record.offset == after.offsets[lane] + 1
                    && !session.stopped.contains(&record.partition)
                    && end.as_ref().is_none_or(|end| record.offset <= end.offsets[lane]);
                whole &= usable;
                if usable {
                    after.offsets[lane] = record.offset;
                    if whole {
                        after.scanned = after.scanned.max(record.seq);
                    }
                    deliveries.push((topic, record));
                }
            }
            if after != before {
                commit.before.insert(topic, before);
                commit.after.insert(topic, after);
            }
        }
        Ok(deliveries)
    }

    /// Folds the next keys again, because parameters have changed.
    async fn scan(
        &self,
        fold: &Arc<F>,
        session: &mut Session<F::Input>,
        mut commit: Commit,
    ) -> Result<usize, JournalError> {
        let target = session.parameters;
        let cursor = match &session.scan {
            Some((begun, cursor)) if *begun == target => cursor.clone(),
            _ => String::new(),
        };
        let page = self.store.scan(commit.generation, &cursor, self.page_keys).await?;
        let count = page.len();
        let more = page.last().filter(|_| count == self.page_keys);
        let next = more.map(|(last, _)| (target, last.as_str().to_owned()));
        if !session.stopped.is_empty() {
            // Their keys are left out, so the next lease has to begin again.
            commit.scan = Some((target, String::new()));
        } else {
            commit.scan.clone_from(&next);
            if next.is_none() {
                commit.folded = target;
            }
        }
        let stopped = &session.stopped;
        let groups =
            page.into_iter().filter(|(key, _)| !stopped.contains(&key.partition())).map(|(key, _)| (key, vec![]));
        let groups = groups.collect();
        self.fold_groups(fold, session, groups, &mut commit, true).await?;
        self.finish(session, commit).await?;
        session.rested = next.is_none();
        session.scan = next;
        Ok(count)
    }

    /// Folds every group and puts what follows into the commit. Without `publish`, facts are noted but not written.
    pub(crate) async fn fold_groups(
        &self,
        fold: &Arc<F>,
        session: &mut Session<F::Input>,
        groups: Vec<(Key, Vec<Delivery>)>,
        commit: &mut Commit,
        publish: bool,
    ) -> Result<(), JournalError> {
        let mut records = self.take_records(session, &groups).await?;
        let mut works = Vec::with_capacity(groups.len());
        let mut origins: HashMap<u64, Arc<LogRecord>> = HashMap::new();
        let first = self.inputs.first().map(|reader| reader.topic());
        let mut stopped = BTreeSet::new();
        for (key, deliveries) in groups {
            let record = records.remove(&key).unwrap_or_default();
            for (topic, delivered) in &deliveries {
                if Some(*topic) == first {
                    origins.insert(delivered.seq, Arc::clone(delivered));
                }
            }
            match self.fold_key(fold, key, record, &deliveries, commit) {
                Ok(work) => works.push(work),
                Err((key, error)) => {
                    tracing::error!(stage = F::NAME, %key, %error, "the fold fails; its partition stops");
                    metrics::counter!(names::STOPPED, "stage" => F::NAME).increment(1);
                    stopped.insert(key.partition());
                }
            }
        }
        self.fetch_origins(&works, &mut origins).await?;
        for work in &mut works {
            if let Err(error) = write_facts(fold.as_ref(), work, &origins, commit, publish) {
                tracing::error!(stage = F::NAME, key = %work.key, %error, "a fact cannot be written");
                stopped.insert(work.key.partition());
            }
        }
        if !stopped.is_empty() {
            return Err(JournalError::Stopped { stage: F::NAME, partitions: stopped });
        }
        for work in works {
            commit.records.push((work.key.clone(), work.record.encode()));
            session.cache.insert(work.key, Arc::new(work.record));
        }
        commit.sums.retain(|_, values| values.iter().any(|value| *value != 0));
        Ok(())
    }

    /// Takes the records of the keys out of the cache, or loads them.
    async fn take_records(
        &self,
        session: &mut Session<F::Input>,
        groups: &[(Key, Vec<Delivery>)],
    ) -> Result<HashMap<Key, Record<F::Input>>, JournalError> {
        let mut records = HashMap::with_capacity(groups.len());
        let mut missing = Vec::new();
        for (key, _) in groups {
            match session.cache.remove(key) {
                Some((key, record)) => {
                    records.insert(key, Arc::unwrap_or_clone(record));
                }
                None => missing.push(key.clone()),
            }
        }
        if !missing.is_empty() {
            for (key, bytes) in self.store.load(session.claim.generation, &missing).await? {
                let record = decode(&key, &bytes)?;
                records.insert(key, record);
            }
        }
        Ok(records)
    }

    fn fold_key(
        &self,
        fold: &Arc<F>,
        key: Key,
        mut record: Record<F::Input>,
        deliveries: &[Delivery],
        commit: &mut Commit,
    ) -> Result<Work<F::Input, F::Payload>, (Key, FoldError)> {
        for (topic, delivered) in deliveries {
            let id = SlotId::of(*topic, &delivered.record.source, delivered.record.fact);
            let input = match delivered.record.op {
                Op::Value => match fold.project(*topic, delivered) {
                    Ok(input) => input,
                    Err(unreadable) => {
                        commit.dead.push(DeadRecord {
                            topic: *topic,
                            seq: delivered.seq,
                            fact: delivered.record.fact,
                            reason: unreadable.reason,
                        });
                        continue;
                    }
                },
                Op::Tombstone | Op::Reversal => None,
            };
            record.absorb(id, delivered.record.revision, input);
        }
        let standing =
            if record.live() > self.options.key_inputs_max { Standing::Quarantined } else { Standing::Normal };
        let output = match fold.fold(&key, Inputs { slots: &record.slots }, standing) {
            Ok(output) => {
                record.failed = false;
                output
            }
            Err(error) if F::ON_FAILURE == OnFailure::StopPartition => return Err((key, error)),
            Err(error) => {
                note_failure::<F>(&key, &error);
                record.failed = true;
                Output::default()
            }
        };
        let changes = apply(&mut record, output, &mut commit.sums);
        let trace = deliveries
            .iter()
            .rev()
            .find_map(|(_, delivered)| delivered.record.trace.as_deref())
            .and_then(|parent| TraceContext::child(F::NAME, parent, key.as_str()));
        Ok(Work { key, record, changes, trace })
    }

    /// Reads again the bodies of inputs whose facts have to be written once more.
    pub(crate) async fn fetch_origins(
        &self,
        works: &[Work<F::Input, F::Payload>],
        origins: &mut HashMap<u64, Arc<LogRecord>>,
    ) -> Result<(), JournalError> {
        let mut missing: Vec<u64> = works
            .iter()
            .flat_map(|work| &work.changes.publish)
            .filter_map(|(_, fact)| fact.origin)
            .filter(|seq| !origins.contains_key(seq))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        if let (false, Some(reader)) = (missing.is_empty(), self.inputs.first()) {
            for record in reader.fetch(&missing).await? {
                origins.insert(record.seq, record);
            }
        }
        Ok(())
    }

    pub(crate) async fn finish(&self, session: &mut Session<F::Input>, commit: Commit) -> Result<(), JournalError> {
        let records = commit.records.len() as u64;
        let facts: usize = commit.facts.values().map(Vec::len).sum();
        let mut claim = session.claim.clone();
        claim.progress.extend(commit.after.clone());
        claim.folded = commit.folded;
        claim.scan.clone_from(&commit.scan);
        self.store.commit(commit).await?;
        metrics::counter!(names::KEYS, "stage" => F::NAME).increment(records);
        metrics::counter!(names::FACTS, "stage" => F::NAME).increment(facts as u64);
        for reader in &self.inputs {
            let topic = reader.topic();
            let done: u64 = claim.progress.get(&topic).map_or(0, |progress| progress.offsets.iter().sum());
            let pending = reader.heads().iter().sum::<u64>().saturating_sub(done);
            metrics::gauge!(names::PENDING, "stage" => F::NAME, "topic" => topic.name()).set(pending as f64);
        }
        self.announce(&claim);
        session.claim = claim;
        Ok(())
    }
}

/// Groups deliveries by key; within a key they stay in order.
pub(crate) fn group(deliveries: Vec<Delivery>) -> Vec<(Key, Vec<Delivery>)> {
    let mut places: HashMap<Key, usize> = HashMap::with_capacity(deliveries.len());
    let mut groups: Vec<(Key, Vec<Delivery>)> = Vec::new();
    for delivery in deliveries {
        let key = &delivery.1.record.key;
        match places.get(key) {
            Some(place) => groups[*place].1.push(delivery),
            None => {
                places.insert(key.clone(), groups.len());
                groups.push((key.clone(), vec![delivery]));
            }
        }
    }
    groups
}
