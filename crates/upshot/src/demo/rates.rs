//! The currencies of the demo, their exchange rates, and what an amount is in US cents.
//!
//! Written apart from the product's own arithmetic on purpose: it is what the product is checked against.
//! Must never know: people, events, the wire.

/// Milliseconds in one UTC day.
pub const DAY_MS: i64 = 86_400_000;
/// 2026-01-05T00:00:00Z: when the experiment starts. Every simulated instant is relative to it, none to a clock.
pub const START_MS: i64 = 1_767_571_200_000;

/// Days from which rates apply: long before anything happens, and the middle of the experiment.
pub const RATE_DAYS: [RateDay; 2] = [
    RateDay { date: "2025-12-01", day: START_MS / DAY_MS - 35 },
    RateDay { date: "2026-01-19", day: START_MS / DAY_MS + 14 },
];

/// A day on which rates change.
#[derive(Clone, Copy, Debug)]
pub struct RateDay {
    /// As the contract writes it.
    pub date: &'static str,
    /// The same, in days since 1970-01-01.
    pub day: i64,
}

/// What people pay with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Currency {
    /// Euro.
    Eur,
    /// Pound sterling.
    Gbp,
    /// Yen: no minor unit.
    Jpy,
    /// US dollar: what reports are in.
    Usd,
}

impl Currency {
    /// By code.
    pub const ALL: [Self; 4] = [Self::Eur, Self::Gbp, Self::Jpy, Self::Usd];

    /// ISO 4217 code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Eur => "EUR",
            Self::Gbp => "GBP",
            Self::Jpy => "JPY",
            Self::Usd => "USD",
        }
    }

    /// Digits of the minor unit.
    pub const fn digits(self) -> u32 {
        match self {
            Self::Jpy => 0,
            Self::Eur | Self::Gbp | Self::Usd => 2,
        }
    }

    /// Dollars per unit in millionths, one per entry of [`RATE_DAYS`].
    pub const fn rates_micro(self) -> [i64; 2] {
        match self {
            Self::Eur => [1_080_000, 1_092_500],
            Self::Gbp => [1_270_000, 1_263_500],
            Self::Jpy => [6_700, 6_625],
            Self::Usd => [1_000_000, 1_000_000],
        }
    }

    /// The amount in US cents at the rate of the charge's day, half to even.
    pub fn usd_cents(self, amount_minor: i64, charged_ms: i64) -> i64 {
        let [early, late] = self.rates_micro();
        let [_, change] = RATE_DAYS;
        let rate = if charged_ms.div_euclid(DAY_MS) < change.day { early } else { late };
        let unit = 10_i128.pow(self.digits());
        half_even(i128::from(amount_minor) * i128::from(rate) * 100, unit * 1_000_000)
    }

    /// Minor units for a price in dollars, at the early rate; at least one.
    pub fn minor_from_usd(self, dollars: f64) -> i64 {
        let [rate, _] = self.rates_micro();
        let unit = 10_i64.pow(self.digits());
        let minor = (dollars * 1_000_000.0 / rate as f64 * unit as f64).round();
        (minor as i64).max(1)
    }
}

/// `numerator / denominator`, halves to the even neighbour.
fn half_even(numerator: i128, denominator: i128) -> i64 {
    let (quotient, remainder) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    let up = match (2 * remainder).cmp(&denominator) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Equal => quotient.rem_euclid(2),
        std::cmp::Ordering::Greater => 1,
    };
    (quotient + up) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_to_the_even_cent_on_both_sides_of_zero() {
        assert_eq!([half_even(5, 2), half_even(7, 2), half_even(-5, 2), half_even(-7, 2)], [2, 4, -2, -4]);
        assert_eq!(half_even(8, 3), 3);
    }

    #[test]
    fn the_rate_is_the_one_of_the_charge_day() {
        let change = RATE_DAYS[1].day * DAY_MS;
        assert_eq!(Currency::Jpy.usd_cents(10_000, change - 1), 6_700);
        assert_eq!(Currency::Jpy.usd_cents(10_000, change), 6_625);
        assert_eq!(Currency::Usd.usd_cents(-1_234, change), -1_234);
    }

    #[test]
    fn the_days_of_the_rates_are_the_dates_that_are_sent() {
        for rate in RATE_DAYS {
            let midnight = ids::Timestamp::parse(&format!("{}T00:00:00Z", rate.date)).unwrap();
            assert_eq!(midnight.day(), rate.day, "{}", rate.date);
        }
        assert_eq!(ids::Timestamp::parse("2026-01-05T00:00:00Z").unwrap().as_millis(), START_MS);
    }
}
