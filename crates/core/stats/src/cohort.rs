//! Cohorts: customers by the period of their first purchase, and what they did in the periods after it.
//!
//! A pure fold over one customer's purchases gives a [`Contribution`]; a [`CohortTable`] sums them, by replacement where
//! a history changes (a refund, a late event). Periods are numbers that the caller's calendar gives out, months or
//! weeks; money is in minor units.
//! Must never know: calendars, currencies, who the customers are.

#[cfg(test)]
mod tests;

use crate::undefined::Undefined;
use std::collections::BTreeMap;

/// Why a table cannot be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CohortError {
    /// A sum would leave its integer.
    #[error("the sum of {field} is too large")]
    TooLarge {
        /// Which sum.
        field: &'static str,
    },
    /// More is taken away than was added.
    #[error("more {field} would be taken away than were added")]
    BelowZero {
        /// Which sum.
        field: &'static str,
    },
}

/// A purchase that was kept, or what was given back of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purchase {
    /// The period that it is counted in.
    pub period: i32,
    /// What was kept, in minor units; negative for what was given back in a later period.
    pub net_minor: i64,
    /// Whether this is a purchase that counts as activity, and not a correction alone.
    pub is_activity: bool,
}

/// What one customer adds to the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contribution {
    cohort: i32,
    purchases: u64,
    last_offset: u32,
    /// By periods since the first purchase: whether the customer was active, and the money.
    cells: BTreeMap<u32, (bool, i128)>,
}

impl Contribution {
    /// Folds a customer's purchases, in any order. `None` without activity. Corrections dated before the first purchase
    /// count in its period.
    #[must_use]
    pub fn of(purchases: &[Purchase]) -> Option<Self> {
        let active = || purchases.iter().filter(|purchase| purchase.is_activity);
        let cohort = active().map(|purchase| purchase.period).min()?;
        let offset = |period: i32| u32::try_from(i64::from(period).saturating_sub(i64::from(cohort))).unwrap_or(0);
        let last_offset = active().map(|purchase| offset(purchase.period)).max()?;
        let mut cells: BTreeMap<u32, (bool, i128)> = BTreeMap::new();
        for purchase in purchases {
            let cell = cells.entry(offset(purchase.period)).or_default();
            cell.0 |= purchase.is_activity;
            cell.1 = cell.1.saturating_add(i128::from(purchase.net_minor));
        }
        Some(Self { cohort, purchases: active().count() as u64, last_offset, cells })
    }

    /// The period of the first purchase.
    #[must_use]
    pub const fn cohort(&self) -> i32 {
        self.cohort
    }
}

/// One cohort in one period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CohortCell {
    /// Customers who bought.
    pub customers: u64,
    /// Customers who bought for the last time so far.
    pub last_seen: u64,
    /// Money kept.
    pub net_minor: i128,
}

/// One cohort.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cohort {
    customers: u64,
    repeated: u64,
    cells: BTreeMap<u32, CohortCell>,
}

impl Cohort {
    /// Customers whose first purchase was in the cohort's period.
    #[must_use]
    pub const fn customers(&self) -> u64 {
        self.customers
    }

    /// What happened so many periods after it; empty where nothing did.
    #[must_use]
    pub fn cell(&self, offset: u32) -> CohortCell {
        self.cells.get(&offset).copied().unwrap_or_default()
    }

    /// Share of customers who bought so many periods after their first purchase.
    ///
    /// # Errors
    /// [`Undefined::NoUnits`] without customers.
    pub fn retention(&self, offset: u32) -> Result<f64, Undefined> {
        self.share(self.cell(offset).customers)
    }

    /// Share of customers who bought more than once, in whatever period.
    ///
    /// # Errors
    /// [`Undefined::NoUnits`] without customers.
    pub fn repeat_rate(&self) -> Result<f64, Undefined> {
        self.share(self.repeated)
    }

    /// Share of customers not seen since before that many periods after their first purchase. Of a cohort younger than
    /// that the answer is about the past, not about who left.
    ///
    /// # Errors
    /// [`Undefined::NoUnits`] without customers.
    pub fn churned_before(&self, offset: u32) -> Result<f64, Undefined> {
        self.share(self.cells.range(..offset).fold(0_u64, |sum, (_, cell)| sum.saturating_add(cell.last_seen)))
    }

