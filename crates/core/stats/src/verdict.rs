//! Ship or not: a pure function of the design, fixed before the data, and the evidence.
//!
//! The rules, first match wins: broken data is INVALID; a guardrail that is surely worse is a BREACH; a primary
//! interval entirely on the good side is SHIP, on the bad side KEEP_CONTROL, within the minimum effect NO_EFFECT;
//! anything else, and any of these three before its time, is CONTINUE. The caller decides which interval it hands in:
//! an anytime-valid one may be judged at every look, a fixed-horizon one only at its planned size. Must never know: how
//! intervals were computed, what the experiment is called, whether anybody acts on the verdict.

mod evidence;
mod outlook;
mod reason;

#[cfg(test)]
mod tests;

pub use evidence::{Design, Direction, EffectSize, Evidence, Guardrail, MINIMUM_UNITS_PER_ARM};
pub use outlook::{Outlook, Width};
pub use reason::Reason;

use crate::interval::Interval;
use crate::srm::MISMATCH_BELOW;

/// What to do with an experiment now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The data cannot be trusted; no estimate counts.
    Invalid,
    /// The treatment harms what must not be harmed.
    GuardrailBreach,
    /// The treatment is better.
    Ship,
    /// The treatment is worse.
    KeepControl,
    /// Whatever difference there is, is smaller than anybody would act on.
    NoEffect,
    /// Not decided yet.
    Continue,
}

impl Verdict {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Invalid => "INVALID",
            Self::GuardrailBreach => "GUARDRAIL_BREACH",
            Self::Ship => "SHIP",
            Self::KeepControl => "KEEP_CONTROL",
            Self::NoEffect => "NO_EFFECT",
            Self::Continue => "CONTINUE",
        }
    }
}

/// A verdict and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// The first is the rule that fired; the rest are what else speaks for it, delays it or needs a warning.
    pub reasons: Vec<Reason>,
}

/// Applies the rules.
#[must_use]
pub fn decide(design: &Design, evidence: &Evidence) -> Decision {
    let (verdict, mut reasons) = rule(design, evidence);
    if verdict != Verdict::Invalid && is_share_at_least(evidence.mixed, evidence.exposed, 1) {
        reasons.push(Reason::SomeMixedExposures { mixed: evidence.mixed, exposed: evidence.exposed });
    }
    if verdict != Verdict::Invalid {
        reasons.extend(evidence.guardrails.iter().filter_map(unwatched));
        reasons.extend(evidence.warnings.iter().map(|warning| Reason::Doubtful { warning }));
    }
    Decision { verdict, reasons }
}

fn rule(design: &Design, evidence: &Evidence) -> (Verdict, Vec<Reason>) {
    let broken = broken_data(evidence);
    if !broken.is_empty() {
        return (Verdict::Invalid, broken);
    }
    let breaches = breaches(design, evidence);
    if !breaches.is_empty() {
        return (Verdict::GuardrailBreach, breaches);
    }
    let (candidate, mut reasons) = judge_primary(design, evidence);
    let mut obstacles = obstacles(design, evidence);
    if candidate == Verdict::Ship {
        obstacles.extend(evidence.guardrails.iter().filter_map(unproven));
    }
    let verdict = if obstacles.is_empty() { candidate } else { Verdict::Continue };
    if candidate != Verdict::Continue && verdict == Verdict::Continue {
        // The rule that fired is the obstacle; what was found so far comes after it.
        obstacles.append(&mut reasons);
        reasons = obstacles;
    } else {
        reasons.append(&mut obstacles);
    }
    if let (Verdict::Continue, Some(days)) = (verdict, evidence.days_left) {
        reasons.push(Reason::ExpectedToTake { days });
    }
    (verdict, reasons)
}

fn broken_data(evidence: &Evidence) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if evidence.excluded_units > 0 {
        reasons.push(Reason::UnitsInExcludedArm { units: evidence.excluded_units });
    }
    if let Ok(p) = evidence.sample_ratio_p {
        // A p-value that is no number must not pass for a good one.
        if p.is_nan() || p < MISMATCH_BELOW {
            reasons.push(Reason::SampleRatioMismatch { p });
        }
    }
    if is_share_above(evidence.mixed, evidence.exposed, 5) {
        reasons.push(Reason::ManyMixedExposures { mixed: evidence.mixed, exposed: evidence.exposed });
    }
    reasons
}

