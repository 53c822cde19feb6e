//! Changing the registry: creating, starting and stopping experiments, one change at a time.
//!
//! Must never know: decisions.

use std::sync::Arc;

use ids::{Name, Timestamp};
use prost::Message as _;

use super::{Inner, Service, restore};
use crate::definition::Definition;
use crate::error::Error;
use crate::experiment::Experiment;
use crate::registry::Registry;
use crate::store::Record;

/// Attempts at a change that memory allows and the store does not.
const ATTEMPTS: usize = 2;

impl Service {
    /// Creates a draft. The same definition again changes nothing and answers with the experiment as it stands.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] when the key is taken by another definition, [`Error::Full`] when the registry is,
    /// [`Error::Store`] when it cannot be written.
    pub async fn create(&self, definition: Definition) -> Result<Arc<Experiment>, Error> {
        self.change(move |inner| async move { inner.create(definition).await }).await
    }

    /// Starts a draft: at the instant asked for, which may lie in the past, else at its own, else now.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::State`] unless it is a draft, [`Error::Invalid`] when that is not before its end,
    /// [`Error::Store`] when it cannot be written.
    pub async fn start(&self, key: Name, start: Option<Timestamp>) -> Result<Arc<Experiment>, Error> {
        self.change(move |inner| async move {
            let now = inner.clock.now();
            inner.move_on(&key, move |experiment| experiment.start(start, now)).await
        })
        .await
    }

    /// Stops a running experiment.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::State`] unless it is running, [`Error::Store`] when it cannot be written.
    pub async fn stop(&self, key: Name, reason: String) -> Result<Arc<Experiment>, Error> {
        self.change(move |inner| async move {
            let now = inner.clock.now();
            inner.move_on(&key, move |experiment| experiment.stop(reason.clone(), now)).await
        })
        .await
    }

    /// Runs a change in its turn, to its end whether or not the caller waits for it.
    async fn change<F, Done>(&self, change: F) -> Result<Arc<Experiment>, Error>
    where
        F: FnOnce(Arc<Inner>) -> Done + Send + 'static,
        Done: Future<Output = Result<Arc<Experiment>, Error>> + Send + 'static,
    {
        let inner = Arc::clone(&self.0);
        let task = tokio::spawn(async move {
            let waiting = Arc::clone(&inner);
            let _turn = waiting.turn.lock().await;
            change(inner).await
        });
        task.await.map_err(Error::BrokenOff)?
    }
}

impl Inner {
    async fn create(&self, definition: Definition) -> Result<Arc<Experiment>, Error> {
        let registry = self.current();
        let key = definition.key().clone();
        if let Some(existing) = registry.get(&key) {
            return same(existing, &definition);
        }
        let bytes = registry.bytes().saturating_add(definition.as_wire().encoded_len());
        if bytes > self.registry_bytes_max {
            return Err(Error::Full { limit_bytes: self.registry_bytes_max });
        }
        let draft = Experiment::draft(definition.clone())
            .map_err(|error| Error::Corrupt { key: key.to_string(), what: error.to_string() })?;
        let record = Record {
            key: key.as_str().to_owned(),
            definition: definition.as_wire().clone(),
            revision: draft.revision(),
            life: draft.life().clone(),
        };
        match self.store.insert(&record).await? {
            Some(version) => self.put(version, draft).await,
            None => same(&find(&*self.reload().await?, &key)?, &definition),
        }
    }

    /// Judges by memory. Where the store disagrees (a commit before was taken for a failure), by what is stored.
    async fn move_on(
        &self,
        key: &Name,
        next: impl Fn(&Experiment) -> Result<Experiment, Error> + Send,
    ) -> Result<Arc<Experiment>, Error> {
        let mut registry = self.current();
        for _ in 0..ATTEMPTS {
            let before = find(&registry, key)?;
            let after = next(&before)?;
            if let Some(version) = self.store.move_on(key.as_str(), before.life().state(), after.life()).await? {
                return self.put(version, after).await;
            }
            registry = self.reload().await?;
        }
        Err(Error::Contended { key: key.clone() })
    }

    fn current(&self) -> Arc<Registry> {
        Arc::clone(&self.registry.borrow())
    }

    /// Serves the registry with this experiment, at the version that the store gave the change.
    async fn put(&self, version: u64, experiment: Experiment) -> Result<Arc<Experiment>, Error> {
        let current = self.current();
        let key = experiment.definition().key().clone();
        if version != current.version().saturating_add(1) {
            return find(&*self.reload().await?, &key);
        }
        let registry = current
            .with(version, experiment)
            .map_err(|error| Error::Corrupt { key: key.to_string(), what: error.to_string() })?;
        let placed = find(&registry, &key);
        self.publish(registry);
        placed
    }

    /// Serves what is stored.
    async fn reload(&self) -> Result<Arc<Registry>, Error> {
        self.publish(restore(self.store.load().await?)?);
        Ok(self.current())
    }
}

fn find(registry: &Registry, key: &Name) -> Result<Arc<Experiment>, Error> {
    registry.get(key).cloned().ok_or_else(|| Error::not_found(key.as_str()))
}

/// What is there, if it is what was to be created.
fn same(existing: &Arc<Experiment>, wanted: &Definition) -> Result<Arc<Experiment>, Error> {
    if existing.definition() == wanted {
        Ok(Arc::clone(existing))
    } else {
        Err(Error::AlreadyExists { key: wanted.key().clone() })
    }
}
