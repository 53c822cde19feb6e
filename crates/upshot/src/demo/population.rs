//! The people of the demo: who they are, which touches reach them, and what they would do under **either** variant.
//!
//! Both potential outcomes come from the same draws, so the true effect of the treatment and of every channel is
//! known and not estimated. Must never know: which variant anybody really gets, events, the wire.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, LogNormal, Poisson};

use super::rates::{Currency, DAY_MS, START_MS};

/// How long after the first exposure a conversion counts, both ends included.
pub const WINDOW_MS: i64 = 14 * DAY_MS;
/// By how much the treatment multiplies everybody's probability of buying.
pub const TREATMENT_FACTOR: f64 = 1.25;
/// Probability that an order is refunded, by arm: the treatment sells a little too well.
const REFUND: [f64; 2] = [0.080, 0.095];
/// First exposures are spread over this time.
const ENROLMENT_MS: i64 = 21 * DAY_MS;
/// Every so many people two neighbours share a device.
const SHARED_EVERY: u32 = 200;
/// Probability of buying without any touch, by intent.
const BASE: [f64; 3] = [0.03, 0.08, 0.20];

/// A marketing channel.
#[derive(Debug)]
pub struct Channel {
    /// Its name.
    pub name: &'static str,
    /// Mean number of touches of a person, by intent.
    touches: [f64; 3],
    /// Probability with which one touch alone makes a person buy.
    effect: f64,
}

const fn channel(name: &'static str, touches: [f64; 3], effect: f64) -> Channel {
    Channel { name, touches, effect }
}

/// All channels. Retargeting follows intent and causes nothing; direct is how people come back to log in.
pub const CHANNELS: [Channel; 8] = [
    channel("affiliate", [0.10, 0.15, 0.20], 0.04),
    channel("direct", [0.0; 3], 0.0),
    channel("display", [0.40, 0.35, 0.30], 0.01),
    channel("email", [0.15, 0.30, 0.50], 0.05),
    channel("organic_search", [0.20, 0.30, 0.40], 0.03),
    channel("paid_search", [0.20, 0.35, 0.60], 0.06),
    channel("retargeting", [0.10, 0.40, 1.20], 0.0),
    channel("social", [0.35, 0.30, 0.25], 0.02),
];
/// Index of `direct` in [`CHANNELS`].
pub const DIRECT: usize = 1;
/// Index of `organic_search` in [`CHANNELS`].
pub const ORGANIC_SEARCH: usize = 4;

/// The two variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arm {
    /// What there was.
    Control,
    /// What is tried.
    Treatment,
}

impl Arm {
    /// In the order of the experiment.
    pub const ALL: [Self; 2] = [Self::Control, Self::Treatment];

    /// Name of the variant.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Treatment => "treatment",
        }
    }

    const fn buying_factor(self) -> f64 {
        match self {
            Self::Control => 1.0,
            Self::Treatment => TREATMENT_FACTOR,
        }
    }
}

/// What a person allows, the whole time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Experiments, attribution, identity.
    pub analytics: bool,
    /// Touches may earn credit.
    pub marketing: bool,
}

impl Consent {
    /// Everything.
    pub const GRANTED: Self = Self { analytics: true, marketing: true };
}

/// A contact with a channel.
#[derive(Clone, Copy, Debug)]
pub struct Touch {
    /// When.
    pub at_ms: i64,
    /// Index into [`CHANNELS`].
    pub channel: usize,
}

/// Money that goes back.
#[derive(Clone, Copy, Debug)]
pub struct Reversal {
    /// When.
    pub at_ms: i64,
    /// How much, positive.
    pub amount_minor: i64,
}

/// An order under one variant, with everything that becomes of it.
#[derive(Clone, Debug)]
pub struct Order {
    /// Transaction id.
    pub transaction: String,
    /// When it is paid.
    pub at_ms: i64,
    /// How much, in the person's currency.
    pub amount_minor: i64,
    /// Whether the purchase fires twice.
    pub fires_twice: bool,
    /// Money given back.
    pub refund: Option<Reversal>,
    /// Whether the processor tells of the refund twice, under two event ids.
    pub refund_told_twice: bool,
    /// Money taken back by the bank.
    pub chargeback: Option<Reversal>,
    /// The chargeback won.
    pub won_back: Option<Reversal>,
}

impl Order {
    /// What is kept; below zero when more went back than came in.
    pub fn net_minor(&self) -> i64 {
        let of = |reversal: &Option<Reversal>| reversal.map_or(0, |reversal| reversal.amount_minor);
        self.amount_minor - of(&self.refund) - of(&self.chargeback) + of(&self.won_back)
    }
}

/// An order before it is known whether it happens and whether it is refunded.
#[derive(Clone, Debug)]
struct LatentOrder {
    order: Order,
    refund: Reversal,
    refund_draw: f64,
}

