//! Findings added up by currency and day.
//!
//! Must never know: which transaction a finding belongs to.

use std::collections::BTreeMap;

use money::Currency;

use super::{Finding, State};

/// One day of one currency. Minor units by their effect on the processor's balance.
///
/// `attributed + unattributed = processor` on every day. Summed over all days of a currency,
/// `attributed + unmatched = booked`: a row and its entry may be of different days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// All rows of the day.
    pub processor: i128,
    /// What of them our books account for.
    pub attributed: i128,
    /// What of them they do not.
    pub unattributed: i128,
    /// All entries of the day that were compared.
    pub booked: i128,
    /// Those of them that no row of their currency accounts for: missing there, or there in another currency.
    pub unmatched: i128,
    /// Findings by state, on the day of the row, without one on that of the entry.
    pub findings: BTreeMap<State, u64>,
}

/// [`Day`] by currency and day (days since 1970-01-01, UTC). Days without anything are left out, so equal sums are
/// equal values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DailyTotals(BTreeMap<(Currency, i64), Day>);

/// Whether something comes or goes.
#[derive(Clone, Copy)]
enum Direction {
    In,
    Out,
}

impl Direction {
    const fn apply(self, sum: &mut i128, minor: i128) {
        // 2^64 findings would be needed to leave 128 bits.
        *sum = match self {
            Self::In => sum.saturating_add(minor),
            Self::Out => sum.saturating_sub(minor),
        };
    }

    fn count(self, counts: &mut BTreeMap<State, u64>, state: State, by: u64) {
        let count = counts.entry(state).or_default();
        *count = match self {
            Self::In => count.saturating_add(by),
            Self::Out => count.saturating_sub(by),
        };
        if *count == 0 {
            counts.remove(&state);
        }
    }
}

impl DailyTotals {
    /// Adds a finding.
    pub fn add(&mut self, finding: &Finding<'_>) {
        self.book(finding, Direction::In);
    }

    /// Takes back what [`DailyTotals::add`] added for an equal finding.
    pub fn retract(&mut self, finding: &Finding<'_>) {
        self.book(finding, Direction::Out);
    }

    /// Adds other totals.
    pub fn merge(&mut self, other: &Self) {
        for (key, day) in &other.0 {
            self.on(*key, |sum| sum.merge(day));
        }
    }

    /// By currency, then day.
    pub fn iter(&self) -> impl Iterator<Item = (Currency, i64, &Day)> {
        self.0.iter().map(|((currency, day), totals)| (*currency, *day, totals))
    }

    /// All days of a currency together.
    #[must_use]
    pub fn total(&self, currency: Currency) -> Day {
        let mut total = Day::default();
        for (_, day) in self.0.range((currency, i64::MIN)..=(currency, i64::MAX)) {
            total.merge(day);
        }
        total
    }

    fn book(&mut self, finding: &Finding<'_>, direction: Direction) {
        let row = finding.row.map(|row| (row.currency, row.at.day()));
        let entry = finding.booked.map(|entry| (entry.currency, entry.at.day()));
        if let Some(key) = row {
            self.on(key, |day| {
                direction.apply(&mut day.processor, finding.there());
                direction.apply(&mut day.attributed, finding.attributed());
                direction.apply(&mut day.unattributed, finding.unattributed());
            });
        }
        if let Some(key) = entry {
            self.on(key, |day| {
                direction.apply(&mut day.booked, finding.here());
                direction.apply(&mut day.unmatched, finding.here().saturating_sub(finding.attributed()));
            });
        }
        if let Some(key) = row.or(entry) {
            self.on(key, |day| direction.count(&mut day.findings, finding.state, 1));
        }
    }

    fn on(&mut self, key: (Currency, i64), change: impl FnOnce(&mut Day)) {
        let day = self.0.entry(key).or_default();
        change(day);
        if *day == Day::default() {
            self.0.remove(&key);
        }
    }
}

impl Day {
    fn merge(&mut self, other: &Self) {
        let Self { processor, attributed, unattributed, booked, unmatched, findings } = other;
        Direction::In.apply(&mut self.processor, *processor);
        Direction::In.apply(&mut self.attributed, *attributed);
        Direction::In.apply(&mut self.unattributed, *unattributed);
        Direction::In.apply(&mut self.booked, *booked);
        Direction::In.apply(&mut self.unmatched, *unmatched);
        for (state, count) in findings {
            Direction::In.count(&mut self.findings, *state, *count);
        }
    }
}
