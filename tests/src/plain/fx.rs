//! Conversion into the reporting currency, US dollars: exact fractions, rounded once, half to even.

use super::Rules;

/// An amount in US cents at the latest rate on or before the day; `None` without one.
pub fn cents(minor: i128, currency: &str, day: i64, rules: &Rules) -> Option<i128> {
    if currency == "USD" {
        return Some(minor);
    }
    let known = rules.rates.iter().filter(|((of, from), _)| *of == currency && *from <= day);
    let (_, rate) = known.max_by_key(|((_, from), _)| *from)?;
    let (whole, decimals) = rate.split_once('.').unwrap_or((rate, ""));
    let mantissa: i128 = format!("{whole}{decimals}").parse().unwrap();
    let scale = i128::from(10_i64.pow(u32::try_from(decimals.len()).unwrap()));
    Some(half_to_even(minor * mantissa * 100, scale * units(currency)))
}

/// Minor units in one unit.
fn units(currency: &str) -> i128 {
    match currency {
        "JPY" => 1,
        "KWD" => 1_000,
        _ => 100,
    }
}

fn half_to_even(numerator: i128, denominator: i128) -> i128 {
    let (below, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    match (2 * rest).cmp(&denominator) {
        std::cmp::Ordering::Less => below,
        std::cmp::Ordering::Greater => below + 1,
        std::cmp::Ordering::Equal => below + below.rem_euclid(2),
    }
}

#[cfg(test)]
mod tests {
    use super::half_to_even;

    #[test]
    fn halves_go_to_the_even_number_on_both_sides_of_zero() {
        let halves = [-5, -3, -1, 1, 3, 5].map(|numerator| half_to_even(numerator, 2));
        assert_eq!(halves, [-2, -2, 0, 0, 2, 2]);
        assert_eq!([half_to_even(-7, 4), half_to_even(7, 4)], [-2, 2]);
    }
}
