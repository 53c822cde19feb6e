//! From people and the variants they really got to the events that are sent, in the order in which they arrive,
//! with the verdict that each must get.
//!
//! Must never know: the wire, how events are sent, any clock.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt, SeedableRng};

use super::decision::{Answer, Decision, Decisions};
use super::event::{Body, Defect, Expected, PlannedEvent, ReversalKind};
use super::population::{Bot, CHANNELS, Consent, ORGANIC_SEARCH, Order, Person, Population, Reversal, Touch};
use super::rates::{Currency, DAY_MS, START_MS};

/// Share of events that are sent a second time.
const RESENT: f64 = 0.03;
/// Share of accepted touches whose id comes again with another content.
const CONFLICTING: f64 = 0.001;
/// Share of events that wait on an offline device.
const LATE: f64 = 0.04;
/// Share of purchases that arrive with a file ten days later, often behind their own refund.
const FILED: f64 = 0.01;

/// Whose event it is.
#[derive(Clone, Copy)]
struct Sender<'p> {
    user: Option<&'p str>,
    device: Option<&'p str>,
    consent: Option<Consent>,
    declared_bot: bool,
}

impl<'p> Sender<'p> {
    /// A payment processor: knows nobody.
    const PROCESSOR: Self = Self { user: None, device: None, consent: None, declared_bot: false };

    fn person(person: &'p Person, at_ms: i64) -> Self {
        Self {
            user: person.user_at(at_ms),
            device: Some(&person.device),
            consent: Some(person.consent),
            declared_bot: false,
        }
    }

    fn bot(bot: &'p Bot) -> Self {
        let consent = Some(Consent::GRANTED);
        Self { user: None, device: Some(&bot.device), consent, declared_bot: bot.declared }
    }
}

struct Traffic {
    rng: ChaCha8Rng,
    events: Vec<PlannedEvent>,
}

/// All events by arrival. The same population and decisions give the same events.
pub fn plan(population: &Population, decisions: &Decisions) -> Vec<PlannedEvent> {
    let mut rng = ChaCha8Rng::seed_from_u64(population.seed);
    rng.set_stream(u64::MAX);
    let mut traffic = Traffic { rng, events: Vec::with_capacity(population.people.len() * 4) };
    for (person, decision) in population.people.iter().zip(&decisions.people) {
        traffic.person(person, decision);
    }
    for (bot, answer) in population.bots.iter().zip(&decisions.bots) {
        traffic.bot(bot, *answer);
    }
    for number in 0..spoiled_count(population) {
        traffic.defects(number);
        traffic.orphan(population.seed, number);
    }
    traffic.send_again();
    // Stable, so that events of one millisecond keep the order of the plan.
    traffic.events.sort_by_key(|event| event.arrival_ms);
    traffic.events
}

/// How often each kind of defect and of orphan occurs.
pub fn spoiled_count(population: &Population) -> usize {
    population.people.len() / 1000 + 1
}

/// US cents of the orphan refund of that number.
pub fn orphan_minor(number: usize) -> i64 {
    1_000 + number as i64
}

impl Traffic {
    fn person(&mut self, person: &Person, decision: &Decision) {
        let exposures = [(Some(person.exposed_ms), Some(decision.first)), (person.asked_again_ms, decision.again)];
        for (at_ms, answer) in exposures {
            if let (Some(at_ms), Some(answer)) = (at_ms, answer) {
                self.push(Sender::person(person, at_ms), at_ms, Body::Exposure(answer));
            }
        }
        for &Touch { at_ms, channel } in &person.touches {
            self.push(Sender::person(person, at_ms), at_ms, Body::Touch(channel));
        }
        if let Some(at_ms) = person.login_ms {
            self.push(Sender::person(person, at_ms), at_ms, Body::Login);
        }
        for order in person.orders(decision.first.arm) {
            self.order(person, &order);
        }
        if let Some(at_ms) = person.stranger_ms {
            let stranger =
                Sender { device: Some(&person.device), consent: Some(Consent::GRANTED), ..Sender::PROCESSOR };
            self.push(stranger, at_ms, Body::Touch(ORGANIC_SEARCH));
        }
    }

