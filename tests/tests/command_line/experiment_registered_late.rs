use std::collections::BTreeSet;

use serde_json::Value;
use tests::command::Home;
use tests::vectors::{self, import_rates};

const EXPERIMENT: [&str; 3] = ["report", "experiment", "checkout_redesign"];

#[test]
fn an_experiment_registered_after_its_events_has_the_readout_of_one_registered_before() {
    let rates = vectors::json("truth_mini/truth.json")["fx_to_usd"].clone();
    let file = vectors::path("truth_mini/events.jsonl");
    let before = Home::new();
    import_rates(&before, &rates);
    before.json(&["import", "events", &file, "--register"]);

    let late = Home::new();
    import_rates(&late, &rates);
    // An event of every type, so that all types are registered; with one arm only there is no experiment yet.
    let first = late.write("first.jsonl", one_of_every_type(&vectors::text("truth_mini/events.jsonl")));
    let summary = late.json(&["import", "events", &first, "--register"]);
    assert_eq!(summary["notes"]["experiments not registered, only one arm seen: checkout_redesign"], 1, "{summary}");
    let summary = late.json(&["import", "events", &file]);
    assert_eq!(summary["verdicts"].get("rejected"), None, "{summary}");
    let error = late.run(&EXPERIMENT).refused();
    assert!(error.contains("there are none yet"), "{error}");

    let summary = late.json(&["import", "events", &file, "--register"]);
    assert_eq!(summary["notes"]["experiments registered"], 1, "{summary}");
    assert_eq!(summary["verdicts"].get("accepted"), None, "everything is known: {summary}");
    assert_eq!(late.text(&EXPERIMENT), before.text(&EXPERIMENT));
}

fn one_of_every_type(lines: &str) -> String {
    let mut types = BTreeSet::new();
    let mut first = String::new();
    for line in lines.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        if types.insert(event["event_type"].as_str().unwrap().to_owned()) {
            first.push_str(line);
            first.push('\n');
        }
    }
    first
}
