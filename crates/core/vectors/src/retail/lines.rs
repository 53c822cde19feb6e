//! What is found in the invoice lines themselves, and whether others found the same.
//!
//! Must never know: reports.

use std::collections::{BTreeMap, BTreeSet};

use ids::Timestamp;
use ledger::cancellation::{Class, InvoiceLine, Matching, Part, Rules, Unmatched, match_cancellations, minor_units};
use money::Currency;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::events::Event;
use super::{Charge, Movements, Refund};
use crate::numbers::{Answers, compare};
use crate::report::Report;

/// One row of the file; other columns are not read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    invoice_no: String,
    stock_code: String,
    quantity: String,
    invoice_date: String,
    unit_price: String,
    #[serde(rename = "CustomerID")]
    customer_id: String,
    country: String,
}

/// Lines and what they were matched to.
pub(super) struct Found {
    lines: Vec<InvoiceLine>,
    matching: Matching,
    currency: Currency,
}

/// Parts of one reason: how many, and their money.
#[derive(Default)]
struct Reasoned {
    lines: u64,
    minor: i64,
}

impl Found {
    pub(super) fn of(text: &str, currency: Currency) -> Result<Self, String> {
        // The header is line 1.
        let rows = csv::Reader::from_reader(text.as_bytes()).into_deserialize().zip(2u64..);
        let line = |(row, number): (Result<Row, csv::Error>, u64)| {
            let wrong = |why: String| format!("line {number}: {why}");
            let row = row.map_err(|error| wrong(error.to_string()))?;
            let customer = row.customer_id.trim().trim_end_matches(".0");
            Ok(InvoiceLine {
                line: number,
                invoice: row.invoice_no.trim().to_owned(),
                item: row.stock_code.trim().to_uppercase(),
                units: Decimal::from_str_exact(row.quantity.trim()).map_err(|error| wrong(error.to_string()))?,
                price: Decimal::from_str_exact(row.unit_price.trim()).map_err(|error| wrong(error.to_string()))?,
                time: Timestamp::parse_or_naive(&row.invoice_date).map_err(|error| wrong(error.to_string()))?,
                customer: (!customer.is_empty()).then(|| customer.to_owned()),
                country: row.country.trim().to_owned(),
            })
        };
        let lines = rows.map(line).collect::<Result<Vec<_>, String>>()?;
        let rules = Rules { cancellation_prefix: "C", currency };
        let matching = match_cancellations(&lines, &rules).map_err(|error| error.to_string())?;
        Ok(Self { lines, matching, currency })
    }

    pub(super) fn movements(&self) -> Movements {
        let charge = |charge: &ledger::cancellation::Movement| Charge {
            at: charge.time,
            customer: charge.customer.clone(),
            country: charge.country.clone(),
            minor: charge.minor,
        };
        let times: BTreeMap<&str, Timestamp> =
            self.matching.charges.iter().map(|charge| (charge.invoice.as_str(), charge.time)).collect();
        let refund = |refund: &ledger::cancellation::Refund| Refund {
            at: refund.movement.time,
            country: refund.movement.country.clone(),
            minor: refund.movement.minor,
            charged_at: refund.charge_invoice.as_deref().and_then(|invoice| times.get(invoice).copied()),
        };
        let charges = self.matching.charges.iter().map(charge).collect();
        Movements { charges, refunds: self.matching.refunds.iter().map(refund).collect() }
    }

    pub(super) fn answer(&self, answers: &mut Answers) {
        let class = |class: Class| self.matching.classes.get(&class).copied().unwrap_or_default();
        let invoices = |wanted: &dyn Fn(&InvoiceLine) -> bool| {
            let wanted = self.lines.iter().filter(|line| wanted(line));
            wanted.map(|line| line.invoice.as_str()).collect::<BTreeSet<_>>().len()
        };
        let mut put = |key: &str, value: Value| answers.insert(key.to_owned(), value);
        put("data_quality/lines", json!(self.lines.len()));
        put("data_quality/invoices", json!(invoices(&|_| true)));
        put("data_quality/cancellation_invoices", json!(invoices(&|line| line.invoice.starts_with('C'))));
        put("data_quality/charge_invoices_with_positive_total", json!(self.matching.charges.len()));
        for (name, of) in [
            ("charge", Class::Charge),
            ("cancellation", Class::Cancellation),
            ("free_line", Class::Free),
            ("stock_adjustment", Class::StockAdjustment),
        ] {
            put(&format!("data_quality/lines_by_class/{name}"), json!(class(of)));
        }
        put("totals/charge_lines", json!(class(Class::Charge)));
        put("totals/cancellation_lines", json!(class(Class::Cancellation)));
        self.answer_lines(answers);
        self.answer_invoices(answers);
    }

