//! Invoice lines with cancellations: charges, and refunds matched with the charges that they undo.
//!
//! A cancellation names what was taken back, not the invoice that it undoes. It is matched with earlier charge lines
//! of the same customer and article, the most recent first, unit by unit; what finds no charge stays unmatched. So
//! the whole file is needed. Pure. Must never know: CSV, events, currencies other than their number of digits.

use std::collections::{BTreeMap, HashMap, HashSet};

use ids::Timestamp;
use rust_decimal::{Decimal, RoundingStrategy};

/// One line of an invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InvoiceLine {
    /// Where it stands in the file, counted from 1, the header included.
    pub(super) line: u64,
    /// Invoice number.
    pub(super) invoice: String,
    /// Article, upper case.
    pub(super) item: String,
    /// Units; below zero on a cancellation.
    pub(super) units: Decimal,
    /// Price per unit, as a decimal of the currency.
    pub(super) price: Decimal,
    /// When.
    pub(super) time: Timestamp,
    /// Who, if known.
    pub(super) customer: Option<String>,
    /// Empty where unknown.
    pub(super) country: String,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// Units sold for money.
    Charge,
    /// Units taken back.
    Cancellation,
    /// Units given away.
    Free,
    /// Units corrected without a sale; no money moved.
    StockAdjustment,
    /// A price below zero, as bookkeepers write off debt; no sale.
    NegativePrice,
}

/// Why units of a cancellation found no charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unmatched {
    /// The line names no customer.
    MissingCustomer,
    /// The customer bought nothing in this file.
    NoCharge,
    /// The customer bought other articles only.
    OtherItems,
    /// The customer bought the article only afterwards.
    OnlyLater,
    /// Earlier charges were taken back before.
    UsedUp,
}

/// Units of one cancellation line, matched with one charge line or with none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Index of the cancellation among the lines.
    pub(super) cancellation: usize,
    /// Index of the charge among the lines, or why there is none.
    pub(super) charge: Result<usize, Unmatched>,
    /// How many units.
    pub(super) units: Decimal,
    /// Their money at the cancellation's price, minor units.
    pub(super) minor: i64,
}

/// A sum of money that moved at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Movement {
    /// The invoice that it stands on.
    pub(super) invoice: String,
    /// Earliest time of that invoice.
    pub(super) time: Timestamp,
    /// Its customer, if known.
    pub(super) customer: Option<String>,
    /// Its country.
    pub(super) country: String,
    /// Above zero, minor units.
    pub(super) minor: i64,
}

/// Money taken back, by (cancellation invoice, charge invoice).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refund {
    /// The cancellation.
    pub(super) movement: Movement,
    /// The invoice that it undoes; `None` where none was found.
    pub(super) charge_invoice: Option<String>,
}

/// What the lines come to.
#[derive(Debug)]
pub(super) struct Reconciled {
    /// One per invoice with a charge line, by (time, invoice).
    pub(super) charges: Vec<Movement>,
    /// By (time, cancellation, charge).
    pub(super) refunds: Vec<Refund>,
    /// What every cancellation line was matched with, in the order of matching.
    pub(super) parts: Vec<Part>,
    /// Lines by class.
    pub(super) classes: BTreeMap<Class, u64>,
}

/// `units x price` in minor units of a currency of `digits`, half to even; `None` beyond 64 bits.
pub(super) fn minor_units(units: Decimal, price: Decimal, digits: u32) -> Option<i64> {
    let amount = units.checked_mul(price)?.checked_mul(Decimal::from(10_u64.checked_pow(digits)?))?;
    amount.round_dp_with_strategy(0, RoundingStrategy::MidpointNearestEven).try_into().ok()
}

impl InvoiceLine {
    /// What the line is; invoices that begin with `cancellation_prefix` are cancellations.
    pub(super) fn class(&self, cancellation_prefix: &str, digits: u32) -> Class {
        if self.price < Decimal::ZERO {
            Class::NegativePrice
        } else if self.invoice.starts_with(cancellation_prefix) {
            Class::Cancellation
        } else if self.units <= Decimal::ZERO {
            Class::StockAdjustment
        } else if self.minor(digits) == 0 {
            Class::Free
        } else {
            Class::Charge
        }
    }

    /// Money of the whole line, without sign. A line beyond 64 bits is refused where it is read.
    fn minor(&self, digits: u32) -> i64 {
        minor_units(self.units.abs(), self.price, digits).unwrap_or(i64::MAX)
    }
}

/// Sums charges by invoice and matches cancellations with them.
pub(super) fn reconcile(lines: &[InvoiceLine], cancellation_prefix: &str, digits: u32) -> Reconciled {
    let mut classes = BTreeMap::new();
    let (mut charges, mut cancellations) = (Vec::new(), Vec::new());
    for (index, line) in lines.iter().enumerate() {
        let class = line.class(cancellation_prefix, digits);
        *classes.entry(class).or_default() += 1;
        match class {
            Class::Charge => charges.push(index),
            Class::Cancellation => cancellations.push(index),
            Class::Free | Class::StockAdjustment | Class::NegativePrice => {}
        }
    }
    let invoices = Invoices::of(lines);
    charges.sort_by_key(|&index| invoices.order(index));
    cancellations.sort_by_key(|&index| invoices.order(index));
    let mut shelf = Shelf::of(&invoices, &charges);
    let parts: Vec<Part> = cancellations.iter().flat_map(|&index| shelf.take_back(index, digits)).collect();
    let charges = invoices.sums(charges.iter().map(|&index| (index, (), lines[index].minor(digits))));
    let refunds = parts.iter().map(|part| {
        let charge_invoice = part.charge.ok().map(|charge| lines[charge].invoice.clone());
        (part.cancellation, charge_invoice, part.minor)
    });
    Reconciled {
        charges: charges.into_iter().map(|(movement, ())| movement).collect(),
        refunds: invoices
            .sums(refunds)
            .into_iter()
            .map(|(movement, charge_invoice)| Refund { movement, charge_invoice })
            .collect(),
        parts,
        classes,
    }
}

