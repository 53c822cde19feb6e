//! What is true of the simulated people: what an exact pipeline must report, and what no pipeline can see.
//!
//! Reckoned from people, not from events, so that the platform's numbers have something independent to agree with.
//! Must never know: the wire, what the platform answered to anything but assignment.

use std::collections::{BTreeMap, BTreeSet};

use super::decision::{Decision, Decisions};
use super::event::{Expected, PlannedEvent};
use super::population::{Arm, CHANNELS, Order, Person, Population, WINDOW_MS};
use super::rates::Currency;
use super::traffic::{orphan_minor, spoiled_count};

/// Everything that is true.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Truth {
    /// What must become of the events.
    pub verdicts: Verdicts,
    /// Who is who.
    pub identity: Identity,
    /// The money by currency.
    pub revenue: BTreeMap<Currency, Revenue>,
    /// The experiment's sums by arm.
    pub arms: [ArmTruth; 2],
    /// People who met both variants.
    pub mixed: u64,
    /// Orders of the experiment's people before their first exposure.
    pub before_exposure: u64,
    /// Orders of the experiment's people after the window.
    pub after_window: u64,
    /// Orders that credit is given for.
    pub conversions: u64,
    /// What everybody in the experiment would have done, had all been in the one arm or in the other.
    pub potential: [ArmTruth; 2],
    /// Orders that would not have been without the channel's touches, in the order of the channels.
    pub caused: [u64; CHANNELS.len()],
    /// Orders that would have been without any touch.
    pub uncaused: u64,
}

/// Events by what must become of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// All.
    pub received: u64,
    /// Recorded, those kept as money only included.
    pub accepted: u64,
    /// Of these, kept as money only.
    pub money_only: u64,
    /// Sent again.
    pub duplicates: u64,
    /// Same id, other content.
    pub conflicts: u64,
    /// Broke a rule.
    pub rejected: u64,
    /// Dropped for want of consent.
    pub consent_dropped: u64,
    /// Sent after an event that happened later.
    pub out_of_order: u64,
}

/// Who is who.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Persons seen with consent, bots left out.
    pub persons: u64,
    /// Bots that say so.
    pub declared_bots: u64,
    /// Bots by a burst of touches.
    pub burst_bots: u64,
    /// Devices of one user.
    pub linked: u64,
    /// Devices of several users.
    pub shared: u64,
}

/// Money in one currency, minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revenue {
    /// Transactions.
    pub charges: u64,
    /// Sum of charges.
    pub gross_minor: i64,
    /// Sum of refunds.
    pub refunds_minor: i64,
    /// Sum of chargebacks.
    pub chargebacks_minor: i64,
    /// Sum of chargebacks won.
    pub won_back_minor: i64,
    /// What was kept.
    pub net_minor: i64,
    /// What went back beyond what came in.
    pub over_reversal_minor: i64,
    /// Purchases that fired twice.
    pub double_fires: u64,
    /// Refunds told twice.
    pub repeated_refunds: u64,
    /// Refunds of unknown transactions.
    pub orphans: u64,
    /// Their sum.
    pub orphan_minor: i64,
    /// Charges of bots and of people who refuse analytics.
    pub unowned_gross_minor: i64,
    /// Credit that there is to give before reversals: charges of everybody else.
    pub credit_gross_minor: i64,
    /// Credit that is left: what was kept of them, never below zero.
    pub credit_net_minor: i64,
}

/// Sums over the people of one arm, or over all as if they were in it; money in US cents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArmTruth {
    /// People.
    pub units: u64,
    /// People with an order in the window.
    pub converted: u64,
    /// Sum of everybody's first order in the window.
    pub first_order_cents: i64,
    /// Sum of orders in the window.
    pub gross_cents: i64,
    /// What was kept of them.
    pub net_cents: i64,
}

impl Truth {
    /// Reckons all of it.
    pub fn of(population: &Population, decisions: &Decisions, events: &[PlannedEvent]) -> Self {
        let mut truth = Self { verdicts: Verdicts::of(events), identity: Identity::of(population), ..Self::default() };
        for (person, decision) in population.people.iter().zip(&decisions.people) {
            truth.add_money(person, decision.first.arm);
            if person.consent.analytics {
                truth.add_unit(person, decision);
                truth.add_causes(person, decision.first.arm);
            }
        }
        let dollars = truth.revenue.entry(Currency::Usd).or_default();
        for amount_minor in population.bots.iter().filter_map(|bot| bot.charge_minor) {
            dollars.charges += 1;
            dollars.gross_minor += amount_minor;
            dollars.net_minor += amount_minor;
            dollars.unowned_gross_minor += amount_minor;
        }
        for number in 0..spoiled_count(population) {
            dollars.orphans += 1;
            dollars.orphan_minor += orphan_minor(number);
        }
        truth
    }

    fn add_money(&mut self, person: &Person, arm: Arm) {
        for order in person.orders(arm) {
            self.revenue.entry(person.currency).or_default().add(&order, person.consent.analytics);
            self.conversions += u64::from(person.consent.analytics);
        }
    }

