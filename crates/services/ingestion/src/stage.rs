//! The identity step: bots, links, and the person of every event, as a pure fold over an actor's events.
//!
//! An event that counts goes to its person; money goes to its transaction whatever the actor is. Bodies are not kept
//! here: when an event moves to another person, its body is read again from `events`.

use std::collections::BTreeSet;

use api::ingestion::v1::event::Payload;
use api::journal::v1::operator_word::Word;
use api::journal::v1::person_event::What;
use api::journal::v1::{ConversionFact, Dimensions, ExposureFact, MoneyFact, PersonEvent, RecordedEvent, TouchFact};
use bytes::Bytes;
use ids::{ActorKey, EventId, PersonKey};
use journal::{
    Contribution, Fact, FactId, Fold, FoldError, Inputs, Key, LogRecord, Output, Standing, Topic, Unreadable,
};
use prost::Message;

use crate::PROJECT;
use crate::event::money_key_of;

/// Cell of the sums: [declared bots, burst bots, linked anonymous ids, shared anonymous ids, quarantined actors].
pub const ACTORS: &str = "actors";
/// What a declared bot calls its platform.
const BOT_PLATFORM: &str = "bot";

/// When a burst of touches makes a bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BotRules {
    /// So many touches
    pub touches: usize,
    /// within so many milliseconds, both ends included.
    pub window_ms: i64,
}

/// What the identity step keeps of an event.
#[derive(Clone, PartialEq, Message)]
pub struct Seen {
    /// Place of the event in `events`.
    #[prost(uint64, tag = "1")]
    pub seq: u64,
    /// 16 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub event_id: Vec<u8>,
    /// UTC milliseconds.
    #[prost(sint64, tag = "3")]
    pub occurred_ms: i64,
    /// An exposure, touch or conversion with analytics consent.
    #[prost(bool, tag = "4")]
    pub counts: bool,
    /// A touch with analytics consent.
    #[prost(bool, tag = "5")]
    pub touch: bool,
    /// It says that its sender is a bot.
    #[prost(bool, tag = "6")]
    pub declares_bot: bool,
    /// It links its identities without counting otherwise.
    #[prost(bool, tag = "7")]
    pub identifies: bool,
    /// Its own user id; empty without one.
    #[prost(string, tag = "8")]
    pub user: String,
    /// Key of its money; empty without money.
    #[prost(string, tag = "9")]
    pub money_key: String,
    /// An operator's link to this user.
    #[prost(string, tag = "10")]
    pub link_user: String,
    /// An operator's unlinking.
    #[prost(bool, tag = "11")]
    pub unlink: bool,
    /// An operator's word: 1 a bot, 2 none.
    #[prost(uint32, tag = "12")]
    pub bot_word: u32,
}

impl Seen {
    fn order(&self) -> (i64, &[u8]) {
        (self.occurred_ms, &self.event_id)
    }

    fn links(&self) -> bool {
        self.counts || self.identifies
    }
}

/// Why an actor is a bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bot {
    /// It said so, or an operator did.
    Declared,
    /// It touched too fast.
    Burst,
}

/// What follows from all events of an actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standings {
    /// Whether it is a bot.
    pub bot: Option<Bot>,
    /// Users seen on it.
    pub users: BTreeSet<String>,
    /// Whose its events without a user id are; none for money without an identity.
    pub person: Option<PersonKey>,
}

