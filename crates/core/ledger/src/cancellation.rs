//! Invoice lines with cancellations: charges, and refunds matched with the charges that they undo.
//!
//! A cancellation names what was taken back, not the invoice that it undoes. It is matched with earlier charge lines
//! of the same customer and article, the most recent first, unit by unit; what finds no charge stays unmatched and says
//! why. So all lines are needed at once. Time grows with the number of lines (and of parts), whatever they hold.
//! Must never know: files, events, who a customer is.

mod shelf;

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use ids::Timestamp;
use money::Currency;
use rust_decimal::Decimal;

use shelf::Shelf;

/// One line of an invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceLine {
    /// Where it stands in its file; of lines of one invoice the earlier comes first.
    pub line: u64,
    /// Invoice number.
    pub invoice: String,
    /// Article; only equal texts are the same.
    pub item: String,
    /// Units; below zero on a cancellation.
    pub units: Decimal,
    /// Price per unit in major units of the currency.
    pub price: Decimal,
    /// When.
    pub time: Timestamp,
    /// Who, if known.
    pub customer: Option<String>,
    /// Empty where unknown.
    pub country: String,
}

/// How lines are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules<'a> {
    /// How the numbers of cancellations begin.
    pub cancellation_prefix: &'a str,
    /// The currency of all prices.
    pub currency: Currency,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unmatched {
    /// The line names no customer.
    MissingCustomer,
    /// The customer bought nothing at all.
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
pub struct Part {
    /// Index of the cancellation among the lines.
    pub cancellation: usize,
    /// Index of the charge among the lines, or why there is none.
    pub charge: Result<usize, Unmatched>,
    /// How many units, above zero.
    pub units: Decimal,
    /// Their money at the cancellation's price, in minor units. The parts of a line add up to the line.
    pub minor: i64,
}

/// A sum of money that moved at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The invoice that it stands on.
    pub invoice: String,
    /// Earliest time of that invoice.
    pub time: Timestamp,
    /// Its customer, if known.
    pub customer: Option<String>,
    /// Its country.
    pub country: String,
    /// Above zero, minor units.
    pub minor: i64,
}

/// Money taken back, by (cancellation invoice, charge invoice).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// The cancellation.
    pub movement: Movement,
    /// The invoice that it undoes; `None` where none was found.
    pub charge_invoice: Option<String>,
}

/// What the lines come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// One per invoice with a charge line, by (time, invoice).
    pub charges: Vec<Movement>,
    /// By (time, cancellation, charge).
    pub refunds: Vec<Refund>,
    /// What every cancellation line was matched with, in the order of matching.
    pub parts: Vec<Part>,
    /// Lines by class.
    pub classes: BTreeMap<Class, u64>,
}

/// Why lines cannot be matched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatchError {
    /// Every number begins with nothing, so every line would be a cancellation.
    #[error("the prefix of cancellations must not be empty")]
    EmptyPrefix,
    /// Units x price beyond 64 bits, or with more digits than are multiplied exactly.
    #[error("line {line}: units x price must fit 64 bits of minor units, and have at most 38 digits")]
    LineOverflow {
        /// Where the line stands in its file.
        line: u64,
    },
    /// A sum of lines beyond 64 bits.
    #[error("the sum of invoice {invoice:?} must fit 64 bits of minor units")]
    InvoiceOverflow {
        /// The invoice.
        invoice: String,
    },
}

/// `units x price` in minor units of a currency, rounded once, half to even; `None` beyond 64 bits, or where the
/// product has more than 38 digits, zeros at the end not counted: it is exact or not there.
#[must_use]
pub fn minor_units(units: Decimal, price: Decimal, currency: Currency) -> Option<i64> {
    let (units, price) = (units.normalize(), price.normalize());
    let product = units.mantissa().unsigned_abs().checked_mul(price.mantissa().unsigned_abs())?;
    let below = units.scale().checked_add(price.scale())?;
    let magnitude = match below.checked_sub(currency.digits()) {
        Some(digits) => divided_by_power_of_ten(product, digits),
        None => product.checked_mul(10_u128.checked_pow(currency.digits().checked_sub(below)?)?)?,
    };
    let magnitude = i128::try_from(magnitude).ok()?;
    let negative = units.is_sign_negative() != price.is_sign_negative();
    i64::try_from(if negative { magnitude.checked_neg()? } else { magnitude }).ok()
}

/// Half to even.
fn divided_by_power_of_ten(value: u128, digits: u32) -> u128 {
    // From 10^39 on the divisor is more than twice any value of 128 bits.
    let Some(divisor) = 10_u128.checked_pow(digits) else { return 0 };
    let (quotient, rest) = (value.checked_div(divisor).unwrap_or(0), value.checked_rem(divisor).unwrap_or(0));
    let up = match rest.cmp(&divisor.saturating_sub(rest)) {
        Ordering::Less => false,
        Ordering::Equal => quotient & 1 == 1,
        Ordering::Greater => true,
    };
    quotient.saturating_add(u128::from(up))
}

impl InvoiceLine {
    /// What the line is.
    ///
    /// # Errors
    /// [`MatchError::LineOverflow`].
    pub fn class(&self, rules: &Rules<'_>) -> Result<Class, MatchError> {
        Ok(if self.price < Decimal::ZERO {
            Class::NegativePrice
        } else if self.invoice.starts_with(rules.cancellation_prefix) {
            Class::Cancellation
        } else if self.units <= Decimal::ZERO {
            Class::StockAdjustment
        } else if self.minor(rules)? == 0 {
            Class::Free
        } else {
            Class::Charge
        })
    }

