//! Numbers as people read them: money with decimals and its currency, thousands apart.
//!
//! Must never know: which report a number stands in.

use money::{Currency, Money};

/// Minor units with decimals and the currency: `12,345.67 USD`. A currency that is none is shown as it came.
pub(super) fn money(minor: i64, currency: &str) -> String {
    match Currency::parse(currency) {
        Ok(known) => format!("{} {currency}", thousands(&Money::new(minor, known).decimal())),
        Err(_) => format!("{minor} {currency}").trim_end().to_owned(),
    }
}

/// An estimate in minor units, with the decimals of the currency and two more, without the currency.
pub(super) fn estimate(minor: f64, currency: &str) -> String {
    let digits = Currency::parse(currency).map_or(0, Currency::digits);
    let scale = 10_f64.powi(i32::try_from(digits).unwrap_or_default());
    let decimals = usize::try_from(digits).unwrap_or_default() + 2;
    thousands(&format!("{:.decimals$}", minor / scale))
}

/// A number with as many decimals.
pub(super) fn plain(value: f64, decimals: usize) -> String {
    thousands(&format!("{value:.decimals$}"))
}

/// A count.
pub(super) fn count(value: u64) -> String {
    thousands(&value.to_string())
}

/// A p-value; very small ones by their bound.
pub(super) fn p_value(value: f64) -> String {
    if value < 0.0001 { "<0.0001".to_owned() } else { format!("{value:.4}") }
}

/// Millionths as a number: 1,500,000 is 1.5.
pub(super) fn from_micro(micro: i64) -> f64 {
    micro as f64 / 1e6
}

/// Commas between groups of three digits before the point.
fn thousands(number: &str) -> String {
    let (sign, unsigned) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (whole, fraction) = unsigned.find('.').map_or((unsigned, ""), |point| unsigned.split_at(point));
    if !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return number.to_owned();
    }
    let mut grouped = String::with_capacity(number.len() + whole.len() / 3);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_the_digits_of_its_currency() {
        assert_eq!(money(123_456_789, "USD"), "1,234,567.89 USD");
        assert_eq!(money(-5, "KWD"), "-0.005 KWD");
        assert_eq!(money(-1_000, "JPY"), "-1,000 JPY");
        assert_eq!(money(7, ""), "7");
        assert_eq!(estimate(123_456.789, "USD"), "1,234.5679");
        assert_eq!(estimate(-0.5, "JPY"), "-0.50");
    }

    #[test]
    fn other_numbers_are_grouped_too() {
        assert_eq!((count(999), count(1_000)), ("999".to_owned(), "1,000".to_owned()));
        assert_eq!((plain(f64::NAN, 2), plain(0.125, 2)), ("NaN".to_owned(), "0.12".to_owned()));
        assert_eq!((p_value(0.00001), p_value(0.04)), ("<0.0001".to_owned(), "0.0400".to_owned()));
    }
}