impl LatentOrder {
    fn under(&self, arm: Arm) -> Order {
        let refund = (self.refund_draw < REFUND[arm as usize]).then_some(self.refund);
        Order { refund, ..self.order.clone() }
    }
}

/// Somebody.
#[derive(Clone, Debug)]
pub struct Person {
    /// User id; absent for guests.
    pub user: Option<String>,
    /// Anonymous id.
    pub device: String,
    /// Before this a user is anonymous; absent for members, who always are logged in, and for guests.
    pub login_ms: Option<i64>,
    /// What the person allows.
    pub consent: Consent,
    /// First exposure.
    pub exposed_ms: i64,
    /// When the variant is asked for again under the user id, which may give the other one.
    pub asked_again_ms: Option<i64>,
    /// Before the first purchase, not in order.
    pub touches: Vec<Touch>,
    /// What the person pays with.
    pub currency: Currency,
    /// When somebody unknown uses the same device.
    pub stranger_ms: Option<i64>,
    intent: usize,
    buying_draw: f64,
    before: Option<LatentOrder>,
    main: LatentOrder,
    repeat: Option<LatentOrder>,
}

impl Person {
    /// User id as of a time.
    pub fn user_at(&self, at_ms: i64) -> Option<&str> {
        self.user.as_deref().filter(|_| self.login_ms.is_none_or(|login_ms| login_ms <= at_ms))
    }

    /// Probability of buying in the arm where the touches of one channel, or of all, had not been.
    fn buying_probability(&self, arm: Arm, counts: impl Fn(usize) -> bool) -> f64 {
        let touched = self.touches.iter().filter(|touch| counts(touch.channel));
        let stays_away = touched.fold(1.0 - BASE[self.intent], |p, touch| p * (1.0 - CHANNELS[touch.channel].effect));
        arm.buying_factor() * (1.0 - stays_away)
    }

    /// Orders under the arm, by time, those before the exposure included.
    pub fn orders(&self, arm: Arm) -> Vec<Order> {
        self.before.iter().map(|latent| latent.under(Arm::Control)).chain(self.caused_orders(arm, |_| true)).collect()
    }

    /// Orders from the exposure on, had only the touches of some channels been there.
    pub fn caused_orders(&self, arm: Arm, counts: impl Fn(usize) -> bool) -> impl Iterator<Item = Order> {
        let buys = self.buying_draw < self.buying_probability(arm, counts);
        std::iter::once(&self.main).chain(&self.repeat).filter(move |_| buys).map(move |latent| latent.under(arm))
    }
}

/// A program that pretends to be a person.
#[derive(Clone, Debug)]
pub struct Bot {
    /// Anonymous id.
    pub device: String,
    /// Whether it says so; else its touches come in a burst.
    pub declared: bool,
    /// First exposure.
    pub exposed_ms: i64,
    /// Touches.
    pub touches: Vec<Touch>,
    /// A test of a stolen card: US cents.
    pub charge_minor: Option<i64>,
}

/// Everybody.
#[derive(Clone, Debug)]
pub struct Population {
    /// What fixes all of it.
    pub seed: u64,
    /// People.
    pub people: Vec<Person>,
    /// Bots; they come on top of the people.
    pub bots: Vec<Bot>,
}

impl Population {
    /// Draws everybody; each person has an own stream of numbers, so that one more person changes nobody else.
    pub fn draw(seed: u64, people: u32) -> Self {
        let stream = |number: u32| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(u64::from(number));
            rng
        };
        let bots = bot_count(people);
        Self {
            seed,
            people: (0..people).map(|index| draw_person(seed, index, &mut stream(index))).collect(),
            bots: (0..bots).map(|index| draw_bot(seed, index, people, &mut stream(u32::MAX - index))).collect(),
        }
    }
}

const fn declared_count(people: u32) -> u32 {
    people / 200 + 1
}

const fn bot_count(people: u32) -> u32 {
    declared_count(people) + people / 500 + 1
}

