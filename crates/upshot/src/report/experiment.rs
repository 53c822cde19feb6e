//! `upshot report experiment`: the readout of one experiment.

use std::collections::BTreeSet;

use api::analysis::v1::{GetReadoutRequest, GetReadoutResponse, Verdict};
use api::assignment::v1::{GetExperimentRequest, ListExperimentsRequest, MetricKind};
use api::types::PageRequest;
use clap::Args;
use serde::Serialize;
use tonic::Code;
use upshot_client::Client;

use super::{Error, Format, Lag, to_json};

mod table;

/// Which experiment.
#[derive(Clone, Debug, Args)]
pub(super) struct ExperimentArgs {
    /// Key of the experiment
    key: String,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// A readout as programs see it. Money is in minor units of the reporting currency; a figure that is not defined is
/// null, and `undefined_reason` says why.
#[derive(Debug, Serialize)]
struct Report {
    experiment: String,
    revision: u32,
    excluded_mixed: u64,
    srm: SampleRatio,
    metrics: Vec<Metric>,
    verdict: &'static str,
    reasons: Vec<String>,
    days: u32,
    conversions_before_exposure: u64,
    conversions_after_window: u64,
    missing_amounts: u64,
    reporting_currency: String,
    lag: Lag,
}

#[derive(Debug, Serialize)]
struct SampleRatio {
    p_value: Option<f64>,
    chi_square: f64,
    variants: Vec<VariantCount>,
}

#[derive(Debug, Serialize)]
struct VariantCount {
    variant: String,
    units: u64,
    expected: f64,
}

#[derive(Debug, Serialize)]
struct Metric {
    metric: String,
    arms: Vec<Arm>,
    comparisons: Vec<Comparison>,
}

#[derive(Debug, Serialize)]
struct Arm {
    variant: String,
    n: u64,
    sum: f64,
    mean: f64,
    variance: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Comparison {
    variant: String,
    difference: Option<f64>,
    ci_low: Option<f64>,
    ci_high: Option<f64>,
    relative_lift: Option<f64>,
    relative_ci_low: Option<f64>,
    relative_ci_high: Option<f64>,
    z: Option<f64>,
    degrees_of_freedom: Option<f64>,
    p_value: Option<f64>,
    sequential: Option<Sequential>,
    undefined_reason: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Sequential {
    ci_low: f64,
    ci_high: f64,
    p_value: f64,
}

pub(super) async fn run(client: &Client, args: ExperimentArgs) -> Result<String, Error> {
    let request = GetReadoutRequest { experiment: args.key.clone() };
    let answer = match client.analysis().get_readout(request).await {
        Ok(answer) => answer.into_inner(),
        Err(status) if status.code() == Code::NotFound => return Err(unknown(client, args.key).await?),
        Err(status) => return Err(upshot_client::Error::refused("GetReadout", status).into()),
    };
    let money = match args.format {
        Format::Table => money_metrics(client, args.key).await?,
        Format::Json | Format::Csv => BTreeSet::new(),
    };
    render(answer, &money, args.format)
}

async fn unknown(client: &Client, key: String) -> Result<Error, Error> {
    let request = ListExperimentsRequest { page: Some(PageRequest::default()) };
    let listed = client.registry().list_experiments(request).await;
    let listed = listed.map_err(|status| upshot_client::Error::refused("ListExperiments", status))?;
    let known = listed.into_inner().experiments.into_iter().map(|experiment| experiment.key).collect();
    Ok(Error::Unknown { what: "experiment", key, known })
}

/// Names of the metrics whose values are money, which the readout does not say.
async fn money_metrics(client: &Client, key: String) -> Result<BTreeSet<String>, Error> {
    let found = client.registry().get_experiment(GetExperimentRequest { key }).await;
    let found = found.map_err(|status| upshot_client::Error::refused("GetExperiment", status))?;
    let metrics = found.into_inner().experiment.unwrap_or_default().metrics;
    let is_money = |kind| matches!(kind, MetricKind::FirstValue | MetricKind::GrossRevenue | MetricKind::NetRevenue);
    Ok(metrics.into_iter().filter(|metric| is_money(metric.kind())).map(|metric| metric.name).collect())
}

fn render(answer: GetReadoutResponse, money: &BTreeSet<String>, format: Format) -> Result<String, Error> {
    let report = Report::from(answer);
    match format {
        Format::Json => to_json(&report),
        Format::Csv => report.csv(),
        Format::Table => Ok(report.table(money)),
    }
}

impl From<GetReadoutResponse> for Report {
    fn from(answer: GetReadoutResponse) -> Self {
        let verdict = verdict_name(answer.verdict());
        let srm = answer.srm.unwrap_or_default();
        let variants = srm.variants.into_iter().map(|counted| VariantCount {
            variant: counted.variant,
            units: counted.units,
            expected: counted.expected,
        });
        Self {
            experiment: answer.experiment,
            revision: answer.revision,
            excluded_mixed: answer.excluded_mixed,
            srm: SampleRatio { p_value: srm.p_value, chi_square: srm.chi_square, variants: variants.collect() },
            metrics: answer.metrics.into_iter().map(Metric::from).collect(),
            verdict,
            reasons: answer.reasons,
            days: answer.days,
            conversions_before_exposure: answer.conversions_before_exposure,
            conversions_after_window: answer.conversions_after_window,
            missing_amounts: answer.missing_amounts,
            reporting_currency: answer.reporting_currency,
            lag: answer.lag.into(),
        }
    }
}

impl From<api::analysis::v1::MetricReadout> for Metric {
    fn from(metric: api::analysis::v1::MetricReadout) -> Self {
        let arm = |arm: api::analysis::v1::ArmSummary| Arm {
            variant: arm.variant,
            n: arm.n,
            sum: arm.sum,
            mean: arm.mean,
            variance: arm.variance,
        };
        Self {
            metric: metric.metric,
            arms: metric.arms.into_iter().map(arm).collect(),
            comparisons: metric.comparisons.into_iter().map(Comparison::from).collect(),
        }
    }
}

impl From<api::analysis::v1::Comparison> for Comparison {
    fn from(compared: api::analysis::v1::Comparison) -> Self {
        let sequential = compared.sequential.map(|sequential| Sequential {
            ci_low: sequential.ci_low,
            ci_high: sequential.ci_high,
            p_value: sequential.p_value,
        });
        Self {
            variant: compared.variant,
            difference: compared.difference,
            ci_low: compared.ci_low,
            ci_high: compared.ci_high,
            relative_lift: compared.relative_lift,
            relative_ci_low: compared.relative_ci_low,
            relative_ci_high: compared.relative_ci_high,
            z: compared.z,
            degrees_of_freedom: compared.degrees_of_freedom,
            p_value: compared.p_value,
            sequential,
            undefined_reason: Some(compared.undefined_reason).filter(|reason| !reason.is_empty()),
        }
    }
}

/// The words of the contract, without its prefix.
fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Unspecified => "UNSPECIFIED",
        Verdict::Invalid => "INVALID",
        Verdict::GuardrailBreach => "GUARDRAIL_BREACH",
        Verdict::Ship => "SHIP",
        Verdict::KeepControl => "KEEP_CONTROL",
        Verdict::NoEffect => "NO_EFFECT",
        Verdict::Continue => "CONTINUE",
    }
}

#[cfg(test)]
mod tests;