/// Lines with what their invoices say as a whole.
struct Invoices<'a> {
    lines: &'a [InvoiceLine],
    times: HashMap<&'a str, Timestamp>,
    customers: HashMap<&'a str, &'a str>,
}

impl<'a> Invoices<'a> {
    fn of(lines: &'a [InvoiceLine]) -> Self {
        let (mut times, mut customers) = (HashMap::new(), HashMap::new());
        for line in lines {
            let time = times.entry(line.invoice.as_str()).or_insert(line.time);
            *time = line.time.min(*time);
            if let Some(customer) = &line.customer {
                customers.entry(line.invoice.as_str()).or_insert(customer.as_str());
            }
        }
        Self { lines, times, customers }
    }

    /// Earliest time of a line's invoice.
    fn time(&self, index: usize) -> Timestamp {
        let line = &self.lines[index];
        self.times.get(line.invoice.as_str()).copied().unwrap_or(line.time)
    }

    fn order(&self, index: usize) -> (Timestamp, &'a str, u64) {
        let line = &self.lines[index];
        (self.time(index), &line.invoice, line.line)
    }

    /// Sums (line, key, minor units) by (time, invoice, key); sums of zero are left out.
    fn sums<K: Ord + Clone>(&self, amounts: impl Iterator<Item = (usize, K, i64)>) -> Vec<(Movement, K)> {
        let mut sums: BTreeMap<(Timestamp, &str, K), (usize, i64)> = BTreeMap::new();
        for (index, key, minor) in amounts {
            let invoice = self.lines[index].invoice.as_str();
            let sum = sums.entry((self.time(index), invoice, key)).or_insert((index, 0));
            sum.1 = sum.1.saturating_add(minor);
        }
        let movement = |((time, invoice, key), (index, minor)): ((Timestamp, &str, K), (usize, i64))| {
            let customer = self.customers.get(invoice).map(|customer| (*customer).to_owned());
            let country = self.lines[index].country.clone();
            (Movement { invoice: invoice.to_owned(), time, customer, country, minor }, key)
        };
        sums.into_iter().filter(|(_, (_, minor))| *minor > 0).map(movement).collect()
    }
}

/// What can be taken back: units left of every charge line.
struct Shelf<'a> {
    invoices: &'a Invoices<'a>,
    customers: HashSet<&'a str>,
    by_article: HashMap<(&'a str, &'a str), Vec<(usize, Decimal)>>,
}

impl<'a> Shelf<'a> {
    /// `charges` are in order of time.
    fn of(invoices: &'a Invoices<'a>, charges: &[usize]) -> Self {
        let mut shelf = Self { invoices, customers: HashSet::new(), by_article: HashMap::new() };
        for &index in charges {
            let line = &invoices.lines[index];
            if let Some(customer) = &line.customer {
                shelf.customers.insert(customer);
                let article = (customer.as_str(), line.item.as_str());
                shelf.by_article.entry(article).or_default().push((index, line.units));
            }
        }
        shelf
    }

    /// Takes the units of a cancellation line off the most recent strictly earlier charges.
    fn take_back(&mut self, cancellation: usize, digits: u32) -> Vec<Part> {
        let line = &self.invoices.lines[cancellation];
        let before = self.invoices.time(cancellation);
        let wanted = line.units.abs();
        let (total, mut met, mut given) = (line.minor(digits), Decimal::ZERO, 0);
        let mut parts = Vec::new();
        let article = line.customer.as_deref().map(|customer| (customer, line.item.as_str()));
        let candidates = article.and_then(|article| self.by_article.get_mut(&article));
        let mut earlier_charges = false;
        for (charge, left) in candidates.into_iter().flatten().rev() {
            if self.invoices.time(*charge) >= before {
                continue;
            }
            earlier_charges = true;
            let units = (*left).min(wanted - met);
            if units <= Decimal::ZERO {
                continue;
            }
            *left -= units;
            met += units;
            let so_far = minor_units(met, line.price, digits).unwrap_or(total);
            parts.push(Part { cancellation, charge: Ok(*charge), units, minor: so_far - given });
            given = so_far;
        }
        if met < wanted {
            let reason = self.reason(line, earlier_charges);
            parts.push(Part { cancellation, charge: Err(reason), units: wanted - met, minor: total - given });
        }
        parts
    }

    fn reason(&self, line: &InvoiceLine, earlier_charges: bool) -> Unmatched {
        let Some(customer) = line.customer.as_deref() else { return Unmatched::MissingCustomer };
        if earlier_charges {
            Unmatched::UsedUp
        } else if self.by_article.contains_key(&(customer, line.item.as_str())) {
            Unmatched::OnlyLater
        } else if self.customers.contains(customer) {
            Unmatched::OtherItems
        } else {
            Unmatched::NoCharge
        }
    }
}

#[cfg(test)]
mod tests;
