//! Numbers of independent programs; the README beside each file says which.

use std::collections::BTreeMap;

use ids::{EventId, Timestamp};
use ledger::cancellation::{InvoiceLine, Rules, Unmatched, match_cancellations};
use ledger::{Kind, MoneyEvent, Reason, fold};
use money::{Currency, Money};

const MONEY: &str = include_str!("../../../../tests/vectors/revenue/money.csv");
const TOTALS: &str = include_str!("../../../../tests/vectors/revenue/totals.csv");
const INVOICES: &str = include_str!("../../../../tests/vectors/retail/online_retail_excerpt.csv");
const PARTS: &str = include_str!("../../../../tests/vectors/retail/expected_parts.csv");
const MOVEMENTS: &str = include_str!("../../../../tests/vectors/retail/expected_events.csv");

fn rows(text: &str) -> Vec<csv::StringRecord> {
    csv::Reader::from_reader(text.as_bytes()).records().map(Result::unwrap).collect()
}

/// The columns of `totals.csv`, from `charges` on.
type Totals = [i64; 9];

#[test]
fn the_edge_cases_come_to_what_an_independent_program_found() {
    let mut histories: BTreeMap<String, Vec<MoneyEvent>> = BTreeMap::new();
    for row in rows(MONEY) {
        let currency = Currency::parse(&row[5]).unwrap();
        histories.entry(row[0].to_owned()).or_default().push(MoneyEvent {
            event_id: EventId::parse(&row[1]).unwrap(),
            at: Timestamp::from_millis(row[2].parse().unwrap()).unwrap(),
            kind: Kind::parse(&row[3]).unwrap(),
            amount: Money::new(row[4].parse().unwrap(), currency),
            refund_id: (!row[6].is_empty()).then(|| row[6].to_owned()),
            analytics_denied: &row[7] == "1",
        });
    }
    let mut found: BTreeMap<Currency, Totals> = BTreeMap::new();
    let mut listed: BTreeMap<Reason, usize> = BTreeMap::new();
    for events in histories.values() {
        let t = fold(events).unwrap();
        for reason in t.listed.iter().map(|listed| listed.reason) {
            *listed.entry(reason).or_default() += 1;
        }
        if let Some(currency) = t.currency() {
            let refunds = t.refunds - t.refund_failures;
            let more = [1, t.gross, refunds, t.chargebacks, t.chargeback_reversals, t.net, t.over_reversal, 0, 0];
            add(found.entry(currency).or_default(), more);
        }
        for (currency, orphans) in &t.orphans {
            let more = [0, 0, 0, 0, 0, 0, 0, i64::from(orphans.events), orphans.minor().unwrap()];
            add(found.entry(*currency).or_default(), more);
        }
    }
    let expected: BTreeMap<Currency, Totals> = rows(TOTALS)
        .iter()
        .map(|row| {
            let numbers: Vec<i64> = row.iter().skip(1).map(|number| number.parse().unwrap()).collect();
            (Currency::parse(&row[0]).unwrap(), numbers.try_into().unwrap())
        })
        .collect();
    assert_eq!(found, expected);
    let expected = [
        (Reason::ChargeMismatch, 4),
        (Reason::DoubleFire, 5),
        (Reason::DuplicateReversal, 1),
        (Reason::OtherCurrency, 2),
        (Reason::Orphan, 2),
    ];
    assert_eq!(listed, expected.into());
}

fn add(sums: &mut Totals, more: Totals) {
    sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}

fn invoice_lines() -> Vec<InvoiceLine> {
    let line = |(number, row): (u64, csv::StringRecord)| InvoiceLine {
        line: number,
        invoice: row[0].to_owned(),
        item: row[1].to_uppercase(),
        units: row[3].parse().unwrap(),
        price: row[5].parse().unwrap(),
        time: Timestamp::parse_or_naive(&row[4]).unwrap(),
        customer: (!row[6].is_empty()).then(|| row[6].trim_end_matches(".0").to_owned()),
        country: row[7].to_owned(),
    };
    (2..).zip(rows(INVOICES)).map(line).collect()
}

#[test]
fn cancellations_meet_the_charges_that_two_independent_programs_found() {
    let lines = invoice_lines();
    let rules = Rules { cancellation_prefix: "C", currency: Currency::parse("GBP").unwrap() };
    let matching = match_cancellations(&lines, &rules).unwrap();
    let mut parts: Vec<[String; 5]> = matching
        .parts
        .iter()
        .map(|part| {
            let charge = match part.charge {
                Ok(charge) => &lines[charge].invoice,
                Err(Unmatched::MissingCustomer) => "missing_customer_id",
                Err(Unmatched::NoCharge) => "customer_has_no_charge_in_the_sample",
                Err(Unmatched::OtherItems) => "customer_has_other_charges_not_this_stock_code",
                Err(Unmatched::OnlyLater) => "only_later_charges",
                Err(Unmatched::UsedUp) => "earlier_charges_already_used_up",
            };
            let cancelled = &lines[part.cancellation];
            let (units, minor) = (part.units.to_string(), part.minor.to_string());
            [cancelled.invoice.clone(), charge.to_owned(), cancelled.item.clone(), units, minor]
        })
        .collect();
    parts.sort();
    assert_eq!(parts, sorted(PARTS));

    let charges = matching.charges.iter().map(|charge| ("charge", charge, &charge.invoice));
    let refunds = matching.refunds.iter().map(|refund| {
        let transaction = refund.charge_invoice.as_ref().unwrap_or(&refund.movement.invoice);
        ("refund", &refund.movement, transaction)
    });
    let mut movements: Vec<[String; 6]> = charges
        .chain(refunds)
        .map(|(kind, movement, transaction)| {
            let customer = movement.customer.as_ref().map_or(String::new(), |customer| format!("c{customer}"));
            let (time, minor) = (movement.time.to_string(), movement.minor.to_string());
            [kind.to_owned(), time, transaction.clone(), minor, customer, movement.country.clone()]
        })
        .collect();
    movements.sort();
    assert_eq!(movements, sorted(MOVEMENTS));
}

fn sorted<const COLUMNS: usize>(text: &str) -> Vec<[String; COLUMNS]> {
    let row = |row: csv::StringRecord| row.iter().map(str::to_owned).collect::<Vec<_>>().try_into().unwrap();
    let mut rows: Vec<[String; COLUMNS]> = rows(text).into_iter().map(row).collect();
    rows.sort();
    rows
}
