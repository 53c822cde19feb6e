//! A platform that makes no error is believed, one that makes a single error is not; the report fits its width.

use std::collections::BTreeMap;

use api::analysis::v1::{
    ArmSummary, Comparison, GetReadoutResponse, MetricReadout, SampleRatio, SequentialEstimate, VariantCount, Verdict,
};
use api::attribution::v1::{CreditAmount, CreditRow, GetReportResponse};
use api::ingestion::v1::GetStatisticsResponse;
use api::revenue::v1::{CurrencyRevenue, GetRevenueResponse};

use crate::demo::Summary;
use crate::demo::check::{UNATTRIBUTED, checks};
use crate::demo::drive::{MODELS, Reports};
use crate::demo::population::Arm;
use crate::demo::print::render;
use crate::demo::truth::{ArmTruth, Truth};

use super::plan::{PEOPLE, SEED, simulate};

fn statistics(truth: &Truth) -> GetStatisticsResponse {
    let (verdicts, identity) = (truth.verdicts, truth.identity);
    GetStatisticsResponse {
        received: verdicts.received,
        accepted: verdicts.accepted,
        duplicates: verdicts.duplicates,
        conflicts: verdicts.conflicts,
        rejected: verdicts.rejected,
        consent_dropped: verdicts.consent_dropped,
        analytics_dropped: verdicts.money_only,
        declared_bots: identity.declared_bots,
        burst_bots: identity.burst_bots,
        linked_anonymous_ids: identity.linked,
        shared_anonymous_ids: identity.shared,
        ..GetStatisticsResponse::default()
    }
}

fn metric(name: &str, arms: &[ArmTruth; 2], people: fn(&ArmTruth) -> u64, sum: fn(&ArmTruth) -> f64) -> MetricReadout {
    let arm = |arm: Arm| {
        let sums = &arms[arm as usize];
        let (n, sum) = (people(sums), sum(sums));
        ArmSummary { variant: arm.name().to_owned(), n, sum, mean: sum / n as f64, variance: Some(1.0) }
    };
    let [control, treatment] = Arm::ALL.map(arm);
    let difference = treatment.mean - control.mean;
    let comparison = Comparison {
        variant: treatment.variant.clone(),
        difference: Some(difference),
        ci_low: Some(difference - 0.0123),
        ci_high: Some(difference + 0.0123),
        relative_lift: Some(difference / control.mean),
        relative_ci_low: Some(-0.1),
        relative_ci_high: Some(0.4),
        p_value: Some(0.012_345),
        sequential: Some(SequentialEstimate { ci_low: -1.0, ci_high: 1.0, p_value: 0.000_01 }),
        ..Comparison::default()
    };
    MetricReadout { metric: name.to_owned(), arms: vec![control, treatment], comparisons: vec![comparison] }
}

fn readout(truth: &Truth) -> GetReadoutResponse {
    let variant = |arm: Arm| VariantCount {
        variant: arm.name().to_owned(),
        units: truth.arms[arm as usize].units,
        expected: truth.arms.iter().map(|arm| arm.units as f64).sum::<f64>() / 2.0,
    };
    let variants = Arm::ALL.map(variant).to_vec();
    GetReadoutResponse {
        excluded_mixed: truth.mixed,
        srm: Some(SampleRatio { variants, chi_square: 0.5, p_value: Some(0.48) }),
        metrics: vec![
            metric("conversion", &truth.arms, |sums| sums.units, |sums| sums.converted as f64),
            metric("first_order_value", &truth.arms, |sums| sums.converted, |sums| sums.first_order_cents as f64),
            metric("gross_revenue", &truth.arms, |sums| sums.units, |sums| sums.gross_cents as f64),
            metric("net_revenue", &truth.arms, |sums| sums.units, |sums| sums.net_cents as f64),
        ],
        verdict: Verdict::Ship.into(),
        reasons: vec!["conversion is better".to_owned()],
        conversions_before_exposure: truth.before_exposure,
        conversions_after_window: truth.after_window,
        reporting_currency: "USD".to_owned(),
        ..GetReadoutResponse::default()
    }
}

