use serde_json::Value;
use tests::command::Home;
use tests::vectors::{self, import_rates, reports};

const EXPERIMENT: &str = "checkout_redesign";

#[test]
fn rates_after_the_events_give_the_reports_of_rates_before_them() {
    let rates = vectors::json("truth_mini/truth.json")["fx_to_usd"].clone();
    let import = ["import", "events", &vectors::path("truth_mini/events.jsonl"), "--register"];
    let (before, after) = (Home::new(), Home::new());
    import_rates(&before, &rates);
    before.json(&import);
    after.json(&import);
    let unrated = after.json(&["report", "experiment", EXPERIMENT]);
    assert!(unrated["missing_amounts"].as_u64().unwrap() > 100, "{}", unrated["missing_amounts"]);
    import_rates(&after, &rates);
    assert_eq!(reports(&after, EXPERIMENT), reports(&before, EXPERIMENT));
}

#[test]
fn a_changed_rate_revises_what_it_covers() {
    let home = Home::new();
    let line = |id: u32, user: &str, event: &str| {
        let (id, consent) = (tests::events::id(id), r#""consent":{"analytics":true,"marketing":true}"#);
        format!(r#"{{"event_id":"{id}","user_id":"{user}",{consent},{event}}}"#)
    };
    let exposure = |variant: &str| {
        let experiment = format!(r#""experiment":{{"key":"x","variant":"{variant}"}}"#);
        format!(r#""event_type":"exposure","occurred_at":"2026-01-05T00:00:00Z",{experiment}"#)
    };
    let charge = |day: &str, transaction: &str| {
        let money = r#""amount_minor":1000,"currency":"EUR","kind":"charge""#;
        let monetary = format!(r#""monetary":{{{money},"transaction_id":"{transaction}"}}"#);
        format!(r#""event_type":"conversion","occurred_at":"2026-01-{day}T12:00:00Z",{monetary}"#)
    };
    let lines = [
        line(1, "u1", &exposure("a")),
        line(2, "u2", &exposure("b")),
        line(3, "u1", &charge("06", "T1")),
        line(4, "u2", &charge("07", "T2")),
        line(5, "u2", &charge("10", "T3")),
    ];
    home.json(&["import", "events", &home.write("events.jsonl", lines.join("\n")), "--register"]);
    let import = |rows: &str| {
        let file = home.write("rates.csv", format!("currency,date,rate\n{rows}"));
        home.json(&["import", "rates", &file])["notes"]["rates new or changed"].clone()
    };
    // Gross revenue of the arms a and b, in US cents.
    let gross = || -> Vec<Value> {
        let readout = home.json(&["report", "experiment", "x"]);
        let metrics = readout["metrics"].as_array().unwrap();
        let metric = metrics.iter().find(|metric| metric["metric"] == "gross_revenue").unwrap();
        metric["arms"].as_array().unwrap().iter().map(|arm| arm["sum"].clone()).collect()
    };
    assert_eq!(gross(), [0.0, 0.0]);
    assert_eq!(import("EUR,2026-01-01,1.08\n"), 1);
    assert_eq!(gross(), [1080.0, 2160.0]);
    assert_eq!(import("EUR,2026-01-01,1.08\n"), 0, "the same again changes nothing");
    assert_eq!(import("EUR,2026-01-08,1.10\n"), 1);
    assert_eq!(gross(), [1080.0, 2180.0]);
    assert_eq!(import("EUR,2026-01-01,1.20\n"), 1);
    assert_eq!(gross(), [1200.0, 2300.0]);
}
