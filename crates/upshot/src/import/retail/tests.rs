use super::*;

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
    let parts = reconcile(lines, "C", 2).parts;
    parts
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
    let reconciled = reconcile(&lines, "C", 2);
    let charges: Vec<_> = reconciled.charges.iter().map(|c| (c.invoice.as_str(), c.time, c.minor)).collect();
    assert_eq!(charges, [("1", lines[1].time, 200)]);
    let classes = [Class::Charge, Class::Free, Class::StockAdjustment, Class::NegativePrice];
    assert_eq!(reconciled.classes, classes.into_iter().zip([2, 1, 1, 1]).collect());
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
    let refunds = reconcile(&lines, "C", 2).refunds;
    let refunds: Vec<_> =
        refunds.iter().map(|r| (r.movement.invoice.as_str(), r.charge_invoice.as_deref(), r.movement.minor)).collect();
    assert_eq!(refunds, [("C2", None, 7), ("C2", Some("1"), 400)]);
}

#[test]
fn amounts_round_half_to_even_in_the_digits_of_the_currency() {
    assert_eq!(minor_units(Decimal::ONE, Decimal::new(125, 3), 2), Some(12));
    assert_eq!(minor_units(Decimal::ONE, Decimal::new(135, 3), 2), Some(14));
    assert_eq!(minor_units(Decimal::from(3), Decimal::new(125, 3), 3), Some(375));
    assert_eq!(minor_units(Decimal::from(3), Decimal::from(500), 0), Some(1_500));
    assert_eq!(minor_units(Decimal::MAX, Decimal::MAX, 2), None);
}