/// Guardrails do not wait for the minimum days: harm found early is harm. They do wait for enough units to be judged.
fn breaches(design: &Design, evidence: &Evidence) -> Vec<Reason> {
    if evidence.smallest_arm < design.minimum_units_per_arm() {
        return Vec::new();
    }
    let breached = |guardrail: &Guardrail| {
        let interval = guardrail.interval.ok()?;
        let margin = guardrail.margin.map_or(0.0, EffectSize::get);
        (towards_good(interval, guardrail.direction).upper() < -margin).then(|| Reason::GuardrailWorse {
            guardrail: guardrail.name.clone(),
            interval,
            margin: guardrail.margin,
        })
    };
    evidence.guardrails.iter().filter_map(breached).collect()
}

/// A guardrail with a margin has to be shown not to be worse than that (non-inferiority) before anything ships.
fn unproven(guardrail: &Guardrail) -> Option<Reason> {
    let margin = guardrail.margin?;
    let proven =
        guardrail.interval.is_ok_and(|interval| towards_good(interval, guardrail.direction).lower() > -margin.get());
    (!proven).then(|| Reason::GuardrailUnproven {
        guardrail: guardrail.name.clone(),
        interval: guardrail.interval,
        margin,
    })
}

/// A guardrail that cannot be judged guards nothing; one with a margin is named by [`unproven`].
fn unwatched(guardrail: &Guardrail) -> Option<Reason> {
    let why = guardrail.interval.err().filter(|_| guardrail.margin.is_none())?;
    Some(Reason::GuardrailUndefined { guardrail: guardrail.name.clone(), why })
}

fn judge_primary(design: &Design, evidence: &Evidence) -> (Verdict, Vec<Reason>) {
    let interval = match evidence.primary {
        Ok(interval) => interval,
        Err(why) => return (Verdict::Continue, vec![Reason::PrimaryUndefined { why }]),
    };
    let alpha = design.alpha();
    let good = towards_good(interval, design.direction());
    let within = design.minimum_effect().filter(|size| good.lower() >= -size.get() && good.upper() <= size.get());
    let small = within.map(|minimum_effect| Reason::WithinMinimumEffect { interval, minimum_effect, alpha });
    if good.lower() > 0.0 {
        (Verdict::Ship, std::iter::once(Reason::Better { interval, alpha }).chain(small).collect())
    } else if good.upper() < 0.0 {
        (Verdict::KeepControl, std::iter::once(Reason::Worse { interval, alpha }).chain(small).collect())
    } else if let Some(reason) = small {
        (Verdict::NoEffect, vec![reason])
    } else {
        (Verdict::Continue, vec![Reason::Inconclusive { interval, alpha }])
    }
}

/// What stands against any conclusion yet.
fn obstacles(design: &Design, evidence: &Evidence) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if let Err(why) = evidence.sample_ratio_p {
        reasons.push(Reason::SampleRatioUntested { why });
    }
    if evidence.days < design.minimum_days() {
        reasons.push(Reason::TooEarly { days: evidence.days, minimum_days: design.minimum_days() });
    }
    if evidence.smallest_arm < design.minimum_units_per_arm() {
        reasons.push(Reason::TooFewUnits { units: evidence.smallest_arm, minimum: design.minimum_units_per_arm() });
    }
    if let Some(planned) = design.planned_units().filter(|planned| evidence.units < *planned) {
        reasons.push(Reason::Underpowered { units: evidence.units, planned });
    }
    reasons
}

/// The interval with "better" made positive.
fn towards_good(interval: Interval, direction: Direction) -> Interval {
    match direction {
        Direction::Increase => interval,
        Direction::Decrease => interval.mirrored(),
    }
}

fn is_share_above(part: u64, whole: u64, percent: u64) -> bool {
    u128::from(part).saturating_mul(100) > u128::from(whole).saturating_mul(u128::from(percent))
}

fn is_share_at_least(part: u64, whole: u64, percent: u64) -> bool {
    part > 0 && u128::from(part).saturating_mul(100) >= u128::from(whole).saturating_mul(u128::from(percent))
}
