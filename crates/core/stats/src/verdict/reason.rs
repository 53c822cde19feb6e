//! The rules that can fire, with their numbers, in words for people.

use super::evidence::EffectSize;
use crate::interval::Interval;
use crate::parameter::Alpha;
use crate::srm::MISMATCH_BELOW;
use crate::undefined::Undefined;
use crate::warning::Warning;
use std::fmt;

/// One rule and the numbers it was applied to. `Display` is the sentence shown to people.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// The arms did not receive their shares of traffic.
    SampleRatioMismatch {
        /// p-value of the test.
        p: f64,
    },
    /// An arm that is meant to receive nobody received somebody.
    UnitsInExcludedArm {
        /// How many.
        units: u64,
    },
    /// The shares of traffic could not be tested.
    SampleRatioUntested {
        /// Why not.
        why: Undefined,
    },
    /// More than 5 % of exposed units met several variants.
    ManyMixedExposures {
        /// Units with several variants.
        mixed: u64,
        /// Units exposed.
        exposed: u64,
    },
    /// At least 1 % of exposed units met several variants: a warning.
    SomeMixedExposures {
        /// Units with several variants.
        mixed: u64,
        /// Units exposed.
        exposed: u64,
    },
    /// A guardrail is worse, by more than its margin where it has one.
    GuardrailWorse {
        /// Its name.
        guardrail: String,
        /// Its interval.
        interval: Interval,
        /// What it was allowed.
        margin: Option<EffectSize>,
    },
    /// A guardrail with a margin has not been shown to stay within it.
    GuardrailUnproven {
        /// Its name.
        guardrail: String,
        /// Its interval.
        interval: Result<Interval, Undefined>,
        /// What it is allowed.
        margin: EffectSize,
    },
    /// A guardrail without a margin has no interval: nobody watches it.
    GuardrailUndefined {
        /// Its name.
        guardrail: String,
        /// Why not.
        why: Undefined,
    },
    /// The primary estimate may not deserve trust: a warning.
    Doubtful {
        /// Why.
        warning: Warning,
    },
    /// The primary interval lies entirely on the good side.
    Better {
        /// The interval.
        interval: Interval,
        /// Its level.
        alpha: Alpha,
    },
    /// The primary interval lies entirely on the bad side.
    Worse {
        /// The interval.
        interval: Interval,
        /// Its level.
        alpha: Alpha,
    },
    /// The primary interval lies within the minimum effect.
    WithinMinimumEffect {
        /// The interval.
        interval: Interval,
        /// The minimum effect.
        minimum_effect: EffectSize,
        /// Level of the interval.
        alpha: Alpha,
    },
    /// The primary interval allows for better and for worse.
    Inconclusive {
        /// The interval.
        interval: Interval,
        /// Its level.
        alpha: Alpha,
    },
    /// The primary effect has no interval.
    PrimaryUndefined {
        /// Why not.
        why: Undefined,
    },
    /// The experiment has not run its minimum of days.
    TooEarly {
        /// Days run.
        days: u32,
        /// Days needed.
        minimum_days: u32,
    },
    /// The smaller arm is too small for a large-sample interval.
    TooFewUnits {
        /// Units in the smaller arm.
        units: u64,
        /// Units needed.
        minimum: u64,
    },
    /// The planned size has not been reached.
    Underpowered {
        /// Units in the estimate.
        units: u64,
        /// Units planned.
        planned: u64,
    },
    /// How long a decision is expected to take.
    ExpectedToTake {
        /// Days left.
        days: u32,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SampleRatioMismatch { .. }
            | Self::UnitsInExcludedArm { .. }
            | Self::SampleRatioUntested { .. }
            | Self::ManyMixedExposures { .. }
            | Self::SomeMixedExposures { .. } => self.write_data_quality(f),
            Self::GuardrailWorse { .. } | Self::GuardrailUnproven { .. } | Self::GuardrailUndefined { .. } => {
                self.write_guardrail(f)
            }
            Self::Doubtful { warning } => {
                write!(f, "warning: the primary interval may not hold its level ({})", warning.code())
            }
            Self::Better { interval, alpha } => write!(f, "better: {}", Range(*interval, Some(*alpha))),
            Self::Worse { interval, alpha } => write!(f, "worse: {}", Range(*interval, Some(*alpha))),
            Self::WithinMinimumEffect { interval, minimum_effect, alpha } => {
                let range = Range(*interval, Some(*alpha));
                write!(f, "any effect is within the minimum of {}: {range}", Figure(minimum_effect.get()))
            }
            Self::Inconclusive { interval, alpha } => {
                write!(f, "could be better or worse: {}", Range(*interval, Some(*alpha)))
            }
            Self::PrimaryUndefined { why } => write!(f, "the primary effect is undefined: {why}"),
            Self::TooEarly { days, minimum_days } => write!(f, "has run {days} of at least {minimum_days} days"),
            Self::TooFewUnits { units, minimum } => {
                write!(f, "the smallest arm has {units} of at least {minimum} units")
            }
            Self::Underpowered { units, planned } => write!(f, "has {units} of {planned} planned units"),
            Self::ExpectedToTake { days } => write!(f, "expected to take {days} more days"),
        }
    }
}

