//! Numbers of other programs; `tests/vectors/money/README.md` says which.

use std::collections::BTreeMap;

use money::{Currency, FxError, InvalidCurrency, Rate, alloc, convert};

const ISO_4217: &str = include_str!("../../../../tests/vectors/money/iso4217.csv");
const ALLOC: &str = include_str!("../../../../tests/vectors/money/alloc.csv");
const CONVERT: &str = include_str!("../../../../tests/vectors/money/convert.csv");

/// Codes that left the list since 2020, and are known for the history that still holds them.
const WITHDRAWN: [&str; 6] = ["ANG", "BGN", "CUC", "HRK", "SLL", "ZWL"];

fn rows<const COLUMNS: usize>(text: &str) -> impl Iterator<Item = [&str; COLUMNS]> {
    text.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>().try_into().expect("as many columns as named"))
}

fn numbers<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> Vec<T> {
    text.split(' ').map(|number| number.parse().unwrap()).collect()
}

#[test]
fn the_table_is_that_of_iso_4217_and_a_few_withdrawn_codes() {
    let listed: BTreeMap<&str, &str> = rows::<2>(ISO_4217).map(|[code, digits]| (code, digits)).collect();
    assert_eq!(listed.len(), 178);
    for (code, digits) in &listed {
        match Currency::parse(code) {
            Ok(currency) => assert_eq!(currency.digits().to_string(), *digits, "{code}"),
            Err(error) => {
                assert_eq!(error, InvalidCurrency::Unknown { code: (*code).to_owned() });
                assert_eq!(*digits, "", "{code} has a minor unit");
            }
        }
    }
    let all: Vec<String> = Currency::all().map(|currency| currency.to_string()).collect();
    let unlisted: Vec<&str> = all.iter().map(String::as_str).filter(|code| !listed.contains_key(code)).collect();
    assert_eq!(unlisted, WITHDRAWN);
    assert!(all.iter().all(|code| Currency::parse(code).is_ok()));
}

#[test]
fn amounts_are_divided_as_in_exact_fractions() {
    let mut divided = 0;
    for [shares, amount, parts] in rows::<3>(ALLOC) {
        let found = alloc(&numbers::<u32>(shares), amount.parse().unwrap());
        assert_eq!(found, Ok(numbers::<i64>(parts)), "{amount} by {shares}");
        divided += 1;
    }
    assert_eq!(divided, 205);
}

#[test]
fn amounts_are_converted_as_with_two_hundred_digits() {
    let (mut converted, mut beyond) = (0, 0);
    for [minor, from, rate, to, expected] in rows::<5>(CONVERT) {
        let (from, to) = (Currency::parse(from).unwrap(), Currency::parse(to).unwrap());
        let found = convert(minor.parse().unwrap(), from, Rate::parse(rate).unwrap(), to);
        if expected.is_empty() {
            assert!(matches!(found, Err(FxError::Overflow { .. })), "{minor} {from} at {rate} in {to}: {found:?}");
            beyond += 1;
        } else {
            assert_eq!(found, Ok(expected.parse().unwrap()), "{minor} {from} at {rate} in {to}");
            converted += 1;
        }
    }
    assert_eq!((converted, beyond), (318, 82));
}
