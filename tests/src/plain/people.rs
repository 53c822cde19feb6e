//! Whose every event is, and who is a bot.

use std::collections::{BTreeMap, BTreeSet};

use api::journal::v1::person_event::What as Body;
use api::journal::v1::{ConversionFact, Dimensions, ExposureFact, PersonEvent, TouchFact};

use super::{Outcome, Rules, add};
use crate::world::history::{Happening, What, Word};

/// Events that count, by person.
pub type People<'h> = BTreeMap<String, Vec<&'h Happening>>;

/// Decides persons, publishes their events and counts actors.
pub fn of<'h>(history: &'h [Happening], rules: &Rules, outcome: &mut Outcome) -> People<'h> {
    let mut actors: BTreeMap<String, Vec<&Happening>> = BTreeMap::new();
    for happening in history.iter().filter(|happening| happening.is_recorded()) {
        actors.entry(actor(happening)).or_default().push(happening);
    }
    let mut people = People::new();
    for (actor, events) in actors {
        let quarantined = events.len() > rules.caps.actor;
        let bot = bot(&events, rules);
        let users = if bot.is_some() { BTreeSet::new() } else { users(&events) };
        let device = actor.strip_prefix("a:");
        let counted = [
            bot == Some(Bot::Declared),
            bot == Some(Bot::Burst),
            device.is_some() && users.len() == 1,
            device.is_some() && users.len() > 1,
            quarantined,
        ];
        add(&mut outcome.identity, &["actors"], &counted.map(i128::from));
        if bot.is_some() || quarantined {
            continue;
        }
        for event in events.iter().copied().filter(|event| event.analytics && counts(event)) {
            let person = match (event.user.as_str(), device) {
                ("", Some(device)) => whose(device, &users, &events),
                (user, _) => format!("u:{user}"),
            };
            outcome.person_events.insert((person.clone(), event.id), person_event(event));
            people.entry(person).or_default().push(event);
        }
    }
    people
}

fn actor(happening: &Happening) -> String {
    let known = happening.analytics || matches!(happening.what, What::Word(_));
    match happening {
        Happening { anonymous, .. } if known && !anonymous.is_empty() => format!("a:{anonymous}"),
        Happening { user, .. } if known && !user.is_empty() => format!("u:{user}"),
        _ => money_key(happening),
    }
}

/// Key of the money that moved with an event: the transaction, else the event itself.
pub fn money_key(happening: &Happening) -> String {
    match &happening.money {
        Some(moved) if !moved.transaction.is_empty() => format!("t:{}", moved.transaction),
        _ => format!("e:{}", happening.id),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bot {
    Declared,
    Burst,
}

fn bot(events: &[&Happening], rules: &Rules) -> Option<Bot> {
    let said = latest(events, |word| if let Word::Bot(is_bot) = word { Some(*is_bot) } else { None });
    if let Some(is_bot) = said {
        return is_bot.then_some(Bot::Declared);
    }
    let word = |event: &&&Happening| matches!(event.what, What::Word(_));
    if events.iter().filter(|event| !word(event)).any(|event| event.analytics && event.platform == "bot") {
        return Some(Bot::Declared);
    }
    let touch = |event: &&&Happening| event.analytics && matches!(event.what, What::Touch { .. });
    let touches: Vec<i64> = events.iter().filter(touch).map(|event| event.at_ms).collect();
    let near = |begin: i64| touches.iter().filter(|at| (begin..=begin + rules.burst_window_ms).contains(*at)).count();
    touches.iter().any(|begin| near(*begin) >= rules.burst_touches).then_some(Bot::Burst)
}

/// Users seen on the actor.
fn users(events: &[&Happening]) -> BTreeSet<String> {
    let links = |event: &&&Happening| event.analytics && (counts(event) || event.what == What::Identify);
    let users = events.iter().filter(links).map(|event| event.user.clone());
    users.filter(|user| !user.is_empty()).collect()
}

/// Whose the device's events without a user are.
fn whose(device: &str, users: &BTreeSet<String>, events: &[&Happening]) -> String {
    let said = latest(events, |word| match word {
        Word::Link(user) => Some(Some(user.clone())),
        Word::Unlink => Some(None),
        Word::Bot(_) => None,
    });
    let only = users.first().filter(|_| users.len() == 1).cloned();
    said.unwrap_or(only).map_or_else(|| format!("a:{device}"), |user| format!("u:{user}"))
}

/// The latest word of a sort, by (time, event id).
fn latest<T>(events: &[&Happening], sort: impl Fn(&Word) -> Option<T>) -> Option<T> {
    let said = events.iter().filter_map(|event| match &event.what {
        What::Word(word) => sort(word).map(|said| (event.at_ms, event.id, said)),
        _ => None,
    });
    said.max_by_key(|(at_ms, id, _)| (*at_ms, *id)).map(|(_, _, said)| said)
}

fn counts(event: &Happening) -> bool {
    matches!(event.what, What::Exposure { .. } | What::Touch { .. } | What::Conversion(_))
}

fn person_event(event: &Happening) -> PersonEvent {
    let what = match &event.what {
        What::Exposure { experiment, variant, revision } => Body::Exposure(ExposureFact {
            experiment: (*experiment).to_owned(),
            variant: (*variant).to_owned(),
            revision: *revision,
            propensity: 0.5,
        }),
        What::Touch { channel, campaign } => {
            Body::Touch(TouchFact { channel: (*channel).to_owned(), campaign: (*campaign).to_owned() })
        }
        What::Conversion(value) => {
            let (value_minor, currency) = value.unwrap_or_default();
            let money_key = if event.money.is_some() { money_key(event) } else { String::new() };
            Body::Conversion(ConversionFact { money_key, value_minor, currency: currency.to_owned() })
        }
        other => unreachable!("{other:?} makes no person"),
    };
    let dimensions =
        Dimensions { platform: event.platform.to_owned(), country: event.country.to_owned(), ..Dimensions::default() };
    PersonEvent {
        event_id: event.id.as_bytes().to_vec(),
        occurred_ms: event.at_ms,
        event_type: event.event_type.to_owned(),
        session_id: event.session.clone(),
        marketing: event.marketing,
        what: Some(what),
        dimensions: Some(dimensions),
    }
}
