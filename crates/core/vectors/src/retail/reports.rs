//! Totals, months, countries and cohorts of movements.
//!
//! Must never know: where movements come from.

use std::collections::BTreeMap;

use ids::Timestamp;
use serde_json::json;
use stats::cohort::{CohortTable, Contribution, Purchase};

use super::Movements;
use crate::numbers::Answers;

/// How many countries are told.
const COUNTRIES: usize = 10;

/// Sums of one month, of one country, or of all.
#[derive(Default)]
struct Sum {
    gross: i64,
    matched: i64,
    /// As `matched`, in the month of what is undone.
    matched_by_charge: i64,
    unmatched: i64,
    charges: u64,
}

pub(super) fn answer(movements: &Movements, answers: &mut Answers) -> Result<(), String> {
    let (mut all, mut months) = (Sum::default(), BTreeMap::<String, Sum>::new());
    let mut countries = BTreeMap::<&str, Sum>::new();
    for charge in &movements.charges {
        let country = countries.entry(&charge.country).or_default();
        for sum in [&mut all, months.entry(month(charge.at)).or_default(), country] {
            sum.gross = sum.gross.saturating_add(charge.minor);
            sum.charges = sum.charges.saturating_add(1);
        }
    }
    for refund in &movements.refunds {
        let country = countries.entry(&refund.country).or_default();
        for sum in [&mut all, months.entry(month(refund.at)).or_default(), country] {
            let part = if refund.charged_at.is_some() { &mut sum.matched } else { &mut sum.unmatched };
            *part = part.saturating_add(refund.minor);
        }
        if let Some(charged_at) = refund.charged_at {
            let of_charge = months.entry(month(charged_at)).or_default();
            of_charge.matched_by_charge = of_charge.matched_by_charge.saturating_add(refund.minor);
        }
    }
    of_all(&all, answers);
    for (month, sum) in &months {
        let mut put = |key: &str, value: i64| answers.insert(format!("by_month/{month}/{key}"), json!(value));
        put("gross", sum.gross);
        put("refunded_matched", sum.matched);
        put("refunded_unmatched", sum.unmatched);
        put("refunded_matched_by_month_of_charge", sum.matched_by_charge);
        put("net", sum.net());
        put("net_matched_only_cohort_dated", sum.gross.saturating_sub(sum.matched_by_charge));
    }
    of_countries(countries, answers);
    of_cohorts(movements, answers)
}

impl Sum {
    const fn refunded(&self) -> i64 {
        self.matched.saturating_add(self.unmatched)
    }

    const fn net(&self) -> i64 {
        self.gross.saturating_sub(self.refunded())
    }
}

fn of_all(all: &Sum, answers: &mut Answers) {
    let mut put = |key: &str, value: i64| answers.insert(format!("totals/{key}"), json!(value));
    put("gross", all.gross);
    put("refunded", all.refunded());
    put("refunded_matched", all.matched);
    put("refunded_unmatched", all.unmatched);
    put("net", all.net());
    put("net_after_matched_refunds_only", all.gross.saturating_sub(all.matched));
}

fn of_countries(countries: BTreeMap<&str, Sum>, answers: &mut Answers) {
    let mut countries: Vec<(&str, Sum)> = countries.into_iter().collect();
    countries.sort_by_key(|(_, sum)| std::cmp::Reverse(sum.gross));
    for (place, (country, sum)) in countries.iter().take(COUNTRIES).enumerate() {
        let mut put = |key: &str, value| answers.insert(format!("top10_countries_by_gross/{place}/{key}"), value);
        put("country", json!(country));
        put("gross", json!(sum.gross));
        put("refunded_matched", json!(sum.matched));
        put("refunded_unmatched", json!(sum.unmatched));
        put("charge_invoices", json!(sum.charges));
        put("net", json!(sum.net()));
    }
}

/// Customers by the month of their first charge.
fn of_cohorts(movements: &Movements, answers: &mut Answers) -> Result<(), String> {
    let mut customers: BTreeMap<&str, Vec<Purchase>> = BTreeMap::new();
    let mut names: BTreeMap<i32, String> = BTreeMap::new();
    for charge in &movements.charges {
        let name = month(charge.at);
        let period = period(&name).ok_or_else(|| format!("{name} is no month"))?;
        names.insert(period, name);
        if let Some(customer) = &charge.customer {
            let purchase = Purchase { period, net_minor: charge.minor, is_activity: true };
            customers.entry(customer).or_default().push(purchase);
        }
    }
    let mut table = CohortTable::default();
    for purchases in customers.values() {
        let Some(contribution) = Contribution::of(purchases) else { continue };
        table.add(&contribution).map_err(|error| error.to_string())?;
    }
    let last = names.keys().next_back().copied().unwrap_or_default();
    let (mut people, mut repeated) = (0_u64, 0_u64);
    for (first, cohort) in table.cohorts() {
        let path = format!("cohorts/table/{}", names.get(&first).map_or("", String::as_str));
        people = people.saturating_add(cohort.customers());
        repeated = repeated.saturating_add(cohort.repeat_rate().map_err(|why| why.to_string())?.x());
        answers.insert(format!("{path}/customers"), json!(cohort.customers()));
        for offset in 0..=u32::try_from(last.saturating_sub(first)).unwrap_or_default() {
            let cell = cohort.cell(offset);
            answers.insert(format!("{path}/active/{offset}"), json!(cell.customers));
            answers.insert(format!("{path}/gross_pence/{offset}"), json!(i64::try_from(cell.net_minor).ok()));
        }
    }
    let invoices: usize = customers.values().map(Vec::len).sum();
    let each = (people as f64).max(1.0);
    answers.insert("cohorts/customers".to_owned(), json!(people));
    answers.insert("cohorts/repeat_customers_2_or_more_invoices".to_owned(), json!(repeated));
    answers.insert("cohorts/repeat_purchase_rate".to_owned(), json!(repeated as f64 / each));
    answers.insert("cohorts/mean_invoices_per_customer".to_owned(), json!(invoices as f64 / each));
    Ok(())
}

/// As in `2011-03`.
fn month(at: Timestamp) -> String {
    at.to_string().chars().take(7).collect()
}

/// Months in a row.
fn period(month: &str) -> Option<i32> {
    let (year, month) = month.split_once('-')?;
    year.parse::<i32>().ok()?.checked_mul(12)?.checked_add(month.parse().ok()?)
}
