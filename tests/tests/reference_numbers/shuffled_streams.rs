//! Arrival order decides nothing.

use tests::command::Home;
use tests::vectors::{self, import_rates, reports, shuffled};

use super::{EDGE, TRUTH, imported};

/// Orders in which each stream arrives besides its own.
const SEEDS: [u64; 3] = [20_260_105, 7, 424_242];

#[test]
fn edge_cases_in_any_order_give_the_same_reports_byte_for_byte() {
    any_order_gives_the_same_reports(EDGE, "edge/expected.json", "edge_test");
}

#[test]
fn a_simulated_stream_in_any_order_gives_the_same_reports_byte_for_byte() {
    any_order_gives_the_same_reports(TRUTH, "truth_mini/truth.json", "checkout_redesign");
}

fn any_order_gives_the_same_reports(events: &str, expected: &str, experiment: &str) {
    let rates = vectors::json(expected)["fx_to_usd"].clone();
    let in_order = reports(&imported(events, &rates), experiment);
    let text = vectors::text(events);
    let lines: Vec<&str> = text.lines().collect();
    for seed in SEEDS {
        let home = Home::new();
        import_rates(&home, &rates);
        let file = home.write("shuffled.jsonl", shuffled(&lines, seed));
        let summary = home.json(&["import", "events", &file, "--register"]);
        assert_eq!(summary["lines"], lines.len(), "seed {seed}");
        for (report, text) in reports(&home, experiment) {
            assert_eq!(text, in_order[&report], "seed {seed}: upshot {report}");
        }
    }
}
