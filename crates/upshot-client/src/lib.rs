//! The Rust client of Upshot: one channel, a typed client per service, and the two calls that need more than one
//! request: recording many events in order, and waiting until they are in the reports.
//!
//! Must never know: storage, the journal's format, how a service does its work.

mod batch;
mod credentials;
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
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};

pub use batch::{BATCH_BYTES, BATCH_EVENTS};
pub use credentials::Credentials;
pub use cut::Cut;
pub use error::{Error, Refusal};
pub use retry::RetryPolicy;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What carries the calls: a channel that adds the credentials to each of them.
pub type Transport = InterceptedService<Channel, Credentials>;

/// A client of every service behind one channel. Cloning is cheap and shares the channel.
#[derive(Clone, Debug)]
pub struct Client {
    channel: Channel,
    credentials: Credentials,
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
        Self { channel, credentials: Credentials::default(), policy: RetryPolicy::default() }
    }

    /// The same client with other bounds on retries.
    #[must_use]
    pub fn with_retry_policy(self, policy: RetryPolicy) -> Self {
        Self { policy, ..self }
    }

    /// The same client sending an API key with every call.
    ///
    /// # Errors
    /// [`Error::InvalidApiKey`] when the key cannot be sent in a header.
    pub fn with_api_key(self, key: &str) -> Result<Self, Error> {
        Ok(Self { credentials: Credentials::api_key(key)?, ..self })
    }

    /// Decides variants.
    #[must_use]
    pub fn assignment(&self) -> AssignmentServiceClient<Transport> {
        AssignmentServiceClient::with_interceptor(self.channel.clone(), self.credentials.clone())
    }

    /// Keeps the definitions of experiments.
    #[must_use]
    pub fn registry(&self) -> RegistryServiceClient<Transport> {
        RegistryServiceClient::with_interceptor(self.channel.clone(), self.credentials.clone())
    }

    /// Records events, one request at a time; [`Client::record`] batches and retries.
    #[must_use]
    pub fn ingestion(&self) -> IngestionServiceClient<Transport> {
        IngestionServiceClient::with_interceptor(self.channel.clone(), self.credentials.clone())
    }

    /// Keeps the registry of event types.
    #[must_use]
    pub fn event_types(&self) -> EventTypeServiceClient<Transport> {
        EventTypeServiceClient::with_interceptor(self.channel.clone(), self.credentials.clone())
    }

    /// Shows refused events.
    #[must_use]
    pub fn dead_letters(&self) -> DeadLetterServiceClient<Transport> {
        DeadLetterServiceClient::with_interceptor(self.channel.clone(), self.credentials.clone())
    }

    /// Says who is who.
    #[must_use]
    pub fn persons(&self) -> PersonServiceClient<Transport> {
        PersonServiceClient::with_interceptor(self.channel.clone(), self.credentials.clone())
    }

    /// Reports journeys and credit.
    #[must_use]
    pub fn attribution(&self) -> AttributionServiceClient<Transport> {
        AttributionServiceClient::with_interceptor(self.channel.clone(), self.credentials.clone())
    }

    /// Lists attribution models.
    #[must_use]
    pub fn models(&self) -> ModelServiceClient<Transport> {
        ModelServiceClient::with_interceptor(self.channel.clone(), self.credentials.clone())
    }

    /// Reports money.
    #[must_use]
    pub fn revenue(&self) -> RevenueServiceClient<Transport> {
        RevenueServiceClient::with_interceptor(self.channel.clone(), self.credentials.clone())
    }

    /// Keeps exchange rates.
    #[must_use]
    pub fn rates(&self) -> RateServiceClient<Transport> {
        RateServiceClient::with_interceptor(self.channel.clone(), self.credentials.clone())
    }

    /// Reads experiments out.
    #[must_use]
    pub fn analysis(&self) -> AnalysisServiceClient<Transport> {
        AnalysisServiceClient::with_interceptor(self.channel.clone(), self.credentials.clone())
    }
}
