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
    /// The result lies outside the range of a double, or an input was not a finite number.
    #[error("the numbers are outside the range of double precision")]
    OutOfRange,
}