    fn add_unit(&mut self, person: &Person, decision: &Decision) {
        let arm = decision.first.arm;
        let orders = person.orders(arm);
        self.before_exposure += count(&orders, |order| order.at_ms < person.exposed_ms);
        self.after_window += count(&orders, |order| order.at_ms > person.exposed_ms + WINDOW_MS);
        if decision.mixed() {
            self.mixed += 1;
            return;
        }
        for potential in Arm::ALL {
            self.potential[potential as usize].add(person, potential);
        }
        self.arms[arm as usize].add(person, arm);
    }

    fn add_causes(&mut self, person: &Person, arm: Arm) {
        let all = person.caused_orders(arm, |_| true).count() as u64;
        for (channel, caused) in self.caused.iter_mut().enumerate() {
            *caused += all - person.caused_orders(arm, |other| other != channel).count() as u64;
        }
        self.uncaused += person.caused_orders(arm, |_| false).count() as u64;
    }

    /// True difference of means, treatment less control, of one sum.
    pub fn effect(&self, sum: impl Fn(&ArmTruth) -> f64) -> f64 {
        let [control, treatment] = &self.potential;
        (sum(treatment) - sum(control)) / control.units.max(1) as f64
    }

    /// True relative lift of one sum; absent where the control has nothing.
    pub fn relative_effect(&self, sum: impl Fn(&ArmTruth) -> f64) -> Option<f64> {
        let [control, treatment] = &self.potential;
        (sum(control) > 0.0).then(|| sum(treatment) / sum(control) - 1.0)
    }
}

fn count(orders: &[Order], is: impl Fn(&Order) -> bool) -> u64 {
    orders.iter().filter(|order| is(order)).count() as u64
}

impl ArmTruth {
    fn add(&mut self, person: &Person, arm: Arm) {
        self.units += 1;
        let window = person.exposed_ms..=person.exposed_ms + WINDOW_MS;
        let orders: Vec<Order> = person.orders(arm).into_iter().filter(|order| window.contains(&order.at_ms)).collect();
        let cents = |order: &Order, minor| person.currency.usd_cents(minor, order.at_ms);
        if let Some(first) = orders.first() {
            self.converted += 1;
            self.first_order_cents += cents(first, first.amount_minor);
        }
        for order in &orders {
            self.gross_cents += cents(order, order.amount_minor);
            self.net_cents += cents(order, order.net_minor());
        }
    }
}

impl Revenue {
    fn add(&mut self, order: &Order, owned: bool) {
        let net_minor = order.net_minor();
        self.charges += 1;
        self.gross_minor += order.amount_minor;
        self.net_minor += net_minor;
        self.over_reversal_minor += (-net_minor).max(0);
        for (sum, reversal) in [
            (&mut self.refunds_minor, order.refund),
            (&mut self.chargebacks_minor, order.chargeback),
            (&mut self.won_back_minor, order.won_back),
        ] {
            *sum += reversal.map_or(0, |reversal| reversal.amount_minor);
        }
        self.double_fires += u64::from(order.fires_twice);
        self.repeated_refunds += u64::from(order.refund_told_twice && order.refund.is_some());
        if owned {
            self.credit_gross_minor += order.amount_minor;
            self.credit_net_minor += net_minor.max(0);
        } else {
            self.unowned_gross_minor += order.amount_minor;
        }
    }
}

impl Verdicts {
    fn of(events: &[PlannedEvent]) -> Self {
        let mut verdicts = Self { received: events.len() as u64, ..Self::default() };
        let mut newest_ms = i64::MIN;
        for event in events {
            verdicts.out_of_order += u64::from(event.occurred_ms < newest_ms);
            newest_ms = newest_ms.max(event.occurred_ms);
            verdicts.money_only += u64::from(event.expected == Expected::MoneyOnly);
            *match event.expected {
                Expected::Accepted | Expected::MoneyOnly => &mut verdicts.accepted,
                Expected::Duplicate => &mut verdicts.duplicates,
                Expected::Conflict => &mut verdicts.conflicts,
                Expected::Rejected => &mut verdicts.rejected,
                Expected::ConsentDropped => &mut verdicts.consent_dropped,
            } += 1;
        }
        verdicts
    }
}

impl Identity {
    fn of(population: &Population) -> Self {
        let mut users_of: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let (mut users, mut guests) = (0, 0);
        for person in population.people.iter().filter(|person| person.consent.analytics) {
            match person.user.as_deref() {
                Some(user) => {
                    users += 1;
                    users_of.entry(&person.device).or_default().insert(user);
                }
                None => guests += 1,
            }
        }
        let users_on = |device: &str| users_of.get(device).map_or(0, BTreeSet::len);
        // A stranger on a device of exactly one user is taken for that user; else the device is a person.
        let strangers = population.people.iter().filter(|person| person.stranger_ms.is_some());
        let strangers = strangers.filter(|person| users_on(&person.device) != 1).count() as u64;
        let devices = |is: fn(usize) -> bool| users_of.values().filter(|users| is(users.len())).count() as u64;
        let declared = population.bots.iter().filter(|bot| bot.declared).count();
        Self {
            persons: users + guests + strangers,
            declared_bots: declared as u64,
            burst_bots: (population.bots.len() - declared) as u64,
            linked: devices(|users| users == 1),
            shared: devices(|users| users > 1),
        }
    }
}
