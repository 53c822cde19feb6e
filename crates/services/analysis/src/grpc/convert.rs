//! A readout in the words of the contract.

use api::analysis::v1 as wire;
use api::types;
use stats::verdict::Verdict;

use crate::readout::{ArmSums, Comparison, MetricReadout, Readout};
use crate::service::Report;

/// The whole answer.
pub fn report(report: Report) -> wire::GetReadoutResponse {
    let readout = report.readout;
    wire::GetReadoutResponse {
        srm: Some(sample_ratio(&readout)),
        experiment: readout.experiment,
        revision: readout.revision,
        excluded_mixed: readout.mixed,
        metrics: readout.metrics.into_iter().map(metric).collect(),
        verdict: verdict(readout.verdict).into(),
        reasons: readout.reasons,
        days: readout.days,
        conversions_before_exposure: readout.info.before_exposure,
        conversions_after_window: readout.info.after_window,
        lag: Some(types::Lag { pending_records: report.lag.pending_records, oldest_ms: report.lag.oldest_ms }),
        reporting_currency: report.reporting_currency.to_string(),
        missing_amounts: readout.info.missing_amounts,
    }
}

fn sample_ratio(readout: &Readout) -> wire::SampleRatio {
    let test = readout.sample_ratio.as_ref().ok();
    let expected = |place: usize| test.and_then(|test| test.expected.get(place).copied()).unwrap_or(0.0);
    let variants = readout.arms.iter().enumerate().map(|(place, arm)| wire::VariantCount {
        variant: arm.variant.clone(),
        units: arm.units,
        expected: expected(place),
    });
    wire::SampleRatio {
        variants: variants.collect(),
        chi_square: test.map_or(0.0, |test| test.statistic),
        p_value: test.map(|test| test.p),
    }
}

fn metric(metric: MetricReadout) -> wire::MetricReadout {
    wire::MetricReadout {
        metric: metric.metric,
        arms: metric.arms.into_iter().map(arm).collect(),
        comparisons: metric.comparisons.into_iter().map(comparison).collect(),
    }
}

fn arm(arm: ArmSums) -> wire::ArmSummary {
    wire::ArmSummary {
        variant: arm.variant,
        n: arm.sums.n,
        sum: arm.sums.x as f64,
        mean: arm.sums.mean().unwrap_or(0.0),
        variance: arm.sums.variance().ok(),
    }
}

fn comparison(comparison: Comparison) -> wire::Comparison {
    let undefined_reason = undefined_reason(&comparison);
    let (interval, lift_interval) = (comparison.interval.ok(), comparison.lift_interval.ok());
    let (test, sequential) = (comparison.test.ok(), comparison.sequential.ok());
    wire::Comparison {
        variant: comparison.variant,
        difference: comparison.difference.ok(),
        ci_low: interval.map(|interval| interval.lower()),
        ci_high: interval.map(|interval| interval.upper()),
        relative_lift: comparison.lift.ok(),
        relative_ci_low: lift_interval.map(|interval| interval.lower()),
        relative_ci_high: lift_interval.map(|interval| interval.upper()),
        z: test.map(|test| test.statistic),
        degrees_of_freedom: test.and_then(|test| test.degrees_of_freedom),
        p_value: test.map(|test| test.p),
        sequential: sequential.map(|sequential| wire::SequentialEstimate {
            ci_low: sequential.interval.lower(),
            ci_high: sequential.interval.upper(),
            p_value: sequential.p,
        }),
        undefined_reason,
    }
}

/// Why numbers are missing; empty when none is. What keeps the test away keeps the rest away, mostly.
fn undefined_reason(comparison: &Comparison) -> String {
    match (&comparison.test, &comparison.lift_interval) {
        (Err(why), _) => why.to_string(),
        (Ok(_), Err(why)) => format!("relative lift: {why}"),
        (Ok(_), Ok(_)) => String::new(),
    }
}

const fn verdict(verdict: Verdict) -> wire::Verdict {
    match verdict {
        Verdict::Invalid => wire::Verdict::Invalid,
        Verdict::GuardrailBreach => wire::Verdict::GuardrailBreach,
        Verdict::Ship => wire::Verdict::Ship,
        Verdict::KeepControl => wire::Verdict::KeepControl,
        Verdict::NoEffect => wire::Verdict::NoEffect,
        Verdict::Continue => wire::Verdict::Continue,
    }
}
