//! The difference between what is to be true and what was published.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::record::{Published, Record};
use crate::{Contribution, Fact, Output};

/// What a batch has to publish for one key.
pub(crate) struct Changes<P> {
    /// Facts that are new or changed, each with its place in the record's published list.
    pub(crate) publish: Vec<(usize, Fact<P>)>,
    /// Facts that are withdrawn; in append-only topics also those that are replaced.
    pub(crate) withdraw: Vec<Published>,
    /// What the changed facts were before, append-only topics apart; withdrawn when their new bodies cannot be made.
    pub(crate) replaced: Vec<Published>,
}

impl<P> Default for Changes<P> {
    fn default() -> Self {
        Self { publish: Vec::new(), withdraw: Vec::new(), replaced: Vec::new() }
    }
}

/// Makes the record say what the output says, and returns what has to be published for that.
pub(crate) fn apply<I, P>(
    record: &mut Record<I>,
    output: Output<P>,
    sums: &mut BTreeMap<String, Vec<i128>>,
) -> Changes<P> {
    apply_contributions(&mut record.applied, output.contributions, sums);
    let mut wanted = output.facts;
    wanted.sort_unstable_by(|a, b| (a.topic, a.id, &a.key).cmp(&(b.topic, b.id, &b.key)));
    let mut changes = Changes::default();
    let mut now = Vec::with_capacity(wanted.len());
    let mut before = std::mem::take(&mut record.published).into_iter().peekable();
    for fact in wanted {
        while let Some(gone) = before.next_if(|old| old.order() < (fact.topic, fact.id, &fact.key)) {
            changes.withdraw.push(gone);
        }
        let old = before.next_if(|old| old.order().cmp(&(fact.topic, fact.id, &fact.key)) == Ordering::Equal);
        let place = now.len();
        match old {
            Some(same) if same.digest == fact.digest => now.push(same),
            replaced => {
                if let Some(old) = replaced {
                    if old.topic.append_only() { &mut changes.withdraw } else { &mut changes.replaced }.push(old);
                }
                now.push(Published {
                    topic: fact.topic,
                    id: fact.id,
                    key: fact.key.clone(),
                    digest: fact.digest,
                    body: Vec::new(),
                });
                changes.publish.push((place, fact));
            }
        }
    }
    changes.withdraw.extend(before);
    record.published = now;
    changes
}

/// Takes off what was added before and adds what is to be there now; cells that end unchanged are left out.
pub(crate) fn apply_contributions(
    applied: &mut Vec<Contribution>,
    wanted: Vec<Contribution>,
    sums: &mut BTreeMap<String, Vec<i128>>,
) {
    if *applied == wanted {
        return;
    }
    for (contributions, sign) in [(&*applied, -1), (&wanted, 1)] {
        for contribution in contributions {
            for cell in &contribution.cells {
                add(sums, cell, &contribution.values, sign);
            }
        }
    }
    *applied = wanted;
}

fn add(sums: &mut BTreeMap<String, Vec<i128>>, cell: &str, values: &[i128], sign: i128) {
    if !sums.contains_key(cell) {
        sums.insert(cell.to_owned(), Vec::new());
    }
    if let Some(total) = sums.get_mut(cell) {
        accumulate(total, values, sign);
    }
}

/// `total += sign * values`, column by column; a shorter row is as if filled with zeros.
pub(crate) fn accumulate(total: &mut Vec<i128>, values: &[i128], sign: i128) {
    if total.len() < values.len() {
        total.resize(values.len(), 0);
    }
    for (column, value) in total.iter_mut().zip(values) {
        *column += sign * value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FactId, Key, Topic};

    fn fact(topic: Topic, id: u8, key: &str, digest: u128) -> Fact<()> {
        Fact { topic, key: Key::from_text(key), id: FactId([id; 16]), digest, origin: None, payload: () }
    }

    fn run(record: &mut Record<()>, facts: Vec<Fact<()>>) -> (Vec<u8>, Vec<u8>) {
        let changes = apply(record, Output { facts, contributions: Vec::new() }, &mut BTreeMap::new());
        (
            changes.publish.iter().map(|(_, fact)| fact.id.0[0]).collect(),
            changes.withdraw.iter().map(|old| old.id.0[0]).collect(),
        )
    }

    #[test]
    fn only_differences_are_published() {
        let mut record = Record::default();
        let topic = Topic::PersonEvents;
        assert_eq!(run(&mut record, vec![fact(topic, 2, "a", 1), fact(topic, 1, "a", 1)]), (vec![1, 2], vec![]));
        assert_eq!(run(&mut record, vec![fact(topic, 1, "a", 1), fact(topic, 2, "a", 1)]), (vec![], vec![]));
        assert_eq!(run(&mut record, vec![fact(topic, 1, "a", 9), fact(topic, 2, "b", 1)]), (vec![1, 2], vec![2]));
        assert_eq!(run(&mut record, vec![]), (vec![], vec![1, 2]));
    }

    #[test]
    fn an_append_only_fact_is_reversed_before_it_is_replaced() {
        let mut record = Record::default();
        run(&mut record, vec![fact(Topic::Postings, 1, "a", 1)]);
        assert_eq!(run(&mut record, vec![fact(Topic::Postings, 1, "a", 2)]), (vec![1], vec![1]));
    }

    #[test]
    fn contributions_are_replaced_not_recomputed() {
        let mut applied = Vec::new();
        let mut sums = BTreeMap::new();
        let one = |values: &[i128]| Contribution { cells: vec!["x".into(), "y".into()], values: values.to_vec() };
        apply_contributions(&mut applied, vec![one(&[1, 5])], &mut sums);
        apply_contributions(&mut applied, vec![one(&[1, 7])], &mut sums);
        apply_contributions(&mut applied, vec![one(&[1, 7])], &mut sums);
        assert_eq!(sums["x"], vec![1, 7]);
        apply_contributions(&mut applied, vec![], &mut sums);
        assert_eq!(sums["y"], vec![0, 0]);
    }
}
