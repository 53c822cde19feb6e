//! Exact conversion into another currency, and which rate holds on which day.
//!
//! A rate is units of the target (reporting) currency per one unit of the source currency, both in major units.
//! Must never know: where rates come from; a table holds one source's rates.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};

use rust_decimal::Decimal;

use crate::Currency;

/// An exact decimal above zero: reporting units per one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(Decimal);

/// Why there is no rate or no converted amount.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FxError {
    /// Not a decimal number of at most 28 digits.
    #[error("a rate must be a plain decimal number of at most 28 digits")]
    Unreadable {
        /// What the number reader said.
        #[source]
        source: rust_decimal::Error,
    },
    /// Zero or below.
    #[error("a rate must be above zero, not {rate}")]
    NotPositive {
        /// What was given.
        rate: Decimal,
    },
    /// A rate for the currency that is reported in, which is 1 by definition.
    #[error("the rate of {currency} from day {day} on must not be set: {currency} is the reporting currency")]
    ReportingCurrency {
        /// The currency.
        currency: Currency,
        /// The day that the rate was to hold from, in days since 1970-01-01.
        day: i64,
    },
    /// The result is beyond `i64` minor units.
    #[error("{minor} minor units of {from} at {rate} are beyond the range of {to}")]
    Overflow {
        /// Amount given.
        minor: i64,
        /// Its currency.
        from: Currency,
        /// Rate given.
        rate: Rate,
        /// Currency asked for.
        to: Currency,
    },
    /// A sum of amounts is beyond `i64` minor units.
    #[error("a sum of amounts of {currency} is beyond its range")]
    SumOverflow {
        /// Currency of the sum.
        currency: Currency,
    },
}

impl Rate {
    /// What the reporting currency is worth in itself.
    pub const ONE: Self = Self(Decimal::ONE);

    /// A rate from a decimal.
    ///
    /// # Errors
    /// [`FxError::NotPositive`] at zero or below.
    pub fn new(decimal: Decimal) -> Result<Self, FxError> {
        if decimal <= Decimal::ZERO {
            return Err(FxError::NotPositive { rate: decimal });
        }
        Ok(Self(decimal.normalize()))
    }

    /// Reads a plain decimal number; digits that do not fit are refused, not rounded.
    ///
    /// # Errors
    /// [`FxError`] naming the rule.
    pub fn parse(text: &str) -> Result<Self, FxError> {
        Self::new(Decimal::from_str_exact(text).map_err(|source| FxError::Unreadable { source })?)
    }

    /// The number, without trailing zeros.
    #[must_use]
    pub const fn decimal(self) -> Decimal {
        self.0
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// `minor` minor units of `from` in minor units of `to`, rounded once, half to even.
///
/// Exact: the product is taken in full width. A negative half goes to the even number too, so `convert(-x) =
/// -convert(x)`.
///
/// # Errors
/// [`FxError::Overflow`] when the result leaves `i64`.
pub fn convert(minor: i64, from: Currency, rate: Rate, to: Currency) -> Result<i64, FxError> {
    // |minor| * mantissa / 10^scale * 10^to / 10^from. The mantissa has at most 96 bits, the power of ten at most 32
    // digits (107 bits) on either side, and 96 bits times 10^4 at most 110.
    let below = rate.0.scale().saturating_add(from.digits());
    let numerator = rate.0.mantissa().unsigned_abs().saturating_mul(power_of_ten(to.digits().saturating_sub(below)));
    let denominator = power_of_ten(below.saturating_sub(to.digits()));
    divide_product(minor.unsigned_abs(), numerator, denominator)
        .and_then(|magnitude| if minor < 0 { 0_i128.checked_sub(magnitude) } else { Some(magnitude) })
        .and_then(|value| i64::try_from(value).ok())
        .ok_or(FxError::Overflow { minor, from, rate, to })
}

/// `factor * numerator / denominator`, half to even; `None` from 2^64 on. The numerator has at most 110 bits, the
/// denominator is between 1 and 10^32.
fn divide_product(factor: u64, numerator: u128, denominator: u128) -> Option<i128> {
    const WORD: u32 = 64;
    const STEP: u32 = 16;
    let factor = u128::from(factor);
    let low_product = (numerator & u128::from(u64::MAX)).wrapping_mul(factor);
    let high = (numerator >> WORD).wrapping_mul(factor).wrapping_add(low_product >> WORD);
    let low = low_product & u128::from(u64::MAX);
    if high.checked_div(denominator)? != 0 {
        return None;
    }
    // The lower word follows 16 bits at a time: a remainder of 107 bits leaves room for no more.
    let (mut quotient, mut remainder) = (0_u128, high);
    for shift in [48_u32, 32, 16, 0] {
        let digit = (low >> shift) & u128::from(u16::MAX);
        let part = (remainder << STEP) | digit;
        quotient = (quotient << STEP) | part.checked_div(denominator)?;
        remainder = part.checked_rem(denominator)?;
    }
    let twice = remainder.saturating_mul(2);
    let up = twice > denominator || (twice == denominator && quotient & 1 == 1);
    i128::try_from(quotient.saturating_add(u128::from(up))).ok()
}

fn power_of_ten(digits: u32) -> u128 {
    10_u128.saturating_pow(digits)
}

/// Rates into one reporting currency, by currency and day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateTable {
    reporting: Currency,
    rates: BTreeMap<(Currency, i64), Rate>,
}

/// The rate that holds on a day, and the day it was given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Reporting units per one unit.
    pub rate: Rate,
    /// Days since 1970-01-01, UTC; on or before the day asked for.
    pub day: i64,
}

