//! Discounted value of the purchases to come.

use super::{BgNbd, GammaGamma, History, LtvError, Spending, positive};

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
