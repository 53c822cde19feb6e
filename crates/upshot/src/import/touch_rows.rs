//! Rows of an interaction file: cleaning, repeated rows, and the events that they become.
//!
//! Equal rows are one row however they are spelled, so importing a file again, or an overlapping one, adds nothing.
//! Must never know: files, channels to services.

use std::collections::{BTreeMap, HashMap, HashSet};

use api::ingestion::v1::event::Payload;
use api::ingestion::v1::{Conversion, Event, Monetary, MoneyKind, Source, Touch};
use api::types::{Consent, Identity};
use ids::{EventId, Timestamp};
use money::Money;

use super::flat_event::wire_time;

/// Event type of every interaction.
pub(super) const TOUCH: &str = "touch";
/// Event type of an interaction that converts.
pub(super) const CONVERSION: &str = "conversion";

/// Space of the derived ids. Changing it makes every import a new one.
const NAMESPACE: &str = "upshot:import:touches";
/// Between the parts of an id's text; it does not occur in cleaned fields in practice, and no escape is needed for
/// equal rows to have equal ids.
const SEPARATOR: char = '\u{1f}';

/// A cleaned row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TouchRow {
    /// Who.
    pub(super) person: String,
    /// When; naive times are UTC.
    pub(super) time: Timestamp,
    /// As spelled, without outer spaces.
    pub(super) channel: String,
    /// Empty where the file names none.
    pub(super) campaign: String,
    /// Whether this interaction is a conversion.
    pub(super) conversion: bool,
    /// What it is worth.
    pub(super) value: Money,
    /// Every other column.
    pub(super) others: String,
}

/// Reads a yes or no: 1, true, yes, y, t against 0, false, no, n, f and nothing.
///
/// # Errors
/// The rule, for anything else.
pub(super) fn parse_flag(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "y" | "t" | "1.0" => Ok(true),
        "" | "0" | "false" | "no" | "n" | "f" | "0.0" => Ok(false),
        _ => Err(format!("{text:?} is neither 1 nor 0")),
    }
}

/// What spellings of one channel have in common: lower case, and every run of spaces, tabs, `_` and `-` one space.
pub(super) fn channel_key(label: &str) -> String {
    let separators = |c: char| c.is_whitespace() || c == '_' || c == '-';
    let words: Vec<String> = label.split(separators).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    words.join(" ")
}

/// How often every spelling of every channel occurs.
#[derive(Debug, Default)]
pub(super) struct Spellings(HashMap<String, u64>);

impl Spellings {
    /// Counts one row.
    pub(super) fn see(&mut self, label: &str) {
        match self.0.get_mut(label) {
            Some(count) => *count += 1,
            None => {
                self.0.insert(label.to_owned(), 1);
            }
        }
    }

    /// For every spelling the most frequent one of its channel; of equally frequent ones the first by bytes.
    pub(super) fn into_labels(self) -> Labels {
        let mut best: BTreeMap<String, (u64, &str)> = BTreeMap::new();
        for (label, &count) in &self.0 {
            let entry = best.entry(channel_key(label)).or_insert((count, label));
            if (count, entry.1) > (entry.0, label) {
                *entry = (count, label);
            }
        }
        let label = |spelling: &String| {
            let key = channel_key(spelling);
            let label = best.get(&key).map_or(spelling.clone(), |(_, label)| (*label).to_owned());
            (spelling.clone(), Channel { key, label })
        };
        Labels(self.0.keys().map(label).collect())
    }
}

/// A channel under the name that it is reported by.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Channel {
    key: String,
    label: String,
}

/// Channels by their spellings.
#[derive(Debug, Default)]
pub(super) struct Labels(HashMap<String, Channel>);

/// Makes events of rows, each distinct row once.
#[derive(Debug)]
pub(super) struct TouchEvents {
    labels: Labels,
    conversion_is_touch: bool,
    seen: HashSet<EventId>,
}

impl TouchEvents {
    /// Nothing seen yet.
    pub(super) fn new(labels: Labels, conversion_is_touch: bool) -> Self {
        Self { labels, conversion_is_touch, seen: HashSet::new() }
    }

