//! An amount in minor units of one currency, its decimal text, and sums that cannot overflow unnoticed.
//!
//! Must never know: rates; two currencies are never added.

use std::str::FromStr;

use crate::{Currency, InvalidCurrency};

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

/// Why amounts have no sum.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SumError {
    /// An amount of another currency.
    #[error("{amount} is no amount of {currency}")]
    CurrencyMismatch {
        /// The offender.
        amount: Money,
        /// Currency of the sum.
        currency: Currency,
    },
    /// Beyond `i64` minor units.
    #[error("the sum is beyond the range of an amount of {currency}")]
    Overflow {
        /// Currency of the sum.
        currency: Currency,
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

/// Why a text such as `12.34 USD` is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMoney {
    /// Not two words.
    #[error("must be a number and a currency with one space between them, such as 12.34 USD")]
    Shape,
    /// The second word is no currency.
    #[error("its currency is invalid")]
    Currency {
        /// Which rule it breaks.
        #[source]
        source: InvalidCurrency,
    },
    /// The first word is no amount of that currency.
    #[error("its number is invalid")]
    Number {
        /// Which rule it breaks.
        #[source]
        source: InvalidAmount,
    },
}

impl Money {
    /// Nothing, in a currency.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// `minor` minor units: 1234 of USD is 12.34, of JPY 1234, of KWD 1.234.
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Reads a decimal number in major units. Zeros below the minor unit are accepted, other digits are not rounded
    /// away.
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

    /// `-self`.
    ///
    /// # Errors
    /// [`AmountError::Overflow`] for the least amount, which has no counterpart.
    pub fn checked_neg(self) -> Result<Self, AmountError> {
        Self::zero(self.currency).checked_sub(self)
    }

    /// The sum of amounts of one currency. Only the whole has to fit, not what is reached on the way to it, so the
    /// order of the amounts does not matter.
    ///
    /// # Errors
    /// [`SumError`] naming the amount of another currency, or that the sum leaves `i64`.
    pub fn sum(currency: Currency, amounts: impl IntoIterator<Item = Self>) -> Result<Self, SumError> {
        let mut sum = 0_i128;
        for amount in amounts {
            if amount.currency != currency {
                return Err(SumError::CurrencyMismatch { amount, currency });
            }
            // 2^64 amounts would be needed to leave 128 bits.
            sum = sum.saturating_add(i128::from(amount.minor));
        }
        let minor = i64::try_from(sum).map_err(|_| SumError::Overflow { currency })?;
        Ok(Self { minor, currency })
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

impl FromStr for Money {
    type Err = InvalidMoney;

    /// Reads what [`Money`] prints, `12.34 USD`, with the freedoms of [`Money::parse`].
    fn from_str(text: &str) -> Result<Self, InvalidMoney> {
        let (number, code) = text.split_once(' ').ok_or(InvalidMoney::Shape)?;
        let currency = Currency::parse(code).map_err(|source| InvalidMoney::Currency { source })?;
        Self::parse(number, currency).map_err(|source| InvalidMoney::Number { source })
    }
}

#[cfg(test)]
mod tests;
