//! The retention metric: was a unit active between two days after its first exposure?

use crate::parameter::InvalidParameter;

const DAY_MS: i64 = 86_400_000;
/// Latest day that can be asked for: ten years.
const DAY_MAX: u32 = 3653;

/// Days a..=b since the first exposure; day 0 is the 24 hours that begin with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Retention {
    first_day: u32,
    last_day: u32,
}

impl Retention {
    /// From the first and the last day that count.
    ///
    /// # Errors
    /// [`InvalidParameter::Count`] when the last day is before the first or beyond ten years.
    pub fn new(first_day: u32, last_day: u32) -> Result<Self, InvalidParameter> {
        if (first_day..=DAY_MAX).contains(&last_day) {
            Ok(Self { first_day, last_day })
        } else {
            let (given, least, most) = (u64::from(last_day), u64::from(first_day), u64::from(DAY_MAX));
            Err(InvalidParameter::Count { field: "last_day", given, least, most })
        }
    }

    /// The instants that count for a unit first exposed at `exposed_ms`: from the first, before the second.
    #[must_use]
    pub fn window_ms(&self, exposed_ms: i64) -> (i64, i64) {
        let after = |days: i64| exposed_ms.saturating_add(days.saturating_mul(DAY_MS));
        (after(i64::from(self.first_day)), after(i64::from(self.last_day).saturating_add(1)))
    }

    /// Whether the unit was active in the window; `None` while the window is open at `now_ms`. A unit that is already
    /// known to have come back waits as well: counting it sooner than those who have not would favour the early.
    #[must_use]
    pub fn retained(&self, exposed_ms: i64, active_ms: impl IntoIterator<Item = i64>, now_ms: i64) -> Option<bool> {
        let (begin, end) = self.window_ms(exposed_ms);
        if now_ms < end {
            return None;
        }
        Some(active_ms.into_iter().any(|active| (begin..end).contains(&active)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_whole_days_from_the_exposure() {
        let week_two = Retention::new(7, 13).unwrap();
        let exposed = 1_000;
        assert_eq!(week_two.window_ms(exposed), (1_000 + 7 * DAY_MS, 1_000 + 14 * DAY_MS));
        let later = exposed + 14 * DAY_MS;
        let at = |active: i64, now: i64| week_two.retained(exposed, [exposed, active], now);
        assert_eq!(at(exposed + 7 * DAY_MS, later), Some(true));
        assert_eq!(at(exposed + 7 * DAY_MS - 1, later), Some(false));
        assert_eq!(at(exposed + 14 * DAY_MS - 1, later), Some(true));
        assert_eq!(at(exposed + 14 * DAY_MS, later), Some(false));
        assert_eq!(at(exposed + 8 * DAY_MS, later - 1), None);
        assert_eq!(week_two.retained(exposed, [], later), Some(false));
    }

    #[test]
    fn odd_days_are_refused_and_extreme_instants_are_no_overflow() {
        assert!(Retention::new(3, 2).is_err() && Retention::new(0, DAY_MAX + 1).is_err());
        let day = Retention::new(1, 1).unwrap();
        assert_eq!(day.retained(i64::MAX, [i64::MAX], i64::MAX), Some(false));
        assert_eq!(day.retained(i64::MIN, [0], 0), Some(false));
    }
}
