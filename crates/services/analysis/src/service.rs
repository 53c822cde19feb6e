//! The use cases: read an experiment out, count persons, wait, keep up with the registry.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::metrics::{counter, gauge, histogram};
use ::store::Database;
use api::assignment::v1::WatchRegistryResponse;
use journal::{Fold, Lag, Position, SqlStage, Stage, StageRunner, TopicReader};
use money::Currency;
use tokio::sync::{Mutex, watch};

use crate::cells::{self, Names};
use crate::config::Config;
use crate::error::Error;
use crate::metrics::{READOUT, REGISTRY_FAILURES, REGISTRY_VERSION};
use crate::readout::{self, Readout};
use crate::registry::{Registry, RegistrySource};
use crate::stage::AnalysisFold;
use crate::store::{KnownRegistry, SqlKnownRegistry};

/// Shortest and longest pause before the registry is followed again.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// A readout and how far it is behind.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// What is known.
    pub readout: Readout,
    /// ISO 4217 code of its amounts.
    pub reporting_currency: Arc<str>,
    /// What has not been read yet.
    pub lag: Lag,
}

/// Analysis, to be cloned at will.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

struct Inner {
    stage: Arc<Stage<AnalysisFold>>,
    known: Box<dyn KnownRegistry>,
    source: Arc<dyn RegistrySource>,
    sequential_units: f64,
    /// Held while a registry is taken over, so that versions come into force in order.
    learning: Mutex<()>,
}

impl Service {
    /// Over a database that has the tables of `migrations::analysis`, from the registry as it was last known.
    ///
    /// # Errors
    /// [`Error::Config`] for a setting out of range, [`Error::Store`] when the database does not read.
    pub async fn open(
        database: Database,
        config: Config,
        person_events: Arc<dyn TopicReader>,
        transactions: Arc<dyn TopicReader>,
        registry: Arc<dyn RegistrySource>,
    ) -> Result<Self, Error> {
        validate(&config)?;
        let known = SqlKnownRegistry::new(database.clone());
        let last = Registry::parse(known.load().await?.unwrap_or_default());
        let fold = AnalysisFold::new(last, &config.reporting_currency);
        let store = SqlStage::new(AnalysisFold::NAME, &database, BTreeMap::new());
        let inputs = vec![person_events, transactions];
        Ok(Self(Arc::new(Inner {
            stage: Arc::new(Stage::new(fold, Arc::new(store), inputs, config.options())),
            known: Box::new(known),
            source: registry,
            sequential_units: config.sequential_units,
            learning: Mutex::new(()),
        })))
    }

    /// The stage, for the scheduler.
    #[must_use]
    pub fn stage(&self) -> Arc<dyn StageRunner> {
        Arc::clone(&self.0.stage) as Arc<dyn StageRunner>
    }

    /// Follows the registry until `stop` turns true. Without it readouts stay as of the registry last known, except
    /// that every wait asks for the present one.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        let mut pause = BACK_OFF.0;
        loop {
            let mut heard = false;
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                followed = self.follow(&mut heard) => if let Err(error) = followed {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::warn!(%error, cause, "following the registry broke off");
                    counter!(REGISTRY_FAILURES).increment(1);
                },
            }
            pause = if heard { BACK_OFF.0 } else { (pause * 2).min(BACK_OFF.1) };
            if tokio::time::timeout(pause, stop.wait_for(|stop| *stop)).await.is_ok() {
                return;
            }
        }
    }

    /// Takes over every registry that one stream brings. The first one counts even when its version is lower: it is
    /// the registry as it stands, begun anew.
    async fn follow(&self, heard: &mut bool) -> Result<(), Error> {
        let mut watch = self.0.source.watch().await?;
        while let Some(snapshot) = watch.next().await? {
            self.learn(snapshot, !*heard).await?;
            *heard = true;
        }
        Ok(())
    }

    /// Asks for the present registry and takes it over.
    async fn refresh(&self) -> Result<(), Error> {
        let snapshot = self.0.source.fetch().await?;
        self.learn(snapshot, false).await
    }

    async fn learn(&self, snapshot: WatchRegistryResponse, anew: bool) -> Result<(), Error> {
        let _turn = self.0.learning.lock().await;
        let fold = self.0.stage.fold();
        if snapshot.registry_version <= fold.registry().version() && !anew {
            return Ok(());
        }
        let registry = Registry::parse(snapshot.clone());
        if registry == **fold.registry() {
            return Ok(());
        }
        // Saved first: a restart in between must not fold with an older one what was folded with this one.
        self.0.known.save(&snapshot).await?;
        gauge!(REGISTRY_VERSION).set(registry.version() as f64);
        self.0.stage.set_fold(AnalysisFold::new(registry, fold.reporting_currency()));
        Ok(())
    }

    /// Reads one experiment out.
    ///
    /// # Errors
    /// [`Error::UnknownExperiment`] when the registry last heard of does not have it, others when the store fails.
    pub async fn readout(&self, experiment: &str) -> Result<Report, Error> {
        let begun = Instant::now();
        let fold = self.0.stage.fold();
        let unknown = || Error::UnknownExperiment { key: experiment.to_owned() };
        let definition = fold.registry().get(experiment).ok_or_else(unknown)?;
        let prefix = Names::new(&definition.key, definition.revision).readout();
        let cells = self.0.stage.store().cells(&prefix).await?;
        let readout = readout::read(definition, &cells, self.0.sequential_units)
            .map_err(|_| Error::CorruptSums { key: experiment.to_owned() })?;
        let lag = self.0.stage.lag().await?;
        histogram!(READOUT).record(begun.elapsed());
        Ok(Report { readout, reporting_currency: Arc::clone(fold.reporting_currency()), lag })
    }

    /// Persons with at least one exposure, touch or conversion that counts.
    ///
    /// # Errors
    /// [`Error::Journal`] when the store fails.
    pub async fn count_persons(&self) -> Result<u64, Error> {
        let cells = self.0.stage.store().cells(cells::PERSONS).await?;
        let cell = cells.iter().find(|cell| cell.name == cells::PERSONS);
        Ok(cell.and_then(|cell| cells::units(&cell.values)).unwrap_or(0))
    }

    /// Returns once everything up to the positions, and up to the present heads of topics that they do not name, is
    /// folded under the registry as it stands now.
    ///
    /// # Errors
    /// [`Error::WaitEnded`] after `bound`, [`Error::Registry`] when the registry cannot be asked.
    pub async fn wait_caught_up(&self, mut positions: Vec<Position>, bound: Duration) -> Result<(), Error> {
        let mut unnamed = self.0.stage.input_heads();
        unnamed.retain(|head| positions.iter().all(|position| position.topic != head.topic));
        positions.extend(unnamed);
        let caught_up = async {
            self.refresh().await?;
            self.0.stage.wait_past(&positions).await;
            Ok(())
        };
        tokio::time::timeout(bound, caught_up).await.unwrap_or(Err(Error::WaitEnded))
    }
}

fn validate(config: &Config) -> Result<(), Error> {
    if let Err(rule) = Currency::parse(&config.reporting_currency) {
        return Err(Error::Config { setting: "reporting_currency", rule: rule.to_string() });
    }
    if !(config.sequential_units.is_finite() && config.sequential_units > 0.0) {
        return Err(Error::Config { setting: "sequential_units", rule: "must be a positive number".to_owned() });
    }
    Ok(())
}
