//! Group commit: concurrent calls are written together, dedup and append in one transaction, one sync for all.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use api::ingestion::v1::{self as wire, Event, PayloadKind};
use api::journal::v1::RecordedEvent;
use ids::EventId;
use journal::{FactId, Key, NewRecord, Op, Position, Revision, SqlTopic, Topic};
use prost::Message as _;
use store::{Database, StoreError};
use tokio::sync::{mpsc, oneshot};

use crate::content::{ContentHash, content_hash};
use crate::event::{Parsed, Rejection, actor_of, parse};
use crate::scrub::scrub;
use crate::store::{First, NewDeadLetter, NewFirst, SqlStore, Tally};
use crate::{AbsentConsent, Error, PROJECT, metrics};

/// Events written in one transaction, at most; one request more may exceed it.
const GROUP_EVENTS: usize = 4_096;

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Recorded.
    Accepted,
    /// Recorded before.
    Duplicate,
    /// Same id, other content.
    Conflict,
    /// Breaks a rule.
    Rejected,
    /// No consent, nothing kept.
    ConsentDropped,
}

impl Verdict {
    /// Its name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Conflict => "conflict",
            Self::Rejected => "rejected",
            Self::ConsentDropped => "consent_dropped",
        }
    }
}

/// The verdict on one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventVerdict {
    /// What became of it.
    pub verdict: Verdict,
    /// For a rejection, the field at fault.
    pub field: String,
    /// For a rejection, the rule.
    pub rule: String,
    /// Where it, or what it duplicates, stands.
    pub position: Option<Position>,
    /// Its money was kept, its analytics half was not.
    pub analytics_dropped: bool,
}

/// Event types by name.
pub(crate) type Types = Arc<RwLock<Arc<BTreeMap<String, PayloadKind>>>>;

/// An event made ready outside the writer's turn.
pub(crate) enum Prepared {
    /// It may be recorded, if it is new.
    Ready(Box<Ready>),
    /// It breaks a rule of its own.
    Broken { event: Vec<u8>, rejection: Rejection },
}

/// An event that keeps every rule of its own.
pub(crate) struct Ready {
    id: EventId,
    content: ContentHash,
    /// The scrubbed message, for dead letters.
    scrubbed: Vec<u8>,
    outcome: Outcome,
    trace: Option<Box<str>>,
}

/// What is to happen with an event that is new.
enum Outcome {
    Record { key: Key, body: Vec<u8>, analytics_dropped: bool },
    Reject(Rejection),
    Drop,
}

/// What preparing needs.
#[derive(Clone)]
pub(crate) struct Preparer {
    pub(crate) content_key: [u8; 32],
    pub(crate) types: Types,
    pub(crate) absent_consent: AbsentConsent,
}

impl Preparer {
    /// Parses, hashes, decides consent, scrubs and encodes.
    pub(crate) fn prepare(&self, event: Event, received_ms: i64, trace: Option<&str>) -> Prepared {
        let mut letter = event.clone();
        let parsed = match parse(event) {
            Ok(parsed) => parsed,
            Err(rejection) => {
                scrub(&mut letter);
                return Prepared::Broken { event: letter.encode_to_vec(), rejection };
            }
        };
        let content = content_hash(&self.content_key, &parsed.event);
        let id = parsed.id;
        scrub(&mut letter);
        let outcome = self.decide(parsed, letter.clone(), received_ms);
        let scrubbed = letter.encode_to_vec();
        Prepared::Ready(Box::new(Ready { id, content, scrubbed, outcome, trace: trace.map(Into::into) }))
    }

    fn decide(&self, parsed: Parsed, mut event: Event, received_ms: i64) -> Outcome {
        if let Some(rejection) = self.wrong_type(&parsed) {
            return Outcome::Reject(rejection);
        }
        let granted = match event.consent.as_ref().and_then(|consent| consent.analytics) {
            Some(word) => word,
            None => self.absent_consent == AbsentConsent::Granted,
        };
        let mut analytics_dropped = false;
        if self.absent_consent == AbsentConsent::Granted {
            event.consent.get_or_insert_default().marketing.get_or_insert(true);
        }
        if !granted {
            if event.monetary.is_none() {
                return Outcome::Drop;
            }
            analytics_dropped = event.payload.is_some();
            event = Event {
                event_id: event.event_id,
                event_type: event.event_type,
                occurred_at: event.occurred_at,
                sent_at: event.sent_at,
                monetary: event.monetary,
                ..Event::default()
            };
        }
        let key = Key::new(PROJECT, &actor_of(&event, parsed.id));
        let recorded = RecordedEvent {
            occurred_ms: parsed.occurred_at.as_millis().min(received_ms),
            received_ms,
            analytics_denied: !granted,
            event: Some(event),
            operator: None,
        };
        Outcome::Record { key, body: recorded.encode_to_vec(), analytics_dropped }
    }

