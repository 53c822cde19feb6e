//! Why a number does not exist.

/// The reason a statistic is undefined for these data. Shown to people, so that nobody reads 0 or 1 into a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undefined {
    /// An arm has no units, so not even a mean.
    #[error("there are no units")]
    NoUnits,
    /// A variance needs more units than there are.
    #[error("needs at least {needed} units in every arm, has {units}")]
    TooFewUnits {
        /// Units in the smaller arm.
        units: u64,
        /// Units that every arm needs.
        needed: u64,
    },
    /// Every unit of both arms has the same value, so that nothing measures chance.
    #[error("every unit has the same value, so chance cannot be measured")]
    NoVariance,
    /// One arm is constant: its share of the relative error is unknown rather than zero.
    #[error("all units of one arm have the same value, so a relative error cannot be measured")]
    ConstantArm,
    /// The control's mean is zero: nothing can be relative to it.
    #[error("the control's mean is zero, so nothing can be relative to it")]
    ZeroBaseline,
    /// An arm counts more conversions than units, or values other than 0 and 1.
    #[error("not a count of conversions among units")]
    NotConversions,
    /// Sums that no set of values can have (a sum of squares below what the sum implies).
    #[error("the sums contradict each other")]
    InconsistentSums,
    /// Counts and weights are not of the same arms.
    #[error("{counts} counts were given for {weights} arms")]
    ArmsDiffer {
        /// Counts given.
        counts: usize,
        /// Weights given.
        weights: usize,
    },
    /// A ratio's denominator is zero in an arm.
    #[error("the denominator of a ratio is zero")]
    ZeroDenominator,
    /// The data do not bound the ratio: its denominator cannot be told from zero (Fieller's set is not an interval).
    #[error("no bounded interval exists, as the denominator cannot be told from zero")]
    Unbounded,
    /// So few units that the order statistics around a quantile do not exist.
    #[error("{units} units are too few for this quantile")]
    TooFewForQuantile {
        /// Units in the smaller arm.
        units: u64,
    },
    /// The order statistics around a quantile are one value, so that nothing measures its error.
    #[error("the values around the quantile are all the same, so its error cannot be measured")]
    TiedQuantile,
    /// No stratum, segment or day has what an estimate needs.
    #[error("no group has enough units in every arm")]
    NoGroups,
    /// The result lies outside the range of a double, or an input was not a finite number.
    #[error("the numbers are outside the range of double precision")]
    OutOfRange,
}

impl Undefined {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoUnits => "no_units",
            Self::TooFewUnits { .. } => "too_few_units",
            Self::NoVariance => "no_variance",
            Self::ConstantArm => "constant_arm",
            Self::ZeroBaseline => "zero_baseline",
            Self::NotConversions => "not_conversions",
            Self::InconsistentSums => "inconsistent_sums",
            Self::ArmsDiffer { .. } => "arms_differ",
            Self::ZeroDenominator => "zero_denominator",
            Self::Unbounded => "unbounded",
            Self::TooFewForQuantile { .. } => "too_few_for_quantile",
            Self::TiedQuantile => "tied_quantile",
            Self::NoGroups => "no_groups",
            Self::OutOfRange => "out_of_range",
        }
    }
}
