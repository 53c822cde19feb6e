//! Which row of one kind belongs to which entry.
//!
//! Must never know: other kinds, other transactions.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use money::Currency;

use super::{Booked, Finding, Row, Rules, State};
use crate::Kind;

/// Rows and entries of one kind, each by time.
#[derive(Default)]
pub(super) struct Sides<'a> {
    pub(super) rows: Vec<&'a Row>,
    pub(super) booked: Vec<&'a Booked>,
}

/// What makes a row and an entry the same event for certain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Identity<'a> {
    /// A transaction has one charge.
    Charge,
    /// The processor's id of a reversal.
    Refund(&'a str),
}

fn identity(kind: Kind, refund_id: Option<&str>) -> Option<Identity<'_>> {
    if kind == Kind::Charge {
        return Some(Identity::Charge);
    }
    kind.identity(refund_id).map(Identity::Refund)
}

/// Finds what belongs together and says what became of everything else.
pub(super) fn pair<'a>(kind: Kind, sides: Sides<'a>, rules: &Rules, findings: &mut Vec<Finding<'a>>) {
    let mut pairs = Pairs { rules, found: findings, taken: BTreeSet::new() };
    let mut nameless = Sides::default();
    let mut named: BTreeMap<Identity<'a>, Sides<'a>> = BTreeMap::new();
    for row in sides.rows {
        match identity(kind, row.refund_id.as_deref()) {
            Some(identity) => named.entry(identity).or_default().rows.push(row),
            None => nameless.rows.push(row),
        }
    }
    for entry in sides.booked {
        match identity(kind, entry.refund_id.as_deref()) {
            Some(identity) => named.entry(identity).or_default().booked.push(entry),
            None => nameless.booked.push(entry),
        }
    }
    let mut left = Sides::default();
    for mut same in named.into_values() {
        let known_here = !same.booked.is_empty();
        pairs.equal(&mut same.rows, &mut same.booked);
        pairs.unequal(&mut same.rows, &mut same.booked);
        let mut more = same.rows.into_iter();
        if !known_here {
            left.rows.extend(more.next());
        }
        more.for_each(|row| pairs.alone(State::DuplicateThere, row));
        left.booked.append(&mut same.booked);
    }
    left.rows.sort_unstable();
    left.booked.sort_unstable();
    // An id that only one side has says nothing against an equal amount, and nothing for an unequal one.
    pairs.equal(&mut left.rows, &mut nameless.booked);
    pairs.equal(&mut nameless.rows, &mut left.booked);
    pairs.equal(&mut nameless.rows, &mut nameless.booked);
    // One more of an amount that met its entry is no sign of another amount while there are rows of other amounts.
    let again = |row: &&'a Row| pairs.taken.contains(&(row.currency, i128::from(row.effect_minor)));
    let (mut repeated, mut others): (Vec<_>, Vec<_>) = nameless.rows.into_iter().partition(again);
    pairs.unequal(&mut others, &mut nameless.booked);
    pairs.unequal(&mut repeated, &mut nameless.booked);
    // Nor is it the same event again: a row of its own without a name may be a second fee, or a second refund, of the
    // same amount, and money that our books lack must not pass for a repetition.
    left.rows.into_iter().chain(others).chain(repeated).for_each(|row| pairs.alone(State::MissingHere, row));
    let missing_there = left.booked.into_iter().chain(nameless.booked);
    for entry in missing_there.filter(|entry| rules.covered.contains(&entry.at)) {
        pairs.found.push(Finding { state: State::MissingThere, row: None, booked: Some(entry) });
    }
}

/// What was found so far.
struct Pairs<'a, 'r> {
    rules: &'r Rules,
    found: &'r mut Vec<Finding<'a>>,
    /// Currency and effect of the entries that met an equal row.
    taken: BTreeSet<(Currency, i128)>,
}

impl<'a> Pairs<'a, '_> {
    /// Pairs of equal currency and effect: first as many as possible in time, then the others in order of time.
    fn equal(&mut self, rows: &mut Vec<&'a Row>, booked: &mut Vec<&'a Booked>) {
        let of_row = |row: &Row| (row.currency, i128::from(row.effect_minor));
        let of_booked = |entry: &Booked| (entry.currency, entry.effect());
        for within_ms in [Some(self.rules.late_after_ms.max(0)), None] {
            self.by_key(rows, booked, of_row, of_booked, within_ms);
        }
    }

    /// Pairs of whatever is left, those of equal currency first, in order of time.
    fn unequal(&mut self, rows: &mut Vec<&'a Row>, booked: &mut Vec<&'a Booked>) {
        self.by_key(rows, booked, |row| row.currency, |entry| entry.currency, None);
        self.by_key(rows, booked, |_| (), |_| (), None);
    }

    /// Pairs rows with entries of equal keys, the earliest with the earliest. With `within_ms` only where the times are
    /// no further apart; both sides being sorted, no other choice makes more pairs. What is paired leaves the lists.
    fn by_key<K: Ord>(
        &mut self,
        rows: &mut Vec<&'a Row>,
        booked: &mut Vec<&'a Booked>,
        of_row: impl Fn(&Row) -> K,
        of_booked: impl Fn(&Booked) -> K,
        within_ms: Option<i64>,
    ) {
        if rows.is_empty() || booked.is_empty() {
            return;
        }
        let mut waiting: BTreeMap<K, VecDeque<&'a Booked>> = BTreeMap::new();
        for entry in booked.drain(..) {
            waiting.entry(of_booked(entry)).or_default().push_back(entry);
        }
        rows.retain(|row| {
            let Some(entries) = waiting.get_mut(&of_row(row)) else { return true };
            if let Some(within_ms) = within_ms {
                while let Some(early) = entries.pop_front_if(|entry| row.at.millis_since(entry.at) > within_ms) {
                    booked.push(early);
                }
            }
            let fits = |entry: &Booked| within_ms.is_none_or(|within_ms| entry.at.millis_since(row.at) <= within_ms);
            let Some(entry) = entries.pop_front_if(|entry| fits(entry)) else { return true };
            self.together(row, entry);
            false
        });
        booked.extend(waiting.into_values().flatten());
        booked.sort_unstable();
    }

    fn together(&mut self, row: &'a Row, entry: &'a Booked) {
        let apart_ms = row.at.millis_since(entry.at).saturating_abs();
        let state = if row.currency != entry.currency {
            State::CurrencyMismatch
        } else if i128::from(row.effect_minor) != entry.effect() {
            State::AmountMismatch
        } else {
            self.taken.insert((entry.currency, entry.effect()));
            if apart_ms > self.rules.late_after_ms.max(0) { State::Late } else { State::Matched }
        };
        self.found.push(Finding { state, row: Some(row), booked: Some(entry) });
    }

    fn alone(&mut self, state: State, row: &'a Row) {
        self.found.push(Finding { state, row: Some(row), booked: None });
    }
}
