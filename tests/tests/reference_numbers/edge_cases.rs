//! 54 edge cases in 341 lines.

use serde_json::json;
use tests::vectors::{self, Misses};

use super::{EDGE, arm, attribution, imported, ledger, metric, verdicts};

#[test]
fn the_edge_cases_come_to_their_reference_numbers() {
    let expected = vectors::json("edge/expected.json");
    let home = imported(EDGE, &expected["fx_to_usd"]);
    let mut misses = Misses::default();

    let ingestion = home.json(&["report", "ingestion"]);
    verdicts(&mut misses, &ingestion, &vectors::text(EDGE));
    for count in ["received", "duplicates", "conflicts"] {
        misses.number(count, &ingestion[count], &expected["ingestion"][count]);
    }
    misses.same("bots", &ingestion["bots"], &expected["bots"]);
    for count in ["persons", "linked_anonymous_ids", "shared_anonymous_ids"] {
        misses.number(count, &ingestion[count], &expected["identity"][count]);
    }

    let revenue = home.json(&["report", "revenue"]);
    ledger(&mut misses, &revenue, &expected["ledger"]);
    for (currency, want) in expected["ledger"].as_object().unwrap() {
        let got = &revenue["currencies"][currency];
        misses.number(format!("{currency} orphans"), &got["orphan_refunds"], &want["orphan_refunds"]);
        misses.number(format!("{currency} orphaned"), &got["orphan_minor"], &want["orphan_minor_units"]);
    }
    let sum = |field: &str| -> i64 {
        revenue["currencies"].as_object().unwrap().values().map(|waterfall| waterfall[field].as_i64().unwrap()).sum()
    };
    let listed = |field: &str| expected["ledger_listed"][field].as_array().unwrap().len() as i64;
    misses.same("double fires", sum("double_fires"), expected["double_fired_charges"].as_i64().unwrap());
    misses.same("mismatches", sum("charge_mismatches"), listed("charge_mismatch"));
    misses.same("repeated refunds", sum("duplicate_reversals"), listed("duplicate_refunds"));
    misses.same("refunds in another currency", sum("other_currency"), listed("other_currency"));

    let readout = home.json(&["report", "experiment", "edge_test"]);
    let want = &expected["experiment"]["edge_test"];
    misses.number("mixed", &readout["excluded_mixed"], &want["excluded_mixed"]);
    misses.number("before", &readout["conversions_before_exposure"], &want["conversions_before_first_exposure"]);
    misses.number("after", &readout["conversions_after_window"], &want["conversions_after_the_window"]);
    misses.number("missing", &readout["missing_amounts"], &json!(0));
    for variant in ["control", "treatment"] {
        let want = &want[variant];
        let conversion = arm(metric(&readout, "conversion"), variant);
        misses.number(format!("{variant} units"), &conversion["n"], &want["conversion"]["n"]);
        misses.number(format!("{variant} converted"), &conversion["sum"], &want["conversion"]["x"]);
        for (ours, theirs) in [("gross_revenue", "gross_revenue_us_cents"), ("net_revenue", "net_revenue_us_cents")] {
            let got = arm(metric(&readout, ours), variant);
            misses.number(format!("{variant} {ours} units"), &got["n"], &want[theirs]["n"]);
            misses.number(format!("{variant} {ours}"), &got["sum"], &want[theirs]["sum"]);
        }
    }

    attribution(&mut misses, &home, &expected["attribution"]["models"]);
    misses.none(300);
}