/// Decides bots and links from the set of an actor's events.
pub fn judge<'a>(actor: &ActorKey, rules: BotRules, events: impl Iterator<Item = &'a Seen> + Clone) -> Standings {
    let word = events.clone().filter(|seen| seen.bot_word != 0).max_by_key(|seen| seen.order()).map(|s| s.bot_word);
    let bot = match word {
        Some(1) => Some(Bot::Declared),
        Some(_) => None,
        None if events.clone().any(|seen| seen.declares_bot) => Some(Bot::Declared),
        None => is_burst(rules, events.clone()).then_some(Bot::Burst),
    };
    let mut users = BTreeSet::new();
    if bot.is_none() {
        users.extend(events.clone().filter(|s| s.links() && !s.user.is_empty()).map(|seen| seen.user.clone()));
    }
    let person = match actor {
        ActorKey::Anonymous(anonymous) => {
            let operator =
                events.filter(|seen| seen.unlink || !seen.link_user.is_empty()).max_by_key(|seen| seen.order());
            let user = match operator {
                Some(word) if word.unlink => None,
                Some(word) => Some(&word.link_user),
                None if users.len() == 1 => users.first(),
                None => None,
            };
            Some(user.map_or_else(|| PersonKey::Anonymous(anonymous.clone()), |user| PersonKey::User(user.clone())))
        }
        ActorKey::User(user) => Some(PersonKey::User(user.clone())),
        ActorKey::Transaction(_) | ActorKey::Event(_) => None,
    };
    Standings { bot, users, person }
}

/// Whether enough touches lie close together.
fn is_burst<'a>(rules: BotRules, events: impl Iterator<Item = &'a Seen>) -> bool {
    let mut times: Vec<i64> = events.filter(|seen| seen.touch).map(|seen| seen.occurred_ms).collect();
    if rules.touches == 0 || times.len() < rules.touches {
        return false;
    }
    times.sort_unstable();
    times.windows(rules.touches).any(|window| match window {
        [first, .., last] => last.saturating_sub(*first) <= rules.window_ms,
        _ => true,
    })
}

/// What a fact's body is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// The analytics half.
    Person,
    /// The monetary half.
    Money,
}

/// The identity step.
#[derive(Clone, Debug)]
pub struct Identity {
    /// When a burst makes a bot.
    pub rules: BotRules,
}

impl Fold for Identity {
    type Input = Seen;
    type Payload = Body;

    const NAME: &'static str = "identity";

    fn parameters(&self) -> u128 {
        (self.rules.touches as u128) << 64 | u128::from(self.rules.window_ms.cast_unsigned())
    }

    fn project(&self, _topic: Topic, record: &LogRecord) -> Result<Option<Seen>, Unreadable> {
        let recorded = decode(record).map_err(Unreadable::because)?;
        let mut seen = Seen {
            seq: record.seq,
            event_id: record.record.fact.0.to_vec(),
            occurred_ms: recorded.occurred_ms,
            ..Seen::default()
        };
        if let Some(operator) = recorded.operator {
            match operator.word {
                Some(Word::LinkUser(user)) => seen.link_user = user,
                Some(Word::Unlink(_)) => seen.unlink = true,
                Some(Word::IsBot(bot)) => seen.bot_word = if bot { 1 } else { 2 },
                None => return Err(Unreadable::because("an operator's word is missing")),
            }
            return Ok(Some(seen));
        }
        let event = recorded.event.ok_or_else(|| Unreadable::because("the event is missing"))?;
        if let Some(monetary) = &event.monetary {
            seen.money_key = money_key_of(monetary, id_of(record)).to_string();
        }
        if !recorded.analytics_denied {
            seen.touch = matches!(event.payload, Some(Payload::Touch(_)));
            seen.counts = seen.touch || matches!(event.payload, Some(Payload::Exposure(_) | Payload::Conversion(_)));
            seen.identifies = matches!(event.payload, Some(Payload::Identify(_)));
            seen.declares_bot = event.context.is_some_and(|context| context.platform == BOT_PLATFORM);
            seen.user = event.identity.map(|identity| identity.user_id).unwrap_or_default();
        }
        Ok(Some(seen))
    }

