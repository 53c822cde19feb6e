use tests::command::Home;

use super::{received, touch_line};

fn file(home: &Home) -> String {
    let lines = [touch_line(1), "nonsense".into(), touch_line(2), String::new(), r#"{"event_id":1}"#.into()];
    home.write("some.jsonl", lines.join("\n"))
}

#[test]
fn malformed_lines_are_counted_and_shown_and_the_others_are_recorded() {
    let home = Home::new();
    let table = home.run(&["import", "events", &file(&home), "--register"]).done();
    assert!(table.contains("malformed: some.jsonl line 2: expected ident"), "{table}");
    assert!(table.contains("malformed: some.jsonl line 5: "), "{table}");
    assert!(table.lines().any(|line| line.split_whitespace().collect::<Vec<_>>() == ["malformed", "2"]), "{table}");
    assert_eq!(received(&home), 2);
}

#[test]
fn events_that_the_service_refuses_are_shown_with_field_and_rule() {
    let home = Home::new();
    let summary = home.json(&["import", "events", &file(&home)]);
    assert_eq!(summary["verdicts"]["rejected"], 2, "{summary}");
    let refused = &summary["rejected_events"][0];
    assert_eq!(refused["event_id"], tests::events::id(1));
    assert_eq!(refused["field"], "event_type");
    assert!(refused["rule"].as_str().unwrap().contains("\"touch\" is not registered"), "{summary}");
}

#[test]
fn the_same_file_again_counts_nothing_twice() {
    let home = Home::new();
    let first = home.json(&["import", "events", &file(&home), "--register"]);
    assert_eq!(first["verdicts"]["accepted"], 2, "{first}");
    let again = home.json(&["import", "events", &file(&home), "--register"]);
    assert_eq!(again["verdicts"], serde_json::json!({"duplicates": 2}), "{again}");
    assert_eq!(home.json(&["report", "ingestion"])["accepted"], 2);
}
