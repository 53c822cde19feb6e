//! Invoice lines of a real shop, with cancellations.

use serde_json::json;
use tests::command::Home;
use tests::vectors::{self, Misses};

#[test]
fn invoices_and_cancellations_come_to_the_waterfall_of_independent_arithmetic() {
    let home = Home::new();
    let file = vectors::path("retail/online_retail_excerpt.csv");
    let columns = ["--invoice", "InvoiceNo", "--item", "StockCode", "--quantity", "Quantity", "--price", "UnitPrice"];
    let others = ["--time", "InvoiceDate", "--customer", "CustomerID", "--country", "Country", "--currency", "GBP"];
    let summary = home.json(&[&["import", "transactions", &file], columns.as_slice(), &others].concat());
    let expected = vectors::json("retail/expected_report.json");
    let count = |field: &str| expected[field].as_u64().unwrap();
    assert_eq!(summary["lines"], expected["lines"], "{summary}");
    let events = count("charges") + count("refunds") + count("orphan_refunds");
    assert_eq!(summary["verdicts"], json!({"accepted": events}), "{summary}");

    let mut misses = Misses::default();
    let report = home.json(&["report", "revenue"]);
    let got = &report["currencies"]["GBP"];
    for field in [
        "charges",
        "gross_minor",
        "refunds_minor",
        "net_minor",
        "orphan_refunds",
        "orphan_minor",
        "unowned_gross_minor",
        "over_reversal_minor",
    ] {
        misses.number(field, &got[field], &expected[field]);
    }
    for none in ["chargebacks_minor", "double_fires", "charge_mismatches", "duplicate_reversals", "other_currency"] {
        misses.number(none, &got[none], &json!(0));
    }
    let persons = &home.json(&["report", "ingestion"])["persons"];
    misses.number("persons", persons, &expected["persons"]);

    // Nobody came by a channel: all that known customers paid is unattributed, and so is what they kept.
    let rows = &home.json(&["report", "attribution", "--model", "linear"])["rows"];
    misses.same("rows", rows.as_array().unwrap().len(), 1);
    misses.same("key", rows[0]["key"].as_str(), Some("(unattributed)"));
    misses.number("conversions", &rows[0]["conversions_micro"], &json!(count("owned_charges") * 1_000_000));
    misses.number("kept", &rows[0]["credit"]["GBP"]["net_minor"], &expected["owned_net_minor"]);
    misses.none(18);
}