    fn order(&mut self, person: &Person, order: &Order) {
        let purchase = Body::Purchase {
            transaction: order.transaction.clone(),
            amount_minor: order.amount_minor,
            currency: person.currency,
        };
        let filed = self.rng.random_bool(FILED);
        let sender = Sender::person(person, order.at_ms);
        if order.fires_twice {
            self.push(sender, order.at_ms + 2_000, purchase.clone());
        }
        let event = self.push(sender, order.at_ms, purchase);
        if filed {
            event.arrival_ms += 10 * DAY_MS;
        }
        self.reversal(person, order, ReversalKind::Refund, order.refund);
        if order.refund_told_twice {
            let later = order.refund.map(|refund| Reversal { at_ms: refund.at_ms + 30_000, ..refund });
            self.reversal(person, order, ReversalKind::Refund, later);
        }
        self.reversal(person, order, ReversalKind::Chargeback, order.chargeback);
        self.reversal(person, order, ReversalKind::WonBack, order.won_back);
    }

    fn reversal(&mut self, person: &Person, order: &Order, kind: ReversalKind, reversal: Option<Reversal>) {
        let Some(Reversal { at_ms, amount_minor }) = reversal else { return };
        let transaction = order.transaction.clone();
        let reversal_id = format!("{transaction}-{kind:?}");
        let currency = person.currency;
        let body = Body::Reversal { kind, transaction, reversal_id, amount_minor, currency };
        self.push(Sender::PROCESSOR, at_ms, body);
    }

    fn bot(&mut self, bot: &Bot, answer: Answer) {
        let sender = Sender::bot(bot);
        self.push(sender, bot.exposed_ms, Body::Exposure(answer));
        for &Touch { at_ms, channel } in &bot.touches {
            self.push(sender, at_ms, Body::Touch(channel));
        }
        if let Some(amount_minor) = bot.charge_minor {
            let transaction = format!("t-{}", bot.device);
            let body = Body::Purchase { transaction, amount_minor, currency: Currency::Usd };
            self.push(sender, bot.exposed_ms + 120_000, body);
        }
    }

    fn defects(&mut self, number: usize) {
        for defect in Defect::ALL {
            let sender = Sender { device: Some("broken-sender"), consent: Some(Consent::GRANTED), ..Sender::PROCESSOR };
            self.push(sender, START_MS + number as i64 * 3_600_000, Body::Defective(defect));
        }
    }

    fn orphan(&mut self, seed: u64, number: usize) {
        let transaction = format!("t-{seed:x}-unknown-{number}");
        let body = Body::Reversal {
            kind: ReversalKind::Refund,
            reversal_id: format!("{transaction}-Refund"),
            transaction,
            amount_minor: orphan_minor(number),
            currency: Currency::Usd,
        };
        self.push(Sender::PROCESSOR, START_MS + number as i64 * DAY_MS / 2, body);
    }

    fn push(&mut self, sender: Sender<'_>, occurred_ms: i64, body: Body) -> &mut PlannedEvent {
        let mut id = [0; 16];
        self.rng.fill_bytes(&mut id);
        let network_ms = self.rng.random_range(50..3_000);
        let offline_ms = self.rng.random_range(3_600_000..3 * DAY_MS);
        let late = self.rng.random_bool(LATE);
        let refused = sender.consent.is_some_and(|consent| !consent.analytics);
        let expected = match &body {
            Body::Defective(_) => Expected::Rejected,
            Body::Purchase { .. } if refused => Expected::MoneyOnly,
            _ if refused => Expected::ConsentDropped,
            _ => Expected::Accepted,
        };
        self.events.push(PlannedEvent {
            id: uuid::Builder::from_random_bytes(id).into_uuid(),
            arrival_ms: occurred_ms + network_ms + if late { offline_ms } else { 0 },
            occurred_ms,
            user: sender.user.map(str::to_owned),
            device: sender.device.map(str::to_owned),
            consent: sender.consent,
            declared_bot: sender.declared_bot,
            body,
            expected,
        });
        let last = self.events.len() - 1;
        &mut self.events[last]
    }

    /// Sends some events again, unchanged or under the same id with another content, always behind the first.
    fn send_again(&mut self) {
        let mut again = Vec::new();
        for event in &self.events {
            let (resent, conflicting) = (self.rng.random_bool(RESENT), self.rng.random_bool(CONFLICTING));
            let arrival_ms = event.arrival_ms + self.rng.random_range(1_000..2 * DAY_MS);
            if event.expected == Expected::Rejected {
                continue;
            }
            if resent {
                again.push(PlannedEvent { arrival_ms, expected: Expected::Duplicate, ..event.clone() });
            }
            if let (true, Expected::Accepted, Body::Touch(channel)) = (conflicting, event.expected, &event.body) {
                let body = Body::Touch((channel + 1) % CHANNELS.len());
                again.push(PlannedEvent { arrival_ms, expected: Expected::Conflict, body, ..event.clone() });
            }
        }
        self.events.append(&mut again);
    }
}