fn revenue(truth: &Truth) -> GetRevenueResponse {
    let currencies = truth.revenue.iter().map(|(currency, sums)| CurrencyRevenue {
        currency: currency.code().to_owned(),
        charges: sums.charges,
        gross_minor: sums.gross_minor,
        refunds_minor: sums.refunds_minor,
        chargebacks_minor: sums.chargebacks_minor,
        chargeback_reversals_minor: sums.won_back_minor,
        net_minor: sums.net_minor,
        over_reversal_minor: sums.over_reversal_minor,
        orphan_refunds: sums.orphans,
        orphan_minor: sums.orphan_minor,
        double_fires: sums.double_fires,
        duplicate_reversals: sums.repeated_refunds,
        unowned_gross_minor: sums.unowned_gross_minor,
        ..CurrencyRevenue::default()
    });
    GetRevenueResponse { currencies: currencies.collect(), ..GetRevenueResponse::default() }
}

fn credit(truth: &Truth, model: &str) -> GetReportResponse {
    let amounts = truth.revenue.iter().map(|(currency, sums)| CreditAmount {
        currency: currency.code().to_owned(),
        gross_minor: sums.credit_gross_minor,
        net_minor: sums.credit_net_minor,
    });
    let row = CreditRow {
        key: UNATTRIBUTED.to_owned(),
        conversions_micro: truth.conversions as i64 * 1_000_000,
        credit: amounts.collect(),
    };
    GetReportResponse { model: model.to_owned(), rows: vec![row], lag: None }
}

fn faultless(truth: &Truth) -> Reports {
    Reports {
        statistics: statistics(truth),
        persons: truth.identity.persons,
        readout: readout(truth),
        revenue: revenue(truth),
        credit: MODELS.map(|model| credit(truth, model)).to_vec(),
    }
}

fn summary(truth: Truth, reports: Reports) -> Summary {
    let checks = checks(&truth, &reports);
    let rule = "must be a word that is repeated until the line is certainly too long for the report, ".repeat(3);
    Summary {
        people: PEOPLE,
        seed: SEED,
        truth,
        reports,
        checks,
        surprises: 0,
        surprise_kinds: BTreeMap::new(),
        rejections: BTreeMap::from([(("monetary.amount".to_owned(), rule), 7)]),
    }
}

#[test]
fn a_faultless_platform_agrees_everywhere() {
    let (.., truth) = simulate(SEED);
    let reports = faultless(&truth);
    let summary = summary(truth, reports);
    let wrong: Vec<_> = summary.checks.iter().filter(|check| !check.agrees()).collect();
    assert!(wrong.is_empty() && summary.checks.len() > 100, "{wrong:?}");
    let text = render(&summary);
    assert!(!text.contains('✗'), "{text}");
    assert!(text.contains("SHIP") && text.contains("retargeting") && text.contains("seed 11"), "{text}");
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{widest:?}\n{text}");
}

#[test]
fn one_cent_is_one_cross() {
    let (.., truth) = simulate(SEED);
    let mut reports = faultless(&truth);
    reports.revenue.currencies[0].net_minor += 1;
    let summary = summary(truth, reports);
    assert_eq!(summary.checks.iter().filter(|check| !check.agrees()).count(), 1);
    assert!(render(&summary).contains("✗ ledger"));
}

#[test]
fn what_is_not_reported_does_not_agree() {
    let (.., truth) = simulate(SEED);
    let mut reports = faultless(&truth);
    reports.readout.metrics.pop();
    let summary = summary(truth, reports);
    assert_eq!(summary.checks.iter().filter(|check| !check.agrees()).count(), 4);
    assert!(render(&summary).contains("✗ sums of the experiment"));
}
