use proptest::prelude::*;

use super::*;

fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

fn us_cents(minor: i64, code: &str, rate: &str) -> i64 {
    convert(minor, currency(code), Rate::parse(rate).unwrap(), currency("USD")).unwrap()
}

#[test]
fn halves_go_to_the_even_cent_in_every_number_of_digits() {
    // 22.445 and 22.11 dollars: the net is converted, not the gross and the refund (0.335).
    assert_eq!((us_cents(3350, "JPY", "0.0067"), us_cents(3300, "JPY", "0.0067")), (2244, 2211));
    assert_eq!(us_cents(50, "JPY", "0.0067"), 34);
    // 26.325 rounds down, 26.195 up.
    assert_eq!((us_cents(8100, "KWD", "3.25"), us_cents(8060, "KWD", "3.25")), (2632, 2620));
    let pounds_and_yen =
        [us_cents(6750, "GBP", "1.27"), us_cents(4750, "GBP", "1.27"), us_cents(2150, "JPY", "0.0067")];
    assert_eq!(pounds_and_yen, [8572, 6032, 1440]);
    assert_eq!(us_cents(7150, "JPY", "0.0067"), 4790);
}

#[test]
fn a_negative_half_goes_to_the_even_cent_too() {
    assert_eq!(us_cents(-11950, "JPY", "0.0067"), -8006);
    assert_eq!((us_cents(-1, "EUR", "0.5"), us_cents(-3, "EUR", "0.5")), (0, -2));
}

#[test]
fn digits_of_both_currencies_count() {
    let rate = Rate::parse("2").unwrap();
    assert_eq!(convert(100, currency("USD"), rate, currency("JPY")), Ok(2));
    assert_eq!(convert(1, currency("JPY"), rate, currency("KWD")), Ok(2_000));
    assert_eq!(convert(1, currency("JPY"), rate, currency("CLF")), Ok(20_000));
    assert_eq!(convert(1_234, currency("KWD"), Rate::ONE, currency("KWD")), Ok(1_234));
}

#[test]
fn the_widest_product_is_exact_and_overflow_is_named() {
    let (usd, jpy, clf) = (currency("USD"), currency("JPY"), currency("CLF"));
    let tiny = Rate::parse("0.3333333333333333333333333333").unwrap();
    // 9223372036854775807 * 0.333.. (28 threes) = 3074457345618258602.0257
    assert_eq!(convert(i64::MAX, usd, tiny, usd), Ok(3_074_457_345_618_258_602));
    assert_eq!(convert(i64::MIN, usd, Rate::ONE, usd), Ok(i64::MIN));
    let huge = Rate::new(Decimal::MAX).unwrap();
    for (minor, rate) in [(i64::MAX, huge), (i64::MAX, Rate::parse("1.0001").unwrap()), (i64::MIN, huge)] {
        assert_eq!(convert(minor, jpy, rate, clf), Err(FxError::Overflow { minor, from: jpy, rate, to: clf }));
    }
    assert!(convert(i64::MIN, usd, Rate::parse("1.0000000000000000001").unwrap(), usd).is_err());
}

#[test]
fn a_rate_is_a_decimal_above_zero() {
    assert_eq!(Rate::parse("1.0800"), Rate::parse("1.08"));
    assert_eq!(Rate::parse("1.0800").map(|r| r.to_string()), Ok("1.08".to_owned()));
    assert_eq!(Rate::parse("0"), Err(FxError::NotPositive { rate: Decimal::ZERO }));
    assert!(matches!(Rate::parse("-1"), Err(FxError::NotPositive { .. })));
    assert!(matches!(Rate::parse("1e3"), Err(FxError::Unreadable { .. })));
    assert!(matches!(Rate::parse(&format!("0.{}", "3".repeat(40))), Err(FxError::Unreadable { .. })));
}

