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

#[test]
fn a_sum_need_only_fit_as_a_whole() {
    let (usd, eur) = (currency("USD"), currency("EUR"));
    let most = Money::new(i64::MAX, usd);
    let amounts = [most, most, Money::new(-i64::MAX, usd), Money::new(-5, usd)];
    assert_eq!(Money::sum(usd, amounts), Ok(Money::new(i64::MAX - 5, usd)));
    assert_eq!(Money::sum(usd, []), Ok(Money::zero(usd)));
    assert_eq!(Money::sum(usd, [most, most]), Err(SumError::Overflow { currency: usd }));
    let foreign = Money::new(1, eur);
    assert_eq!(Money::sum(usd, [most, foreign]), Err(SumError::CurrencyMismatch { amount: foreign, currency: usd }));
}

#[test]
fn the_least_amount_has_no_counterpart() {
    let usd = currency("USD");
    assert_eq!(Money::new(5, usd).checked_neg(), Ok(Money::new(-5, usd)));
    let least = Money::new(i64::MIN, usd);
    assert_eq!(least.checked_neg(), Err(AmountError::Overflow { left: Money::zero(usd), right: least }));
}

#[test]
fn an_amount_with_its_currency_names_what_is_wrong_with_either() {
    assert_eq!("-8.1 KWD".parse(), Ok(Money::new(-8_100, currency("KWD"))));
    for text in ["", "12.34", "12.34USD"] {
        assert_eq!(text.parse::<Money>(), Err(InvalidMoney::Shape), "{text:?}");
    }
    assert!(matches!("1 usd".parse::<Money>(), Err(InvalidMoney::Currency { .. })));
    assert!(matches!("1  USD".parse::<Money>(), Err(InvalidMoney::Currency { .. })));
    assert!(matches!("1 XAU".parse::<Money>(), Err(InvalidMoney::Currency { .. })));
    assert!(matches!("0.5 JPY".parse::<Money>(), Err(InvalidMoney::Number { .. })));
    assert!(matches!(" USD".parse::<Money>(), Err(InvalidMoney::Number { .. })));
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(minor in any::<i64>(), code in prop::sample::select(Currency::all().collect::<Vec<_>>())) {
        let money = Money::new(minor, code);
        prop_assert_eq!(Money::parse(&money.decimal(), money.currency()), Ok(money));
        prop_assert_eq!(money.to_string(), format!("{} {}", money.decimal(), code));
        prop_assert_eq!(money.to_string().parse(), Ok(money));
    }

    #[test]
    fn no_text_is_read_as_another_number(
        text in "-?[0-9]{0,22}(\\.[0-9]{0,6})?[a-z ]?",
        code in prop::sample::select(vec!["USD", "JPY", "KWD", "CLF"]),
    ) {
        if let Ok(money) = Money::parse(&text, currency(code)) {
            let plain = |text: &str| -> rust_decimal::Decimal { text.parse().unwrap() };
            prop_assert_eq!(plain(&money.decimal()), plain(&text));
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let read: Result<Money, _> = text.parse();
        prop_assert!(read.is_err() || text.contains(' '));
    }
}
