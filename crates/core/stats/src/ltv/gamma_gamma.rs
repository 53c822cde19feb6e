//! The Gamma-Gamma model: values of purchases are gamma-distributed, their mean differs between customers.

use super::{LtvError, Spending, computable, positive};

/// Parameters of the model, all positive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GammaGamma {
    p: f64,
    q: f64,
    v: f64,
}

impl GammaGamma {
    /// Values are `Gamma(shape p, rate nu)`, and `nu` is `Gamma(shape q, rate v)` over customers.
    ///
    /// # Errors
    /// [`LtvError::NotPositive`] naming the parameter.
    pub fn new(p: f64, q: f64, v: f64) -> Result<Self, LtvError> {
        Ok(Self { p: positive("p", p)?, q: positive("q", q)?, v: positive("v", v)? })
    }

    /// Shape of the values.
    #[must_use]
    pub const fn p(&self) -> f64 {
        self.p
    }

    /// Shape of the rates.
    #[must_use]
    pub const fn q(&self) -> f64 {
        self.q
    }

    /// Rate of the rates, an amount.
    #[must_use]
    pub const fn v(&self) -> f64 {
        self.v
    }

    /// Mean value of a purchase over all customers: what a customer without repeat purchases is expected to spend.
    ///
    /// # Errors
    /// [`LtvError::InfiniteMean`] for `q` up to 1, [`LtvError::Incomputable`] beyond a double.
    pub fn population_mean(&self) -> Result<f64, LtvError> {
        if self.q > 1.0 { computable(self.p * (self.v / (self.q - 1.0))) } else { Err(LtvError::InfiniteMean) }
    }

    /// Expected mean value of a customer's purchases given those seen (equation 5): between what was seen and the
    /// population's mean.
    ///
    /// # Errors
    /// [`LtvError::InfiniteMean`] while `p purchases + q` is at most 1, [`LtvError::Incomputable`] beyond a double.
    pub fn expected_value(&self, seen: Option<&Spending>) -> Result<f64, LtvError> {
        let Some(seen) = seen else { return self.population_mean() };
        let purchases = f64::from(seen.purchases());
        let shape = self.p * purchases + self.q - 1.0;
        if shape > 0.0 {
            computable(self.p / shape * (self.v + purchases * seen.mean()))
        } else {
            Err(LtvError::InfiniteMean)
        }
    }
}
