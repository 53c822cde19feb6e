//! Validated parameters of a test: parsed once, trusted afterwards.

use crate::distribution::normal_upper_quantile;

/// Which rule a parameter breaks.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum InvalidParameter {
    /// An error level outside (0, 1), or outside (0, 0.5) for a one-sided sequential test.
    #[error("alpha must lie strictly between 0 and {below}, not {given}")]
    Alpha {
        /// What was given.
        given: f64,
        /// The exclusive upper end.
        below: f64,
    },
    /// A tuning sample size that is not a positive number.
    #[error("the tuning sample size must be a positive number, not {given}")]
    SampleSize {
        /// What was given.
        given: f64,
    },
    /// A concentration that is not a positive number.
    #[error("the concentration must be a positive number, not {given}")]
    Concentration {
        /// What was given.
        given: f64,
    },
    /// A weight that is negative or not a number.
    #[error("a weight must be a number that is not negative, not {given}")]
    Weight {
        /// What was given.
        given: f64,
    },
    /// A comparison needs two arms that are meant to receive units.
    #[error("at least two arms need a positive weight, {positive} have one")]
    TooFewArms {
        /// Arms with a positive weight.
        positive: usize,
    },
    /// A minimum effect or margin that is not a positive number.
    #[error("a minimum effect or margin must be a positive number, not {given}")]
    MinimumEffect {
        /// What was given.
        given: f64,
    },
    /// A parameter that has to be a positive number.
    #[error("{field} must be a positive number, not {given}")]
    NotPositive {
        /// Which parameter.
        field: &'static str,
        /// What was given.
        given: f64,
    },
    /// A parameter that has to be a number, and not negative.
    #[error("{field} must be a number that is not negative, not {given}")]
    Negative {
        /// Which parameter.
        field: &'static str,
        /// What was given.
        given: f64,
    },
    /// A probability outside [0, 1], or on an end that is excluded.
    #[error("{field} must be a probability in range, not {given}")]
    Probability {
        /// Which parameter.
        field: &'static str,
        /// What was given.
        given: f64,
    },
    /// Two lists that belong together are of different lengths.
    #[error("{field} has {given} entries where {wanted} are wanted")]
    Length {
        /// Which list.
        field: &'static str,
        /// Its entries.
        given: usize,
        /// Entries wanted.
        wanted: usize,
    },
    /// A whole number outside its range.
    #[error("{field} must lie in {least}..={most}, not {given}")]
    Count {
        /// Which parameter.
        field: &'static str,
        /// What was given.
        given: u64,
        /// The smallest allowed.
        least: u64,
        /// The largest allowed.
        most: u64,
    },
    /// A variance below zero, or a mean or variance that is not a number.
    #[error("a mean must be a number and a variance must not be negative, not {mean} and {variance}")]
    Moments {
        /// The mean given.
        mean: f64,
        /// The variance given.
        variance: f64,
    },
}

impl InvalidParameter {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Alpha { .. } => "alpha",
            Self::SampleSize { .. } => "sample_size",
            Self::Concentration { .. } => "concentration",
            Self::Weight { .. } => "weight",
            Self::TooFewArms { .. } => "too_few_arms",
            Self::MinimumEffect { .. } => "minimum_effect",
            Self::NotPositive { .. } => "not_positive",
            Self::Negative { .. } => "negative",
            Self::Probability { .. } => "probability",
            Self::Length { .. } => "length",
            Self::Count { .. } => "count",
            Self::Moments { .. } => "moments",
        }
    }
}

/// An error level: the share of true null effects that a test may call real. Strictly between 0 and 1, both sides
/// together where a test has two.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Alpha(f64);

impl Alpha {
    /// The customary 5 %.
    pub const FIVE_PERCENT: Self = Self(0.05);

    /// Validates a level.
    ///
    /// # Errors
    /// [`InvalidParameter::Alpha`] outside (0, 1).
    pub fn new(level: f64) -> Result<Self, InvalidParameter> {
        if level > 0.0 && level < 1.0 {
            Ok(Self(level))
        } else {
            Err(InvalidParameter::Alpha { given: level, below: 1.0 })
        }
    }

    /// The level.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// Half-width, in standard errors, of the normal interval with this two-sided level.
    #[must_use]
    pub fn normal_half_width(self) -> f64 {
        normal_upper_quantile(self.0 / 2.0)
    }
}

/// `value` when it is a positive finite number.
pub(crate) fn positive(value: f64) -> Option<f64> {
    (value > 0.0 && value.is_finite()).then_some(value)
}

/// `value` when it is a positive finite number, else the rule it breaks.
pub(crate) fn require_positive(field: &'static str, value: f64) -> Result<f64, InvalidParameter> {
    positive(value).ok_or(InvalidParameter::NotPositive { field, given: value })
}

/// `value` when it is finite and not negative, else the rule it breaks.
pub(crate) fn require_not_negative(field: &'static str, value: f64) -> Result<f64, InvalidParameter> {
    if value >= 0.0 && value.is_finite() { Ok(value) } else { Err(InvalidParameter::Negative { field, given: value }) }
}

/// `value` when it lies strictly between 0 and 1, else the rule it breaks.
pub(crate) fn require_inner_probability(field: &'static str, value: f64) -> Result<f64, InvalidParameter> {
    if value > 0.0 && value < 1.0 { Ok(value) } else { Err(InvalidParameter::Probability { field, given: value }) }
}

/// `list` when it has `wanted` entries, else the rule it breaks.
pub(crate) fn require_length<T>(field: &'static str, list: &[T], wanted: usize) -> Result<(), InvalidParameter> {
    let given = list.len();
    if given == wanted { Ok(()) } else { Err(InvalidParameter::Length { field, given, wanted }) }
}
