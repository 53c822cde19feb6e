//! An amount in minor units of one currency, its decimal text, and sums that cannot overflow unnoticed.
//!
//! Must never know: rates; two currencies are never added.

use crate::Currency;

/// An amount: a signed number of minor units of one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Why two amounts have no sum.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Beyond `i64` minor units.
    #[error("{left} and {right} are beyond the range of an amount")]
    Overflow {
        /// First operand.
        left: Money,
        /// Second operand.
        right: Money,
    },
    /// Amounts of two currencies.
    #[error("{left} and {right} are different currencies")]
    CurrencyMismatch {
        /// Currency of the first operand.
        left: Currency,
        /// Currency of the second operand.
        right: Currency,
    },
}

/// Which rule of [`Money::parse`] a text breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAmount {
    /// Not a plain decimal number.
    #[error("must be a plain decimal number such as 12.34 or -5")]
    Shape,
    /// Digits, other than zeros, below the minor unit.
    #[error("must have at most {digits} digits after the point in {currency}")]
    TooManyDigits {
        /// The currency it was read in.
        currency: Currency,
        /// Digits of its minor unit.
        digits: u32,
    },
    /// Beyond `i64` minor units.
    #[error("must fit 64 bits of minor units")]
    OutOfRange,
}

impl Money {
    /// `minor` minor units: 1234 of USD is 12.34, of JPY 1234, of KWD 1.234.
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Reads a decimal number in major units. Zeros below the minor unit are accepted, other digits are not rounded away.
    ///
    /// # Errors
    /// [`InvalidAmount`] naming the rule.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, InvalidAmount> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = match unsigned.split_once('.') {
            Some((_, "")) => return Err(InvalidAmount::Shape),
            Some(parts) => parts,
            None => (unsigned, ""),
        };
        if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
            return Err(InvalidAmount::Shape);
        }
        let digits = currency.digits() as usize;
        if fraction.bytes().skip(digits).any(|b| b != b'0') {
            return Err(InvalidAmount::TooManyDigits { currency, digits: currency.digits() });
        }
        let padded = fraction.bytes().chain(std::iter::repeat(b'0')).take(digits);
        let magnitude = whole
            .bytes()
            .chain(padded)
            .try_fold(0_i128, |sum, b| sum.checked_mul(10)?.checked_add(i128::from(b.wrapping_sub(b'0'))))
            .ok_or(InvalidAmount::OutOfRange)?;
        let signed = if negative { magnitude.saturating_neg() } else { magnitude };
        let minor = i64::try_from(signed).map_err(|_| InvalidAmount::OutOfRange)?;
        Ok(Self { minor, currency })
    }

    /// Minor units.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// Currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// `self + other`.
    ///
    /// # Errors
    /// [`AmountError`] when the currencies differ or the sum leaves `i64`.
    pub fn checked_add(self, other: Self) -> Result<Self, AmountError> {
        self.combine(other, i64::checked_add)
    }

    /// `self - other`.
    ///
    /// # Errors
    /// [`AmountError`] when the currencies differ or the difference leaves `i64`.
    pub fn checked_sub(self, other: Self) -> Result<Self, AmountError> {
        self.combine(other, i64::checked_sub)
    }

    /// The number in major units with every digit of the minor unit, without the currency: `-0.05`.
    #[must_use]
    pub fn decimal(self) -> String {
        let digits = self.currency.digits() as usize;
        let sign = if self.minor < 0 { "-" } else { "" };
        let all = format!("{:0>width$}", self.minor.unsigned_abs(), width = digits.saturating_add(1));
        let (whole, fraction) = all.split_at(all.len().saturating_sub(digits));
        if digits == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }

    fn combine(self, other: Self, operation: fn(i64, i64) -> Option<i64>) -> Result<Self, AmountError> {
        if self.currency != other.currency {
            return Err(AmountError::CurrencyMismatch { left: self.currency, right: other.currency });
        }
        match operation(self.minor, other.minor) {
            Some(minor) => Ok(Self { minor, ..self }),
            None => Err(AmountError::Overflow { left: self, right: other }),
        }
    }
}

impl std::fmt::Display for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        Currency::parse(code).unwrap()
    }

    fn minor(text: &str, code: &str) -> Result<i64, InvalidAmount> {
        Money::parse(text, currency(code)).map(Money::minor)
    }

    #[test]
    fn text_is_read_in_the_digits_of_the_currency() {
        assert_eq!(minor("12.34", "USD"), Ok(1234));
        assert_eq!(minor("12.3", "USD"), Ok(1230));
        assert_eq!(minor("12", "USD"), Ok(1200));
        assert_eq!(minor("-0.05", "USD"), Ok(-5));
        assert_eq!(minor("12.3400", "USD"), Ok(1234));
        assert_eq!(minor("500.0", "JPY"), Ok(500));
        assert_eq!(minor("8.1", "KWD"), Ok(8100));
        assert_eq!(minor("-92233720368547758.08", "USD"), Ok(i64::MIN));
    }

    #[test]
    fn each_rule_is_named() {
        for text in ["", "-", ".5", "5.", "1,000", "+5", "1e3", " 5", "5 ", "--5", "1.2.3", "٣"] {
            assert_eq!(minor(text, "USD"), Err(InvalidAmount::Shape), "{text:?}");
        }
        assert_eq!(minor("12.345", "USD"), Err(InvalidAmount::TooManyDigits { currency: currency("USD"), digits: 2 }));
        assert_eq!(minor("0.5", "JPY"), Err(InvalidAmount::TooManyDigits { currency: currency("JPY"), digits: 0 }));
        assert_eq!(minor("92233720368547758.08", "USD"), Err(InvalidAmount::OutOfRange));
        assert_eq!(minor(&"9".repeat(60), "USD"), Err(InvalidAmount::OutOfRange));
    }

    #[test]
    fn sums_are_checked() {
        let (usd, eur) = (currency("USD"), currency("EUR"));
        let (one, most) = (Money::new(1, usd), Money::new(i64::MAX, usd));
        assert_eq!(one.checked_sub(Money::new(3, usd)), Ok(Money::new(-2, usd)));
        assert_eq!(most.checked_add(one), Err(AmountError::Overflow { left: most, right: one }));
        assert_eq!(one.checked_add(Money::new(1, eur)), Err(AmountError::CurrencyMismatch { left: usd, right: eur }));
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(minor in any::<i64>(), code in prop::sample::select(vec!["USD", "JPY", "KWD", "CLF"])) {
            let money = Money::new(minor, currency(code));
            prop_assert_eq!(Money::parse(&money.decimal(), money.currency()), Ok(money));
            prop_assert_eq!(money.to_string(), format!("{} {}", money.decimal(), code));
        }
    }
}
