use std::path::Path;

use tokio::sync::mpsc;

use super::*;
use crate::import::source::Chunk;

const EXCERPT: &str = include_str!("../../../../../tests/vectors/retail/online_retail_excerpt.csv");
const EXPECTED_PARTS: &str = include_str!("../../../../../tests/vectors/retail/expected_parts.csv");
const EXPECTED_EVENTS: &str = include_str!("../../../../../tests/vectors/retail/expected_events.csv");

fn names() -> ColumnNames {
    ColumnNames {
        invoice: "InvoiceNo".into(),
        item: "StockCode".into(),
        quantity: "Quantity".into(),
        price: "UnitPrice".into(),
        time: "InvoiceDate".into(),
        customer: "CustomerID".into(),
        country: "Country".into(),
    }
}

fn read(text: &str, strict: bool) -> (Result<Vec<InvoiceLine>, Error>, Chunk) {
    let (sender, mut chunks) = mpsc::channel(8);
    let mut outlet = Outlet::new(sender, strict);
    let file = CsvFile::new(text.as_bytes(), Path::new("r.csv")).unwrap();
    let lines = read_lines(file, &names(), Currency::parse("GBP").unwrap(), &mut outlet);
    outlet.flush().unwrap();
    (lines, chunks.try_recv().unwrap())
}

fn matched(lines: &[InvoiceLine]) -> Matching {
    let rules = Rules { cancellation_prefix: "C", currency: Currency::parse("GBP").unwrap() };
    match_cancellations(lines, &rules).unwrap()
}

fn expected(text: &str) -> Vec<String> {
    let mut rows: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
    rows.sort();
    rows
}

#[test]
fn cancellations_match_as_two_independent_programs_found() {
    let lines = read(EXCERPT, true).0.unwrap();
    let mut found: Vec<String> = matched(&lines)
        .parts
        .iter()
        .map(|part| {
            let cancelled = &lines[part.cancellation];
            let charge = match part.charge {
                Ok(charge) => lines[charge].invoice.as_str(),
                Err(Unmatched::MissingCustomer) => "missing_customer_id",
                Err(Unmatched::NoCharge) => "customer_has_no_charge_in_the_sample",
                Err(Unmatched::OtherItems) => "customer_has_other_charges_not_this_stock_code",
                Err(Unmatched::OnlyLater) => "only_later_charges",
                Err(Unmatched::UsedUp) => "earlier_charges_already_used_up",
            };
            format!("{},{charge},{},{},{}", cancelled.invoice, cancelled.item, part.units, part.minor)
        })
        .collect();
    found.sort();
    assert_eq!(found, expected(EXPECTED_PARTS));
}

#[test]
fn charges_and_refunds_are_those_of_the_independent_programs() {
    let gbp = Currency::parse("GBP").unwrap();
    let events = events(&matched(&read(EXCERPT, true).0.unwrap()), gbp);
    assert!(events.is_sorted_by_key(|event| event.occurred_at.map(|at| at.seconds)));
    let mut found: Vec<String> = events
        .iter()
        .map(|event| {
            let monetary = event.monetary.as_ref().unwrap();
            let kind = if monetary.kind() == MoneyKind::Charge { "charge" } else { "refund" };
            let at = event.occurred_at.map(|at| Timestamp::from_millis(at.seconds * 1000).unwrap()).unwrap();
            let (transaction, pence) = (&monetary.transaction_id, monetary.amount.as_ref().unwrap().amount_minor);
            let user = event.identity.as_ref().map_or("", |identity| &identity.user_id);
            format!("{kind},{at},{transaction},{pence},{user},{}", event.context.as_ref().unwrap().country)
        })
        .collect();
    found.sort();
    assert_eq!(found, expected(EXPECTED_EVENTS));
    let ids: std::collections::BTreeSet<&str> = events.iter().map(|event| event.event_id.as_str()).collect();
    assert_eq!(ids.len(), events.len());
}

#[test]
fn a_matched_refund_belongs_to_its_charge_and_an_unmatched_one_to_itself() {
    let gbp = Currency::parse("GBP").unwrap();
    let events = events(&matched(&read(EXCERPT, true).0.unwrap()), gbp);
    let find = |refund_id: &str| {
        let refund = events.iter().find(|event| event.monetary.as_ref().is_some_and(|m| m.refund_id == refund_id));
        refund.unwrap_or_else(|| panic!("no refund {refund_id}"))
    };
    let matched = find("C567347/556466");
    assert_eq!(matched.monetary.as_ref().unwrap().transaction_id, "556466");
    assert_eq!((matched.event_type.as_str(), &matched.payload), (REFUND, &None));
    assert_eq!(find("C536391").monetary.as_ref().unwrap().transaction_id, "C536391");
    let charge = events.iter().find(|event| event.monetary.as_ref().is_some_and(|m| m.transaction_id == "556466"));
    let charge = charge.unwrap();
    assert_eq!((charge.event_type.as_str(), charge.payload.is_some()), (PURCHASE, true));
}

#[test]
fn malformed_lines_are_counted_and_strict_ends_before_anything_is_sent() {
    let text = format!("{EXCERPT}99,X,,one,2011-03-31 16:28:00,1,,\n,X,,1,2011-03-31 16:28:00,1,,\n");
    let (lines, chunk) = read(&text, false);
    assert_eq!(lines.unwrap().len(), 140);
    let malformed: Vec<_> = chunk.shown.iter().map(|row| (row.line, row.reason.as_str())).collect();
    assert_eq!(malformed[0].0, 142);
    assert!(malformed[0].1.starts_with("Quantity: "), "{malformed:?}");
    assert_eq!(malformed[1], (143, "InvoiceNo is empty"));
    assert!(matches!(read(&text, true).0, Err(Error::Strict { line: 142, .. })));
}

#[test]
fn customers_of_spreadsheets_are_whole_numbers() {
    assert_eq!(customer("17850.0").as_deref(), Some("17850"));
    assert_eq!(customer("").as_deref(), None);
    assert_eq!(customer("a.0").as_deref(), Some("a.0"));
    assert_eq!(customer("17850.5").as_deref(), Some("17850.5"));
}
