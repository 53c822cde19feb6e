//! The use cases: deciding, and keeping the registry.
//!
//! Deciding reads one immutable registry and hands an exposure to a queue: no database, no waiting. Changes of the
//! registry go one at a time: checked against memory, made durable, then swapped in for everybody at once. They run in
//! tasks of their own, so that a caller who leaves in the middle does not leave memory behind the database.
//! Must never know: transports.

mod assign;
mod change;

use std::sync::Arc;

use ids::Name;
use store::Database;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::Config;
use crate::definition::Definition;
use crate::error::Error;
use crate::experiment::Experiment;
use crate::exposure::{ExposureRecorder, Exposures};
use crate::metrics::Meters;
use crate::registry::Registry;
use crate::store::{Record, RegistryStore, SqlRegistry, Stored};

pub use assign::{Assignment, Query, Reason};

/// The service; clones are handles to the same one.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

struct Inner {
    store: Arc<dyn RegistryStore>,
    /// What is served now; watchers follow it.
    registry: watch::Sender<Arc<Registry>>,
    /// The turn to change the registry.
    turn: Mutex<()>,
    exposures: Exposures,
    clock: Arc<dyn Clock>,
    meters: Arc<Meters>,
    registry_bytes_max: usize,
    closing: CancellationToken,
}

/// A part of the list of experiments.
#[derive(Clone, Debug)]
pub struct Page {
    /// By key.
    pub experiments: Vec<Arc<Experiment>>,
    /// Key of the last one where more follow.
    pub next: Option<Name>,
    /// Version of the registry that this is a part of.
    pub registry_version: u64,
}

impl Service {
    /// Reads the registry and starts sending exposures to `recorder`. The database has the tables of
    /// `migrations::assignment`. Must be called inside a tokio runtime, after the metrics recorder was installed.
    ///
    /// # Errors
    /// [`Error::Config`] for a setting out of bounds, [`Error::Store`] or [`Error::Corrupt`] when the registry does not
    /// read back.
    pub async fn open(
        database: Database,
        config: Config,
        recorder: Arc<dyn ExposureRecorder>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        Self::over(Arc::new(SqlRegistry::new(database)), &config, recorder, clock).await
    }

    /// As [`Service::open`], over any store.
    ///
    /// # Errors
    /// As [`Service::open`].
    pub async fn over(
        store: Arc<dyn RegistryStore>,
        config: &Config,
        recorder: Arc<dyn ExposureRecorder>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        config.check()?;
        let registry = restore(store.load().await?)?;
        let meters = Arc::new(Meters::new());
        let exposures = Exposures::start(config, recorder, Arc::clone(&meters));
        let service = Self(Arc::new(Inner {
            store,
            registry: watch::Sender::new(Arc::default()),
            turn: Mutex::new(()),
            exposures,
            clock,
            meters,
            registry_bytes_max: config.registry_bytes_max,
            closing: CancellationToken::new(),
        }));
        service.0.publish(registry);
        Ok(service)
    }

    /// The experiment of this key.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn get(&self, key: &Name) -> Result<Arc<Experiment>, Error> {
        self.registry().get(key).cloned().ok_or_else(|| Error::not_found(key.as_str()))
    }

    /// At most `size` experiments by key, from the one after `after`.
    #[must_use]
    pub fn list(&self, after: Option<&Name>, size: usize) -> Page {
        let registry = self.registry();
        let mut experiments: Vec<_> = registry.after(after).take(size.saturating_add(1)).cloned().collect();
        let more = experiments.len() > size;
        experiments.truncate(size);
        let last = experiments.last().map(|experiment| experiment.definition().key().clone());
        Page { experiments, next: last.filter(|_| more), registry_version: registry.version() }
    }

    /// The registry as it stands.
    #[must_use]
    pub fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.0.registry.borrow())
    }

    /// The registry as it stands and, whenever it changed, as it stands then.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<Registry>> {
        self.0.registry.subscribe()
    }

    /// Ends when streams to watchers are to end.
    pub fn closing(&self) -> impl Future<Output = ()> + Send + use<> {
        self.0.closing.clone().cancelled_owned()
    }

    /// Ends the streams to watchers, so that a server can finish its calls. To be called when a shutdown begins.
    pub fn close_streams(&self) {
        self.0.closing.cancel();
    }

    /// Takes no more exposures, and returns when all that were queued are sent or `drain_timeout_ms` is over. To be
    /// called when the server has finished its calls, and before ingestion goes.
    pub async fn drain(&self) {
        self.close_streams();
        self.0.exposures.drain().await;
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("registry_version", &self.registry().version()).finish_non_exhaustive()
    }
}

impl Inner {
    fn publish(&self, registry: Registry) {
        #[allow(clippy::cast_precision_loss, reason = "a version past 2^53 is out of reach")]
        self.meters.registry_version.set(registry.version() as f64);
        self.registry.send_replace(Arc::new(registry));
    }
}

/// What is stored, checked and compiled again.
fn restore(stored: Stored) -> Result<Registry, Error> {
    let experiments = stored.records.into_iter().map(restore_one).collect::<Result<Vec<_>, _>>()?;
    Registry::new(stored.version, experiments)
        .map_err(|error| Error::Corrupt { key: String::new(), what: error.to_string() })
}

fn restore_one(record: Record) -> Result<Experiment, Error> {
    let Record { key, definition, revision, life } = record;
    let corrupt = |what: String| Error::Corrupt { key: key.clone(), what };
    let definition = Definition::parse(definition)
        .map_err(|faults| corrupt(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
    if definition.key().as_str() != key {
        return Err(corrupt("is stored under another key".to_owned()));
    }
    Experiment::restore(Arc::new(definition), revision, life).map_err(|error| corrupt(error.to_string()))
}

#[cfg(test)]
mod tests;