    fn wrong_type(&self, parsed: &Parsed) -> Option<Rejection> {
        let types = Arc::clone(&self.types.read().unwrap_or_else(PoisonError::into_inner));
        let name = &parsed.event.event_type;
        let rule = match types.get(name) {
            None => format!("{name:?} is not registered; register it with EventTypeService.CreateEventType"),
            Some(expected) if *expected != parsed.payload => {
                format!("{name:?} is registered with {}, not {}", expected.as_str_name(), parsed.payload.as_str_name())
            }
            Some(_) => return None,
        };
        Some(Rejection { field: "event_type", rule })
    }
}

/// A request waiting to be written.
pub(crate) struct Request {
    pub(crate) events: Vec<Prepared>,
    pub(crate) received_ms: i64,
    pub(crate) reply: oneshot::Sender<Result<Vec<EventVerdict>, Error>>,
}

/// Writes requests until the queue closes.
pub(crate) struct Recorder {
    pub(crate) database: Database,
    pub(crate) store: SqlStore,
    pub(crate) events: Arc<SqlTopic>,
}

impl Recorder {
    pub(crate) async fn run(self, mut queue: mpsc::Receiver<Request>) {
        while let Some(first) = queue.recv().await {
            let mut size = first.events.len();
            let mut requests = vec![first];
            while size < GROUP_EVENTS
                && let Ok(next) = queue.try_recv()
            {
                size += next.events.len();
                requests.push(next);
            }
            ::metrics::histogram!(metrics::GROUP).record(size as f64);
            self.write(requests).await;
        }
    }

    async fn write(&self, requests: Vec<Request>) {
        let mut group = Group::default();
        let mut replies = Vec::with_capacity(requests.len());
        let mut events = Vec::new();
        for request in requests {
            replies.push((request.reply, request.events.len()));
            events.extend(request.events.into_iter().map(|event| (event, request.received_ms)));
        }
        let written = self.write_group(events, &mut group).await;
        let mut verdicts = group.verdicts.into_iter();
        match written {
            Ok(()) => {
                for (verdict, count) in group.counts {
                    metrics::count(verdict, count);
                }
                for (reply, count) in replies {
                    // A caller that has gone loses nothing: what it sent is recorded, and a retry is a duplicate.
                    let _ = reply.send(Ok(verdicts.by_ref().take(count).collect()));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for (reply, _) in replies {
                    let _ = reply.send(Err(Error::Group(Arc::clone(&error))));
                }
            }
        }
    }

    async fn write_group(&self, events: Vec<(Prepared, i64)>, group: &mut Group) -> Result<(), StoreError> {
        let write = self.database.begin().await?;
        let on = write.connection();
        let ids = events.iter().filter_map(|(event, _)| match event {
            Prepared::Ready(ready) => Some(ready.id),
            Prepared::Broken { .. } => None,
        });
        group.known = self.store.firsts(on, ids).await?;
        for (event, received_ms) in events {
            group.judge(event, received_ms);
        }
        let appended = self.events.append(on, std::mem::take(&mut group.records)).await?;
        let positions: Vec<Position> = appended.positions(Topic::Events).collect();
        group.place(&positions);
        self.store.keep_firsts(on, &group.firsts).await?;
        self.store.keep_letters(on, std::mem::take(&mut group.letters)).await?;
        self.store.count(on, &group.tally).await?;
        let committed = write.commit().await?;
        self.events.publish(appended, &committed);
        Ok(())
    }
}

/// Requests that are written together.
#[derive(Default)]
struct Group {
    known: HashMap<EventId, First>,
    /// Ids that are new in this group: content, and the index of the record if one is written.
    fresh: HashMap<EventId, (ContentHash, Option<usize>)>,
    records: Vec<NewRecord>,
    firsts: Vec<NewFirst>,
    letters: Vec<NewDeadLetter>,
    tally: Tally,
    verdicts: Vec<EventVerdict>,
    /// For each verdict the record that gives it its place.
    places: Vec<Option<usize>>,
    counts: HashMap<Verdict, u64>,
}

impl Group {
    fn judge(&mut self, event: Prepared, received_ms: i64) {
        match event {
            Prepared::Broken { event, rejection } => self.reject(event, rejection, received_ms),
            Prepared::Ready(ready) => {
                if let Some(first) = self.known.get(&ready.id).copied() {
                    let place = (first.offset > 0).then_some(Position {
                        topic: Topic::Events,
                        partition: first.lane,
                        offset: first.offset,
                    });
                    self.again(*ready, first.content, place, None, received_ms);
                } else if let Some((content, record)) = self.fresh.get(&ready.id).copied() {
                    self.again(*ready, content, None, record, received_ms);
                } else {
                    self.first(*ready, received_ms);
                }
            }
        }
    }

