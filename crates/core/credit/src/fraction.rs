//! Parameters between 0 and 1, kept as whole billionths: exact, hashable and printed as written.
//!
//! A binary float would turn 0.4 into its neighbour and real ties between touches into accidental ones.

const ONE: u32 = 1_000_000_000;
const MAX_DECIMALS: usize = 9;

/// A number above 0 and at most 1, with up to nine decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fraction(u32);

/// The text or number is no [`Fraction`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a decimal above 0 and at most 1 with at most {MAX_DECIMALS} decimals, such as 0.4")]
pub struct InvalidFraction;

impl Fraction {
    /// The whole.
    pub const ONE: Self = Self(ONE);
    /// 0.95: the level of intervals, and the part of latencies that a window holds.
    pub const NINETEEN_TWENTIETHS: Self = Self(950_000_000);
    /// Three tenths: what each of the three touches of a W gets by default.
    pub const THREE_TENTHS: Self = Self(300_000_000);
    /// Four tenths: what a position model gives each end by default.
    pub const FOUR_TENTHS: Self = Self(400_000_000);

    /// From billionths, 1 to 1,000,000,000.
    ///
    /// # Errors
    /// [`InvalidFraction`] outside that range.
    pub const fn from_billionths(billionths: u32) -> Result<Self, InvalidFraction> {
        if billionths == 0 || billionths > ONE {
            return Err(InvalidFraction);
        }
        Ok(Self(billionths))
    }

    /// Billionths, 1 to 1,000,000,000.
    #[must_use]
    pub const fn billionths(self) -> u32 {
        self.0
    }

    /// The nearest double.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / f64::from(ONE)
    }

    /// `1 - self - other` in billionths, or none when the two exceed 1.
    pub(crate) fn rest_billionths(self, other: Self) -> Option<u32> {
        ONE.checked_sub(self.0)?.checked_sub(other.0)
    }
}

impl std::str::FromStr for Fraction {
    type Err = InvalidFraction;

    fn from_str(text: &str) -> Result<Self, InvalidFraction> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !plain(whole) || !plain(decimals) || decimals.len() > MAX_DECIMALS {
            return Err(InvalidFraction);
        }
        let whole: u32 = whole.parse().map_err(|_| InvalidFraction)?;
        let decimals: u32 = format!("{decimals:0<MAX_DECIMALS$}").parse().map_err(|_| InvalidFraction)?;
        let billionths = whole.checked_mul(ONE).and_then(|units| units.checked_add(decimals));
        Self::from_billionths(billionths.ok_or(InvalidFraction)?)
    }
}

impl std::fmt::Display for Fraction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 == ONE {
            return f.write_str("1");
        }
        let decimals = format!("{:0MAX_DECIMALS$}", self.0);
        write!(f, "0.{}", decimals.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_exact_and_canonical() {
        for (text, canonical) in [
            ("0.4", "0.4"),
            ("0.400", "0.4"),
            ("00.85", "0.85"),
            ("1", "1"),
            ("1.0", "1"),
            ("0.000000001", "0.000000001"),
        ] {
            let fraction: Fraction = text.parse().unwrap();
            assert_eq!(fraction.to_string(), canonical);
            assert_eq!(canonical.parse(), Ok(fraction));
        }
        assert_eq!("0.4".parse(), Ok(Fraction::FOUR_TENTHS));
        assert!(("0.85".parse::<Fraction>().unwrap().as_f64() - 0.85).abs() < f64::EPSILON);
    }

    #[test]
    fn what_lies_outside_is_refused() {
        for text in
            ["", "0", "0.0", "1.1", "2", "-0.4", "+0.4", ".4", "0.", "0.4e0", "NaN", "0.0000000001", "9999999999"]
        {
            assert_eq!(text.parse::<Fraction>(), Err(InvalidFraction), "{text}");
        }
    }
}
