//! From units to days.

use super::PlanError;
use crate::parameter::{InvalidParameter, require_not_negative};

/// Days beyond which nothing is planned: three years.
pub const DAYS_MAX: u32 = 1096;
/// Days at the end of the known traffic that the future is taken from: a whole week.
const WEEK: usize = 7;

/// Days until `units` have been exposed, when `new_units_by_day` are first seen on each day. Beyond the days that are
/// given, every day brings the average of the last seven of them: fewer people are new the longer an experiment runs,
/// so give it what really happened.
///
/// # Errors
/// [`PlanError::TooLong`] beyond [`DAYS_MAX`], [`PlanError::Invalid`] when a number is negative or no number.
pub fn days_needed(units: f64, new_units_by_day: &[f64]) -> Result<u32, PlanError> {
    require_not_negative("units", units)?;
    for day in new_units_by_day {
        require_not_negative("new units by day", *day)?;
    }
    let too_long = PlanError::TooLong { what: "days", most: f64::from(DAYS_MAX) };
    let recent = new_units_by_day.iter().rev().take(WEEK);
    let daily = recent.clone().sum::<f64>() / recent.len().max(1) as f64;
    let mut seen = 0.0;
    let mut days = 0_u32;
    let mut given = new_units_by_day.iter();
    while seen < units {
        if days == DAYS_MAX {
            return Err(too_long);
        }
        days = days.saturating_add(1);
        seen += given.next().copied().unwrap_or(daily);
    }
    Ok(days)
}

/// Days left when `seen` of `units` are there and so many are first seen per day.
///
/// # Errors
/// As [`days_needed`].
pub fn days_left(units: f64, seen: f64, new_units_per_day: f64) -> Result<u32, PlanError> {
    require_not_negative("seen", seen)?;
    days_needed((units - seen).max(0.0), &[new_units_per_day])
}

/// The next whole number of weeks, at least one, so that every weekday counts as often.
///
/// # Errors
/// [`PlanError::Invalid`] beyond what a whole number of weeks fits.
pub fn whole_weeks(days: u32) -> Result<u32, PlanError> {
    days.max(1).checked_next_multiple_of(7).ok_or_else(|| {
        InvalidParameter::Count { field: "days", given: u64::from(days), least: 0, most: u64::from(u32::MAX) }.into()
    })
}
