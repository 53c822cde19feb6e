use api::analysis::v1::{
    ArmSummary, Comparison as WireComparison, MetricReadout, SampleRatio as WireRatio, SequentialEstimate,
    VariantCount as WireCount,
};
use serde_json::json;

use super::*;

fn arm(variant: &str, n: u64, sum: f64, variance: Option<f64>) -> ArmSummary {
    ArmSummary { variant: variant.into(), n, sum, mean: sum / n as f64, variance }
}

fn canned() -> GetReadoutResponse {
    let compared = WireComparison {
        variant: "treatment".into(),
        difference: Some(250.0),
        ci_low: Some(-50.5),
        ci_high: Some(550.5),
        relative_lift: Some(0.05),
        z: Some(1.5),
        p_value: Some(0.13),
        sequential: Some(SequentialEstimate { ci_low: -400.0, ci_high: 900.0, p_value: 1.0 }),
        ..WireComparison::default()
    };
    let undefined = WireComparison {
        variant: "treatment".into(),
        undefined_reason: "no conversions yet".into(),
        ..Default::default()
    };
    let revenue = vec![arm("control", 4, 20_000.0, Some(12.5)), arm("treatment", 4, 21_000.0, None)];
    let conversion = vec![arm("control", 4, 0.0, Some(0.0)), arm("treatment", 4, 0.0, Some(0.0))];
    GetReadoutResponse {
        experiment: "checkout".into(),
        revision: 1,
        excluded_mixed: 2,
        srm: Some(WireRatio {
            variants: vec![WireCount { variant: "control".into(), units: 4, expected: 4.0 }],
            chi_square: 0.0,
            p_value: Some(1.0),
        }),
        metrics: vec![
            MetricReadout { metric: "net_revenue".into(), arms: revenue, comparisons: vec![compared] },
            MetricReadout { metric: "conversion".into(), arms: conversion, comparisons: vec![undefined] },
        ],
        verdict: Verdict::Continue.into(),
        reasons: vec!["not enough data".into()],
        days: 14,
        reporting_currency: "USD".into(),
        ..GetReadoutResponse::default()
    }
}

fn printed(format: Format) -> String {
    render(canned(), &BTreeSet::from(["net_revenue".to_owned()]), format).unwrap()
}

#[test]
fn json_has_arms_comparisons_and_the_verdict() {
    let json: serde_json::Value = serde_json::from_str(&printed(Format::Json)).unwrap();
    let expected = json!({
        "experiment": "checkout", "revision": 1, "excluded_mixed": 2,
        "srm": {"p_value": 1.0, "chi_square": 0.0, "variants": [{"variant": "control", "units": 4, "expected": 4.0}]},
        "metrics": [{
            "metric": "net_revenue",
            "arms": [
                {"variant": "control", "n": 4, "sum": 20000.0, "mean": 5000.0, "variance": 12.5},
                {"variant": "treatment", "n": 4, "sum": 21000.0, "mean": 5250.0, "variance": null},
            ],
            "comparisons": [{
                "variant": "treatment", "difference": 250.0, "ci_low": -50.5, "ci_high": 550.5, "relative_lift": 0.05,
                "relative_ci_low": null, "relative_ci_high": null, "z": 1.5, "degrees_of_freedom": null,
                "p_value": 0.13, "sequential": {"ci_low": -400.0, "ci_high": 900.0, "p_value": 1.0},
                "undefined_reason": null,
            }],
        }, {
            "metric": "conversion",
            "arms": [
                {"variant": "control", "n": 4, "sum": 0.0, "mean": 0.0, "variance": 0.0},
                {"variant": "treatment", "n": 4, "sum": 0.0, "mean": 0.0, "variance": 0.0},
            ],
            "comparisons": [{
                "variant": "treatment", "difference": null, "ci_low": null, "ci_high": null, "relative_lift": null,
                "relative_ci_low": null, "relative_ci_high": null, "z": null, "degrees_of_freedom": null,
                "p_value": null, "sequential": null, "undefined_reason": "no conversions yet",
            }],
        }],
        "verdict": "CONTINUE", "reasons": ["not enough data"], "days": 14, "conversions_before_exposure": 0,
        "conversions_after_window": 0, "missing_amounts": 0, "reporting_currency": "USD",
        "lag": {"pending_records": 0, "oldest_ms": 0},
    });
    assert_eq!(json, expected);
}

#[test]
fn csv_has_a_row_per_metric_and_variant() {
    let csv = printed(Format::Csv);
    let rows: Vec<&str> = csv.lines().skip(1).collect();
    assert_eq!(rows[0], "net_revenue,control,4,20000,5000,12.5,,,,,,,,,");
    assert_eq!(rows[1], "net_revenue,treatment,4,21000,5250,,250,-50.5,550.5,0.05,1.5,0.13,-400,900,1");
    assert_eq!(rows.len(), 4);
}

#[test]
fn the_table_shows_money_in_decimals_and_fits() {
    let table = printed(Format::Table);
    assert!(table.starts_with("checkout: CONTINUE\n- not enough data\n14 days"), "{table}");
    for text in ["200.00 USD", "52.5000", "-0.5050 to 5.5050", "+5.00 %", "-4.0000 to 9.0000", "no conversions yet"] {
        assert!(table.contains(text), "{text} is not in\n{table}");
    }
    assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
}