    /// Money of the whole line, without sign.
    fn minor(&self, rules: &Rules<'_>) -> Result<i64, MatchError> {
        minor_units(self.units.abs(), self.price, rules.currency).ok_or(MatchError::LineOverflow { line: self.line })
    }
}

/// Sums charges by invoice and matches cancellations with them.
///
/// An invoice's time is its earliest line's. Cancellation lines take their turn by (invoice time, invoice, line); each
/// takes units off charge lines of the same customer and article whose invoice is strictly earlier, the latest of them
/// first. A part is worth round(units so far x the cancellation's own price), less the parts before it, so the parts
/// add up to the line.
///
/// # Errors
/// [`MatchError`] naming the line or invoice.
pub fn match_cancellations(lines: &[InvoiceLine], rules: &Rules<'_>) -> Result<Matching, MatchError> {
    if rules.cancellation_prefix.is_empty() {
        return Err(MatchError::EmptyPrefix);
    }
    let invoices = Invoices::of(lines);
    let mut classes: BTreeMap<Class, u64> = BTreeMap::new();
    let (mut charges, mut cancellations) = (Vec::new(), Vec::new());
    for (index, line) in lines.iter().enumerate() {
        let class = line.class(rules)?;
        let count = classes.entry(class).or_default();
        *count = count.saturating_add(1);
        match class {
            Class::Charge => charges.push(invoices.placed(index, line, rules)?),
            Class::Cancellation => cancellations.push(invoices.placed(index, line, rules)?),
            Class::Free | Class::StockAdjustment | Class::NegativePrice => {}
        }
    }
    charges.sort_unstable_by_key(Placed::order);
    cancellations.sort_unstable_by_key(Placed::order);
    let mut shelf = Shelf::of(&charges);
    let (mut parts, mut refunds) = (Vec::new(), Vec::new());
    for cancellation in &cancellations {
        for (charge, part) in shelf.take_back(cancellation, rules)? {
            refunds.push((*cancellation, charge.map(|charge| charge.line.invoice.as_str()), part.minor));
            parts.push(part);
        }
    }
    let charges = invoices.sums(charges.iter().map(|charge| (*charge, (), charge.minor)))?;
    let refunds = invoices.sums(refunds)?;
    let refund =
        |(movement, charge): (Movement, Option<&str>)| Refund { movement, charge_invoice: charge.map(str::to_owned) };
    Ok(Matching {
        charges: charges.into_iter().map(|(movement, ())| movement).collect(),
        refunds: refunds.into_iter().map(refund).collect(),
        parts,
        classes,
    })
}

/// A line with what its invoice says as a whole.
#[derive(Clone, Copy)]
struct Placed<'a> {
    index: usize,
    line: &'a InvoiceLine,
    /// Earliest time of its invoice.
    time: Timestamp,
    /// Money of the line, without sign.
    minor: i64,
}

impl<'a> Placed<'a> {
    fn order(&self) -> (Timestamp, &'a str, u64, usize) {
        (self.time, &self.line.invoice, self.line.line, self.index)
    }
}

/// What invoices say as a whole, by number: the earliest time, and the first line that names a customer.
struct Invoices<'a>(HashMap<&'a str, (Timestamp, Option<&'a InvoiceLine>)>);

impl<'a> Invoices<'a> {
    fn of(lines: &'a [InvoiceLine]) -> Self {
        let mut invoices = HashMap::new();
        for line in lines {
            let (time, named): &mut (Timestamp, Option<&InvoiceLine>) =
                invoices.entry(line.invoice.as_str()).or_insert((line.time, None));
            *time = line.time.min(*time);
            if line.customer.is_some() && named.is_none_or(|named| line.line < named.line) {
                *named = Some(line);
            }
        }
        Self(invoices)
    }

    fn placed(&self, index: usize, line: &'a InvoiceLine, rules: &Rules<'_>) -> Result<Placed<'a>, MatchError> {
        let time = self.0.get(line.invoice.as_str()).map_or(line.time, |(time, _)| *time);
        Ok(Placed { index, line, time, minor: line.minor(rules)? })
    }

    /// Sums (line, key, minor units) by (time, invoice, key); sums of zero are left out.
    fn sums<K: Ord>(
        &self,
        amounts: impl IntoIterator<Item = (Placed<'a>, K, i64)>,
    ) -> Result<Vec<(Movement, K)>, MatchError> {
        let mut sums: BTreeMap<(Timestamp, &str, K), (&str, i64)> = BTreeMap::new();
        for (placed, key, minor) in amounts {
            let invoice = placed.line.invoice.as_str();
            let (_, sum) = sums.entry((placed.time, invoice, key)).or_insert((&placed.line.country, 0));
            let overflow = || MatchError::InvoiceOverflow { invoice: invoice.to_owned() };
            *sum = sum.checked_add(minor).ok_or_else(overflow)?;
        }
        let movement = |((time, invoice, key), (country, minor)): ((Timestamp, &str, K), (&str, i64))| {
            let customer = self.0.get(invoice).and_then(|(_, named)| (*named)?.customer.clone());
            (Movement { invoice: invoice.to_owned(), time, customer, country: country.to_owned(), minor }, key)
        };
        Ok(sums.into_iter().filter(|(_, (_, minor))| *minor > 0).map(movement).collect())
    }
}

#[cfg(test)]
mod tests;
