//! Instants in UTC milliseconds.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Milliseconds in one hour.
pub const HOUR_MS: i64 = 3_600_000;
/// Milliseconds in one UTC day.
pub const DAY_MS: i64 = 86_400_000;

/// An instant: milliseconds since 1970-01-01T00:00:00Z, within the years 0001 to 9999.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Why a text or number is not an instant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTimestamp {
    /// The text follows neither RFC 3339 nor the naive form.
    #[error("{text:?} is not a time; write it as 2026-01-31T12:00:00.000Z")]
    Unreadable {
        /// What was given, cut to 40 characters.
        text: String,
    },
    /// Outside the years 0001 to 9999.
    #[error("{millis} ms is outside the years 0001 to 9999")]
    OutOfRange {
        /// What was given.
        millis: i64,
    },
}

impl Timestamp {
    /// 0001-01-01T00:00:00.000Z.
    pub const MIN: Self = Self(-62_135_596_800_000);
    /// 9999-12-31T23:59:59.999Z.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// From milliseconds since the epoch.
    ///
    /// # Errors
    /// [`InvalidTimestamp::OutOfRange`] outside the years 0001 to 9999.
    pub const fn from_millis(millis: i64) -> Result<Self, InvalidTimestamp> {
        if millis < Self::MIN.0 || millis > Self::MAX.0 {
            return Err(InvalidTimestamp::OutOfRange { millis });
        }
        Ok(Self(millis))
    }

    /// From milliseconds since the epoch, moved to the nearest representable instant.
    #[must_use]
    pub fn saturating_from_millis(millis: i64) -> Self {
        Self(millis.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Days since 1970-01-01, UTC, rounded down.
    #[must_use]
    pub const fn day(self) -> i64 {
        self.0.div_euclid(DAY_MS)
    }

    /// This instant moved by `millis`, staying in range.
    #[must_use]
    pub fn saturating_add_millis(self, millis: i64) -> Self {
        Self::saturating_from_millis(self.0.saturating_add(millis))
    }

    /// `self - earlier` in milliseconds.
    #[must_use]
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads RFC 3339 (with an offset); digits past the millisecond are cut.
    ///
    /// # Errors
    /// [`InvalidTimestamp`] when the text is anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidTimestamp> {
        let instant: jiff::Timestamp = text.trim().parse().map_err(|_| unreadable(text))?;
        Self::from_millis(floor_millis(instant))
    }

    /// Reads RFC 3339, or a civil time without offset (`2018-07-03T13:02:11`, `2018-07-03 13:02`) taken as UTC.
    ///
    /// # Errors
    /// [`InvalidTimestamp`] when the text is anything else.
    pub fn parse_or_naive(text: &str) -> Result<Self, InvalidTimestamp> {
        if let Ok(instant) = Self::parse(text) {
            return Ok(instant);
        }
        let civil: DateTime = text.trim().parse().map_err(|_| unreadable(text))?;
        let zoned = civil.to_zoned(TimeZone::UTC).map_err(|_| unreadable(text))?;
        Self::from_millis(floor_millis(zoned.timestamp()))
    }
}

fn floor_millis(instant: jiff::Timestamp) -> i64 {
    i64::try_from(instant.as_nanosecond().div_euclid(1_000_000)).unwrap_or(i64::MAX)
}

fn unreadable(text: &str) -> InvalidTimestamp {
    InvalidTimestamp::Unreadable { text: text.chars().take(40).collect() }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => write!(f, "{instant:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_and_digits_do_not_change_the_instant() {
        let plain = Timestamp::parse("2026-01-21T03:18:38.500Z");
        assert_eq!(plain, Timestamp::parse("2026-01-21T05:18:38.5+02:00"));
        assert_eq!(plain, Timestamp::parse("2026-01-21T03:18:38.500900Z"));
        assert_eq!(plain.map(|t| t.to_string()), Ok("2026-01-21T03:18:38.500Z".to_owned()));
    }

    #[test]
    fn a_naive_time_is_utc_and_only_where_asked_for() {
        assert_eq!(Timestamp::parse_or_naive("2010-12-01 08:34:00"), Timestamp::parse("2010-12-01T08:34:00Z"));
        assert_eq!(Timestamp::parse_or_naive("2010-12-01 08:34"), Timestamp::parse("2010-12-01T08:34:00Z"));
        assert!(Timestamp::parse("2010-12-01 08:34:00").is_err());
        assert!(Timestamp::parse_or_naive("yesterday").is_err());
    }

    #[test]
    fn days_round_down_before_the_epoch_too() {
        assert_eq!(Timestamp::from_millis(-1).map(Timestamp::day), Ok(-1));
        assert_eq!(Timestamp::from_millis(DAY_MS).map(Timestamp::day), Ok(1));
        assert!(Timestamp::from_millis(i64::MAX).is_err());
    }
}
