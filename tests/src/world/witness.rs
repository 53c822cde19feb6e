//! What a history had in it: a simulation in which something never happens proves nothing about it.
//!
//! Must never know: what is right.

use std::collections::{BTreeMap, BTreeSet};

use journal::Op;

use super::topics::Topics;
use crate::lanes::Trouble;
use crate::plain::Outcome;

const ACTORS: [&str; 5] = ["declared bot", "burst bot", "linked device", "shared device", "quarantined actor"];
/// Columns of the waterfall that are unusual.
const WATERFALL: [(usize, &str); 7] = [
    (7, "unowned charge"),
    (8, "over-reversal"),
    (9, "double fire"),
    (10, "charge mismatch"),
    (11, "duplicate reversal"),
    (12, "other currency"),
    (13, "orphan"),
];

/// Counts everything unusual.
pub fn note(trouble: &Trouble, topics: &Topics, outcome: &Outcome) {
    let count = |what: &'static str, times: usize| (0..times).for_each(|_| trouble.count(what));
    let has = |values: &[i128], column: usize| usize::from(values.get(column).is_some_and(|value| *value != 0));
    for values in outcome.identity.values() {
        ACTORS.iter().enumerate().for_each(|(column, what)| count(what, has(values, column)));
    }
    for (_, values) in outcome.revenue.iter().filter(|(name, _)| name.starts_with("revenue")) {
        WATERFALL.iter().for_each(|(column, what)| count(what, has(values, *column)));
    }
    let mut homes: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for record in topics.person_events.records() {
        homes.entry(record.record.fact).or_default().insert(record.record.key.clone());
    }
    count("event that moved", homes.values().filter(|homes| homes.len() > 1).count());
    let mut owners: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for ((key, _), fact) in &outcome.shares {
        owners.entry(key).or_default().insert(&fact.person);
    }
    count("double fire of two persons", owners.values().filter(|owners| owners.len() > 1).count());
    count("zero touch", outcome.shares.values().filter(|fact| fact.touches.is_empty()).count());
    count("long journey", outcome.shares.values().filter(|fact| fact.touches.len() > 2).count());
    count("missing rate", usize::from(outcome.revenue.contains_key("missing_rates")));
    count("mixed unit", outcome.analysis.keys().filter(|name| name.ends_with("mixed")).count());
    let postings = topics.postings.records();
    count("corrected posting", postings.iter().filter(|record| record.record.op == Op::Reversal).count());
}