    /// Of cancellation lines and the lines that they meet.
    fn answer_lines(&self, answers: &mut Answers) {
        let mut put = |key: &str, value: Value| answers.insert(format!("matching/{key}"), value);
        let (mut cancellations, mut charges) = (BTreeMap::<usize, (u64, u64)>::new(), BTreeMap::<usize, u64>::new());
        let mut reasons: BTreeMap<&str, Reasoned> = BTreeMap::new();
        let (mut matched, mut unmatched) = (Decimal::ZERO, Decimal::ZERO);
        for part in &self.matching.parts {
            let (met, rest) = cancellations.entry(part.cancellation).or_default();
            match part.charge {
                Ok(charge) => {
                    *met = met.saturating_add(1);
                    let hits = charges.entry(charge).or_default();
                    *hits = hits.saturating_add(1);
                    matched = matched.saturating_add(part.units);
                }
                Err(why) => {
                    *rest = rest.saturating_add(1);
                    let reason = reasons.entry(named(why)).or_default();
                    reason.lines = reason.lines.saturating_add(1);
                    reason.minor = reason.minor.saturating_add(part.minor);
                    unmatched = unmatched.saturating_add(part.units);
                }
            }
        }
        let lines = |wanted: fn(&(u64, u64)) -> bool| cancellations.values().filter(|counts| wanted(counts)).count();
        put("match_rows", json!(charges.values().sum::<u64>()));
        put("cancellation_lines_fully_matched", json!(lines(|(met, rest)| *met > 0 && *rest == 0)));
        put("cancellation_lines_partly_matched", json!(lines(|(met, rest)| *met > 0 && *rest > 0)));
        put("cancellation_lines_not_matched_at_all", json!(lines(|(met, _)| *met == 0)));
        put("cancellations_spread_over_several_charges", json!(lines(|(met, _)| *met > 1)));
        put("charge_lines_hit_by_several_cancellations", json!(charges.values().filter(|hits| **hits > 1).count()));
        let whole = |units: Decimal| json!(i64::try_from(units).ok());
        put("units_matched", whole(matched));
        put("units_unmatched", whole(unmatched));
        put("units_cancelled", whole(matched.saturating_add(unmatched)));
        for (reason, Reasoned { lines, minor }) in reasons {
            put(&format!("unmatched_by_reason/{reason}/lines"), json!(lines));
            put(&format!("unmatched_by_reason/{reason}/pence"), json!(minor));
        }
        let beyond = |part: &Part| self.beyond_price(part).unwrap_or_default();
        let priced = |wanted: fn(&i64) -> bool| self.matching.parts.iter().map(beyond).filter(wanted);
        put("matched_at_a_price_above_the_charge/rows", json!(priced(|beyond| *beyond > 0).count()));
        put("matched_at_a_price_above_the_charge/excess_pence", json!(priced(|beyond| *beyond > 0).sum::<i64>()));
        put("matched_at_a_price_below_the_charge/rows", json!(priced(|beyond| *beyond < 0).count()));
        let short: i64 = priced(|beyond| *beyond < 0).sum();
        put("matched_at_a_price_below_the_charge/shortfall_pence", json!(short.saturating_neg()));
    }

    /// What a part is worth beyond the same units at the price of their charge.
    fn beyond_price(&self, part: &Part) -> Option<i64> {
        let charge = self.lines.get(part.charge.ok()?)?;
        part.minor.checked_sub(minor_units(part.units, charge.price, self.currency)?)
    }

