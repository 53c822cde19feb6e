//! What a key publishes and withdraws, as records of the output topics.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::diff::{Changes, apply_contributions};
use crate::metrics as names;
use crate::record::{Published, Record};
use crate::{Commit, Fact, Fold, FoldError, Key, LogRecord, NewRecord, OnFailure, Op, Revision, Topic, TraceContext};

/// What a batch holds of one key.
pub(crate) struct Work<I, P> {
    pub(crate) key: Key,
    pub(crate) record: Record<I>,
    pub(crate) changes: Changes<P>,
    pub(crate) trace: Option<TraceContext>,
}

/// Tells whoever watches that a key is quarantined because its fold fails.
pub(crate) fn note_failure<F: Fold>(key: &Key, error: &FoldError) {
    tracing::error!(stage = F::NAME, %key, %error, "the fold fails; the key is quarantined");
    metrics::counter!(names::FAILED_KEYS, "stage" => F::NAME).increment(1);
}

/// Encodes what a key publishes and withdraws. Where a body cannot be made, nothing of the key is published and the
/// key is quarantined or, where partitions stop, the error comes back.
pub(crate) fn write_facts<F: Fold>(
    fold: &F,
    work: &mut Work<F::Input, F::Payload>,
    origins: &HashMap<u64, Arc<LogRecord>>,
    commit: &mut Commit,
    publish: bool,
) -> Result<(), FoldError> {
    let Changes { publish: wanted, mut withdraw, replaced } = std::mem::take(&mut work.changes);
    if wanted.is_empty() && withdraw.is_empty() {
        return Ok(());
    }
    work.record.counter += 1;
    let revision = Revision { epoch: commit.epoch, counter: work.record.counter };
    let trace = work.trace.as_ref().and_then(TraceContext::text);
    let source = work.key.clone();
    let places: BTreeSet<usize> = wanted.iter().map(|(place, _)| *place).collect();
    let encoded: Result<Vec<_>, FoldError> = wanted
        .into_iter()
        .filter(|(_, fact)| publish || fact.topic.append_only())
        .map(|(place, fact)| Ok((place, encoded(fold, fact, origins, &source, revision, trace.clone())?)))
        .collect();
    let written = match encoded {
        Ok(written) => written,
        Err(error) if F::ON_FAILURE == OnFailure::StopPartition => return Err(error),
        Err(error) => {
            note_failure::<F>(&source, &error);
            withdraw.extend(replaced);
            withdraw.extend(silence(&mut work.record, &places, &mut commit.sums));
            Vec::new()
        }
    };
    for old in withdraw {
        if publish {
            commit.facts.entry(old.topic).or_default().push(withdrawn(old, &source, revision, trace.clone()));
        }
    }
    for (place, (topic, record)) in written {
        if topic.append_only()
            && let Some(published) = work.record.published.get_mut(place)
        {
            published.body = record.body.to_vec();
        }
        if publish {
            commit.facts.entry(topic).or_default().push(record);
        }
    }
    Ok(())
}

/// Empties what a key says and adds; returns what it had published before, the places apart.
fn silence<I>(
    record: &mut Record<I>,
    places: &BTreeSet<usize>,
    sums: &mut BTreeMap<String, Vec<i128>>,
) -> impl Iterator<Item = Published> {
    record.failed = true;
    apply_contributions(&mut record.applied, Vec::new(), sums);
    let published = std::mem::take(&mut record.published).into_iter().enumerate();
    published.filter(|(place, _)| !places.contains(place)).map(|(_, published)| published)
}

fn withdrawn(old: Published, source: &Key, revision: Revision, trace: Option<Box<str>>) -> NewRecord {
    let op = if old.topic.append_only() { Op::Reversal } else { Op::Tombstone };
    NewRecord { key: old.key, source: source.clone(), fact: old.id, revision, op, body: old.body.into(), trace }
}

fn encoded<F: Fold>(
    fold: &F,
    fact: Fact<F::Payload>,
    origins: &HashMap<u64, Arc<LogRecord>>,
    source: &Key,
    revision: Revision,
    trace: Option<Box<str>>,
) -> Result<(Topic, NewRecord), FoldError> {
    let origin = match fact.origin {
        None => None,
        Some(seq) => {
            Some(origins.get(&seq).ok_or_else(|| FoldError::because(format!("input {seq} has gone from its topic")))?)
        }
    };
    let body = fold.encode(fact.payload, origin.map(AsRef::as_ref))?;
    let record =
        NewRecord { key: fact.key, source: source.clone(), fact: fact.id, revision, op: Op::Value, body, trace };
    Ok((fact.topic, record))
}