    /// Money kept up to and with that many periods after the first purchase, per customer of the cohort, in minor units.
    ///
    /// # Errors
    /// [`Undefined::NoUnits`] without customers.
    pub fn cumulative_net_per_customer(&self, offset: u32) -> Result<f64, Undefined> {
        let total = self.cells.range(..=offset).fold(0_i128, |sum, (_, cell)| sum.saturating_add(cell.net_minor));
        if self.customers == 0 { Err(Undefined::NoUnits) } else { Ok(total as f64 / self.customers as f64) }
    }

    fn share(&self, part: u64) -> Result<f64, Undefined> {
        if self.customers == 0 { Err(Undefined::NoUnits) } else { Ok(part as f64 / self.customers as f64) }
    }
}

/// All cohorts. Sums of integers: mergeable, subtractable, free of order; equal tables are equal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CohortTable {
    cohorts: BTreeMap<i32, Cohort>,
}

/// Adds or takes away one part.
trait Change {
    fn count(&self, sum: u64, part: u64, field: &'static str) -> Result<u64, CohortError>;
    fn money(&self, sum: i128, part: i128) -> Result<i128, CohortError>;
}

struct Add;
struct Subtract;

impl Change for Add {
    fn count(&self, sum: u64, part: u64, field: &'static str) -> Result<u64, CohortError> {
        sum.checked_add(part).ok_or(CohortError::TooLarge { field })
    }

    fn money(&self, sum: i128, part: i128) -> Result<i128, CohortError> {
        sum.checked_add(part).ok_or(CohortError::TooLarge { field: "money" })
    }
}

impl Change for Subtract {
    fn count(&self, sum: u64, part: u64, field: &'static str) -> Result<u64, CohortError> {
        sum.checked_sub(part).ok_or(CohortError::BelowZero { field })
    }

    fn money(&self, sum: i128, part: i128) -> Result<i128, CohortError> {
        sum.checked_sub(part).ok_or(CohortError::TooLarge { field: "money" })
    }
}

impl CohortTable {
    /// Adds a customer. Unchanged on error.
    ///
    /// # Errors
    /// [`CohortError::TooLarge`] naming the sum.
    pub fn add(&mut self, customer: &Contribution) -> Result<(), CohortError> {
        self.change(customer, &Add)
    }

    /// Takes back a customer who was added with this contribution. Unchanged on error.
    ///
    /// # Errors
    /// [`CohortError::BelowZero`] naming the sum.
    pub fn subtract(&mut self, customer: &Contribution) -> Result<(), CohortError> {
        self.change(customer, &Subtract)
    }

    fn change(&mut self, customer: &Contribution, change: &impl Change) -> Result<(), CohortError> {
        let mut next = self.cohorts.get(&customer.cohort).cloned().unwrap_or_default();
        next.customers = change.count(next.customers, 1, "customers")?;
        next.repeated = change.count(next.repeated, u64::from(customer.purchases > 1), "repeat customers")?;
        for (offset, (active, net_minor)) in &customer.cells {
            let cell = next.cells.entry(*offset).or_default();
            cell.customers = change.count(cell.customers, u64::from(*active), "active customers")?;
            let last = *offset == customer.last_offset;
            cell.last_seen = change.count(cell.last_seen, u64::from(last), "customers last seen")?;
            cell.net_minor = change.money(cell.net_minor, *net_minor)?;
            if *cell == CohortCell::default() {
                next.cells.remove(offset);
            }
        }
        if next == Cohort::default() {
            self.cohorts.remove(&customer.cohort);
        } else {
            self.cohorts.insert(customer.cohort, next);
        }
        Ok(())
    }

    /// Cohorts with their periods, in order.
    pub fn cohorts(&self) -> impl Iterator<Item = (i32, &Cohort)> {
        self.cohorts.iter().map(|(period, cohort)| (*period, cohort))
    }
}