impl Reason {
    /// A stable name of the rule for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::SampleRatioMismatch { .. } => "sample_ratio_mismatch",
            Self::UnitsInExcludedArm { .. } => "units_in_excluded_arm",
            Self::SampleRatioUntested { .. } => "sample_ratio_untested",
            Self::ManyMixedExposures { .. } => "many_mixed_exposures",
            Self::SomeMixedExposures { .. } => "some_mixed_exposures",
            Self::GuardrailWorse { .. } => "guardrail_worse",
            Self::GuardrailUnproven { .. } => "guardrail_unproven",
            Self::GuardrailUndefined { .. } => "guardrail_undefined",
            Self::Doubtful { .. } => "doubtful",
            Self::Better { .. } => "better",
            Self::Worse { .. } => "worse",
            Self::WithinMinimumEffect { .. } => "within_minimum_effect",
            Self::Inconclusive { .. } => "inconclusive",
            Self::PrimaryUndefined { .. } => "primary_undefined",
            Self::TooEarly { .. } => "too_early",
            Self::TooFewUnits { .. } => "too_few_units",
            Self::Underpowered { .. } => "underpowered",
            Self::ExpectedToTake { .. } => "expected_to_take",
        }
    }

    fn write_data_quality(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SampleRatioMismatch { p } => {
                write!(f, "the arms did not receive their shares of traffic (p = {p:.1e}, below {MISMATCH_BELOW})")
            }
            Self::UnitsInExcludedArm { units } => {
                write!(f, "{units} units are in arms that are meant to receive nobody")
            }
            Self::SampleRatioUntested { why } => write!(f, "the shares of traffic could not be tested: {why}"),
            Self::ManyMixedExposures { mixed, exposed } => {
                write!(f, "{mixed} of {exposed} exposed units met several variants, more than 5 %")
            }
            Self::SomeMixedExposures { mixed, exposed } => {
                write!(f, "warning: {mixed} of {exposed} exposed units met several variants, 1 % or more")
            }
            _ => Ok(()),
        }
    }

    fn write_guardrail(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GuardrailWorse { guardrail, interval, margin } => {
                write!(f, "guardrail {guardrail} is worse")?;
                if let Some(margin) = margin {
                    write!(f, " by more than its margin of {}", Figure(margin.get()))?;
                }
                write!(f, ": {}", Range(*interval, None))
            }
            Self::GuardrailUnproven { guardrail, interval, margin } => {
                write!(f, "guardrail {guardrail} is not yet shown to stay within {}: ", Figure(margin.get()))?;
                match interval {
                    Ok(interval) => write!(f, "{}", Range(*interval, None)),
                    Err(why) => write!(f, "{why}"),
                }
            }
            Self::GuardrailUndefined { guardrail, why } => {
                write!(f, "warning: guardrail {guardrail} cannot be judged: {why}")
            }
            _ => Ok(()),
        }
    }
}

/// An interval in words.
struct Range(Interval, Option<Alpha>);

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(alpha) = self.1 {
            write!(f, "{} % ", Figure(100.0 * (1.0 - alpha.get())))?;
        }
        write!(f, "interval {} to {}", Figure(self.0.lower()), Figure(self.0.upper()))
    }
}

/// A number with four significant digits, plain where that is readable.
struct Figure(f64);

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.abs();
        if !magnitude.is_finite() {
            return f.write_str(if self.0 > 0.0 { "unbounded" } else { "-unbounded" });
        }
        if magnitude != 0.0 && !(1e-6..1e12).contains(&magnitude) {
            return write!(f, "{:.3e}", self.0);
        }
        let leading = if magnitude == 0.0 { 0.0 } else { libm::floor(libm::log10(magnitude)) };
        let decimals = (3.0 - leading).clamp(0.0, 9.0) as usize;
        let text = format!("{:.decimals$}", self.0);
        let short = if decimals == 0 { text.as_str() } else { text.trim_end_matches('0').trim_end_matches('.') };
        f.write_str(short)
    }
}
