//! Sets what the platform says beside what is true, number by number. These are sums and counts: they agree exactly
//! or something is broken.
//!
//! Must never know: how anything is printed, how reports were fetched.

use api::analysis::v1::ArmSummary;
use api::attribution::v1::GetReportResponse;

use super::drive::Reports;
use super::population::{Arm, CHANNELS};
use super::rates::Currency;
use super::truth::{ArmTruth, Truth};

/// Millionths in one conversion.
const MICRO: i128 = 1_000_000;

/// Which part of the platform a number belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Verdicts on events.
    Events,
    /// Bots, devices, persons.
    Identity,
    /// The experiment's sums.
    Experiment,
    /// The ledger.
    Ledger,
    /// Credit.
    Credit,
}

/// One number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Where it belongs.
    pub part: Part,
    /// What it counts.
    pub name: String,
    /// What is true.
    pub expected: i128,
    /// What the platform says; absent when it says nothing.
    pub reported: Option<i128>,
}

impl Check {
    /// Whether they are the same.
    pub fn agrees(&self) -> bool {
        self.reported == Some(self.expected)
    }
}

/// All numbers that must agree.
pub fn checks(truth: &Truth, reports: &Reports) -> Vec<Check> {
    let mut checks = Vec::new();
    events(truth, reports, &mut checks);
    identity(truth, reports, &mut checks);
    experiment(truth, reports, &mut checks);
    ledger(truth, reports, &mut checks);
    for report in &reports.credit {
        credit(truth, report, &mut checks);
    }
    checks
}

fn push(checks: &mut Vec<Check>, part: Part, numbers: impl IntoIterator<Item = (String, i128, Option<i128>)>) {
    let numbers = numbers.into_iter();
    checks.extend(numbers.map(|(name, expected, reported)| Check { part, name, expected, reported }));
}

fn counts<const N: usize>(checks: &mut Vec<Check>, part: Part, numbers: [(&str, u64, u64); N]) {
    let numbers = numbers.map(|(name, expected, reported)| (name.to_owned(), expected.into(), Some(reported.into())));
    push(checks, part, numbers);
}

fn events(truth: &Truth, reports: &Reports, checks: &mut Vec<Check>) {
    let (planned, counted) = (&truth.verdicts, &reports.statistics);
    let numbers = [
        ("received", planned.received, counted.received),
        ("accepted", planned.accepted, counted.accepted),
        ("  of these kept as money only, analytics refused", planned.money_only, counted.analytics_dropped),
        ("duplicates: sent again unchanged", planned.duplicates, counted.duplicates),
        ("conflicts: same id, other content", planned.conflicts, counted.conflicts),
        ("rejected: break a rule", planned.rejected, counted.rejected),
        ("dropped: analytics refused", planned.consent_dropped, counted.consent_dropped),
        ("too late", 0, counted.too_late),
        ("sampled out", 0, counted.sampled_out),
    ];
    counts(checks, Part::Events, numbers);
}

fn identity(truth: &Truth, reports: &Reports, checks: &mut Vec<Check>) {
    let (known, counted) = (&truth.identity, &reports.statistics);
    let numbers = [
        ("persons", known.persons, reports.persons),
        ("bots that say so", known.declared_bots, counted.declared_bots),
        ("bots by a burst of touches", known.burst_bots, counted.burst_bots),
        ("devices of one user", known.linked, counted.linked_anonymous_ids),
        ("devices shared by users", known.shared, counted.shared_anonymous_ids),
        ("actors set aside", 0, counted.quarantined_actors),
    ];
    counts(checks, Part::Identity, numbers);
}

fn experiment(truth: &Truth, reports: &Reports, checks: &mut Vec<Check>) {
    let readout = &reports.readout;
    let numbers = [
        ("people who met both variants", truth.mixed, readout.excluded_mixed),
        ("orders before the exposure", truth.before_exposure, readout.conversions_before_exposure),
        ("orders after the window", truth.after_window, readout.conversions_after_window),
        ("orders without an amount", 0, readout.missing_amounts),
    ];
    counts(checks, Part::Experiment, numbers);
    for arm in Arm::ALL {
        let sums = &truth.arms[arm as usize];
        let units = readout.srm.iter().flat_map(|srm| &srm.variants).find(|found| found.variant == arm.name());
        let of_split =
            (format!("split: people in {}", arm.name()), sums.units.into(), units.map(|found| found.units.into()));
        push(checks, Part::Experiment, [of_split]);
        for (metric, n, sum) in metric_truth(sums) {
            let found = arm_summary(reports, metric, arm);
            let name = |what| format!("{metric}: {what} of {}", arm.name());
            let numbers = [
                (name("people"), n.into(), found.map(|found| found.n.into())),
                (name("sum"), sum, found.and_then(|found| whole(found.sum))),
            ];
            push(checks, Part::Experiment, numbers);
        }
    }
}

