//! Exposures on their way out: once per unit, arm and day, through a bounded queue, in batches to ingestion.
//!
//! The hot path looks a key up, and for a new one reserves a place in the queue; it never waits. What was queued is
//! sent until ingestion takes it or the shutdown's time is over.
//!
//! "Once a day" is kept in memory, as best it can be: after a restart, or when a key was pushed out, the same exposure
//! is recorded again, under another id. That is harmless, since a unit's history counts from its *first* exposure.
//! A derived id would not do better: the repeat would carry another time under the same id, which is a conflict.
//! Must never know: how a decision was made, how ingestion is reached.

mod remembered;
mod sender;

use std::sync::Arc;
use std::time::Duration;

use api::Problem;
use api::ingestion::v1::{Event, EventResult};
use api::types::Consent;
use async_trait::async_trait;
use ids::{Name, Timestamp};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::identity::Identity;
use crate::metrics::Meters;
use remembered::Remembered;
use sender::Sender;

/// Takes exposures for good: ingestion, seen from here.
#[async_trait]
pub trait ExposureRecorder: Send + Sync {
    /// Records a batch; one result per event, in order. Repeating a batch is harmless, as event ids are the same.
    ///
    /// # Errors
    /// The [`Problem`] with which the whole batch was refused; it tells whether trying again can help.
    async fn record(&self, events: &[Event], deadline: Duration) -> Result<Vec<EventResult>, Problem>;
}

/// A unit really met a variant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Exposure {
    pub(crate) experiment: Name,
    pub(crate) revision: u32,
    pub(crate) variant: Name,
    /// Chance of the variant, in `(0, 1]`.
    pub(crate) propensity: f64,
    pub(crate) identity: Identity,
    pub(crate) consent: Consent,
    /// When the variant was given, by this server's clock.
    pub(crate) at: Timestamp,
}

/// The way in. The task behind it ends with [`Exposures::drain`] or when this is dropped.
pub(crate) struct Exposures {
    remembered: Remembered,
    queue: mpsc::Sender<Exposure>,
    meters: Arc<Meters>,
    stop: CancellationToken,
    stopped: CancellationToken,
}

impl Exposures {
    /// Starts the task that sends. Must be called inside a tokio runtime.
    pub(crate) fn start(config: &Config, recorder: Arc<dyn ExposureRecorder>, meters: Arc<Meters>) -> Self {
        let (queue, receiver) = mpsc::channel(config.exposure_queue_max);
        let (stop, stopped) = (CancellationToken::new(), CancellationToken::new());
        let sender = Sender::new(config, receiver, recorder, Arc::clone(&meters));
        tokio::spawn(sender.run(stop.clone(), stopped.clone().drop_guard()));
        Self { remembered: Remembered::new(config.exposures_remembered_max), queue, meters, stop, stopped }
    }

    /// Hands an exposure on, unless it was handed on before today; false when there is no room for it.
    pub(crate) fn record(&self, exposure: Exposure) -> bool {
        if self.remembered.contains(&exposure) {
            self.meters.repeated.increment(1);
            return true;
        }
        let Ok(place) = self.queue.try_reserve() else {
            self.meters.overflowed.increment(1);
            return false;
        };
        self.remembered.insert(&exposure);
        place.send(exposure);
        self.meters.queued.increment(1);
        true
    }

    /// Takes no more, and returns when all that was queued is sent, or after the configured time.
    pub(crate) async fn drain(&self) {
        self.stop.cancel();
        self.stopped.cancelled().await;
    }
}

#[cfg(test)]
mod tests;