fn draw_person(seed: u64, index: u32, rng: &mut ChaCha8Rng) -> Person {
    let place = index % SHARED_EVERY;
    let kind: f64 = if place < 2 { 0.0 } else { rng.random() };
    let owner = if place == 1 { index - 1 } else { index };
    let user = (kind < 0.70).then(|| format!("u-{seed:x}-{index}"));
    let exposed_ms = START_MS + rng.random_range(0..ENROLMENT_MS);
    let intent = match rng.random::<f64>() {
        draw if draw < 0.50 => 0,
        draw if draw < 0.85 => 1,
        _ => 2,
    };
    let delay_ms = skewed(rng, 10 * 60_000, WINDOW_MS - DAY_MS);
    let logs_in_ms = exposed_ms + 1 + (delay_ms as f64 * rng.random_range(0.2..0.9)) as i64;
    let asked_again = rng.random_bool(0.10);
    let login_ms = (user.is_some() && kind >= 0.55).then_some(logs_in_ms);
    let consent = Consent { analytics: rng.random_bool(0.94), marketing: rng.random_bool(0.90) };
    let mut touches = draw_touches(rng, intent, exposed_ms - 7 * DAY_MS..exposed_ms + delay_ms);
    touches.extend(login_ms.map(|at_ms| Touch { at_ms, channel: DIRECT }));
    let currency = draw_currency(rng);
    let order =
        |rng: &mut ChaCha8Rng, name, at_ms| draw_order(rng, format!("t-{seed:x}-{index}-{name}"), at_ms, currency);
    let bought_ms = exposed_ms + delay_ms;
    let (has_before, has_repeat) = (rng.random_bool(0.015), rng.random_bool(0.15));
    let (before_ms, repeat_ms) =
        (exposed_ms - rng.random_range(DAY_MS..6 * DAY_MS), bought_ms + rng.random_range(DAY_MS..30 * DAY_MS));
    Person {
        user,
        device: format!("d-{seed:x}-{owner}"),
        login_ms,
        // Who refuses analytics refuses advertising too.
        consent: Consent { marketing: consent.analytics && consent.marketing, ..consent },
        exposed_ms,
        asked_again_ms: login_ms.filter(|_| asked_again).map(|login_ms| login_ms + 60_000),
        touches,
        currency,
        stranger_ms: (place == 1).then_some(exposed_ms + 3_600_000),
        intent,
        buying_draw: rng.random(),
        main: order(rng, "1", bought_ms),
        before: has_before.then(|| order(rng, "0", before_ms)),
        repeat: has_repeat.then(|| order(rng, "2", repeat_ms)),
    }
}

/// A delay with many short and few long ones, without any function whose last digit depends on the machine.
fn skewed(rng: &mut ChaCha8Rng, least_ms: i64, most_ms: i64) -> i64 {
    let draw: f64 = rng.random();
    least_ms + ((most_ms - least_ms) as f64 * draw * draw * draw) as i64
}

fn draw_touches(rng: &mut ChaCha8Rng, intent: usize, span: std::ops::Range<i64>) -> Vec<Touch> {
    let mut touches = Vec::new();
    for (channel, parameters) in CHANNELS.iter().enumerate() {
        let Ok(poisson) = Poisson::new(parameters.touches[intent]) else { continue };
        let count: f64 = poisson.sample(rng);
        for _ in 0..count as u32 {
            touches.push(Touch { at_ms: rng.random_range(span.clone()), channel });
        }
    }
    touches
}

fn draw_currency(rng: &mut ChaCha8Rng) -> Currency {
    match rng.random_range(0..100) {
        0..70 => Currency::Usd,
        70..85 => Currency::Eur,
        85..95 => Currency::Gbp,
        _ => Currency::Jpy,
    }
}

fn draw_order(rng: &mut ChaCha8Rng, transaction: String, at_ms: i64, currency: Currency) -> LatentOrder {
    let dollars = LogNormal::new(3.87, 0.6).map_or(48.0, |law| law.sample(rng));
    let amount_minor = currency.minor_from_usd(dollars);
    let full = rng.random_bool(0.6);
    let part = (amount_minor as f64 * rng.random_range(0.1..0.9)) as i64;
    let refund = Reversal {
        at_ms: at_ms + rng.random_range(DAY_MS..20 * DAY_MS),
        amount_minor: if full { amount_minor } else { part.max(1) },
    };
    let chargeback = Reversal { at_ms: at_ms + rng.random_range(5 * DAY_MS..40 * DAY_MS), amount_minor };
    let won_back = Reversal { at_ms: chargeback.at_ms + rng.random_range(DAY_MS..20 * DAY_MS), amount_minor };
    let (charged_back, won) = (rng.random_bool(0.01), rng.random_bool(0.35));
    let order = Order {
        transaction,
        at_ms,
        amount_minor,
        fires_twice: rng.random_bool(0.02),
        refund: None,
        refund_told_twice: rng.random_bool(0.05),
        chargeback: charged_back.then_some(chargeback),
        won_back: (charged_back && won).then_some(won_back),
    };
    LatentOrder { order, refund, refund_draw: rng.random() }
}

fn draw_bot(seed: u64, index: u32, people: u32, rng: &mut ChaCha8Rng) -> Bot {
    let declared = index < declared_count(people);
    let exposed_ms = START_MS + rng.random_range(0..ENROLMENT_MS);
    let (count, gap_ms) = if declared { (3, 3_600_000) } else { (40, 1_100) };
    let channel = rng.random_range(0..CHANNELS.len());
    Bot {
        device: format!("b-{seed:x}-{index}"),
        declared,
        exposed_ms,
        touches: (0..count).map(|number| Touch { at_ms: exposed_ms + 1_000 + number * gap_ms, channel }).collect(),
        charge_minor: index.is_multiple_of(10).then(|| rng.random_range(100..200)),
    }
}
