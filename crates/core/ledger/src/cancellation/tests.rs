use proptest::prelude::*;

use super::*;

fn rules() -> Rules<'static> {
    Rules { cancellation_prefix: "C", currency: Currency::parse("GBP").unwrap() }
}

fn matched(lines: &[InvoiceLine]) -> Matching {
    match_cancellations(lines, &rules()).unwrap()
}

fn line(line: u64, invoice: &str, day: u32, item: &str, units: i64, cents: i64) -> InvoiceLine {
    InvoiceLine {
        line,
        invoice: invoice.into(),
        item: item.into(),
        units: units.into(),
        price: Decimal::new(cents, 2),
        time: Timestamp::parse(&format!("2011-01-{day:02}T00:00:00Z")).unwrap(),
        customer: Some("1".into()),
        country: "France".into(),
    }
}

fn parts(lines: &[InvoiceLine]) -> Vec<(Result<&str, Unmatched>, Decimal, i64)> {
    matched(lines)
        .parts
        .into_iter()
        .map(|part| (part.charge.map(|index| lines[index].invoice.as_str()), part.units, part.minor))
        .collect()
}

#[test]
fn the_most_recent_earlier_charge_is_undone_first_and_the_parts_add_up() {
    let lines = [
        line(2, "1", 1, "A", 2, 100),
        line(3, "2", 2, "A", 2, 100),
        line(4, "3", 9, "A", 9, 100),
        line(5, "C4", 3, "A", -3, 105),
    ];
    assert_eq!(parts(&lines), [(Ok("2"), 2.into(), 210), (Ok("1"), 1.into(), 105)]);
}

#[test]
fn parts_of_fractions_are_rounded_so_that_they_sum_to_the_line() {
    let half = |mut line: InvoiceLine| {
        line.units /= Decimal::from(2);
        line
    };
    let lines = [line(2, "1", 1, "A", 1, 101), line(3, "2", 2, "A", 1, 101), line(4, "C3", 3, "A", -2, 101)].map(half);
    assert_eq!(parts(&lines).iter().map(|part| part.2).collect::<Vec<_>>(), [50, 51]);
}

#[test]
fn units_without_a_charge_say_why() {
    let mut nobody = line(9, "C9", 8, "A", -1, 100);
    nobody.customer = None;
    let mut stranger = line(10, "C10", 8, "A", -1, 100);
    stranger.customer = Some("2".into());
    let lines = [
        line(2, "1", 5, "A", 1, 100),
        line(3, "2", 9, "B", 1, 100),
        line(4, "C3", 6, "A", -1, 100),
        line(5, "C4", 7, "A", -2, 100),
        line(6, "C5", 8, "B", -1, 100),
        line(7, "C6", 8, "D", -1, 100),
        line(8, "C7", 5, "A", -1, 100),
        nobody,
        stranger,
    ];
    let reasons: Vec<_> = parts(&lines).into_iter().map(|(charge, _, _)| charge).collect();
    let expected = [
        Err(Unmatched::OnlyLater), // C7: not strictly earlier
        Ok("1"),
        Err(Unmatched::UsedUp),
        Err(Unmatched::NoCharge),
        Err(Unmatched::OnlyLater),
        Err(Unmatched::OtherItems),
        Err(Unmatched::MissingCustomer),
    ];
    assert_eq!(reasons, expected);
}

#[test]
fn repeated_lines_add_up_and_lines_without_money_move_none() {
    let lines = [
        line(2, "1", 2, "A", 1, 100),
        line(3, "1", 1, "A", 1, 100),
        line(4, "2", 1, "A", 1, 0),
        line(5, "3", 1, "A", -5, 0),
        line(6, "A4", 1, "B", 1, -5_000),
    ];
    let matching = matched(&lines);
    let charges: Vec<_> = matching.charges.iter().map(|c| (c.invoice.as_str(), c.time, c.minor)).collect();
    assert_eq!(charges, [("1", lines[1].time, 200)]);
    let classes = [Class::Charge, Class::Free, Class::StockAdjustment, Class::NegativePrice];
    assert_eq!(matching.classes, classes.into_iter().zip([2, 1, 1, 1]).collect());
}

