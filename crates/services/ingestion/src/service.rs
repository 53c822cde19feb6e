//! The use cases of ingestion.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use api::ingestion::v1::{Event, EventType, PayloadKind};
use api::journal::v1::operator_word::Word;
use api::journal::v1::{OperatorWord, RecordedEvent};
use ids::{ActorKey, EventId, Name};
use journal::{
    FactId, Key, Lag, NewRecord, Op, Options, Position, Revision, SqlStage, SqlTopic, Stage, StageRunner, Topic,
    TopicReader, heads_of,
};
use prost::Message as _;
use store::Database;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::recorder::{EventVerdict, Preparer, Recorder, Request, Types};
use crate::stage::{ACTORS, Bot, Identity, judge};
use crate::store::{DeadLetters, Registered, SqlStore, Tally};
use crate::{Config, Error, PROJECT};

/// How often lag and disk are looked at.
const GUARD_EVERY: Duration = Duration::from_millis(250);
/// Longest wait for a place in the queue.
const QUEUE_WAIT: Duration = Duration::from_secs(2);
/// Most events of one request.
pub(crate) const BATCH_EVENTS_MAX: usize = 10_000;

/// Ingestion, shared by everything that calls it.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    store: SqlStore,
    preparer: Preparer,
    types: Types,
    queue: RwLock<Option<mpsc::Sender<Request>>>,
    recorder: Mutex<Option<JoinHandle<()>>>,
    guard: Mutex<Option<JoinHandle<()>>>,
    events: Arc<SqlTopic>,
    person_events: Arc<SqlTopic>,
    money: Arc<SqlTopic>,
    stage: Arc<Stage<Identity>>,
    behind: AtomicBool,
    disk_low: AtomicBool,
}

/// Counts of verdicts and actors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Events received.
    pub received: u64,
    /// Recorded.
    pub accepted: u64,
    /// Sent again.
    pub duplicates: u64,
    /// Same id, other content.
    pub conflicts: u64,
    /// Broke a rule.
    pub rejected: u64,
    /// Dropped for want of consent.
    pub consent_dropped: u64,
    /// Kept as money only.
    pub analytics_dropped: u64,
    /// Bots that said so.
    pub declared_bots: u64,
    /// Bots by a burst.
    pub burst_bots: u64,
    /// Anonymous ids of one user.
    pub linked: u64,
    /// Anonymous ids of several users.
    pub shared: u64,
    /// Actors with too many events.
    pub quarantined: u64,
}

/// What is known of an actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorView {
    /// Whose its events without a user id are.
    pub person: String,
    /// Users seen on it.
    pub users: Vec<String>,
    /// Whether it is a bot.
    pub bot: Option<Bot>,
    /// Events kept for it.
    pub events: usize,
    /// Whether it has too many.
    pub quarantined: bool,
}

