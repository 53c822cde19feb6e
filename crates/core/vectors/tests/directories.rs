//! Directories of reference vectors whose numbers come from one set of data: every number agrees, and none would if it
//! were another.
//!
//! Where the values come from is in the `README.md` of each directory.

use serde_json::{Value, json};
use vectors::{Report, check_beside};

/// A directory of vectors; what is named here stands in for a file, and what has no text is not there.
struct Directory<'a> {
    name: &'a str,
    instead: &'a [(&'a str, Option<&'a str>)],
}

impl<'a> Directory<'a> {
    fn of(name: &'a str) -> Self {
        Self { name, instead: &[] }
    }

    fn with(self, instead: &'a [(&'a str, Option<&'a str>)]) -> Self {
        Self { instead, ..self }
    }

    fn text(&self, name: &str) -> Option<String> {
        if let Some((_, text)) = self.instead.iter().find(|(other, _)| *other == name) {
            return text.map(str::to_owned);
        }
        let folder = format!("{}/../../../tests/vectors/{}", env!("CARGO_MANIFEST_DIR"), self.name);
        std::fs::read_to_string(format!("{folder}/{name}")).ok()
    }

    fn file(&self, name: &str) -> Value {
        serde_json::from_str(&self.text(name).unwrap()).unwrap()
    }

    fn run(&self, name: &str, file: &Value) -> Report {
        check_beside(name, file, &|other| self.text(other)).unwrap_or_else(|| panic!("{name} is not recognised"))
    }
}

/// All numbers agree. Then every number of the file is another one: those that were compared, and they alone, are
/// missed; `beside` of them come from the files beside and still agree.
fn agrees(directory: &Directory<'_>, name: &str, numbers: usize, beside: usize) {
    let mut file = directory.file(name);
    let report = directory.run(name, &file);
    assert_eq!(report.missed, []);
    assert_eq!(report.passed, numbers);
    change(&mut file);
    let report = directory.run(name, &file);
    assert_eq!((report.passed, report.missed.len()), (beside, numbers - beside));
}

/// Well beyond the tolerance. Texts that say what the file is stay as they are.
fn change(value: &mut Value) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                match (key.as_str(), &*value) {
                    ("country" | "journeys_sha256", Value::String(text)) => *value = json!(format!("{text}0")),
                    _ => change(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(change),
        Value::Number(number) => {
            *value = number
                .as_i64()
                .map_or_else(|| json!(number.as_f64().unwrap() * 1.000_001 + 1e-6), |whole| json!(whole + 1));
        }
        _ => {}
    }
}

#[test]
fn models_over_real_journeys() {
    agrees(&Directory::of("journeys"), "expected.json", 537, 0);
}

#[test]
fn journeys_cut_from_rows() {
    agrees(&Directory::of("touchpoints"), "journeys.json", 52, 0);
}

#[test]
fn journeys_cut_from_spoilt_rows() {
    let directory = Directory::of("touchpoints");
    let clean = directory.text("channel_touchpoints_excerpt.csv").unwrap();
    let mut spoilt: Vec<String> = Vec::new();
    for (number, row) in clean.lines().enumerate() {
        spoilt.push(match number % 7 {
            _ if number == 0 => row.to_owned(),
            1 => row.replace("Paid Search", "paid_search").replace("Online Video", " ONLINE-  video"),
            2 => format!(" {} ", row.replace(',', " ,")),
            _ => row.to_owned(),
        });
        match number % 11 {
            3 => {
                spoilt.push(row.to_uppercase().replace("IMPRESSION", "impression").replace("CONVERSION", "conversion"))
            }
            5 => spoilt.push(String::new()),
            7 => spoilt.push(clean.lines().next().unwrap().to_owned()),
            9 => spoilt.push("  ".to_owned()),
            _ => {}
        }
    }
    let spoilt = spoilt.join("\r\n");
    let instead =
        [("channel_touchpoints_excerpt.csv", None), ("channel_touchpoints_excerpt_dirty.csv", Some(spoilt.as_str()))];
    agrees(&directory.with(&instead), "journeys.json", 52, 0);
}

#[test]
fn reports_and_matches_of_invoice_lines() {
    // Of the 1,002 numbers, 624 are rows of matches.csv.
    agrees(&Directory::of("invoices"), "expected_retail.json", 1_002, 624);
}

/// Events as the platform has them, of three invoices of the lines.
const EVENTS: &str = r#"{"event_id": "00000000-0000-4000-8000-000000000001", "occurred_at": "2011-01-05T10:00:00.000Z", "user_id": "c1", "monetary": {"amount_minor": 500, "currency": "GBP", "transaction_id": "1", "kind": "charge"}, "context": {"country": "France"}}
{"event_id": "00000000-0000-4000-8000-000000000002", "occurred_at": "2011-02-05T10:00:00.000Z", "user_id": "c1", "monetary": {"amount_minor": 200, "currency": "GBP", "transaction_id": "1", "kind": "refund"}, "context": {"country": "France"}}
{"event_id": "00000000-0000-4000-8000-000000000003", "occurred_at": "2011-02-06T10:00:00.000Z", "monetary": {"amount_minor": 70, "currency": "GBP", "transaction_id": "C9", "kind": "refund"}, "context": {"country": "EIRE"}}
"#;
const LINES: &str = "InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n\
    1,A,5,2011-01-05 10:00:00,1.00,1.0,France\n\
    C2,a,-2,2011-02-05 10:00:00,1.00,1.0,France\n\
    C9,B,-1,2011-02-06 10:00:00,0.70,,EIRE\n";

