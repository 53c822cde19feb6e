//! 2,000 simulated users whose truth is known.

use serde_json::json;
use tests::vectors::{self, Misses};

use super::{TRUTH, arm, attribution, imported, ledger, metric, verdicts};

#[test]
fn a_simulated_stream_comes_to_its_known_truth() {
    let truth = vectors::json("truth_mini/truth.json");
    let home = imported(TRUTH, &truth["fx_to_usd"]);
    let mut misses = Misses::default();

    let ingestion = home.json(&["report", "ingestion"]);
    verdicts(&mut misses, &ingestion, &vectors::text(TRUTH));
    let (stream, identity) = (&truth["stream"], &truth["identity"]);
    misses.number("received", &ingestion["received"], &stream["lines_received"]);
    misses.number("duplicates", &ingestion["duplicates"], &stream["event_id_duplicates_identical"]);
    misses.number("conflicts", &ingestion["conflicts"], &stream["event_id_conflicts"]);
    misses.same("bots", &ingestion["bots"], &stream["bot_actors"]);
    misses.number("persons", &ingestion["persons"], &identity["persons_with_any_analytics_event"]);
    misses.number("linked", &ingestion["linked_anonymous_ids"], &identity["anonymous_ids_linked_to_one_user"]);
    misses.number("shared", &ingestion["shared_anonymous_ids"], &identity["anonymous_ids_shared_by_several_users"]);

    let revenue = home.json(&["report", "revenue"]);
    let by_currency = &truth["ledger"]["by_currency_minor_units"];
    ledger(&mut misses, &revenue, by_currency);
    let denied = &truth["ledger"]["gross_of_charges_without_analytics_consent"];
    let (mut orphans, mut fires) = (0, 0);
    for (currency, want) in by_currency.as_object().unwrap() {
        let got = &revenue["currencies"][currency];
        misses.number(format!("{currency} orphaned"), &got["orphan_minor"], &want["orphan_refunds"]);
        misses.number(format!("{currency} nobody's"), &got["unowned_gross_minor"], &denied[currency]);
        orphans += got["orphan_refunds"].as_i64().unwrap();
        fires += got["double_fires"].as_i64().unwrap();
    }
    misses.number("orphans", &json!(orphans), &truth["ledger"]["orphan_refund_events"]);
    misses.number("double fires", &json!(fires), &truth["ledger"]["double_fired_charges_removed"]);

    experiment(&mut misses, &home.json(&["report", "experiment", "checkout_redesign"]), &truth["experiment"]);
    attribution(&mut misses, &home, &truth["attribution"]["rules"]);
    misses.none(500);
}

fn experiment(misses: &mut Misses, readout: &serde_json::Value, truth: &serde_json::Value) {
    misses.number("mixed", &readout["excluded_mixed"], &truth["persons_exposed_to_both_variants"]);
    let before = &truth["conversions_before_first_exposure"];
    misses.number("before", &readout["conversions_before_exposure"], before);
    misses.number("after", &readout["conversions_after_window"], &truth["conversions_after_the_14_day_window"]);

    let want = &truth["primary_mixed_persons_excluded"];
    misses.number("srm p", &readout["srm"]["p_value"], &want["srm"]["p"]);
    misses.number("srm chi square", &readout["srm"]["chi_square"], &want["srm"]["chi2"]);
    for variant in readout["srm"]["variants"].as_array().unwrap() {
        misses.number("srm units", &variant["units"], &want["srm"][variant["variant"].as_str().unwrap()]);
    }

    let (conversion, rates) = (metric(readout, "conversion"), &want["conversion"]);
    for variant in ["control", "treatment"] {
        let got = arm(conversion, variant);
        misses.number(format!("{variant} units"), &got["n"], &rates[variant]["n"]);
        misses.number(format!("{variant} converted"), &got["sum"], &rates[variant]["x"]);
        misses.number(format!("{variant} rate"), &got["mean"], &rates[variant]["rate"]);
    }
    let got = &conversion["comparisons"][0];
    misses.number("difference", &got["difference"], &rates["difference"]);
    misses.number("z", &got["z"], &rates["z_pooled"]);
    misses.number("p", &got["p_value"], &rates["p_two_sided"]);
    misses.number("lift", &got["relative_lift"], &rates["relative_lift"]);
    for (end, low_or_high) in ["low", "high"].into_iter().enumerate() {
        let interval = &rates["ci95_difference_unpooled"][end];
        misses.number(format!("interval {low_or_high}"), &got[format!("ci_{low_or_high}")], interval);
        let relative = &rates["ci95_relative_lift_delta"][end];
        misses.number(format!("relative {low_or_high}"), &got[format!("relative_ci_{low_or_high}")], relative);
    }

    for (ours, theirs) in [
        ("first_order_value", "first_order_value_usd_cents_per_converter"),
        ("gross_revenue", "gross_revenue_usd_cents_per_person"),
        ("net_revenue", "net_revenue_usd_cents_per_person"),
    ] {
        let (metric, want) = (metric(readout, ours), &want[theirs]);
        for variant in ["control", "treatment"] {
            for field in ["n", "sum", "mean", "variance"] {
                misses.number(format!("{ours} {variant} {field}"), &arm(metric, variant)[field], &want[variant][field]);
            }
        }
        let got = &metric["comparisons"][0];
        misses.number(format!("{ours} difference"), &got["difference"], &want["difference"]);
        misses.number(format!("{ours} t"), &got["z"], &want["t"]);
        misses.number(format!("{ours} df"), &got["degrees_of_freedom"], &want["df"]);
        misses.number(format!("{ours} low"), &got["ci_low"], &want["ci95_difference_normal"][0]);
        misses.number(format!("{ours} high"), &got["ci_high"], &want["ci95_difference_normal"][1]);
    }
}
