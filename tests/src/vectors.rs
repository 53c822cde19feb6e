//! Reference vectors, and comparing a report with them.
//!
//! Must never know: how a number came about.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Display};
use std::path::PathBuf;

use rand::SeedableRng as _;
use rand::rngs::ChaCha12Rng;
use rand::seq::SliceRandom as _;
use serde_json::Value;

use crate::command::Home;

/// Relative difference between two ways to compute one real number.
const TOLERANCE: f64 = 1e-9;

/// Path of a file among the vectors, as text.
#[must_use]
pub fn path(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name);
    assert!(path.is_file(), "{} is missing", path.display());
    path.to_str().unwrap().to_owned()
}

/// A file among the vectors.
#[must_use]
pub fn text(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap()
}

/// A file among the vectors, as JSON.
#[must_use]
pub fn json(name: &str) -> Value {
    serde_json::from_str(&text(name)).unwrap()
}

/// Imports exchange rates that hold for ever.
pub fn import_rates(home: &Home, rates: &Value) {
    let rows = rates.as_object().unwrap().iter().filter(|(currency, _)| *currency != "USD");
    let rows = rows.map(|(currency, rate)| format!("{currency},2020-01-01,{}\n", rate.as_str().unwrap()));
    let file = home.write("rates.csv", format!("currency,date,rate\n{}", rows.collect::<String>()));
    let summary = home.json(&["import", "rates", &file]);
    assert_eq!(summary["malformed"], 0);
}

/// Lines of events in another order. Those of one id keep theirs: of two contents under one id the first counts.
#[must_use]
pub fn shuffled(lines: &[&str], seed: u64) -> String {
    let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["event_id"].as_str().unwrap().to_owned();
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.shuffle(&mut ChaCha12Rng::seed_from_u64(seed));
    let mut places = BTreeMap::<String, Vec<usize>>::new();
    for (place, line) in order.iter().enumerate() {
        places.entry(id(lines[*line])).or_default().push(place);
    }
    for places in places.into_values() {
        let mut same: Vec<usize> = places.iter().map(|place| order[*place]).collect();
        same.sort_unstable();
        places.into_iter().zip(same).for_each(|(place, line)| order[place] = line);
    }
    order.into_iter().map(|line| format!("{}\n", lines[line])).collect()
}

/// Every report about the data of `home` as it is printed, by its arguments.
#[must_use]
pub fn reports(home: &Home, experiment: &str) -> BTreeMap<String, String> {
    let mut asked =
        vec![vec!["report", "ingestion"], vec!["report", "revenue"], vec!["report", "experiment", experiment]];
    for model in MODELS {
        asked.push(vec!["report", "attribution", "--model", model]);
    }
    asked.push(vec!["report", "attribution", "--model", "linear", "--by", "campaign"]);
    asked.into_iter().map(|arguments| (arguments.join(" "), home.text(&arguments))).collect()
}

/// The models that run where nothing is configured.
pub const MODELS: [&str; 9] = [
    "first_touch",
    "last_touch",
    "linear",
    "position",
    "time_decay",
    "time_decay(half_life=72h)",
    "time_decay(factor=0.85/d)",
    "time_window",
    "session",
];

/// Every number that is not as it should be, so that a failing test shows all of them.
#[derive(Debug, Default)]
pub struct Misses {
    compared: usize,
    missed: Vec<String>,
}

impl Misses {
    /// Compares two things that must be the same.
    pub fn same<T: PartialEq + Debug>(&mut self, what: impl Display, got: T, want: T) {
        self.compared += 1;
        if got != want {
            self.missed.push(format!("{what}: {got:?}, not {want:?}"));
        }
    }

    /// Compares two numbers: whole ones exactly, others within 1e-9 of the wanted one (or of 1, where it is smaller).
    pub fn number(&mut self, what: impl Display, got: &Value, want: &Value) {
        if want.is_i64() && got.is_i64() {
            return self.same(what, got, want);
        }
        self.compared += 1;
        let near = match (got.as_f64(), want.as_f64()) {
            (Some(got), Some(want)) => (got - want).abs() <= TOLERANCE * want.abs().max(1.0),
            _ => false,
        };
        if !near {
            self.missed.push(format!("{what}: {got}, not {want}"));
        }
    }

    /// Compares credit in whole amounts: got is a report's rows, want is by currency and channel, without zeros or
    /// with them.
    pub fn credit(&mut self, what: impl Display, rows: &Value, field: &str, want: &Value) {
        let mut got = BTreeMap::<(String, String), i64>::new();
        for row in rows.as_array().unwrap() {
            for (currency, credit) in row["credit"].as_object().unwrap() {
                let key = row["key"].as_str().unwrap().to_owned();
                got.insert((currency.clone(), key), credit[field].as_i64().unwrap());
            }
        }
        let mut wanted = BTreeMap::new();
        for (currency, channels) in want.as_object().unwrap() {
            for (channel, minor) in channels.as_object().unwrap() {
                wanted.insert((currency.clone(), channel.clone()), minor.as_i64().unwrap());
            }
        }
        let keys: BTreeSet<_> = got.keys().chain(wanted.keys()).cloned().collect();
        for key in keys {
            let of = |credit: &BTreeMap<_, i64>| credit.get(&key).copied().unwrap_or(0);
            self.same(format!("{what} {field} {key:?}"), of(&got), of(&wanted));
        }
    }

    /// Ends the comparison.
    ///
    /// # Panics
    /// With everything that was missed, or when fewer than `at_least` things were compared.
    pub fn none(self, at_least: usize) {
        assert!(
            self.missed.is_empty(),
            "{} of {} missed:\n{}",
            self.missed.len(),
            self.compared,
            self.missed.join("\n")
        );
        assert!(self.compared >= at_least, "only {} things were compared", self.compared);
    }
}