/// Metric, people in it, sum: of the metrics that an experiment has when it names none.
fn metric_truth(sums: &ArmTruth) -> [(&'static str, u64, i128); 4] {
    [
        ("conversion", sums.units, sums.converted.into()),
        ("first_order_value", sums.converted, sums.first_order_cents.into()),
        ("gross_revenue", sums.units, sums.gross_cents.into()),
        ("net_revenue", sums.units, sums.net_cents.into()),
    ]
}

/// One variant's sums of one metric.
pub fn arm_summary<'r>(reports: &'r Reports, metric: &str, arm: Arm) -> Option<&'r ArmSummary> {
    let metric = reports.readout.metrics.iter().find(|found| found.metric == metric)?;
    metric.arms.iter().find(|found| found.variant == arm.name())
}

/// A sum of integers as it comes over the wire.
fn whole(sum: f64) -> Option<i128> {
    (sum.is_finite() && sum.fract() == 0.0).then_some(sum as i128)
}

fn ledger(truth: &Truth, reports: &Reports, checks: &mut Vec<Check>) {
    let numbers = [
        ("currencies", truth.revenue.len() as u64, reports.revenue.currencies.len() as u64),
        ("charges without a rate", 0, reports.revenue.missing_rates),
    ];
    counts(checks, Part::Ledger, numbers);
    for currency in Currency::ALL {
        let known = truth.revenue.get(&currency).copied().unwrap_or_default();
        let found = reports.revenue.currencies.iter().find(|found| found.currency == currency.code());
        if found.is_none() && known == Default::default() {
            continue;
        }
        let found = found.cloned().unwrap_or_default();
        let numbers: [(&str, i128, i128); 15] = [
            ("charges", known.charges.into(), found.charges.into()),
            ("gross", known.gross_minor.into(), found.gross_minor.into()),
            ("refunds", known.refunds_minor.into(), found.refunds_minor.into()),
            ("chargebacks", known.chargebacks_minor.into(), found.chargebacks_minor.into()),
            ("chargebacks won", known.won_back_minor.into(), found.chargeback_reversals_minor.into()),
            ("net", known.net_minor.into(), found.net_minor.into()),
            ("reversed beyond the charge", known.over_reversal_minor.into(), found.over_reversal_minor.into()),
            ("orphan refunds", known.orphans.into(), found.orphan_refunds.into()),
            ("orphan refunds, sum", known.orphan_minor.into(), found.orphan_minor.into()),
            ("double fires", known.double_fires.into(), found.double_fires.into()),
            ("charges that disagree", 0, found.charge_mismatches.into()),
            ("repeated refunds", known.repeated_refunds.into(), found.duplicate_reversals.into()),
            ("reversals in another currency", 0, found.other_currency.into()),
            ("fees", 0, found.fees_minor.into()),
            ("gross of nobody's conversion", known.unowned_gross_minor.into(), found.unowned_gross_minor.into()),
        ];
        let numbers = numbers.map(|(name, expected, reported)| {
            (format!("{currency}: {name}", currency = currency.code()), expected, Some(reported))
        });
        push(checks, Part::Ledger, numbers);
    }
}

fn credit(truth: &Truth, report: &GetReportResponse, checks: &mut Vec<Check>) {
    let model = &report.model;
    let conversions: i128 = report.rows.iter().map(|row| i128::from(row.conversions_micro)).sum();
    let expected = i128::from(truth.conversions) * MICRO;
    let strange = report.rows.iter().filter(|row| !is_channel(&row.key)).count() as i128;
    let numbers = [
        (format!("{model}: millionths of conversions"), expected, Some(conversions)),
        (format!("{model}: rows that are no channel"), 0, Some(strange)),
    ];
    push(checks, Part::Credit, numbers);
    for (currency, known) in &truth.revenue {
        let cells = || report.rows.iter().flat_map(|row| &row.credit).filter(|cell| cell.currency == currency.code());
        let (gross, net): (i128, i128) = (
            cells().map(|cell| i128::from(cell.gross_minor)).sum(),
            cells().map(|cell| i128::from(cell.net_minor)).sum(),
        );
        let numbers = [
            (format!("{model}: gross credit in {}", currency.code()), known.credit_gross_minor.into(), Some(gross)),
            (format!("{model}: net credit in {}", currency.code()), known.credit_net_minor.into(), Some(net)),
        ];
        push(checks, Part::Credit, numbers);
    }
}

/// Name of the row for conversions without any touch in the window.
pub const UNATTRIBUTED: &str = "(unattributed)";

fn is_channel(key: &str) -> bool {
    key == UNATTRIBUTED || CHANNELS.iter().any(|channel| channel.name == key)
}
