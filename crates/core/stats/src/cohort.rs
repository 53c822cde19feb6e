//! Cohorts: customers by the period of their first purchase, and what they did in the periods after it.
//!
//! A pure fold over one customer's purchases gives a [`Contribution`]; a [`CohortTable`] sums them, by replacement
//! where a history changes (a refund, a late event), and whole tables can be merged and taken back. Rates come with
//! standard error and interval as [`Conversions`]. Periods are numbers that the caller's calendar gives out, months or
//! weeks; money is in minor units. Must never know: calendars, currencies, who the customers are.

#[cfg(test)]
mod tests;

use crate::proportion::Conversions;
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

impl CohortError {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::BelowZero { .. } => "below_zero",
        }
    }
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

impl CohortCell {
    fn changed(self, part: &Self, change: &impl Change) -> Result<Self, CohortError> {
        Ok(Self {
            customers: change.count(self.customers, part.customers, "active customers")?,
            last_seen: change.count(self.last_seen, part.last_seen, "customers last seen")?,
            net_minor: change.money(self.net_minor, part.net_minor)?,
        })
    }
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

    /// Customers who bought so many periods after their first purchase, of all: retention as cohort charts have it
    /// (Fader & Hardie, "How to project customer retention", 2007).
    ///
    /// # Errors
    /// [`Undefined::NoUnits`] without customers.
    pub fn retention(&self, offset: u32) -> Result<Conversions, Undefined> {
        self.share(self.cell(offset).customers)
    }

    /// Customers who bought more than once, in whatever period, of all.
    ///
    /// # Errors
    /// [`Undefined::NoUnits`] without customers.
    pub fn repeat_rate(&self) -> Result<Conversions, Undefined> {
        self.share(self.repeated)
    }

    /// Customers, of all, not seen since before that many periods after their first purchase. Of a cohort younger than
    /// that the answer is about the past, not about who left.
    ///
    /// # Errors
    /// [`Undefined::NoUnits`] without customers.
    pub fn churned_before(&self, offset: u32) -> Result<Conversions, Undefined> {
        self.share(self.cells.range(..offset).fold(0_u64, |sum, (_, cell)| sum.saturating_add(cell.last_seen)))
    }

    /// Money kept up to and with that many periods after the first purchase, per customer of the cohort, in minor
    /// units. A mean without an error: the table keeps no squares of money.
    ///
    /// # Errors
    /// [`Undefined::NoUnits`] without customers.
    pub fn cumulative_net_per_customer(&self, offset: u32) -> Result<f64, Undefined> {
        let total = self.cells.range(..=offset).fold(0_i128, |sum, (_, cell)| sum.saturating_add(cell.net_minor));
        if self.customers == 0 { Err(Undefined::NoUnits) } else { Ok(total as f64 / self.customers as f64) }
    }

    fn share(&self, part: u64) -> Result<Conversions, Undefined> {
        Conversions::new(self.customers, part)
    }

    /// This cohort with another one's customers added or taken away.
    fn changed(&self, other: &Self, change: &impl Change) -> Result<Self, CohortError> {
        let mut next = self.clone();
        next.customers = change.count(next.customers, other.customers, "customers")?;
        next.repeated = change.count(next.repeated, other.repeated, "repeat customers")?;
        for (offset, part) in &other.cells {
            next.put(*offset, next.cell(*offset).changed(part, change)?);
        }
        Ok(next)
    }

    /// Empty cells are not kept, so that equal cohorts are equal.
    fn put(&mut self, offset: u32, cell: CohortCell) {
        if cell == CohortCell::default() {
            self.cells.remove(&offset);
        } else {
            self.cells.insert(offset, cell);
        }
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

    /// Adds all customers of another table. Unchanged on error.
    ///
    /// # Errors
    /// [`CohortError::TooLarge`] naming the sum.
    pub fn merge(&mut self, other: &Self) -> Result<(), CohortError> {
        self.change_all(other, &Add)
    }

    /// Takes back all customers of a table that was merged before. Unchanged on error.
    ///
    /// # Errors
    /// [`CohortError::BelowZero`] naming the sum.
    pub fn take_back(&mut self, other: &Self) -> Result<(), CohortError> {
        self.change_all(other, &Subtract)
    }

    fn change_all(&mut self, other: &Self, change: &impl Change) -> Result<(), CohortError> {
        let empty = Cohort::default();
        let changed = |(period, part): (&i32, &Cohort)| {
            Ok((*period, self.cohorts.get(period).unwrap_or(&empty).changed(part, change)?))
        };
        let next: Vec<(i32, Cohort)> = other.cohorts.iter().map(changed).collect::<Result<_, _>>()?;
        for (period, cohort) in next {
            if cohort == empty {
                self.cohorts.remove(&period);
            } else {
                self.cohorts.insert(period, cohort);
            }
        }
        Ok(())
    }

    /// Computes what changes before anything does; the rest of the cohort stays where it is.
    fn change(&mut self, customer: &Contribution, change: &impl Change) -> Result<(), CohortError> {
        let empty = Cohort::default();
        let before = self.cohorts.get(&customer.cohort).unwrap_or(&empty);
        let customers = change.count(before.customers, 1, "customers")?;
        let repeated = change.count(before.repeated, u64::from(customer.purchases > 1), "repeat customers")?;
        let changed = |(offset, (active, net_minor)): (&u32, &(bool, i128))| {
            let last_seen = u64::from(*offset == customer.last_offset);
            let part = CohortCell { customers: u64::from(*active), last_seen, net_minor: *net_minor };
            Ok((*offset, before.cell(*offset).changed(&part, change)?))
        };
        let cells: Vec<(u32, CohortCell)> = customer.cells.iter().map(changed).collect::<Result<_, _>>()?;
        let cohort = self.cohorts.entry(customer.cohort).or_default();
        (cohort.customers, cohort.repeated) = (customers, repeated);
        cells.into_iter().for_each(|(offset, cell)| cohort.put(offset, cell));
        if *cohort == empty {
            self.cohorts.remove(&customer.cohort);
        }
        Ok(())
    }

    /// Cohorts with their periods, in order.
    pub fn cohorts(&self) -> impl Iterator<Item = (i32, &Cohort)> {
        self.cohorts.iter().map(|(period, cohort)| (*period, cohort))
    }
}
