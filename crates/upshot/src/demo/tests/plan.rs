//! The plan is fixed by its seed, and the truth is what the planned events add up to.

use std::collections::{BTreeMap, BTreeSet};

use crate::demo::decision::{Answer, Decisions, Question, decisions, questions};
use crate::demo::event::{Body, Expected, PlannedEvent, ReversalKind};
use crate::demo::population::{Arm, Population, WINDOW_MS};
use crate::demo::rates::Currency;
use crate::demo::traffic;
use crate::demo::truth::{Revenue, Truth};

/// Of most tests.
pub const SEED: u64 = 11;
/// Enough for everything to occur.
pub const PEOPLE: u32 = 3_000;

/// Stands for the platform's split: by the last bit of a sum over the unit, which the other identity does not share.
fn answer(question: &Question) -> Answer {
    let unit = question.user.as_ref().unwrap_or(&question.device);
    let sum: u32 = unit.bytes().fold(7, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let arm = if (sum >> 3).is_multiple_of(2) { Arm::Control } else { Arm::Treatment };
    Answer { arm, revision: 1, propensity: 0.5 }
}

/// People, decisions, events and truth of a seed.
pub fn simulate(seed: u64) -> (Population, Decisions, Vec<PlannedEvent>, Truth) {
    let population = Population::draw(seed, PEOPLE);
    let answers: Vec<Answer> = questions(&population).iter().map(answer).collect();
    let decisions = decisions(&population, &answers);
    let events = traffic::plan(&population, &decisions);
    let truth = Truth::of(&population, &decisions, &events);
    (population, decisions, events, truth)
}

/// Events that count: the first of every id, without those that must be refused.
fn live(events: &[PlannedEvent]) -> Vec<&PlannedEvent> {
    events.iter().filter(|event| matches!(event.expected, Expected::Accepted | Expected::MoneyOnly)).collect()
}

#[test]
fn one_seed_is_one_plan_and_another_seed_another() {
    let (_, _, events, truth) = simulate(SEED);
    let (_, _, again, truth_again) = simulate(SEED);
    assert!(events == again && truth == truth_again);
    let (_, _, other, truth_other) = simulate(SEED + 1);
    assert!(events != other && truth != truth_other);
}

#[test]
fn one_more_person_changes_nobody_else() {
    let (few, more) = (Population::draw(SEED, 100), Population::draw(SEED, 101));
    let names = |population: &Population| -> Vec<String> {
        population.people.iter().take(100).map(|person| format!("{person:?}")).collect()
    };
    assert_eq!(names(&few), names(&more));
}

#[test]
fn every_repetition_arrives_behind_its_original() {
    let (.., events, _) = simulate(SEED);
    let mut seen: BTreeMap<_, &PlannedEvent> = BTreeMap::new();
    for event in &events {
        match (seen.get(&event.id), event.expected) {
            (None, Expected::Duplicate | Expected::Conflict) => panic!("{event:?} comes first"),
            (None, _) => {
                seen.insert(event.id, event);
            }
            (Some(first), Expected::Duplicate) => assert_eq!(first.body, event.body),
            (Some(first), Expected::Conflict) => assert_ne!(first.body, event.body),
            (Some(_), _) => panic!("{event:?} repeats an id"),
        }
    }
    assert!(events.is_sorted_by_key(|event| event.arrival_ms));
}

#[test]
fn verdicts_add_up_and_each_kind_occurs() {
    let (.., truth) = simulate(SEED);
    let verdicts = truth.verdicts;
    let parts =
        [verdicts.accepted, verdicts.duplicates, verdicts.conflicts, verdicts.rejected, verdicts.consent_dropped];
    assert_eq!(parts.iter().sum::<u64>(), verdicts.received);
    assert!(parts.iter().all(|part| *part > 0) && verdicts.money_only > 0 && verdicts.out_of_order > 0, "{verdicts:?}");
    assert!(truth.identity.shared > 0 && truth.mixed > 0 && truth.before_exposure > 0 && truth.after_window > 0);
}

/// The ledger, folded from events alone.
fn ledger(events: &[&PlannedEvent]) -> BTreeMap<Currency, Revenue> {
    let mut charges: BTreeMap<&str, &PlannedEvent> = BTreeMap::new();
    let mut revenue: BTreeMap<Currency, Revenue> = BTreeMap::new();
    let bots: BTreeSet<&str> = bots(events);
    for event in events {
        let Body::Purchase { transaction, currency, .. } = &event.body else { continue };
        let kept = charges.entry(transaction).or_insert(event);
        if kept.id != event.id {
            revenue.entry(*currency).or_default().double_fires += 1;
            if event.occurred_ms < kept.occurred_ms {
                *kept = event;
            }
        }
    }
    let mut told: BTreeSet<&str> = BTreeSet::new();
    let mut back: BTreeMap<&str, i64> = BTreeMap::new();
    for event in events {
        let Body::Reversal { kind, transaction, reversal_id, amount_minor, currency } = &event.body else { continue };
        let sums = revenue.entry(*currency).or_default();
        if !charges.contains_key(transaction.as_str()) {
            sums.orphans += 1;
            sums.orphan_minor += amount_minor;
        } else if !told.insert(reversal_id) {
            sums.repeated_refunds += 1;
        } else {
            let (sum, sign) = match kind {
                ReversalKind::Refund => (&mut sums.refunds_minor, 1),
                ReversalKind::Chargeback => (&mut sums.chargebacks_minor, 1),
                ReversalKind::WonBack => (&mut sums.won_back_minor, -1),
            };
            *sum += amount_minor;
            *back.entry(transaction).or_default() += sign * amount_minor;
        }
    }
    for (transaction, charge) in &charges {
        let Body::Purchase { amount_minor, currency, .. } = &charge.body else { continue };
        let net_minor = amount_minor - back.get(transaction).copied().unwrap_or_default();
        let sums = revenue.entry(*currency).or_default();
        sums.charges += 1;
        sums.gross_minor += amount_minor;
        sums.net_minor += net_minor;
        sums.over_reversal_minor += (-net_minor).max(0);
        let device = charge.device.as_deref().unwrap_or_default();
        if charge.expected == Expected::MoneyOnly || bots.contains(device) {
            sums.unowned_gross_minor += amount_minor;
        } else {
            sums.credit_gross_minor += amount_minor;
            sums.credit_net_minor += net_minor.max(0);
        }
    }
    revenue
}

/// Devices that declare themselves or touch 30 times within 60 s.
fn bots<'e>(events: &[&'e PlannedEvent]) -> BTreeSet<&'e str> {
    let mut touches: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    let mut bots = BTreeSet::new();
    for event in events {
        let Some(device) = event.device.as_deref() else { continue };
        if event.declared_bot {
            bots.insert(device);
        }
        if matches!(event.body, Body::Touch(_)) {
            touches.entry(device).or_default().push(event.occurred_ms);
        }
    }
    for (device, mut times) in touches {
        times.sort_unstable();
        if times.windows(30).any(|burst| burst[29] - burst[0] <= 60_000) {
            bots.insert(device);
        }
    }
    bots
}