fn small() -> Value {
    json!({
        "source": "lines.csv", "currency": "GBP", "matching": {"match_rows": 1},
        "totals": {"gross": 500, "refunded_matched": 200, "refunded_unmatched": 70, "net": 230},
        "by_month": {"2011-01": {"gross": 500, "refunded_matched_by_month_of_charge": 200}, "2011-02": {"net": -270}},
        "top10_countries_by_gross": [{"country": "France", "net": 300}, {"country": "EIRE", "net": -70}],
        "cohorts": {"customers": 1, "table": {"2011-01": {"active": [1]}}},
    })
}

#[test]
fn the_same_reports_come_from_events_alone() {
    let text = small().to_string();
    let instead = [("retail_events.jsonl", Some(EVENTS)), ("small.json", Some(text.as_str()))];
    agrees(&Directory::of("").with(&instead), "small.json", 13, 0);
    // With the lines, the matches and every event are compared as well.
    let instead = [("retail_events.jsonl", Some(EVENTS)), ("lines.csv", Some(LINES))];
    let report = Directory::of("").with(&instead).run("small.json", &small());
    assert_eq!((report.passed, report.missed), (17, vec![]));
}

#[test]
fn what_only_one_side_has_is_missed() {
    let fewer: String = EVENTS.lines().take(2).map(|line| format!("{line}\n")).collect();
    let other = fewer.replace("\"amount_minor\": 200", "\"amount_minor\": 201");
    let matches = "cancellation_file_line,cancellation_invoice,charge_file_line,charge_invoice,customer,stock_code,units,pence\n\
        3,C2,2,1,1,A,2,200\n7,C7,2,1,1,A,1,100\n";
    let instead =
        [("retail_events.jsonl", Some(other.as_str())), ("lines.csv", Some(LINES)), ("matches.csv", Some(matches))];
    let report = Directory::of("").with(&instead).run("small.json", &small());
    let mut missed: Vec<&str> = report.missed.iter().map(|miss| miss.case.as_str()).collect();
    missed.sort_unstable();
    let expected = [
        "matches.csv/4/missing_customer_id",
        "matches.csv/7/2",
        "retail_events.jsonl/refund/1/2011-02-05T10:00:00.000Z",
        "retail_events.jsonl/refund/C9/2011-02-06T10:00:00.000Z",
    ];
    assert_eq!(missed, expected);
}

#[test]
fn paths_that_are_not_those_of_the_journeys_are_missed() {
    let journeys = "[\"conversion\",\"a\",9,100,[[8,\"x\"],[9,\"y\"]]]\n[\"null\",\"b\",5,0,[[5,\"x\"]]]\n";
    let paths = |lost: u64| format!("path,a,b,c\nx > y,1,100,0\nx,0,0,{lost}\n");
    let file = json!({"model_set": "any/1", "total_conversions": 1, "rules": {"linear": {"conversions": {"x": 0.5}}}});
    for (lost, missed) in [(1, vec![]), (2, vec!["paths.csv/x"])] {
        let paths = paths(lost);
        let instead = [("journeys.jsonl", Some(journeys)), ("paths.csv", Some(paths.as_str()))];
        let report = Directory::of("").with(&instead).run("expected.json", &file);
        assert_eq!(report.missed.iter().map(|miss| miss.case.as_str()).collect::<Vec<_>>(), missed);
        assert_eq!(report.passed + report.missed.len(), 4);
    }
}

#[test]
fn a_file_whose_data_cannot_be_read_is_missed_and_says_why() {
    let why = |instead: &[(&str, Option<&str>)], file: &Value| {
        let report = Directory::of("").with(instead).run("any.json", file);
        assert_eq!((report.passed, report.missed.len()), (0, 1));
        report.missed[0].differences[0].found.as_str().unwrap().to_owned()
    };
    let models = json!({"model_set": "any/1", "rules": {"linear": {}}});
    assert_eq!(why(&[], &models), "journeys.jsonl is not beside");
    assert!(why(&[("journeys.jsonl", Some("[1]"))], &models).starts_with("journeys.jsonl:1: "));
    let unknown = json!({"model_set": "any/1", "rules": {"nonsense": {}}});
    assert!(why(&[("journeys.jsonl", Some(""))], &unknown).starts_with("nonsense: "));
    assert_eq!(why(&[("journeys.jsonl", Some(""))], &models), "nothing to compare");
    let cut = json!({"data_quality": {"source": "x.csv"}, "journeys": {"journeys_sha256": ""}});
    assert_eq!(why(&[], &cut), "neither x.csv nor x_dirty.csv is beside");
    assert!(why(&[("x.csv", Some("a\nb,c\n"))], &cut).starts_with("row 1 must have 6 cells"));
    assert_eq!(why(&[], &small()), "neither lines.csv nor retail_events.jsonl is beside");
    assert!(why(&[("lines.csv", Some("a\n1\n"))], &small()).starts_with("line 2: "));
    assert!(why(&[("retail_events.jsonl", Some("{}"))], &small()).starts_with("retail_events.jsonl:1: "));
}