#[test]
fn a_refund_is_one_sum_per_cancellation_and_charge() {
    let lines = [
        line(2, "1", 1, "A", 2, 100),
        line(3, "1", 1, "B", 2, 300),
        line(4, "C2", 2, "A", -1, 100),
        line(5, "C2", 2, "B", -1, 300),
        line(6, "C2", 2, "E", -1, 7),
        line(7, "C3", 2, "F", -1, 0),
    ];
    let refunds = matched(&lines).refunds;
    let refunds: Vec<_> =
        refunds.iter().map(|r| (r.movement.invoice.as_str(), r.charge_invoice.as_deref(), r.movement.minor)).collect();
    assert_eq!(refunds, [("C2", None, 7), ("C2", Some("1"), 400)]);
}

#[test]
fn amounts_round_half_to_even_in_the_digits_of_the_currency() {
    let minor_units = |units, price, code| minor_units(units, price, Currency::parse(code).unwrap());
    assert_eq!(minor_units(Decimal::ONE, Decimal::new(125, 3), "GBP"), Some(12));
    assert_eq!(minor_units(Decimal::ONE, Decimal::new(135, 3), "GBP"), Some(14));
    assert_eq!(minor_units(Decimal::from(3), Decimal::new(125, 3), "KWD"), Some(375));
    assert_eq!(minor_units(Decimal::from(3), Decimal::from(500), "JPY"), Some(1_500));
    assert_eq!(minor_units(Decimal::MAX, Decimal::MAX, "GBP"), None);
    // 33 digits below the point: rounded to 28 first, they would be a half and go up.
    let decimal = |text: &str| Decimal::from_str_exact(text).unwrap();
    let just_below_a_half = (decimal("1.000000000000001"), decimal("0.014999999999999985"));
    assert_eq!(minor_units(just_below_a_half.0, just_below_a_half.1, "GBP"), Some(1));
    assert_eq!(minor_units(-just_below_a_half.0, just_below_a_half.1, "GBP"), Some(-1));
    // 56 digits below the point, and 39 that count.
    let least = decimal("0.0000000000000000000000000001");
    assert_eq!(minor_units(least, least, "GBP"), Some(0));
    let (long, longer) = (decimal("1.0000000000000000001"), decimal("1.00000000000000000001"));
    assert_eq!(minor_units(long, long, "GBP"), Some(100));
    assert_eq!(minor_units(longer, longer, "GBP"), None);
    assert_eq!(minor_units(decimal("100000000000000000000"), decimal("0.00000000000000000001"), "GBP"), Some(100));
}

#[test]
fn what_does_not_fit_is_named_and_never_cut() {
    let mut huge = line(7, "1", 1, "A", i64::MAX, 100);
    assert_eq!(match_cancellations(&[huge.clone()], &rules()), Err(MatchError::LineOverflow { line: 7 }));
    huge.units = Decimal::from(i64::MAX) / Decimal::from(100);
    let sum = match_cancellations(&[huge.clone(), huge.clone()], &rules());
    assert_eq!(sum, Err(MatchError::InvoiceOverflow { invoice: "1".into() }));
    let empty = Rules { cancellation_prefix: "", ..rules() };
    assert_eq!(match_cancellations(&[huge], &empty), Err(MatchError::EmptyPrefix));
    assert_eq!(match_cancellations(&[], &rules()), Ok(Matching::default()));
}

#[test]
fn an_article_sold_and_taken_back_very_often_is_matched_in_good_time() {
    // Going over every used-up line again would take 10^10 steps.
    let sold = (0..100_000).map(|number| line(number, &format!("{number}"), 1, "A", 1, 100));
    let taken_back = (0..100_000).map(|number| line(number, &format!("C{number}"), 2, "A", -1, 100));
    let lines: Vec<InvoiceLine> = sold.chain(taken_back).collect();
    let matching = matched(&lines);
    assert!(matching.parts.iter().all(|part| part.charge.is_ok()));
    assert_eq!((matching.parts.len(), matching.refunds.len()), (100_000, 100_000));
}

/// The procedure as it is written down, without any shortcut.
fn plainly(lines: &[InvoiceLine]) -> Vec<(usize, Option<usize>, Decimal)> {
    let time = |line: &InvoiceLine| lines.iter().filter(|l| l.invoice == line.invoice).map(|l| l.time).min().unwrap();
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|&index| (time(&lines[index]), &lines[index].invoice, lines[index].line));
    let (cancellations, charges): (Vec<usize>, Vec<usize>) =
        order.into_iter().partition(|&index| lines[index].invoice.starts_with('C'));
    let mut left: Vec<Decimal> = lines.iter().map(|line| line.units.max(Decimal::ZERO)).collect();
    let mut parts = Vec::new();
    for index in cancellations {
        let line = &lines[index];
        let mut wanted = line.units.abs();
        for &charge in charges.iter().rev() {
            let candidate = &lines[charge];
            let fits = line.customer.is_some() && candidate.customer == line.customer && candidate.item == line.item;
            let units = left[charge].min(wanted);
            if fits
                && time(candidate) < time(line)
                && units > Decimal::ZERO
                && candidate.units * candidate.price > Decimal::new(5, 3)
            {
                left[charge] -= units;
                wanted -= units;
                parts.push((index, Some(charge), units));
            }
        }
        if wanted > Decimal::ZERO {
            parts.push((index, None, wanted));
        }
    }
    parts
}