#[test]
fn the_ledger_of_the_truth_is_the_sum_of_the_planned_events() {
    for seed in SEED..SEED + 3 {
        let (.., events, truth) = simulate(seed);
        assert_eq!(ledger(&live(&events)), truth.revenue, "seed {seed}");
        let bots = bots(&live(&events)).len() as u64;
        assert_eq!(bots, truth.identity.declared_bots + truth.identity.burst_bots, "seed {seed}");
    }
}

/// Analytics events with the person that each belongs to, and devices by number of users.
fn by_person<'e>(events: &[&'e PlannedEvent]) -> (BTreeMap<String, Vec<&'e PlannedEvent>>, [u64; 2]) {
    let bots = bots(events);
    let person_less = |event: &PlannedEvent| event.expected == Expected::MoneyOnly || event.consent.is_none();
    let kept = || {
        let of_people = events.iter().filter(|event| !person_less(event));
        of_people.filter(|event| event.device.as_deref().is_none_or(|device| !bots.contains(device)))
    };
    let mut users: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for event in kept() {
        if let (Some(device), Some(user)) = (event.device.as_deref(), event.user.as_deref()) {
            users.entry(device).or_default().insert(user);
        }
    }
    let mut persons: BTreeMap<String, Vec<&PlannedEvent>> = BTreeMap::new();
    for event in kept() {
        let device = event.device.as_deref().unwrap_or_default();
        let of_device = users.get(device).filter(|users| users.len() == 1).and_then(|users| users.first().copied());
        let person = match event.user.as_deref().or(of_device) {
            Some(user) => format!("u:{user}"),
            None => format!("a:{device}"),
        };
        persons.entry(person).or_default().push(event);
    }
    let shared = users.values().filter(|users| users.len() > 1).count() as u64;
    (persons, [users.len() as u64 - shared, shared])
}

