//! What can be taken back: the units left of every charge line, by customer and article.
//!
//! Lines without units left are stepped over by links that get shorter with use (a union-find forest), so that one
//! article sold and taken back a million times costs no more per line than one sold once.

use std::collections::{HashMap, HashSet};

use ids::Timestamp;
use rust_decimal::Decimal;

use super::{MatchError, Part, Placed, Rules, Unmatched, minor_units};

/// Charge lines by customer and article.
pub(super) struct Shelf<'a> {
    customers: HashSet<&'a str>,
    by_article: HashMap<(&'a str, &'a str), Stack<'a>>,
}

/// Charge lines of one customer and article, the latest last.
#[derive(Default)]
struct Stack<'a> {
    slots: Vec<Slot<'a>>,
}

struct Slot<'a> {
    charge: Placed<'a>,
    left: Decimal,
    /// Counted from 1: where to look for units. This slot while it has some, else one below it; 0 when there is none.
    link: usize,
}

impl<'a> Shelf<'a> {
    /// `charges` are in order of time.
    pub(super) fn of(charges: &[Placed<'a>]) -> Self {
        let mut shelf = Self { customers: HashSet::new(), by_article: HashMap::new() };
        for charge in charges {
            if let Some(customer) = &charge.line.customer {
                shelf.customers.insert(customer);
                let stack = shelf.by_article.entry((customer, &charge.line.item)).or_default();
                let link = stack.slots.len().saturating_add(1);
                stack.slots.push(Slot { charge: *charge, left: charge.line.units, link });
            }
        }
        shelf
    }

    /// Takes the units of a cancellation line off the latest strictly earlier charges; each part with its charge.
    pub(super) fn take_back(
        &mut self,
        cancellation: &Placed<'a>,
        rules: &Rules<'_>,
    ) -> Result<Vec<(Option<Placed<'a>>, Part)>, MatchError> {
        let line = cancellation.line;
        let overflow = || MatchError::LineOverflow { line: line.line };
        let (mut wanted, mut met, mut given) = (line.units.abs(), Decimal::ZERO, 0_i64);
        let mut parts = Vec::new();
        let article = line.customer.as_deref().map(|customer| (customer, line.item.as_str()));
        let stack = article.and_then(|article| self.by_article.get_mut(&article));
        let earlier = stack.as_ref().map_or(0, |stack| stack.before(cancellation.time));
        if let Some(stack) = stack {
            while wanted > Decimal::ZERO
                && let Some((charge, units)) = stack.take(earlier, wanted)
            {
                wanted = wanted.checked_sub(units).ok_or_else(overflow)?;
                met = met.checked_add(units).ok_or_else(overflow)?;
                let so_far = minor_units(met, line.price, rules.currency).ok_or_else(overflow)?;
                let minor = so_far.checked_sub(given).ok_or_else(overflow)?;
                given = so_far;
                let part = Part { cancellation: cancellation.index, charge: Ok(charge.index), units, minor };
                parts.push((Some(charge), part));
            }
        }
        if wanted > Decimal::ZERO {
            let charge = Err(self.reason(article, earlier > 0));
            let minor = cancellation.minor.checked_sub(given).ok_or_else(overflow)?;
            parts.push((None, Part { cancellation: cancellation.index, charge, units: wanted, minor }));
        }
        Ok(parts)
    }

    fn reason(&self, article: Option<(&str, &str)>, earlier_charges: bool) -> Unmatched {
        let Some((customer, item)) = article else { return Unmatched::MissingCustomer };
        if earlier_charges {
            Unmatched::UsedUp
        } else if self.by_article.contains_key(&(customer, item)) {
            Unmatched::OnlyLater
        } else if self.customers.contains(customer) {
            Unmatched::OtherItems
        } else {
            Unmatched::NoCharge
        }
    }
}

impl<'a> Stack<'a> {
    /// How many charges are strictly earlier.
    fn before(&self, time: Timestamp) -> usize {
        self.slots.partition_point(|slot| slot.charge.time < time)
    }

    /// Takes at most `wanted` units off the latest of the first `earlier` charges that has any.
    fn take(&mut self, earlier: usize, wanted: Decimal) -> Option<(Placed<'a>, Decimal)> {
        let place = self.latest(earlier);
        let slot = self.slots.get_mut(place.checked_sub(1)?)?;
        let units = slot.left.min(wanted);
        slot.left = slot.left.checked_sub(units)?;
        if slot.left <= Decimal::ZERO {
            slot.link = place.saturating_sub(1);
        }
        Some((slot.charge, units))
    }

    /// The highest place up to `place` with units left, 0 when there is none; places count from 1. Every second link on
    /// the way is made to skip one (path halving).
    fn latest(&mut self, mut place: usize) -> usize {
        loop {
            let link = self.link(place);
            if link == place {
                return place;
            }
            let next = self.link(link);
            if let Some(slot) = place.checked_sub(1).and_then(|index| self.slots.get_mut(index)) {
                slot.link = next;
            }
            place = next;
        }
    }

    fn link(&self, place: usize) -> usize {
        place.checked_sub(1).and_then(|index| self.slots.get(index)).map_or(0, |slot| slot.link)
    }
}
