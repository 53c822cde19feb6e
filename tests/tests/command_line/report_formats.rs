use serde_json::Value;
use tests::command::Home;
use tests::vectors;

/// Every report, a word of its table, and how its CSV begins.
const REPORTS: [(&[&str], &str, &str); 5] = [
    (&["report", "ingestion"], "shared_anonymous_ids", "what,count\nreceived,341\n"),
    (&["report", "revenue"], "= net", "currency,charges,gross_minor,"),
    (
        &["report", "attribution", "--model", "linear"],
        "(unattributed)",
        "key,conversions,currency,gross_minor,net_minor\n",
    ),
    (&["report", "attribution", "--model", "linear", "--by", "campaign"], "campaign", "key,conversions,currency,"),
    (&["report", "experiment", "edge_test"], "control", ""),
];

#[test]
fn every_report_comes_as_a_table_as_json_and_as_csv() {
    let home = Home::new();
    let summary = home.json(&["import", "events", &vectors::path("edge/events.jsonl"), "--register"]);
    assert_eq!(summary["events"], 341);
    for (report, word, csv) in REPORTS {
        let plain = home.run(report).done();
        let table = home.run(&[report, &["--format", "table"]].concat()).done();
        assert_eq!(plain, table, "a table is what people get");
        assert!(table.contains(word), "{word:?} is not in {table}");
        let json: Value = serde_json::from_str(&home.text(report)).unwrap();
        assert_eq!(json["lag"]["pending_records"], 0, "{json}");
        let printed = home.run(&[report, &["--format", "csv"]].concat()).done();
        assert!(printed.starts_with(csv), "{printed}");
        let columns = |line: &str| line.split(',').count();
        let (header, rows) = printed.trim_end().split_once('\n').unwrap();
        assert!(rows.lines().all(|row| columns(row) == columns(header)), "{printed}");
    }
}

#[test]
fn a_charge_without_a_rate_is_reported_as_such() {
    let home = Home::new();
    home.json(&["import", "events", &vectors::path("edge/events.jsonl"), "--register"]);
    let missing = home.json(&["report", "revenue"])["missing_rates"].as_u64().unwrap();
    assert_eq!(missing, 9, "2 EUR, 2 GBP, 4 JPY, 1 KWD");
    let table = home.run(&["report", "revenue"]).done();
    assert!(table.contains("9 charges have no rate to USD: add some with `upshot import rates`"), "{table}");
}
