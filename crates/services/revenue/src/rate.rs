//! An exchange rate with the day from which it holds, parsed once at the edge.
//!
//! Must never know: tables, the wire's messages.

use api::FieldViolation;
use ids::{DAY_MS, Timestamp};
use money::{Currency, FxError, InvalidCurrency, Rate};

/// Longest rate text that is read, in bytes.
const RATE_BYTES_MAX: usize = 64;
/// Length of `2026-01-31`.
const DATE_BYTES: usize = 10;

/// What a rate is for: a currency, and the day from which it holds in days since 1970-01-01, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RateKey {
    /// The currency converted from.
    pub currency: Currency,
    /// The first day.
    pub day: i64,
}

/// A rate: reporting-currency units per one unit, until the next day that has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatedRate {
    /// What it is for.
    pub key: RateKey,
    /// The rate.
    pub rate: Rate,
}

impl RateKey {
    /// Reads a currency's code and a date written as `2026-01-31`.
    ///
    /// # Errors
    /// Every field that breaks a rule.
    pub fn parse(currency: &str, date: &str) -> Result<Self, Vec<FieldViolation>> {
        match (Currency::parse(currency), parse_date(date)) {
            (Ok(currency), Some(day)) => Ok(Self { currency, day }),
            (currency, day) => Err(violations(currency.err(), day)),
        }
    }

    /// The day as text.
    #[must_use]
    pub fn date(&self) -> String {
        let midnight = Timestamp::saturating_from_millis(self.day.saturating_mul(DAY_MS));
        midnight.to_string().chars().take(DATE_BYTES).collect()
    }
}

fn violations(currency: Option<InvalidCurrency>, day: Option<i64>) -> Vec<FieldViolation> {
    let currency = currency.map(|rule| FieldViolation::new("currency", rule));
    let date = day.is_none().then(|| FieldViolation::new("date", "must be a date such as 2026-01-31"));
    currency.into_iter().chain(date).collect()
}

fn parse_date(text: &str) -> Option<i64> {
    if text.len() != DATE_BYTES || !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        return None;
    }
    Timestamp::parse(&format!("{text}T00:00:00Z")).ok().map(Timestamp::day)
}

impl DatedRate {
    /// Reads a rate into `reporting`.
    ///
    /// # Errors
    /// Every field that breaks a rule.
    pub fn parse(currency: &str, date: &str, rate: &str, reporting: Currency) -> Result<Self, Vec<FieldViolation>> {
        let key = RateKey::parse(currency, date);
        let parsed = parse_rate(rate);
        let mut broken = key.as_ref().err().cloned().unwrap_or_default();
        if currency == reporting.code() {
            broken.push(FieldViolation::new("currency", "must not be the reporting currency, which is worth 1"));
        }
        if let Err(rule) = parsed {
            broken.push(FieldViolation::new("rate", rule));
        }
        match (key, parsed) {
            (Ok(key), Ok(rate)) if broken.is_empty() => Ok(Self { key, rate }),
            _ => Err(broken),
        }
    }
}

fn parse_rate(text: &str) -> Result<Rate, &'static str> {
    const SHAPE: &str = "must be a plain decimal number of at most 28 digits";
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-');
    if !plain || text.len() > RATE_BYTES_MAX {
        return Err(SHAPE);
    }
    Rate::parse(text).map_err(|error| match error {
        FxError::NotPositive { .. } => "must be above zero",
        _ => SHAPE,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(currency: &str, date: &str, rate: &str) -> Vec<String> {
        let usd = Currency::parse("USD").unwrap();
        let broken = DatedRate::parse(currency, date, rate, usd).unwrap_err();
        broken.into_iter().map(|violation| violation.field).collect()
    }

    #[test]
    fn a_rate_reads_back() {
        let usd = Currency::parse("USD").unwrap();
        let rate = DatedRate::parse("JPY", "2026-01-31", "0.00670", usd).unwrap();
        assert_eq!((rate.key.day, rate.key.date().as_str()), (20_484, "2026-01-31"));
        assert_eq!(rate.rate.to_string(), "0.0067");
        assert_eq!(RateKey::parse("JPY", "0001-01-01").unwrap().date(), "0001-01-01");
    }

    #[test]
    fn every_broken_field_is_named() {
        assert_eq!(fields("eur", "2026-1-31", "0"), ["currency", "date", "rate"]);
        assert_eq!(fields("USD", "2026-01-31", "1"), ["currency"]);
        for date in ["", "2026-02-30", "20260131", "2026-01-31T00:00:00Z", "2026-13-01", "-026-01-01"] {
            assert_eq!(fields("EUR", date, "1"), ["date"], "{date:?}");
        }
        for rate in ["", "-1", "0.0", "1e3", "1_000", "+1", "1,08", "NaN", &"9".repeat(40)] {
            assert_eq!(fields("EUR", "2026-01-31", rate), ["rate"], "{rate:?}");
        }
    }
}