    fn fold(&self, key: &Key, inputs: Inputs<'_, Seen>, standing: Standing) -> Result<Output<Body>, FoldError> {
        let actor: ActorKey = key.local().parse().map_err(FoldError::because)?;
        let Standings { bot, users, person } = judge(&actor, self.rules, inputs.iter());
        let speaks = bot.is_none() && standing == Standing::Normal;
        let mut output = Output::default();
        for seen in inputs.iter() {
            let id = FactId(seen.event_id.as_slice().try_into().map_err(FoldError::because)?);
            let fact = |topic, key, payload| Fact { topic, key, id, digest: 0, origin: Some(seen.seq), payload };
            if !seen.money_key.is_empty() {
                output.facts.push(fact(Topic::Money, Key::new(PROJECT, &seen.money_key), Body::Money));
            }
            if let (true, true, Some(person)) = (speaks, seen.counts, &person) {
                let owner = if seen.user.is_empty() {
                    Key::new(PROJECT, person)
                } else {
                    Key::new(PROJECT, &PersonKey::User(seen.user.clone()))
                };
                output.facts.push(fact(Topic::PersonEvents, owner, Body::Person));
            }
        }
        let anonymous = matches!(actor, ActorKey::Anonymous(_)) && bot.is_none();
        let values = [
            bot == Some(Bot::Declared),
            bot == Some(Bot::Burst),
            anonymous && users.len() == 1,
            anonymous && users.len() > 1,
            standing == Standing::Quarantined,
        ];
        if values.contains(&true) {
            let values = values.map(i128::from).to_vec();
            output.contributions.push(Contribution { cells: vec![ACTORS.to_owned()], values });
        }
        Ok(output)
    }

    fn encode(&self, payload: Body, origin: Option<&LogRecord>) -> Result<Bytes, FoldError> {
        let record = origin.ok_or_else(|| FoldError::because("an event is missing"))?;
        let recorded = decode(record).map_err(FoldError::because)?;
        Ok(match payload {
            Body::Person => person_event(record, recorded)?.encode_to_vec().into(),
            Body::Money => money_fact(record, recorded)?.encode_to_vec().into(),
        })
    }
}

fn decode(record: &LogRecord) -> Result<RecordedEvent, prost::DecodeError> {
    RecordedEvent::decode(record.record.body.clone())
}

fn id_of(record: &LogRecord) -> EventId {
    EventId::from_bytes(record.record.fact.0)
}

fn person_event(record: &LogRecord, recorded: RecordedEvent) -> Result<PersonEvent, FoldError> {
    let event = recorded.event.ok_or_else(|| FoldError::because("the event is missing"))?;
    let source = event.source.unwrap_or_default();
    let what = match event.payload {
        Some(Payload::Exposure(exposure)) => What::Exposure(ExposureFact {
            experiment: exposure.experiment,
            variant: exposure.variant,
            revision: exposure.revision,
            propensity: exposure.propensity,
        }),
        Some(Payload::Touch(_)) => What::Touch(TouchFact { channel: source.channel, campaign: source.campaign }),
        Some(Payload::Conversion(conversion)) => {
            let value = conversion.value.unwrap_or_default();
            let money = event.monetary.as_ref().map(|monetary| money_key_of(monetary, id_of(record)).to_string());
            What::Conversion(ConversionFact {
                money_key: money.unwrap_or_default(),
                value_minor: value.amount_minor,
                currency: value.currency,
            })
        }
        _ => return Err(FoldError::because("the event does not count")),
    };
    let context = event.context.unwrap_or_default();
    let identity = event.identity.unwrap_or_default();
    Ok(PersonEvent {
        event_id: record.record.fact.0.to_vec(),
        occurred_ms: recorded.occurred_ms,
        event_type: event.event_type,
        session_id: identity.session_id,
        marketing: event.consent.and_then(|consent| consent.marketing).unwrap_or(false),
        what: Some(what),
        dimensions: Some(Dimensions { platform: context.platform, country: context.country, device: context.device }),
    })
}

fn money_fact(record: &LogRecord, recorded: RecordedEvent) -> Result<MoneyFact, FoldError> {
    let missing = || FoldError::because("the money is missing");
    let monetary = recorded.event.and_then(|event| event.monetary).ok_or_else(missing)?;
    let kind = monetary.kind;
    let amount = monetary.amount.ok_or_else(missing)?;
    Ok(MoneyFact {
        event_id: record.record.fact.0.to_vec(),
        occurred_ms: recorded.occurred_ms,
        kind,
        amount_minor: amount.amount_minor,
        currency: amount.currency,
        refund_id: monetary.refund_id,
        analytics_denied: recorded.analytics_denied,
    })
}

#[cfg(test)]
mod tests;