    fn first(&mut self, ready: Ready, received_ms: i64) {
        let mut record = None;
        match ready.outcome {
            Outcome::Record { key, body, analytics_dropped } => {
                record = Some(self.records.len());
                self.records.push(NewRecord {
                    source: key.clone(),
                    key,
                    fact: FactId(*ready.id.as_bytes()),
                    revision: Revision { epoch: 0, counter: 1 },
                    op: Op::Value,
                    body: body.into(),
                    trace: ready.trace,
                });
                self.tally.accepted += 1;
                self.tally.analytics_dropped += u64::from(analytics_dropped);
                self.say(Verdict::Accepted, None, None, record, analytics_dropped);
            }
            Outcome::Reject(rejection) => self.reject(ready.scrubbed, rejection, received_ms),
            Outcome::Drop => {
                self.tally.consent_dropped += 1;
                self.say(Verdict::ConsentDropped, None, None, None, false);
            }
        }
        self.fresh.insert(ready.id, (ready.content, record));
    }

    /// A later arrival of an id, compared with the first one.
    fn again(
        &mut self,
        ready: Ready,
        first: ContentHash,
        place: Option<Position>,
        record: Option<usize>,
        received_ms: i64,
    ) {
        if ready.content == first {
            self.tally.duplicates += 1;
            self.say(Verdict::Duplicate, None, place, record, false);
            return;
        }
        let rejection =
            Rejection { field: "event_id", rule: "is taken by an earlier event with other content".to_owned() };
        self.tally.conflicts += 1;
        self.letter(wire::Verdict::Conflict, ready.scrubbed, &rejection, received_ms);
        self.say(Verdict::Conflict, Some(rejection), place, record, false);
    }

    fn reject(&mut self, event: Vec<u8>, rejection: Rejection, received_ms: i64) {
        self.tally.rejected += 1;
        self.letter(wire::Verdict::Rejected, event, &rejection, received_ms);
        self.say(Verdict::Rejected, Some(rejection), None, None, false);
    }

    fn letter(&mut self, verdict: wire::Verdict, event: Vec<u8>, rejection: &Rejection, received_ms: i64) {
        self.letters.push(NewDeadLetter {
            verdict,
            field: rejection.field.to_owned(),
            rule: rejection.rule.clone(),
            received_ms,
            event,
        });
    }

    fn say(
        &mut self,
        verdict: Verdict,
        rejection: Option<Rejection>,
        position: Option<Position>,
        record: Option<usize>,
        analytics_dropped: bool,
    ) {
        self.tally.received += 1;
        *self.counts.entry(verdict).or_default() += 1;
        let (field, rule) = rejection.map_or_else(Default::default, |broken| (broken.field.to_owned(), broken.rule));
        self.verdicts.push(EventVerdict { verdict, field, rule, position, analytics_dropped });
        self.places.push(record);
    }

    /// Fills in where the records of this group stand.
    fn place(&mut self, positions: &[Position]) {
        let at = |record: Option<usize>| record.and_then(|record| positions.get(record)).copied();
        for (verdict, record) in self.verdicts.iter_mut().zip(&self.places) {
            verdict.position = verdict.position.or(at(*record));
        }
        self.firsts = self
            .fresh
            .iter()
            .map(|(id, (content, record))| {
                let (lane, offset) = at(*record).map_or((0, 0), |place| (place.partition, place.offset));
                NewFirst { id: *id, first: First { content: *content, lane, offset } }
            })
            .collect();
        // In key order the index is touched page by page.
        self.firsts.sort_unstable_by_key(|first| first.id);
    }
}
