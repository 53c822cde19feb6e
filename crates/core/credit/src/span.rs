//! Lengths of time as people write them in parameters: `30d`, `72h`, `90m`, `30s`, `500ms`.
//!
//! Must never know: calendars. A day has 86,400,000 ms.

use ids::{DAY_MS, HOUR_MS};

const MINUTE_MS: i64 = 60_000;
const SECOND_MS: i64 = 1_000;
const WEEK_MS: i64 = 604_800_000;
/// Ten years of 365 days: longer than any window, short enough that no sum of ages overflows.
const MAX_MS: i64 = 315_360_000_000;

/// A positive length of time of at most 3,650 days, in milliseconds.
///
/// Text has one canonical form, so that equal lengths have equal parameter hashes: the largest unit that divides
/// the length, where days are used from one week on only (`24h` and `72h` are what the field writes, not `3d`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

/// Why a text or number is no [`Span`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSpan {
    /// Not a whole number followed by a unit.
    #[error("must be a whole number with a unit (d, h, m, s or ms) such as 7d or 72h, not {text:?}")]
    Unreadable {
        /// What was given.
        text: String,
    },
    /// Zero, negative, or above ten years.
    #[error("must be longer than 0 and at most 3650d")]
    OutOfRange,
}

impl Span {
    /// Seven days.
    pub const WEEK: Self = Self(WEEK_MS);
    /// One day of 24 hours.
    pub const DAY: Self = Self(DAY_MS);
    /// 3,650 days.
    pub const LONGEST: Self = Self(MAX_MS);
    /// Thirty days, the default window.
    pub const THIRTY_DAYS: Self = Self(2_592_000_000);

    /// From milliseconds.
    ///
    /// # Errors
    /// [`InvalidSpan::OutOfRange`] outside 1 ms to 3,650 days.
    pub const fn from_millis(millis: i64) -> Result<Self, InvalidSpan> {
        if millis < 1 || millis > MAX_MS {
            return Err(InvalidSpan::OutOfRange);
        }
        Ok(Self(millis))
    }

    /// Milliseconds, above 0.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }
}

impl std::str::FromStr for Span {
    type Err = InvalidSpan;

    fn from_str(text: &str) -> Result<Self, InvalidSpan> {
        let unreadable = || InvalidSpan::Unreadable { text: text.to_owned() };
        let digits_end = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(unreadable)?;
        let (digits, unit) = text.split_at_checked(digits_end).ok_or_else(unreadable)?;
        let unit_ms = match unit {
            "d" => DAY_MS,
            "h" => HOUR_MS,
            "m" => MINUTE_MS,
            "s" => SECOND_MS,
            "ms" => 1,
            _ => return Err(unreadable()),
        };
        if digits.is_empty() {
            return Err(unreadable());
        }
        let millis = digits.parse::<i64>().ok().and_then(|count| count.checked_mul(unit_ms));
        Self::from_millis(millis.ok_or(InvalidSpan::OutOfRange)?)
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let divides = |unit_ms: i64| self.0.checked_rem(unit_ms) == Some(0);
        let (unit_ms, unit) = match self.0 {
            ms if ms >= WEEK_MS && divides(DAY_MS) => (DAY_MS, "d"),
            _ if divides(HOUR_MS) => (HOUR_MS, "h"),
            _ if divides(MINUTE_MS) => (MINUTE_MS, "m"),
            _ if divides(SECOND_MS) => (SECOND_MS, "s"),
            _ => (1, "ms"),
        };
        write!(f, "{}{unit}", self.0.checked_div(unit_ms).unwrap_or(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lengths_have_one_canonical_text() {
        for (text, canonical) in [
            ("168h", "7d"),
            ("7d", "7d"),
            ("30d", "30d"),
            ("3d", "72h"),
            ("1d", "24h"),
            ("90m", "90m"),
            ("60s", "1m"),
            ("1500ms", "1500ms"),
            ("3650d", "3650d"),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.to_string(), canonical);
            assert_eq!(canonical.parse(), Ok(span));
        }
    }

    #[test]
    fn what_is_no_positive_length_is_refused() {
        for text in ["", "7", "d", "-1d", "+1d", "1.5d", "7 d", "7w", "7D"] {
            assert_eq!(text.parse::<Span>(), Err(InvalidSpan::Unreadable { text: text.into() }));
        }
        for text in ["0d", "3651d", "99999999999999999999d", "9223372036854775807h"] {
            assert_eq!(text.parse::<Span>(), Err(InvalidSpan::OutOfRange));
        }
    }
}
