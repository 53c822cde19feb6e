//! A variant against the control, metric by metric.

use stats::sequential::{Side, Tuning, confidence_sequence};
use stats::{
    Alpha, Interval, Moments, Sums, Undefined, Warnings, newcombe, sequential::ConfidenceSequence, two_proportion,
    welch,
};

use super::{ArmSums, MetricReadout};
use crate::definition::{Definition, MetricKind};

/// A variant against the control. What cannot be computed says why.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The variant.
    pub variant: String,
    /// Difference of means.
    pub difference: Result<f64, Undefined>,
    /// Its fixed-horizon interval by the normal quantile.
    pub interval: Result<Interval, Undefined>,
    /// Difference over the magnitude of the control's mean.
    pub lift: Result<f64, Undefined>,
    /// Its interval by the delta method.
    pub lift_interval: Result<Interval, Undefined>,
    /// Fixed-horizon test of the difference.
    pub test: Result<TestResult, Undefined>,
    /// What stays valid however often one looks; over several comparisons together at the experiment's level.
    pub sequential: Result<ConfidenceSequence, Undefined>,
    /// The same for the lift.
    pub sequential_lift: Result<ConfidenceSequence, Undefined>,
    /// Why the difference may not deserve trust.
    pub warnings: Warnings,
    /// Why the lift may not.
    pub lift_warnings: Warnings,
}

/// A test of "no difference".
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TestResult {
    /// Pooled z for conversions, Welch's t otherwise.
    pub statistic: f64,
    /// Welch's degrees of freedom; absent for z.
    pub degrees_of_freedom: Option<f64>,
    /// Two-sided p-value.
    pub p: f64,
}

/// Error levels of an experiment's intervals.
#[derive(Clone, Copy, Debug)]
pub struct Levels {
    /// Of every fixed-horizon interval.
    pub fixed: Alpha,
    /// Of every always-valid interval: the total shared among the comparisons (Bonferroni).
    pub sequential: Alpha,
    /// `None` where the settings allow no sequence.
    tuning: Option<Tuning>,
}

impl Levels {
    /// As the experiment wants them.
    #[must_use]
    pub fn of(definition: &Definition, sequential_units: f64) -> Self {
        let comparisons = definition.arms.len().saturating_sub(1).max(1) as f64;
        // Dividing by a small count leaves the level a level.
        let sequential = Alpha::new(definition.alpha.get() / comparisons).unwrap_or(definition.alpha);
        let tuning = Tuning::new(sequential, sequential_units, Side::TwoSided).ok();
        Self { fixed: definition.alpha, sequential, tuning }
    }

    fn sequence(&self, effect: f64, standard_error: f64, units: u64) -> Result<ConfidenceSequence, Undefined> {
        let tuning = self.tuning.ok_or(Undefined::OutOfRange)?;
        confidence_sequence(effect, standard_error, units, &tuning)
    }
}

/// Reads one metric out; `sums` are by variant.
pub fn metric(definition: &Definition, metric: usize, sums: Vec<Sums>, levels: &Levels) -> MetricReadout {
    let (name, kind) =
        definition.metrics.get(metric).map_or((String::new(), MetricKind::Count), |m| (m.name.clone(), m.kind));
    let control = sums.get(definition.control).copied().unwrap_or_default();
    let arms: Vec<ArmSums> =
        definition.arms.iter().zip(sums).map(|(arm, sums)| ArmSums { variant: arm.name.clone(), sums }).collect();
    let others = arms.iter().enumerate().filter(|(place, _)| *place != definition.control);
    let comparisons = others.map(|(_, arm)| compare(kind, arm, &control, levels)).collect();
    MetricReadout { metric: name, arms, comparisons }
}

fn compare(kind: MetricKind, arm: &ArmSums, control: &Sums, levels: &Levels) -> Comparison {
    let compared = match kind {
        MetricKind::Conversion => conversions(control, &arm.sums, levels),
        _ => means(control, &arm.sums, levels),
    };
    let undefined = |why| Comparison {
        variant: String::new(),
        difference: Err(why),
        interval: Err(why),
        lift: Err(why),
        lift_interval: Err(why),
        test: Err(why),
        sequential: Err(why),
        sequential_lift: Err(why),
        warnings: Warnings::NONE,
        lift_warnings: Warnings::NONE,
    };
    Comparison { variant: arm.variant.clone(), ..compared.unwrap_or_else(undefined) }
}

fn conversions(control: &Sums, treatment: &Sums, levels: &Levels) -> Result<Comparison, Undefined> {
    let (a, b) = (control.conversions()?, treatment.conversions()?);
    let units = a.n().saturating_add(b.n());
    let got = two_proportion(a, b, levels.fixed)?;
    // Where nobody or everybody converted, Wald's interval has no width; that would look like certainty.
    let interval = if got.standard_error > 0.0 { Ok(got.interval) } else { newcombe(a, b, levels.fixed) };
    let lift_error =
        |interval: Interval| (interval.upper() - interval.lower()) / (2.0 * levels.fixed.normal_half_width());
    Ok(Comparison {
        variant: String::new(),
        difference: Ok(got.difference),
        interval,
        lift: got.lift,
        lift_interval: got.lift_interval,
        test: got.test.map(|test| TestResult { statistic: test.z, degrees_of_freedom: None, p: test.p.two_sided }),
        sequential: levels.sequence(got.difference, got.standard_error, units),
        sequential_lift: got.lift.and_then(|lift| levels.sequence(lift, lift_error(got.lift_interval?), units)),
        warnings: got.warnings,
        lift_warnings: got.lift_warnings,
    })
}

fn means(control: &Sums, treatment: &Sums, levels: &Levels) -> Result<Comparison, Undefined> {
    let moments = |sums: &Sums| -> Result<Moments, Undefined> { sums.moments(1.0) };
    let units = control.n.saturating_add(treatment.n);
    let got = welch(moments(control)?, moments(treatment)?, levels.fixed)?;
    Ok(Comparison {
        variant: String::new(),
        difference: Ok(got.difference),
        interval: got.absolute.map(|estimate| estimate.normal_interval),
        lift: got.relative.map(|estimate| estimate.effect),
        lift_interval: got.relative.map(|estimate| estimate.normal_interval),
        test: got.absolute.map(|estimate| TestResult {
            statistic: estimate.statistic,
            degrees_of_freedom: estimate.df,
            p: estimate.p.two_sided,
        }),
        sequential: got.absolute.and_then(|estimate| levels.sequence(estimate.effect, estimate.standard_error, units)),
        sequential_lift: got
            .relative
            .and_then(|estimate| levels.sequence(estimate.effect, estimate.standard_error, units)),
        warnings: got.absolute.map_or(Warnings::NONE, |estimate| estimate.warnings),
        lift_warnings: got.relative.map_or(Warnings::NONE, |estimate| estimate.warnings),
    })
}
