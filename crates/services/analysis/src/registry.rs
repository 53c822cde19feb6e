//! The experiments as analysis knows them, and the port by which it hears of them.
//!
//! Must never know: how the registry is stored or changed.

use std::collections::BTreeMap;

use api::assignment::v1::WatchRegistryResponse;
use async_trait::async_trait;
use blake3::Hasher;

use crate::definition::{Definition, MetricKind};

/// Part of every digest: raised when the fold itself changes, so that everything is folded again.
const FOLD_VERSION: u64 = 1;

/// All experiments at one version of the registry.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Registry {
    version: u64,
    experiments: BTreeMap<String, Definition>,
}

impl Registry {
    /// From what the registry says. An experiment that cannot be read is left out with a word in the log, so that one
    /// of them never takes the others' readouts away.
    #[must_use]
    pub fn parse(snapshot: WatchRegistryResponse) -> Self {
        let mut experiments = BTreeMap::new();
        for experiment in snapshot.experiments {
            let key = experiment.key.clone();
            match Definition::try_from(experiment) {
                Ok(definition) => {
                    experiments.insert(key, definition);
                }
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::error!(experiment = key, %error, cause, "an experiment cannot be read; it is left out");
                }
            }
        }
        Self { version: snapshot.registry_version, experiments }
    }

    /// Counts up with every change.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// An experiment by its key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Definition> {
        self.experiments.get(key)
    }

    /// Digest of everything that the fold's output depends on, and of nothing else: a new owner, weight or error
    /// level folds nothing again.
    #[must_use]
    pub fn digest(&self, reporting_currency: &str) -> u128 {
        let mut hasher = Hasher::new();
        put_number(&mut hasher, FOLD_VERSION);
        put_text(&mut hasher, reporting_currency);
        for definition in self.experiments.values() {
            put_text(&mut hasher, &definition.key);
            put_number(&mut hasher, u64::from(definition.revision));
            put_number(&mut hasher, u64::from(definition.start_ms.is_some()));
            put_number(&mut hasher, definition.start_ms.unwrap_or_default().cast_unsigned());
            put_number(&mut hasher, definition.primary as u64);
            put_number(&mut hasher, definition.metrics.len() as u64);
            for metric in &definition.metrics {
                put_number(&mut hasher, code(metric.kind));
                put_number(&mut hasher, metric.window_ms.cast_unsigned());
                put_text(&mut hasher, &metric.event_type);
            }
        }
        let mut digest = [0; 16];
        hasher.finalize_xof().fill(&mut digest);
        u128::from_le_bytes(digest)
    }
}

/// Numbers of kinds inside digests; fixed, or everything is folded again for nothing.
const fn code(kind: MetricKind) -> u64 {
    match kind {
        MetricKind::Conversion => 1,
        MetricKind::FirstValue => 2,
        MetricKind::GrossRevenue => 3,
        MetricKind::NetRevenue => 4,
        MetricKind::Count => 5,
    }
}

fn put_number(hasher: &mut Hasher, number: u64) {
    hasher.update(&number.to_le_bytes());
}

fn put_text(hasher: &mut Hasher, text: &str) {
    put_number(hasher, text.len() as u64);
    hasher.update(text.as_bytes());
}

/// The registry does not answer.
#[derive(Debug, thiserror::Error)]
#[error("the registry does not answer")]
pub struct RegistryError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl RegistryError {
    /// Keeps the cause.
    pub fn because(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

/// Where the registry is asked.
#[async_trait]
pub trait RegistrySource: Send + Sync {
    /// The registry as it stands now.
    async fn fetch(&self) -> Result<WatchRegistryResponse, RegistryError>;

    /// Begins to follow it.
    async fn watch(&self) -> Result<Box<dyn RegistryWatch>, RegistryError>;
}

/// A registry that is being followed.
#[async_trait]
pub trait RegistryWatch: Send {
    /// The registry as it stands, at once and again after every change; `None` when the other side has left.
    async fn next(&mut self) -> Result<Option<WatchRegistryResponse>, RegistryError>;
}

#[cfg(test)]
mod tests {
    use api::assignment::v1::{Experiment, Variant};

    use super::*;

    fn snapshot(change: impl FnOnce(&mut Experiment)) -> Registry {
        let variant = |name: &str| Variant { name: name.into(), weight: 1, value: None };
        let mut experiment = Experiment {
            key: "checkout".into(),
            variants: vec![variant("old"), variant("new")],
            control: "old".into(),
            revision: 1,
            ..Experiment::default()
        };
        change(&mut experiment);
        Registry::parse(WatchRegistryResponse { registry_version: 7, experiments: vec![experiment] })
    }

    #[test]
    fn only_what_the_fold_depends_on_changes_the_digest() {
        let digest = snapshot(|_| ()).digest("USD");
        assert_eq!(digest, snapshot(|e| e.alpha = 0.01).digest("USD"));
        assert_eq!(digest, snapshot(|e| e.variants[0].weight = 9).digest("USD"));
        assert_ne!(digest, snapshot(|e| e.revision = 2).digest("USD"));
        assert_ne!(digest, snapshot(|e| e.primary_metric = "net_revenue".into()).digest("USD"));
        assert_ne!(digest, snapshot(|e| e.start_time = Some(api::timestamp_to_wire(Default::default()))).digest("USD"));
        assert_ne!(digest, snapshot(|_| ()).digest("EUR"));
        assert_ne!(digest, Registry::default().digest("USD"));
    }

    #[test]
    fn an_experiment_that_cannot_be_read_takes_no_other_with_it() {
        let mut wire = WatchRegistryResponse { registry_version: 1, experiments: vec![Experiment::default()] };
        assert!(Registry::parse(wire.clone()).get("").is_none());
        wire.experiments.push(Experiment {
            key: "good".into(),
            variants: vec![Variant { name: "a".into(), ..Variant::default() }, Variant::default()],
            control: "a".into(),
            ..Experiment::default()
        });
        assert!(Registry::parse(wire).get("good").is_some());
    }
}
