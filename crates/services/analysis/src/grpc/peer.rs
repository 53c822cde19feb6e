//! The registry over a channel to assignment.

use api::assignment::v1::assignment_service_client::AssignmentServiceClient;
use api::assignment::v1::registry_service_client::RegistryServiceClient;
use api::assignment::v1::{ListExperimentsRequest, WatchRegistryRequest, WatchRegistryResponse};
use api::types::PageRequest;
use async_trait::async_trait;
use tonic::Streaming;
use tonic::transport::Channel;

use crate::registry::{RegistryError, RegistrySource, RegistryWatch};

/// Experiments asked for at once.
const PAGE: u32 = 1000;

/// Assignment's registry.
#[derive(Clone, Debug)]
pub struct RegistryPeer {
    assignment: AssignmentServiceClient<Channel>,
    registry: RegistryServiceClient<Channel>,
}

impl RegistryPeer {
    /// Over a channel to where assignment is served.
    #[must_use]
    pub fn new(channel: Channel) -> Self {
        Self {
            assignment: api::sized!(AssignmentServiceClient::new(channel.clone())),
            registry: api::sized!(RegistryServiceClient::new(channel)),
        }
    }
}

#[async_trait]
impl RegistrySource for RegistryPeer {
    async fn fetch(&self) -> Result<WatchRegistryResponse, RegistryError> {
        let mut client = self.registry.clone();
        let mut snapshot = WatchRegistryResponse::default();
        let mut page_token = String::new();
        loop {
            let page = Some(PageRequest { page_size: PAGE, page_token: std::mem::take(&mut page_token) });
            let response = client.list_experiments(ListExperimentsRequest { page }).await;
            let response = response.map_err(RegistryError::because)?.into_inner();
            // Pages of different versions make no registry: what changed in between may be on neither.
            let torn = !snapshot.experiments.is_empty() && response.registry_version != snapshot.registry_version;
            if torn {
                snapshot = WatchRegistryResponse::default();
                continue;
            }
            snapshot.registry_version = response.registry_version;
            snapshot.experiments.extend(response.experiments);
            page_token = response.page.unwrap_or_default().next_page_token;
            if page_token.is_empty() {
                return Ok(snapshot);
            }
        }
    }

    async fn watch(&self) -> Result<Box<dyn RegistryWatch>, RegistryError> {
        let response = self.assignment.clone().watch_registry(WatchRegistryRequest {}).await;
        Ok(Box::new(Following(response.map_err(RegistryError::because)?.into_inner())))
    }
}

struct Following(Streaming<WatchRegistryResponse>);

#[async_trait]
impl RegistryWatch for Following {
    async fn next(&mut self) -> Result<Option<WatchRegistryResponse>, RegistryError> {
        self.0.message().await.map_err(RegistryError::because)
    }
}
