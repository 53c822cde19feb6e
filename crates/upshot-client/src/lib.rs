//! The Rust client of Upshot: one channel, a typed client per service, and the two calls that need more than one
//! request: recording many events in order, and waiting until they are in the reports.
//!
//! Must never know: storage, the journal's format, how a service does its work.

mod batch;
mod cut;
mod error;
mod record;
mod retry;
mod wait;

use std::time::Duration;

use api::analysis::v1::analysis_service_client::AnalysisServiceClient;
use api::assignment::v1::assignment_service_client::AssignmentServiceClient;
use api::assignment::v1::registry_service_client::RegistryServiceClient;
use api::attribution::v1::attribution_service_client::AttributionServiceClient;
use api::attribution::v1::model_service_client::ModelServiceClient;
use api::ingestion::v1::dead_letter_service_client::DeadLetterServiceClient;
use api::ingestion::v1::event_type_service_client::EventTypeServiceClient;
use api::ingestion::v1::ingestion_service_client::IngestionServiceClient;
use api::ingestion::v1::person_service_client::PersonServiceClient;
use api::revenue::v1::rate_service_client::RateServiceClient;
use api::revenue::v1::revenue_service_client::RevenueServiceClient;
use tonic::transport::{Channel, Endpoint};

pub use batch::{BATCH_BYTES, BATCH_EVENTS};
pub use cut::Cut;
pub use error::{Error, Refusal};
pub use retry::RetryPolicy;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A client of every service behind one channel. Cloning is cheap and shares the channel.
#[derive(Clone, Debug)]
pub struct Client {
    channel: Channel,
    policy: RetryPolicy,
}

impl Client {
    /// Connects over TCP. `addr` is `host:port`, with or without `http://` before it.
    ///
    /// # Errors
    /// [`Error::InvalidAddress`] when `addr` is none, [`Error::Connect`] when nobody answers there within 5 s.
    pub async fn connect(addr: &str) -> Result<Self, Error> {
        let uri = if addr.contains("://") { addr.to_owned() } else { format!("http://{addr}") };
        let endpoint =
            Endpoint::from_shared(uri).map_err(|source| Error::InvalidAddress { addr: addr.to_owned(), source })?;
        let channel = endpoint
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .connect()
            .await
            .map_err(|source| Error::Connect { addr: addr.to_owned(), source })?;
        Ok(Self::from_channel(channel))
    }

    /// Uses a channel that is there already, for instance one in memory.
    #[must_use]
    pub fn from_channel(channel: Channel) -> Self {
        Self { channel, policy: RetryPolicy::default() }
    }

    /// The same client with other bounds on retries.
    #[must_use]
    pub fn with_retry_policy(self, policy: RetryPolicy) -> Self {
        Self { policy, ..self }
    }

    /// Decides variants.
    #[must_use]
    pub fn assignment(&self) -> AssignmentServiceClient<Channel> {
        AssignmentServiceClient::new(self.channel.clone())
    }

    /// Keeps the definitions of experiments.
    #[must_use]
    pub fn registry(&self) -> RegistryServiceClient<Channel> {
        RegistryServiceClient::new(self.channel.clone())
    }

    /// Records events, one request at a time; [`Client::record`] batches and retries.
    #[must_use]
    pub fn ingestion(&self) -> IngestionServiceClient<Channel> {
        IngestionServiceClient::new(self.channel.clone())
    }

    /// Keeps the registry of event types.
    #[must_use]
    pub fn event_types(&self) -> EventTypeServiceClient<Channel> {
        EventTypeServiceClient::new(self.channel.clone())
    }

    /// Shows refused events.
    #[must_use]
    pub fn dead_letters(&self) -> DeadLetterServiceClient<Channel> {
        DeadLetterServiceClient::new(self.channel.clone())
    }

    /// Says who is who.
    #[must_use]
    pub fn persons(&self) -> PersonServiceClient<Channel> {
        PersonServiceClient::new(self.channel.clone())
    }

    /// Reports journeys and credit.
    #[must_use]
    pub fn attribution(&self) -> AttributionServiceClient<Channel> {
        AttributionServiceClient::new(self.channel.clone())
    }

    /// Lists attribution models.
    #[must_use]
    pub fn models(&self) -> ModelServiceClient<Channel> {
        ModelServiceClient::new(self.channel.clone())
    }

    /// Reports money.
    #[must_use]
    pub fn revenue(&self) -> RevenueServiceClient<Channel> {
        RevenueServiceClient::new(self.channel.clone())
    }

    /// Keeps exchange rates.
    #[must_use]
    pub fn rates(&self) -> RateServiceClient<Channel> {
        RateServiceClient::new(self.channel.clone())
    }

    /// Reads experiments out.
    #[must_use]
    pub fn analysis(&self) -> AnalysisServiceClient<Channel> {
        AnalysisServiceClient::new(self.channel.clone())
    }
}