#[test]
fn the_experiment_of_the_truth_is_what_the_planned_events_say() {
    for seed in SEED..SEED + 3 {
        let (.., events, truth) = simulate(seed);
        let (persons, [linked, shared]) = by_person(&live(&events));
        let identity = truth.identity;
        assert_eq!(
            (persons.len() as u64, linked, shared),
            (identity.persons, identity.linked, identity.shared),
            "{seed}"
        );
        let mut sums = [[0_u64; 2]; 2];
        let (mut mixed, mut outside) = (0, [0_u64; 2]);
        for events in persons.values() {
            let exposures = events.iter().filter_map(|event| match event.body {
                Body::Exposure(answer) => Some((event.occurred_ms, answer.arm)),
                _ => None,
            });
            let exposures: Vec<(i64, Arm)> = exposures.collect();
            let Some((first_ms, arm)) = exposures.iter().copied().min_by_key(|(at_ms, _)| *at_ms) else { continue };
            if exposures.iter().any(|(_, other)| *other != arm) {
                mixed += 1;
                continue;
            }
            let mut orders: BTreeMap<&str, i64> = BTreeMap::new();
            for event in events {
                if let Body::Purchase { transaction, .. } = &event.body {
                    let at_ms = orders.entry(transaction).or_insert(event.occurred_ms);
                    *at_ms = event.occurred_ms.min(*at_ms);
                }
            }
            let inside = orders.values().filter(|at_ms| (first_ms..=first_ms + WINDOW_MS).contains(*at_ms)).count();
            outside[0] += orders.values().filter(|at_ms| **at_ms < first_ms).count() as u64;
            outside[1] += orders.values().filter(|at_ms| **at_ms > first_ms + WINDOW_MS).count() as u64;
            sums[arm as usize][0] += 1;
            sums[arm as usize][1] += u64::from(inside > 0);
        }
        assert_eq!(sums, truth.arms.map(|arm| [arm.units, arm.converted]), "seed {seed}");
        assert_eq!((mixed, outside), (truth.mixed, [truth.before_exposure, truth.after_window]), "seed {seed}");
    }
}

#[test]
fn the_treatment_works_and_retargeting_does_not() {
    let population = Population::draw(SEED, 20_000);
    let answers: Vec<Answer> = questions(&population).iter().map(answer).collect();
    let decisions = decisions(&population, &answers);
    let truth = Truth::of(&population, &decisions, &[]);
    let lift = truth.relative_effect(|sums| sums.converted as f64).unwrap();
    assert!((0.20..0.30).contains(&lift), "lift {lift}");
    let gross = truth.relative_effect(|sums| sums.gross_cents as f64).unwrap();
    let net = truth.relative_effect(|sums| sums.net_cents as f64).unwrap();
    assert!(net < gross, "net {net}, gross {gross}");
    let caused: BTreeMap<&str, u64> =
        crate::demo::population::CHANNELS.iter().map(|channel| channel.name).zip(truth.caused).collect();
    assert_eq!((caused["retargeting"], caused["direct"]), (0, 0));
    assert!(caused["paid_search"] > caused["display"], "{caused:?}");
}