#[test]
fn the_latest_rate_on_or_before_the_day_holds() {
    let (usd, eur, gbp) = (currency("USD"), currency("EUR"), currency("GBP"));
    let (first, second) = (Rate::parse("1.08").unwrap(), Rate::parse("1.10").unwrap());
    let mut table = RateTable::new(usd);
    assert_eq!(table.insert(eur, 10, first), Ok(None));
    assert_eq!(table.insert(eur, 20, second), Ok(None));
    assert_eq!(table.insert(usd, 10, first), Err(FxError::ReportingCurrency { currency: usd, day: 10 }));
    assert_eq!(table.rate_at(eur, 9), None);
    assert_eq!(table.rate_at(eur, 10), Some(Quote { rate: first, day: 10 }));
    assert_eq!(table.rate_at(eur, 19), Some(Quote { rate: first, day: 10 }));
    assert_eq!(table.rate_at(eur, 1_000), Some(Quote { rate: second, day: 20 }));
    assert_eq!(table.rate_at(gbp, 1_000), None);
    assert_eq!(table.rate_at(usd, -5), Some(Quote { rate: Rate::ONE, day: -5 }));
    assert_eq!((table.days_covered(eur, 10), table.days_covered(eur, 20)), (10..20, 20..i64::MAX));
    assert_eq!(table.convert_at(1_000, eur, 15), Ok(Some(1_080)));
    assert_eq!(table.convert_at(1_000, gbp, 15), Ok(None));
    assert_eq!(table.insert(eur, 10, second), Ok(Some(first)));
}

#[test]
fn what_rates_gain_or_lose_is_the_difference_to_each_events_own_day() {
    let (usd, eur, gbp) = (currency("USD"), currency("EUR"), currency("GBP"));
    let mut table = RateTable::new(usd);
    table.insert(eur, 10, Rate::parse("1.10").unwrap()).unwrap();
    table.insert(eur, 20, Rate::parse("1.20").unwrap()).unwrap();
    // Charged 100.00 at 1.10, refunded 40.00 at 1.20: 62.00 dollars were kept, 66.00 by the charge's rate.
    assert_eq!(table.gain_since(10, eur, [(10_000, 10), (-4_000, 25)]), Ok(Some(-400)));
    assert_eq!(table.gain_since(10, eur, [(10_000, 10), (-10_000, 25)]), Ok(Some(-1_000)));
    assert_eq!(table.gain_since(10, eur, []), Ok(Some(0)));
    assert_eq!(table.gain_since(10, usd, [(10_000, 1), (-4_000, 99)]), Ok(Some(0)));
    assert_eq!(table.gain_since(10, eur, [(10_000, 9)]), Ok(None));
    assert_eq!(table.gain_since(9, eur, [(10_000, 10)]), Ok(None));
    assert_eq!(table.gain_since(10, gbp, [(1, 10)]), Ok(None));
    let most = [(i64::MAX, 10), (i64::MAX, 10)];
    assert_eq!(table.gain_since(10, usd, most), Err(FxError::SumOverflow { currency: usd }));
    assert!(matches!(table.gain_since(10, eur, most), Err(FxError::Overflow { .. })));
}

proptest! {
    #[test]
    fn equals_plain_integer_arithmetic_where_that_fits(
        minor in -1_000_000_000_000_i64..1_000_000_000_000,
        mantissa in 1..1_000_000_000_000_i64,
        scale in 0..12_u32,
        from in prop::sample::select(vec!["USD", "JPY", "KWD", "CLF"]),
        to in prop::sample::select(vec!["USD", "JPY", "KWD", "CLF"]),
    ) {
        let (from, to) = (currency(from), currency(to));
        let rate = Rate::new(Decimal::new(mantissa, scale)).unwrap();
        let numerator = i128::from(minor) * i128::from(mantissa) * 10_i128.pow(to.digits());
        let denominator = 10_i128.pow(scale + from.digits());
        let (floor, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
        let up = rest * 2 > denominator || (rest * 2 == denominator && floor % 2 != 0);
        let expected = i64::try_from(floor + i128::from(up)).ok();
        prop_assert_eq!(convert(minor, from, rate, to).ok(), expected);
    }

    #[test]
    fn the_sign_only_mirrors(minor in 0..i64::MAX, mantissa in any::<u64>(), scale in 0..28_u32) {
        let usd = currency("USD");
        let rate = Rate::new(Decimal::from_i128_with_scale(i128::from(mantissa) + 1, scale)).unwrap();
        let (plus, minus) = (convert(minor, usd, rate, usd), convert(-minor, usd, rate, usd));
        prop_assert!(plus.is_err() && (minus.is_err() || minus == Ok(i64::MIN)) || plus.ok() == minus.ok().map(|m| -m));
    }
}
