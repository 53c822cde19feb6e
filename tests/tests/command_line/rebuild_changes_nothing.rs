use tests::command::Home;
use tests::vectors::{self, import_rates, reports};

#[test]
fn rebuilding_any_stage_publishes_nothing_and_changes_no_report() {
    let home = Home::new();
    import_rates(&home, &vectors::json("edge/expected.json")["fx_to_usd"]);
    for events in ["edge/events.jsonl", "truth_mini/events.jsonl"] {
        home.json(&["import", "events", &vectors::path(events), "--register"]);
    }
    let before = reports(&home, "checkout_redesign");
    for stage in ["ingestion", "attribution", "revenue", "analysis"] {
        let rebuilt = home.run(&["rebuild", stage]).done();
        let (keys, rest) = rebuilt.split_once(' ').unwrap();
        assert_eq!(rest, "keys folded again, 0 facts differed and were published\n", "{stage}");
        assert!(keys.parse::<u64>().unwrap() > 400, "{stage}: {rebuilt}");
        for (report, text) in reports(&home, "checkout_redesign") {
            assert_eq!(text, before[&report], "after rebuilding {stage}: upshot {report}");
        }
    }
}
