//! Ingestion over a channel.

use std::time::Duration;

use api::Problem;
use api::ingestion::v1::ingestion_service_client::IngestionServiceClient;
use api::ingestion::v1::{Event, EventResult, RecordRequest};
use async_trait::async_trait;
use tonic::Request;
use tonic::transport::Channel;

use crate::exposure::ExposureRecorder;

pub(super) struct Ingestion(IngestionServiceClient<Channel>);

impl Ingestion {
    pub(super) fn new(channel: Channel) -> Self {
        Self(api::sized!(IngestionServiceClient::new(channel)))
    }
}

#[async_trait]
impl ExposureRecorder for Ingestion {
    async fn record(&self, events: &[Event], deadline: Duration) -> Result<Vec<EventResult>, Problem> {
        let mut request = Request::new(RecordRequest { events: events.to_vec() });
        request.set_timeout(deadline);
        let answer = self.0.clone().record(request).await;
        answer.map(|response| response.into_inner().results).map_err(|status| Problem::from_status(&status))
    }
}
