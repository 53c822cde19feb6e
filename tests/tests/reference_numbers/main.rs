//! Known data through the command line, every number of every report against what independent programs found.

mod edge_cases;
mod invoices;
mod shuffled_streams;
mod simulated_truth;
mod touchpoints;
mod transactions_and_journeys;

use serde_json::Value;
use tests::command::Home;
use tests::vectors::{Misses, import_rates, path};

/// The stream of edge cases: a file of events, and what they must come to.
const EDGE: &str = "edge/events.jsonl";
/// The stream with a known truth.
const TRUTH: &str = "truth_mini/events.jsonl";
/// Names of models in the vectors, and here.
const MODELS: [(&str, &str); 5] = [
    ("first", "first_touch"),
    ("last", "last_touch"),
    ("linear", "linear"),
    ("position_40_20_40", "position"),
    ("time_decay_half_life_7d", "time_decay"),
];
/// Names of amounts in the vectors' ledgers, and in the report.
const LEDGER: [(&str, &str); 7] = [
    ("charges", "charges"),
    ("gross", "gross_minor"),
    ("refunds", "refunds_minor"),
    ("chargebacks", "chargebacks_minor"),
    ("chargeback_reversals", "chargeback_reversals_minor"),
    ("net", "net_minor"),
    ("over_reversal", "over_reversal_minor"),
];

/// A home with the events of a vector, imported with the rates that it names.
fn imported(events: &str, rates: &Value) -> Home {
    let home = Home::new();
    import_rates(&home, rates);
    let summary = home.json(&["import", "events", &path(events), "--register"]);
    assert_eq!(summary["malformed"], 0, "{summary}");
    assert_eq!(summary["in_reports"], true, "{summary}");
    home
}

/// Compares what became of the lines with a count of the lines themselves.
fn verdicts(misses: &mut Misses, report: &Value, lines: &str) {
    let mut seen = std::collections::BTreeMap::<String, Value>::new();
    let (mut repeated, mut dropped, mut without_analytics) = (0, 0, 0);
    for line in lines.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let id = event["event_id"].as_str().unwrap().to_owned();
        let granted = event["consent"]["analytics"] == true;
        let money_only =
            ["refund", "chargeback", "chargeback_reversal"].iter().any(|kind| event["event_type"] == *kind);
        if seen.contains_key(&id) {
            repeated += 1;
            continue;
        }
        dropped += u64::from(!granted && event["monetary"].is_null());
        without_analytics += u64::from(!granted && !event["monetary"].is_null() && !money_only);
        seen.insert(id, event);
    }
    let count = |name: &str| report[name].as_u64().unwrap();
    misses.same("received", count("received"), lines.lines().count() as u64);
    misses.same("duplicates and conflicts", count("duplicates") + count("conflicts"), repeated);
    misses.same("consent_dropped", count("consent_dropped"), dropped);
    misses.same("analytics_dropped", count("analytics_dropped"), without_analytics);
    misses.same("accepted", count("accepted"), seen.len() as u64 - dropped);
    for none in ["rejected", "too_late", "sampled_out", "quarantined_actors"] {
        misses.same(none, count(none), 0);
    }
    misses.same("lag", report["lag"]["pending_records"].as_u64(), Some(0));
}

/// Compares the ledger, currency by currency.
fn ledger(misses: &mut Misses, report: &Value, expected: &Value) {
    let currencies = |of: &Value| of.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    misses.same("currencies", currencies(&report["currencies"]), currencies(expected));
    for (currency, want) in expected.as_object().unwrap() {
        for (theirs, ours) in LEDGER {
            misses.number(format!("{currency} {ours}"), &report["currencies"][currency][ours], &want[theirs]);
        }
    }
    misses.number("missing_rates", &report["missing_rates"], &Value::from(0));
}

/// Compares credit under every model of the vector: conversions (fractions and millionths), gross and net.
fn attribution(misses: &mut Misses, home: &Home, expected: &Value) {
    for (theirs, ours) in MODELS {
        let report = home.json(&["report", "attribution", "--model", ours]);
        let (rows, want) = (&report["rows"], &expected[theirs]);
        let channels: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap()).collect();
        let mut wanted: Vec<&str> = want["conversions"].as_object().unwrap().keys().map(String::as_str).collect();
        wanted.sort_unstable();
        misses.same(format!("{ours} channels"), channels, wanted);
        for row in rows.as_array().unwrap() {
            let channel = row["key"].as_str().unwrap();
            // Every touch of a journey is a whole number of millionths, which costs at most one each.
            let (got, want_fraction) = (row["conversions"].as_f64().unwrap(), &want["conversions"][channel]);
            let difference = (got - want_fraction.as_f64().unwrap_or(f64::NAN)).abs();
            misses.same(format!("{ours} {channel}: {got} for {want_fraction}"), difference < 1e-3, true);
            if let Some(micro) = want["conversions_micro"].get(channel) {
                misses.number(format!("{ours} {channel} in millionths"), &row["conversions_micro"], micro);
            }
        }
        misses.credit(ours, rows, "gross_minor", &want["gross_minor_units"]);
        misses.credit(ours, rows, "net_minor", &want["net_minor_units"]);
    }
}

/// The readout's metric of this name.
fn metric<'a>(readout: &'a Value, name: &str) -> &'a Value {
    readout["metrics"].as_array().unwrap().iter().find(|metric| metric["metric"] == name).unwrap()
}

/// The arm of this variant.
fn arm<'a>(metric: &'a Value, variant: &str) -> &'a Value {
    metric["arms"].as_array().unwrap().iter().find(|arm| arm["variant"] == variant).unwrap()
}
