//! Discounted value of the purchases to come.

use super::{BgNbd, Fit, GammaGamma, History, LtvError, Prediction, Spending, positive};
use crate::parameter::Alpha;

/// Most periods that are looked ahead.
pub const PERIODS_MAX: u32 = 1200;

/// How far ahead, and how future money is discounted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Horizon {
    periods: u32,
    period: f64,
    discount: f64,
}

impl Horizon {
    /// `periods` of length `period` (in the model's unit of time), money at the end of each divided by `1 + discount`
    /// once more.
    ///
    /// # Errors
    /// [`LtvError::OutsideRange`] for more than [`PERIODS_MAX`] periods or a discount of -1 or less,
    /// [`LtvError::NotPositive`] for the period.
    pub fn new(periods: u32, period: f64, discount: f64) -> Result<Self, LtvError> {
        if periods > PERIODS_MAX {
            let most = f64::from(PERIODS_MAX);
            return Err(LtvError::OutsideRange { field: "periods", least: 0.0, most, given: f64::from(periods) });
        }
        if !(discount > -1.0 && discount.is_finite()) {
            return Err(LtvError::OutsideRange { field: "discount", least: -1.0, most: f64::MAX, given: discount });
        }
        Ok(Self { periods, period: positive("period", period)?, discount })
    }
}

/// What a customer's purchases within the horizon are expected to be worth today (Fader, Hardie & Lee, "RFM and CLV",
/// 2005, equation 2, in discrete periods). `seen` is `None` for a customer without repeat purchases.
///
/// # Errors
/// As [`BgNbd::expected_purchases`] and [`GammaGamma::expected_value`].
pub fn lifetime_value(
    purchases: &BgNbd,
    values: &GammaGamma,
    history: &History,
    seen: Option<&Spending>,
    horizon: &Horizon,
) -> Result<f64, LtvError> {
    let value = values.expected_value(seen)?;
    let (mut before, mut worth, mut factor) = (0.0, 0.0, 1.0);
    for period in 1..=horizon.periods {
        let expected = purchases.expected_purchases(history, horizon.period * f64::from(period))?;
        factor /= 1.0 + horizon.discount;
        worth += value * (expected - before) * factor;
        before = expected;
    }
    super::computable(worth)
}

/// [`lifetime_value`] of fitted models with the uncertainty of all their parameters.
///
/// By the delta method over the seven of them: the variance is `g' C g + h' D h`, with the covariances C and D of the
/// two fits and the value's derivatives g and h. No parameter of one is correlated with one of the other, as
/// Gamma-Gamma takes values as independent of purchases and the likelihood is the product of both (Fader, Hardie & Lee,
/// "RFM and CLV", 2005).
///
/// # Errors
/// As [`lifetime_value`]; [`LtvError::InfiniteMean`] also when `q` is so near 1 that its derivative does not exist,
/// [`LtvError::Incomputable`] when an end of the interval is beyond a double.
pub fn fitted_lifetime_value(
    purchases: &Fit<BgNbd, 4>,
    values: &Fit<GammaGamma, 3>,
    history: &History,
    seen: Option<&Spending>,
    horizon: &Horizon,
    alpha: Alpha,
) -> Result<Prediction, LtvError> {
    let worth = |purchases: &BgNbd, values: &GammaGamma| lifetime_value(purchases, values, history, seen, horizon);
    let by_purchases = purchases.standard_error_of(|purchases| worth(purchases, &values.model))?;
    let by_values = values.standard_error_of(|values| worth(&purchases.model, values))?;
    let estimate = worth(&purchases.model, &values.model)?;
    // Rounding may leave a customer who is long gone just below nothing.
    Prediction::new(estimate.max(0.0), libm::hypot(by_purchases, by_values), purchases.customers, alpha)
}