impl Service {
    /// Opens ingestion over its database, which lies in `directory`, and starts the recorder.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn open(database: Database, config: &Config, directory: PathBuf) -> Result<Self, Error> {
        let store = SqlStore::new(&database);
        let registered = store.event_types().await?;
        let types: BTreeMap<String, PayloadKind> =
            registered.into_iter().map(|known| (known.name.clone(), known.payload())).collect();
        let types: Types = Arc::new(RwLock::new(Arc::new(types)));
        let topic = async |topic| SqlTopic::open(&database, topic).await.map(Arc::new);
        let events = topic(Topic::Events).await?;
        let person_events = topic(Topic::PersonEvents).await?;
        let money = topic(Topic::Money).await?;
        let outputs =
            BTreeMap::from([(Topic::PersonEvents, Arc::clone(&person_events)), (Topic::Money, Arc::clone(&money))]);
        let stage = Stage::new(
            Identity { rules: config.bot_rules() },
            Arc::new(SqlStage::new("identity", &database, outputs)),
            vec![Arc::clone(&events) as Arc<dyn TopicReader>],
            Options { key_inputs_max: config.actor_events_max, cache_bytes: config.cache_bytes, ..Options::default() },
        );
        let (queue, requests) = mpsc::channel(config.queue_requests_max.max(1));
        let recorder = Recorder { database: database.clone(), store: store.clone(), events: Arc::clone(&events) };
        let recorder = tokio::spawn(recorder.run(requests));
        let preparer = Preparer {
            content_key: store.content_key().await?,
            types: Arc::clone(&types),
            absent_consent: config.absent_consent,
        };
        let inner = Arc::new(Inner {
            database,
            store,
            preparer,
            types,
            queue: RwLock::new(Some(queue)),
            recorder: Mutex::new(Some(recorder)),
            guard: Mutex::default(),
            events,
            person_events,
            money,
            stage: Arc::new(stage),
            behind: AtomicBool::new(false),
            disk_low: AtomicBool::new(false),
        });
        let guard = tokio::spawn(guard(Arc::downgrade(&inner), config.clone(), directory));
        *inner.guard.lock().unwrap_or_else(PoisonError::into_inner) = Some(guard);
        Ok(Self { inner })
    }

    /// Records a batch; one verdict per event, in order.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when too much waits, [`Error::Group`] when nothing could be written.
    pub async fn record(&self, events: Vec<Event>, trace: Option<&str>) -> Result<Vec<EventVerdict>, Error> {
        if events.len() > BATCH_EVENTS_MAX {
            return Err(Error::invalid("events", format!("must be at most {BATCH_EVENTS_MAX}, are {}", events.len())));
        }
        if self.inner.disk_low.load(Ordering::Relaxed) {
            return Err(Error::Overloaded { what: "the disk is nearly full" });
        }
        if self.inner.behind.load(Ordering::Relaxed) {
            return Err(Error::Overloaded { what: "the pipeline is too far behind; slow down" });
        }
        let received_ms = now_ms();
        let preparer = &self.inner.preparer;
        let events = events.into_iter().map(|event| preparer.prepare(event, received_ms, trace)).collect();
        let (reply, answer) = oneshot::channel();
        let queue = self.inner.queue.read().unwrap_or_else(PoisonError::into_inner).clone();
        queue
            .ok_or(Error::Stopping)?
            .send_timeout(Request { events, received_ms, reply }, QUEUE_WAIT)
            .await
            .map_err(|_| Error::Overloaded { what: "too many requests wait to be written" })?;
        answer.await.map_err(|_| Error::Stopping)?
    }

    /// Registers an event type; the same again changes nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`], or [`Error::TypeTaken`] when the name has another payload.
    pub async fn create_event_type(&self, event_type: EventType) -> Result<EventType, Error> {
        Name::parse(&event_type.name).map_err(|rule| Error::invalid("event_type.name", rule))?;
        if event_type.payload() == PayloadKind::Unspecified {
            return Err(Error::invalid("event_type.payload", "must be one of the payload kinds"));
        }
        let name = event_type.name.clone();
        match self.inner.store.register(event_type).await? {
            Registered::Taken => Err(Error::TypeTaken { name }),
            Registered::Stored(stored) => {
                let mut types = self.inner.types.write().unwrap_or_else(PoisonError::into_inner);
                let mut changed = BTreeMap::clone(&types);
                changed.insert(name, stored.payload());
                *types = Arc::new(changed);
                Ok(stored)
            }
        }
    }

    /// All event types, by name.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn event_types(&self) -> Result<Vec<EventType>, Error> {
        Ok(self.inner.store.event_types().await?)
    }

    pub(crate) async fn dead_letters(&self, after: u64, limit: u32) -> Result<DeadLetters, Error> {
        Ok(self.inner.store.letters(after, limit).await?)
    }

    /// Counts of verdicts and actors.
    ///
    /// # Errors
    /// [`Error`] when the database fails.
    pub async fn statistics(&self) -> Result<Statistics, Error> {
        let Tally { received, accepted, duplicates, conflicts, rejected, consent_dropped, analytics_dropped } =
            self.inner.store.tally().await?;
        let cells = self.inner.stage.store().cells(ACTORS).await?;
        let column = |index: usize| {
            let value = cells.first().and_then(|cell| cell.values.get(index)).copied().unwrap_or(0);
            u64::try_from(value).unwrap_or(0)
        };
        Ok(Statistics {
            received,
            accepted,
            duplicates,
            conflicts,
            rejected,
            consent_dropped,
            analytics_dropped,
            declared_bots: column(0),
            burst_bots: column(1),
            linked: column(2),
            shared: column(3),
            quarantined: column(4),
        })
    }

    /// How far the identity step is behind.
    ///
    /// # Errors
    /// [`Error::Journal`] when the topic cannot be read.
    pub async fn lag(&self) -> Result<Lag, Error> {
        Ok(self.inner.stage.lag().await?)
    }

    /// Waits until the identity step has passed the positions; all that is there when none are given.
    ///
    /// # Errors
    /// [`Error::WaitEnded`] when that takes longer than `limit`.
    pub async fn wait_caught_up(&self, positions: Vec<Position>, limit: Duration) -> Result<Vec<Position>, Error> {
        let stage = &self.inner.stage;
        let positions = if positions.is_empty() { stage.input_heads() } else { positions };
        tokio::time::timeout(limit, stage.wait_past(&positions)).await.map_err(|_| Error::WaitEnded)?;
        let mut heads = heads_of(self.inner.person_events.as_ref());
        heads.extend(heads_of(self.inner.money.as_ref()));
        Ok(heads)
    }

    /// An operator's word on an actor, recorded as an event of the actor.
    ///
    /// # Errors
    /// [`Error::Store`] when it cannot be written.
    pub async fn say(&self, actor: &ActorKey, word: Word) -> Result<Position, Error> {
        let id = EventId::from_bytes(*uuid::Uuid::new_v4().as_bytes());
        let now = now_ms();
        let recorded = RecordedEvent {
            event: None,
            occurred_ms: now,
            received_ms: now,
            analytics_denied: false,
            operator: Some(OperatorWord { word: Some(word) }),
        };
        let key = Key::new(PROJECT, actor);
        let record = NewRecord {
            source: key.clone(),
            key,
            fact: FactId(*id.as_bytes()),
            revision: Revision { epoch: 0, counter: 1 },
            op: Op::Value,
            body: recorded.encode_to_vec().into(),
            trace: None,
        };
        let inner = Arc::clone(&self.inner);
        // In a task of its own: a caller that leaves must not come between the commit and its being seen.
        let written = tokio::spawn(async move {
            let write = inner.database.begin().await?;
            let appended = inner.events.append(write.connection(), vec![record]).await?;
            let position = appended.positions(Topic::Events).next();
            let committed = write.commit().await?;
            inner.events.publish(appended, &committed);
            Ok::<_, Error>(position)
        });
        let position = written.await.map_err(|_| Error::Stopping)??;
        position.ok_or(Error::Stopping)
    }

    /// What is known of an actor.
    ///
    /// # Errors
    /// [`Error::UnknownActor`] when nothing is.
    pub async fn actor(&self, actor: &ActorKey) -> Result<ActorView, Error> {
        let known = self.inner.stage.inspect(&Key::new(PROJECT, actor)).await?;
        let known = known.ok_or_else(|| Error::UnknownActor { actor: actor.to_string() })?;
        let standings = judge(actor, self.inner.stage.fold().rules, known.inputs.iter());
        Ok(ActorView {
            person: standings.person.map(|person| person.to_string()).unwrap_or_default(),
            users: standings.users.into_iter().collect(),
            bot: standings.bot,
            events: known.inputs.len(),
            quarantined: known.quarantined,
        })
    }

    /// The identity step, for the scheduler.
    #[must_use]
    pub fn stage(&self) -> Arc<dyn StageRunner> {
        Arc::clone(&self.inner.stage) as Arc<dyn StageRunner>
    }

    /// Events by person.
    #[must_use]
    pub fn person_events(&self) -> Arc<dyn TopicReader> {
        Arc::clone(&self.inner.person_events) as Arc<dyn TopicReader>
    }

    /// Money by transaction.
    #[must_use]
    pub fn money(&self) -> Arc<dyn TopicReader> {
        Arc::clone(&self.inner.money) as Arc<dyn TopicReader>
    }

    /// Takes no more events, and returns when all that were taken are written.
    pub async fn drain(&self) {
        drop(self.inner.queue.write().unwrap_or_else(PoisonError::into_inner).take());
        let recorder = self.inner.recorder.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(recorder) = recorder {
            let _ = recorder.await;
        }
        if let Some(guard) = self.inner.guard.lock().unwrap_or_else(PoisonError::into_inner).take() {
            guard.abort();
        }
    }
}

/// Watches the lag and the disk, so that `Record` need not.
async fn guard(inner: std::sync::Weak<Inner>, config: Config, directory: PathBuf) {
    let mut every = tokio::time::interval(GUARD_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let Some(inner) = inner.upgrade() else {
            return;
        };
        if let Ok(lag) = inner.stage.lag().await {
            inner.behind.store(lag.oldest_ms > config.lag_max_ms, Ordering::Relaxed);
            metrics::gauge!(crate::metrics::LAG).set(lag.oldest_ms as f64 / 1_000.0);
        }
        let free = fs4::available_space(&directory).unwrap_or(u64::MAX);
        inner.disk_low.store(free < config.disk_free_min_bytes, Ordering::Relaxed);
    }
}

/// Wall-clock milliseconds: when something was received. No fold sees the clock.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