impl RateTable {
    /// An empty table.
    #[must_use]
    pub const fn new(reporting: Currency) -> Self {
        Self { reporting, rates: BTreeMap::new() }
    }

    /// The currency that rates lead to.
    #[must_use]
    pub const fn reporting(&self) -> Currency {
        self.reporting
    }

    /// Sets the rate of a currency from `day` (days since 1970-01-01, UTC) on; returns the one it replaces.
    ///
    /// # Errors
    /// [`FxError::ReportingCurrency`] for the reporting currency itself.
    pub fn insert(&mut self, currency: Currency, day: i64, rate: Rate) -> Result<Option<Rate>, FxError> {
        if currency == self.reporting {
            return Err(FxError::ReportingCurrency { currency, day });
        }
        Ok(self.rates.insert((currency, day), rate))
    }

    /// The latest rate on or before `day`; the reporting currency is always worth 1. `None` where none is known:
    /// nothing is guessed.
    #[must_use]
    pub fn rate_at(&self, currency: Currency, day: i64) -> Option<Quote> {
        if currency == self.reporting {
            return Some(Quote { rate: Rate::ONE, day });
        }
        let (&(_, day), &rate) = self.rates.range((currency, i64::MIN)..=(currency, day)).next_back()?;
        Some(Quote { rate, day })
    }

    /// The days on which a rate given for `day` holds: up to the next known one. What changes when it changes.
    #[must_use]
    pub fn days_covered(&self, currency: Currency, day: i64) -> Range<i64> {
        let later = (Bound::Excluded((currency, day)), Bound::Included((currency, i64::MAX)));
        let end = self.rates.range(later).next().map_or(i64::MAX, |(&(_, next), _)| next);
        day..end
    }

    /// `minor` minor units in the reporting currency at the rate of `day`; `None` where no rate is known.
    ///
    /// # Errors
    /// [`FxError::Overflow`] when the result leaves `i64`.
    pub fn convert_at(&self, minor: i64, currency: Currency, day: i64) -> Result<Option<i64>, FxError> {
        self.rate_at(currency, day).map(|quote| convert(minor, currency, quote.rate, self.reporting)).transpose()
    }

    /// What exchange rates gained (above zero) or lost since `day`, in the reporting currency: the movements, each
    /// (minor units with its sign, its own day), converted one by one at their own days, less their sum converted once
    /// at `day`. `None` where any of the rates is not known.
    ///
    /// Reports convert a transaction once, at its charge's day; this is what bookkeeping by each event's own day adds.
    ///
    /// # Errors
    /// [`FxError::Overflow`] when an amount leaves `i64`, [`FxError::SumOverflow`] when a sum does.
    pub fn gain_since(
        &self,
        day: i64,
        currency: Currency,
        movements: impl IntoIterator<Item = (i64, i64)>,
    ) -> Result<Option<i64>, FxError> {
        let (mut sum, mut by_own_day) = (0_i128, 0_i128);
        for (minor, own_day) in movements {
            let Some(converted) = self.convert_at(minor, currency, own_day)? else { return Ok(None) };
            // 2^64 movements would be needed to leave 128 bits.
            sum = sum.saturating_add(i128::from(minor));
            by_own_day = by_own_day.saturating_add(i128::from(converted));
        }
        let sum = i64::try_from(sum).map_err(|_| FxError::SumOverflow { currency })?;
        let Some(once) = self.convert_at(sum, currency, day)? else { return Ok(None) };
        let gain = i64::try_from(by_own_day.saturating_sub(i128::from(once)));
        gain.map(Some).map_err(|_| FxError::SumOverflow { currency: self.reporting })
    }
}

#[cfg(test)]
mod tests;