    /// Of invoices with charges, and what was taken back of them.
    fn answer_invoices(&self, answers: &mut Answers) {
        let charges: BTreeMap<&str, i64> =
            self.matching.charges.iter().map(|charge| (charge.invoice.as_str(), charge.minor)).collect();
        let mut refunded: BTreeMap<&str, i64> = BTreeMap::new();
        for refund in &self.matching.refunds {
            let Some(invoice) = refund.charge_invoice.as_deref() else { continue };
            let sum = refunded.entry(invoice).or_default();
            *sum = sum.saturating_add(refund.movement.minor);
        }
        let whole = refunded.iter().filter(|(invoice, sum)| charges.get(*invoice) == Some(*sum)).count();
        answers.insert("matching/charge_invoices_touched_by_refunds".to_owned(), json!(refunded.len()));
        answers.insert("matching/charge_invoices_refunded_in_full".to_owned(), json!(whole));
    }

    /// Every match of the file, and every one of ours that it has not.
    pub(super) fn compared_with_matches(&self, text: &str) -> Result<Report, String> {
        let mut expected = Map::new();
        for row in csv::Reader::from_reader(text.as_bytes()).records() {
            let row = row.map_err(|error| format!("matches.csv: {error}"))?;
            let cell = |place: usize| row.get(place).unwrap_or_default();
            let charge = if cell(2).is_empty() { cell(3) } else { cell(2) };
            expected.insert(format!("matches.csv/{}/{charge}", cell(0)), json!(format!("{} for {}", cell(6), cell(7))));
        }
        let line = |place: usize| self.lines.get(place).map_or(0, |line| line.line).to_string();
        let shown = |part: &Part| {
            let charge = part.charge.map_or_else(|why| named(why).to_owned(), line);
            let path = format!("matches.csv/{}/{charge}", line(part.cancellation));
            (path, json!(format!("{} for {}", part.units, part.minor)))
        };
        Ok(both_ways(expected, self.matching.parts.iter().map(shown).collect()))
    }

    /// Every event of the file, and every one of ours that it has not.
    pub(super) fn compared_with_events(&self, events: &[Event]) -> Report {
        let told = |event: &Event| {
            let user = event.user_id.as_deref().unwrap_or_default();
            let (money, country) = (&event.monetary, &event.context.country);
            let path = format!("retail_events.jsonl/{}/{}/{}", money.kind, money.transaction_id, event.occurred_at);
            (path, json!(format!("{} from {user} in {country}", money.amount_minor)))
        };
        let ours = |kind: &str, movement: &ledger::cancellation::Movement, transaction: &str| {
            let user = movement.customer.as_ref().map_or(String::new(), |customer| format!("c{customer}"));
            let path = format!("retail_events.jsonl/{kind}/{transaction}/{}", movement.time);
            (path, json!(format!("{} from {user} in {}", movement.minor, movement.country)))
        };
        let charges = self.matching.charges.iter().map(|charge| ours("charge", charge, &charge.invoice));
        let refunds = self.matching.refunds.iter().map(|refund| {
            let transaction = refund.charge_invoice.as_ref().unwrap_or(&refund.movement.invoice);
            ours("refund", &refund.movement, transaction)
        });
        both_ways(events.iter().map(told).collect(), charges.chain(refunds).collect())
    }
}

/// Compares what is on either side; what the other side has not is a miss.
fn both_ways(mut expected: Map<String, Value>, found: Answers) -> Report {
    for path in found.keys() {
        if !expected.contains_key(path) {
            expected.insert(path.clone(), Value::Null);
        }
    }
    compare(&Value::Object(expected), &found, |_| true)
}

fn named(why: Unmatched) -> &'static str {
    match why {
        Unmatched::MissingCustomer => "missing_customer_id",
        Unmatched::NoCharge => "customer_has_no_charge_in_the_sample",
        Unmatched::OtherItems => "customer_has_other_charges_not_this_stock_code",
        Unmatched::OnlyLater => "only_later_charges",
        Unmatched::UsedUp => "earlier_charges_already_used_up",
    }
}
