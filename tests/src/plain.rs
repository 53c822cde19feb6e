//! The plain reference: everything that happened, folded at once, in one thread, without keys, stages or records.
//!
//! Written from the rules, not from the folds: no fold, model, ledger or allocation of the product is called, only
//! its message types are used to say what comes out. Slow and straightforward on purpose.
//! Must never know: the order in which things arrived, what the product's folds look like.

mod experiments;
mod fx;
mod journeys;
mod money;
mod people;
mod webster;

use std::collections::BTreeMap;
use std::fmt::Debug;

use api::assignment::v1::Experiment;
use api::journal::v1::{MoneyFact, PersonEvent, PostingFact, SharesFact, TransactionFact};
use ids::EventId;

use crate::world::history::Happening;

pub use journeys::{MODELS, Reset};

/// Everything that is configured.
#[derive(Clone, Debug)]
pub struct Rules {
    /// So many touches
    pub burst_touches: usize,
    /// within so many milliseconds make a bot.
    pub burst_window_ms: i64,
    /// Models that run, by canonical id.
    pub models: Vec<&'static str>,
    /// How far a journey looks back.
    pub window_ms: i64,
    /// Windows of channels that have their own.
    pub channel_windows_ms: BTreeMap<&'static str, i64>,
    /// Windows of conversion types that have their own.
    pub type_windows_ms: BTreeMap<&'static str, i64>,
    /// Which earlier conversion closes a journey.
    pub reset: Reset,
    /// Reporting units per unit as decimal text, by currency and first day.
    pub rates: BTreeMap<(&'static str, i64), &'static str>,
    /// The registry.
    pub experiments: Vec<Experiment>,
    /// Live inputs beyond which a key is quarantined, by stage.
    pub caps: Caps,
}

/// Live inputs beyond which a key is quarantined.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// Events of an actor.
    pub actor: usize,
    /// Touches and conversions of a person.
    pub journeys: usize,
    /// Money and conversions of a transaction.
    pub transaction: usize,
    /// Events and transactions of a person.
    pub person: usize,
}

/// Sums by name of the cell; trailing zeros are left out, and so are empty cells.
pub type Cells = BTreeMap<String, Vec<i128>>;

/// Everything that can be seen of the chain at rest. Facts by (key within the project, fact).
#[derive(Debug, Default)]
pub struct Outcome {
    /// Events by person.
    pub person_events: BTreeMap<(String, EventId), PersonEvent>,
    /// Money by transaction.
    pub money: BTreeMap<(String, EventId), MoneyFact>,
    /// Shares by transaction and conversion.
    pub shares: BTreeMap<(String, EventId), SharesFact>,
    /// What transactions are worth, by owner and key of the money.
    pub transactions: BTreeMap<(String, String), TransactionFact>,
    /// Ledger entries that stand.
    pub postings: BTreeMap<(String, EventId), PostingFact>,
    /// Sums of the identity step.
    pub identity: Cells,
    /// Sums of attribution.
    pub attribution: Cells,
    /// Sums of revenue.
    pub revenue: Cells,
    /// Sums of analysis.
    pub analysis: Cells,
}

impl Outcome {
    /// Everything, folded at once.
    #[must_use]
    pub fn of(history: &[Happening], rules: &Rules) -> Self {
        let mut outcome = Self::default();
        let people = people::of(history, rules, &mut outcome);
        let journeys = journeys::of(&people, rules, &mut outcome);
        let owned = money::of(history, &journeys, rules, &mut outcome);
        experiments::of(&people, &owned, rules, &mut outcome);
        for cells in [&mut outcome.identity, &mut outcome.attribution, &mut outcome.revenue, &mut outcome.analysis] {
            tidy(cells);
        }
        outcome
    }

    /// Panics naming the first part in which the two differ, with what differs in it.
    pub fn assert_is(&self, expected: &Self) {
        same("money", &self.money, &expected.money);
        same("person events", &self.person_events, &expected.person_events);
        same("sums of identity", &self.identity, &expected.identity);
        same("shares", &self.shares, &expected.shares);
        same("sums of attribution", &self.attribution, &expected.attribution);
        same("postings", &self.postings, &expected.postings);
        same("sums of revenue", &self.revenue, &expected.revenue);
        same("transactions", &self.transactions, &expected.transactions);
        same("sums of analysis", &self.analysis, &expected.analysis);
    }
}

fn same<K: Ord + Debug, V: PartialEq + Debug>(what: &str, found: &BTreeMap<K, V>, expected: &BTreeMap<K, V>) {
    let differs = |(key, _): &(&K, &V)| found.get(key) != expected.get(key);
    let mut text = String::new();
    for (key, _) in found.iter().chain(expected).filter(differs) {
        text += &format!("\n{key:?}\n  found    {:?}\n  expected {:?}", found.get(key), expected.get(key));
    }
    assert!(text.is_empty(), "{what} differ:{text}");
}

/// Leaves out trailing zeros and what is empty then.
pub fn tidy(cells: &mut Cells) {
    for values in cells.values_mut() {
        let used = values.iter().rposition(|value| *value != 0).map_or(0, |last| last + 1);
        values.truncate(used);
    }
    cells.retain(|_, values| !values.is_empty());
}

/// Adds to a cell, whose name is its fields joined by the unit separator.
fn add(cells: &mut Cells, name: &[&str], values: &[i128]) {
    let cell = cells.entry(name.join("\u{1f}")).or_default();
    cell.resize(cell.len().max(values.len()), 0);
    cell.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
}