    /// The events of a row: a touch, and for a conversion a conversion besides (alone where a conversion is no
    /// touch). `None` for a row equal to an earlier one.
    pub(super) fn of(&mut self, row: &TouchRow) -> Option<Vec<Event>> {
        let (key, label) = match self.labels.0.get(&row.channel) {
            Some(channel) => (channel.key.clone(), channel.label.clone()),
            None => (channel_key(&row.channel), row.channel.clone()),
        };
        let time = row.time.as_millis().to_string();
        let value = row.value.minor().to_string();
        let conversion = if row.conversion { "1" } else { "0" };
        let parts = [row.person.as_str(), &time, conversion, &value, &key, &row.campaign, &row.others];
        let text = parts.join(&SEPARATOR.to_string());
        let touch_id = EventId::derived(NAMESPACE, &text);
        if !self.seen.insert(touch_id) {
            return None;
        }
        let mut events = Vec::with_capacity(2);
        if !row.conversion || self.conversion_is_touch {
            let source = Some(Source { channel: label, campaign: row.campaign.clone() });
            let payload = Some(Payload::Touch(Touch::default()));
            events.push(Event { source, payload, ..bare(row, touch_id, TOUCH) });
        }
        if row.conversion {
            let id = EventId::derived(NAMESPACE, &format!("{text}{SEPARATOR}{CONVERSION}"));
            let payload = Some(Payload::Conversion(Conversion::default()));
            events.push(Event { payload, monetary: charge(row.value), ..bare(row, id, CONVERSION) });
        }
        Some(events)
    }
}

fn bare(row: &TouchRow, id: EventId, event_type: &str) -> Event {
    Event {
        event_id: id.to_string(),
        event_type: event_type.to_owned(),
        occurred_at: Some(wire_time(row.time)),
        identity: Some(Identity { user_id: row.person.clone(), ..Identity::default() }),
        consent: Some(Consent { analytics: Some(true), marketing: Some(true) }),
        ..Event::default()
    }
}

/// A conversion without value moved no money.
fn charge(value: Money) -> Option<Monetary> {
    (value.minor() != 0).then(|| Monetary {
        kind: MoneyKind::Charge.into(),
        amount: Some(api::types::Money { amount_minor: value.minor(), currency: value.currency().to_string() }),
        ..Monetary::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(channel: &str, conversion: bool, cents: i64) -> TouchRow {
        TouchRow {
            person: "A1".into(),
            time: Timestamp::parse("2018-07-01T10:00:00Z").unwrap(),
            channel: channel.into(),
            campaign: String::new(),
            conversion,
            value: Money::new(cents, money::Currency::parse("USD").unwrap()),
            others: "impression".into(),
        }
    }

    fn labels(spellings: &[&str]) -> Labels {
        let mut seen = Spellings::default();
        spellings.iter().for_each(|label| seen.see(label));
        seen.into_labels()
    }

    #[test]
    fn spellings_of_one_channel_are_reported_by_the_most_frequent_one() {
        assert_eq!(channel_key(" Paid_ -\tSEARCH"), "paid search");
        let labels = labels(&["paid_search", "Paid Search", "Paid Search", "Email", "email"]);
        assert_eq!(labels.0["paid_search"].label, "Paid Search");
        assert_eq!(labels.0["email"].label, "Email");
    }

    #[test]
    fn a_row_that_differs_only_in_spelling_is_a_repetition() {
        let mut events = TouchEvents::new(labels(&["Paid Search", "Paid Search", "paid_search"]), true);
        let first = events.of(&row("paid_search", false, 0)).unwrap();
        assert_eq!(first[0].source.as_ref().unwrap().channel, "Paid Search");
        assert_eq!(events.of(&row("Paid Search", false, 0)), None);
        assert!(events.of(&TouchRow { others: "click".into(), ..row("Paid Search", false, 0) }).is_some());
    }

    #[test]
    fn a_conversion_row_is_a_touch_and_a_conversion_with_a_charge() {
        let both = TouchEvents::new(Labels::default(), true).of(&row("Email", true, 650)).unwrap();
        assert_eq!(both.iter().map(|e| e.event_type.as_str()).collect::<Vec<_>>(), [TOUCH, CONVERSION]);
        assert_eq!(both[0].occurred_at, both[1].occurred_at);
        assert_eq!((both[0].monetary.is_none(), both[1].source.is_none()), (true, true));
        let charge = both[1].monetary.clone().unwrap();
        assert_eq!((charge.kind(), charge.amount.unwrap().amount_minor), (MoneyKind::Charge, 650));
        assert!(charge.transaction_id.is_empty());

        let again = TouchEvents::new(Labels::default(), false).of(&row("Email", true, 650)).unwrap();
        assert_eq!(again, both[1..]);
        let free = TouchEvents::new(Labels::default(), false).of(&row("Email", true, 0)).unwrap();
        assert_eq!(free[0].monetary, None);
    }

    #[test]
    fn flags_are_read_as_exports_write_them() {
        assert_eq!(
            ["1", "TRUE", "yes", "0", "", "no"].map(parse_flag),
            [true, true, true, false, false, false].map(Ok)
        );
        assert!(parse_flag("2").is_err());
    }
}
