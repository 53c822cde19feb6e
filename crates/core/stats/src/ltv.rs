//! What customers are worth: how many purchases and how much money is still to come.
//!
//! BG/NBD for the number of purchases (Fader, Hardie & Lee, "Counting your customers the easy way", Marketing Science
//! 2005), Gamma-Gamma for their value (Fader & Hardie, "The Gamma-Gamma model of monetary value", 2013), both by
//! maximum likelihood without a penalty. Time has any unit, the same one everywhere; money, too: fits run in units of
//! the data. Must never know: calendars, currencies, who the customers are.

mod bgnbd;
mod bgnbd_likelihood;
mod fit;
mod gamma_gamma;
mod gamma_gamma_likelihood;
mod optimise;
mod value;

#[cfg(test)]
mod tests;

pub use bgnbd::{BgNbd, PURCHASES_MAX};
pub use bgnbd_likelihood::{fit_bgnbd, log_likelihood as bgnbd_log_likelihood};
pub use fit::{Fit, FittedParameter, Prediction};
pub use gamma_gamma::GammaGamma;
pub use gamma_gamma_likelihood::{fit_gamma_gamma, log_likelihood as gamma_gamma_log_likelihood};
pub use value::{Horizon, PERIODS_MAX, fitted_lifetime_value, lifetime_value};

/// Why there is no model, or no prediction.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum LtvError {
    /// A number that has to be positive and finite is not.
    #[error("{field} must be a positive number, not {given}")]
    NotPositive {
        /// Which.
        field: &'static str,
        /// What was given.
        given: f64,
    },
    /// A number lies outside its range.
    #[error("{field} must lie between {least} and {most}, not be {given}")]
    OutsideRange {
        /// Which.
        field: &'static str,
        /// Smallest allowed.
        least: f64,
        /// Largest allowed.
        most: f64,
        /// What was given.
        given: f64,
    },
    /// A customer who never came back has no time of last repeat purchase.
    #[error("recency must be 0 without a repeat purchase, not {given}")]
    RecencyWithoutRepeat {
        /// What was given.
        given: f64,
    },
    /// Nothing to fit.
    #[error("a fit needs customers who came back, and there are {returned} of {customers}")]
    TooFewReturned {
        /// Customers who came back.
        returned: u64,
        /// Customers.
        customers: u64,
    },
    /// The likelihood has no maximum inside: the data do not tell some parameters apart (nobody ever leaves, everybody
    /// buys at the same rate or for the same amount).
    #[error("the customers are too few or too alike to tell the model's parameters apart")]
    NotIdentified,
    /// The expected value of a new customer's purchases is infinite for `q` up to 1.
    #[error("the mean value of purchases is infinite at these parameters")]
    InfiniteMean,
    /// A result is beyond a double, or beyond the terms that are computed.
    #[error("the result is beyond what can be computed")]
    Incomputable,
}

impl LtvError {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotPositive { .. } => "not_positive",
            Self::OutsideRange { .. } => "outside_range",
            Self::RecencyWithoutRepeat { .. } => "recency_without_repeat",
            Self::TooFewReturned { .. } => "too_few_returned",
            Self::NotIdentified => "not_identified",
            Self::InfiniteMean => "infinite_mean",
            Self::Incomputable => "incomputable",
        }
    }
}

/// The purchases of one customer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct History {
    repeats: u32,
    recency: f64,
    age: f64,
}

impl History {
    /// `repeats` purchases after the first one, the last of them `recency` after the first, seen for `age` since the
    /// first.
    ///
    /// # Errors
    /// [`LtvError::OutsideRange`] unless `0 <= recency <= age < infinity`, [`LtvError::RecencyWithoutRepeat`].
    pub fn new(repeats: u32, recency: f64, age: f64) -> Result<Self, LtvError> {
        if !(age >= 0.0 && age.is_finite()) {
            return Err(LtvError::OutsideRange { field: "age", least: 0.0, most: f64::MAX, given: age });
        }
        if !(0.0..=age).contains(&recency) {
            return Err(LtvError::OutsideRange { field: "recency", least: 0.0, most: age, given: recency });
        }
        if repeats == 0 && recency > 0.0 {
            return Err(LtvError::RecencyWithoutRepeat { given: recency });
        }
        Ok(Self { repeats, recency, age })
    }

    /// Purchases after the first.
    #[must_use]
    pub const fn repeats(&self) -> u32 {
        self.repeats
    }

    /// Time from the first purchase to the last.
    #[must_use]
    pub const fn recency(&self) -> f64 {
        self.recency
    }

    /// Time from the first purchase to now.
    #[must_use]
    pub const fn age(&self) -> f64 {
        self.age
    }
}

/// The value of one customer's repeat purchases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spending {
    purchases: u32,
    mean: f64,
}

impl Spending {
    /// `purchases` of `mean` value on average.
    ///
    /// # Errors
    /// [`LtvError::NotPositive`] without a purchase or when the mean is not positive.
    pub fn new(purchases: u32, mean: f64) -> Result<Self, LtvError> {
        positive("purchases", f64::from(purchases))?;
        positive("mean value", mean)?;
        Ok(Self { purchases, mean })
    }

    /// How many.
    #[must_use]
    pub const fn purchases(&self) -> u32 {
        self.purchases
    }

    /// Their mean value.
    #[must_use]
    pub const fn mean(&self) -> f64 {
        self.mean
    }
}

fn positive(field: &'static str, given: f64) -> Result<f64, LtvError> {
    if given > 0.0 && given.is_finite() { Ok(given) } else { Err(LtvError::NotPositive { field, given }) }
}

fn not_negative(field: &'static str, given: f64) -> Result<f64, LtvError> {
    if given >= 0.0 && given.is_finite() {
        Ok(given)
    } else {
        Err(LtvError::OutsideRange { field, least: 0.0, most: f64::MAX, given })
    }
}

fn computable(value: f64) -> Result<f64, LtvError> {
    if value.is_finite() { Ok(value) } else { Err(LtvError::Incomputable) }
}