fn any_lines() -> impl Strategy<Value = Vec<InvoiceLine>> {
    let one = (any::<bool>(), 0..6_u32, 1..5_u32, 0..2_usize, -1..4_i64, 0..200_i64, prop::option::of("[12]"));
    prop::collection::vec(one, 0..40).prop_map(|drawn| {
        let lines =
            drawn.into_iter().enumerate().map(|(index, (cancels, number, day, item, units, cents, customer))| {
                let invoice = if cancels { format!("C{number}") } else { number.to_string() };
                let mut line = line(index as u64, &invoice, day, ["A", "B"][item], units, cents);
                line.units = Decimal::new(units * 5, 1);
                InvoiceLine { customer, ..line }
            });
        lines.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_matches_are_those_of_the_procedure_without_shortcuts(lines in any_lines()) {
        let parts = matched(&lines).parts;
        let found: Vec<_> = parts.iter().map(|part| (part.cancellation, part.charge.ok(), part.units)).collect();
        prop_assert_eq!(found, plainly(&lines));
    }

    #[test]
    fn no_unit_is_taken_back_twice_and_no_cent_is_lost(lines in any_lines()) {
        let matching = matched(&lines);
        let (mut units, mut minor) = (BTreeMap::new(), BTreeMap::new());
        for part in &matching.parts {
            prop_assert!(part.units > Decimal::ZERO && part.minor >= 0);
            if let Ok(charge) = part.charge {
                *units.entry(charge).or_insert(Decimal::ZERO) += part.units;
            }
            *minor.entry(part.cancellation).or_insert(0) += part.minor;
        }
        prop_assert!(units.iter().all(|(charge, units)| *units <= lines[*charge].units));
        for (index, minor) in minor {
            prop_assert_eq!(minor, lines[index].minor(&rules()).unwrap());
        }
        let sum = |class| -> i64 {
            let of_class = lines.iter().filter(|line| line.class(&rules()).unwrap() == class);
            of_class.map(|line| line.minor(&rules()).unwrap()).sum()
        };
        prop_assert_eq!(matching.charges.iter().map(|charge| charge.minor).sum::<i64>(), sum(Class::Charge));
        let refunded: i64 = matching.refunds.iter().map(|refund| refund.movement.minor).sum();
        prop_assert_eq!(refunded, sum(Class::Cancellation));
        prop_assert_eq!(matching.classes.values().sum::<u64>(), lines.len() as u64);
    }

    #[test]
    fn the_order_of_lines_in_memory_does_not_matter(
        (lines, shuffled) in any_lines().prop_flat_map(|lines| (Just(lines.clone()), Just(lines).prop_shuffle())),
    ) {
        let named = |lines: &[InvoiceLine]| {
            let Matching { charges, refunds, parts, classes } = matched(lines);
            let named = |part: Part| {
                let charge = part.charge.map(|charge| lines[charge].line);
                (lines[part.cancellation].line, charge, part.units, part.minor)
            };
            (charges, refunds, parts.into_iter().map(named).collect::<Vec<_>>(), classes)
        };
        prop_assert_eq!(named(&lines), named(&shuffled));
    }

    #[test]
    fn numbers_of_any_size_are_matched_or_refused(
        mut lines in any_lines(),
        numbers in prop::collection::vec(
            prop::sample::select(vec![Decimal::MIN, Decimal::MAX, Decimal::ZERO, Decimal::new(1, 28), Decimal::from(i64::MAX)]),
            80,
        ),
    ) {
        for (line, numbers) in lines.iter_mut().zip(numbers.chunks(2)) {
            (line.units, line.price) = (numbers[0], numbers[1]);
        }
        if let Ok(matching) = match_cancellations(&lines, &rules()) {
            let minor = |parts: &[Part]| parts.iter().map(|part| i128::from(part.minor)).sum::<i128>();
            let refunded = matching.refunds.iter().map(|refund| i128::from(refund.movement.minor)).sum::<i128>();
            prop_assert_eq!(minor(&matching.parts), refunded);
        }
    }
}
