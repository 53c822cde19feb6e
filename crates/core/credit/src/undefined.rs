//! Why there is no credit to report: a reason in place of a number that means nothing.

/// Why a model cannot be trained, or its credit not be told, on these data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undefined {
    /// No journey with a touch converted.
    #[error("no journey with a touch converted")]
    NoConversions,
    /// Every journey converted, so nothing can be told from those that did not.
    #[error("no journey with a touch was lost")]
    NoneLost,
    /// There are fewer journeys than a comparison of orders needs.
    #[error("there are too few journeys to compare orders")]
    TooFewJourneys,
    /// Conversions have no value, and the model divides value.
    #[error("no conversion with a touch has a value")]
    NoValue,
    /// Removing any of the channels changes nothing.
    #[error("no channel has an effect")]
    NoEffect,
    /// Some channels help and others harm, so effects are no parts of a whole.
    #[error("effects have different signs")]
    MixedSigns,
    /// A chain of this order would be too large.
    #[error("the chain has more than {most} states")]
    TooManyStates {
        /// What a chain may have.
        most: usize,
    },
    /// Journeys circle for so long that the equations are not solved in the steps allowed.
    #[error("the equations of {states} states are not solved in the steps allowed")]
    NotSolved {
        /// Unknowns of the system.
        states: usize,
    },
    /// The estimator has too many coefficients.
    #[error("the estimator has {found} coefficients, at most {most} are allowed")]
    TooManyCoefficients {
        /// Coefficients of these data.
        found: usize,
        /// What it may have.
        most: usize,
    },
    /// The estimator does not settle.
    #[error("the estimator does not settle")]
    NotConverged,
    /// Too few resampled data sets gave a result.
    #[error("only {found} of {wanted} resampled data sets gave a result")]
    TooFewReplicates {
        /// Those that did.
        found: u32,
        /// Those drawn.
        wanted: u32,
    },
    /// The model divides a whole, not a conversion, so a journey has no shares under it.
    #[error("a global share form has no shares per journey")]
    NotPerJourney,
    /// The model scales another one by randomised lifts, so path counts teach it nothing.
    #[error("an incremental model learns from randomised lifts, not from path counts")]
    LearnsFromLifts,
    /// There is no credit to scale.
    #[error("there is no credit of any channel")]
    Empty,
}
