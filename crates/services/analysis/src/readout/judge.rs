//! The verdict over all variants: every variant is judged against the control, then the best of them decides.

use stats::sequential::ConfidenceSequence;
use stats::srm::ChiSquare;
use stats::verdict::{Decision, Design, Direction, Evidence, Outlook, Verdict, Width, decide};
use stats::{Undefined, Warnings};

use super::compare::{Comparison, Levels};
use super::{MetricReadout, Tally};
use crate::definition::Definition;

/// Judges the primary metric by its always-valid intervals, so that it may be looked at as often as anybody likes.
pub fn judge(
    definition: &Definition,
    tally: &Tally,
    sample_ratio: &Result<ChiSquare, Undefined>,
    metrics: &[MetricReadout],
    levels: &Levels,
) -> (Verdict, Vec<String>) {
    let design = design(definition, levels);
    let comparisons = metrics.get(definition.primary).map(|primary| primary.comparisons.as_slice()).unwrap_or_default();
    let decided: Vec<(&str, Decision)> = comparisons
        .iter()
        .map(|comparison| {
            let mut evidence = evidence(definition, tally, sample_ratio, metrics, comparison);
            evidence.days_left = days_left(&design, &evidence, judged(definition, comparison).0.as_ref().ok());
            (comparison.variant.as_str(), decide(&design, &evidence))
        })
        .collect();
    let verdict = overall(&decided);
    let mut reasons = reasons(verdict, &decided);
    if tally.strangers > 0 {
        reasons.push(format!("warning: {} units met variants that the experiment does not have", tally.strangers));
    }
    (verdict, reasons)
}

fn design(definition: &Definition, levels: &Levels) -> Design {
    let direction = definition.primary_metric().map_or(Direction::Increase, |metric| metric.direction);
    let design = Design::new(levels.sequential, direction).with_minimum_days(definition.minimum_days);
    match definition.minimum_effect {
        Some(size) => design.with_minimum_effect(size),
        None => design,
    }
}

fn evidence(
    definition: &Definition,
    tally: &Tally,
    sample_ratio: &Result<ChiSquare, Undefined>,
    metrics: &[MetricReadout],
    comparison: &Comparison,
) -> Evidence {
    let counted: u64 = tally.arms.iter().map(|arm| arm.units).sum();
    let n = |variant: Option<&str>| {
        let arms = metrics.get(definition.primary).into_iter().flat_map(|primary| &primary.arms);
        arms.filter(|arm| Some(arm.variant.as_str()) == variant).map(|arm| arm.sums.n).sum::<u64>()
    };
    let control = n(definition.arms.get(definition.control).map(|arm| arm.name.as_str()));
    let treatment = n(Some(&comparison.variant));
    let (sequence, warnings) = judged(definition, comparison);
    Evidence {
        days: tally.days,
        exposed: counted.saturating_add(tally.strangers).saturating_add(tally.mixed),
        mixed: tally.mixed,
        units: control.saturating_add(treatment),
        smallest_arm: control.min(treatment),
        sample_ratio_p: sample_ratio.as_ref().map(|test| test.p).map_err(|why| *why),
        excluded_units: sample_ratio.as_ref().map_or(0, |test| test.excluded_units),
        primary: sequence.as_ref().map(|sequence| sequence.interval).map_err(|why| *why),
        guardrails: Vec::new(),
        warnings,
        days_left: None,
    }
}

/// What of a comparison is judged: the smallest effect worth having is relative, so it can only be compared with
/// relative effects.
const fn judged<'a>(
    definition: &Definition,
    comparison: &'a Comparison,
) -> (&'a Result<ConfidenceSequence, Undefined>, Warnings) {
    match definition.minimum_effect {
        Some(_) => (&comparison.sequential_lift, comparison.lift_warnings),
        None => (&comparison.sequential, comparison.warnings),
    }
}

/// Days until there is something to conclude, if units keep arriving as they did and the effect stays what it is.
fn days_left(design: &Design, evidence: &Evidence, sequence: Option<&ConfidenceSequence>) -> Option<u32> {
    let sequence = sequence.filter(|_| evidence.days > 0)?;
    let outlook = Outlook {
        days: evidence.days,
        units: evidence.units,
        smallest_arm: evidence.smallest_arm,
        units_per_day: evidence.units as f64 / f64::from(evidence.days),
        effect: sequence.effect,
        standard_error: sequence.standard_error,
        width: Width::Sequential(sequence.tuning),
    };
    outlook.expected_days_left(design)
}

/// One variant worth shipping is enough; nothing is concluded against all of them before each has its verdict.
fn overall(decided: &[(&str, Decision)]) -> Verdict {
    let any = |verdict: Verdict| decided.iter().any(|(_, decision)| decision.verdict == verdict);
    for verdict in [Verdict::Invalid, Verdict::GuardrailBreach, Verdict::Ship, Verdict::Continue] {
        if any(verdict) {
            return verdict;
        }
    }
    match (any(Verdict::NoEffect), any(Verdict::KeepControl)) {
        (true, _) => Verdict::NoEffect,
        (false, true) => Verdict::KeepControl,
        (false, false) => Verdict::Continue,
    }
}

/// Reasons in words, those of the variants that made the verdict first. With several comparisons each names its
/// variant, except what is true of all of them.
fn reasons(verdict: Verdict, decided: &[(&str, Decision)]) -> Vec<String> {
    let texts: Vec<(bool, &str, Vec<String>)> = decided
        .iter()
        .map(|(variant, decision)| {
            let reasons = decision.reasons.iter().map(ToString::to_string).collect();
            (decision.verdict == verdict, *variant, reasons)
        })
        .collect();
    let mut said: Vec<String> = Vec::new();
    for deciding in [true, false] {
        for (_, variant, reasons) in texts.iter().filter(|(decides, ..)| *decides == deciding) {
            for reason in reasons {
                let common = texts.iter().all(|(_, _, others)| others.contains(reason));
                let text = if common { reason.clone() } else { format!("{variant}: {reason}") };
                if !said.contains(&text) {
                    said.push(text);
                }
            }
        }
    }
    said
}
