//! The service over a channel in memory, and the registry peer against a scripted assignment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::store::Database;
use api::analysis::v1::analysis_service_client::AnalysisServiceClient;
use api::analysis::v1::{GetReadoutRequest, Verdict};
use api::assignment::v1::assignment_service_server::{AssignmentService, AssignmentServiceServer};
use api::assignment::v1::registry_service_server::{RegistryService, RegistryServiceServer};
use api::assignment::v1::*;
use api::types::PageResponse;
use journal::MemoryTopic;
use tonic::Code;
use tonic::codegen::tokio_stream::{self, Stream};
use tonic::transport::{Channel, Server};

use super::*;
use crate::config::Config;
use crate::registry::RegistrySource as _;
use crate::testing::{EXPERIMENT, experiment, snapshot};

/// An assignment of two pages whose version changes between the first two of them.
#[derive(Clone, Default)]
struct Scripted(Arc<AtomicU64>);

type Answer<T> = Result<Response<T>, Status>;
type Changes = std::pin::Pin<Box<dyn Stream<Item = Result<WatchRegistryResponse, Status>> + Send>>;

#[tonic::async_trait]
impl AssignmentService for Scripted {
    type WatchRegistryStream = Changes;

    async fn assign(&self, _: Request<AssignRequest>) -> Answer<AssignResponse> {
        Err(Status::unimplemented(""))
    }

    async fn watch_registry(&self, _: Request<WatchRegistryRequest>) -> Answer<Changes> {
        let versions = [snapshot(1, Vec::new()), snapshot(2, vec![experiment()])];
        Ok(Response::new(Box::pin(tokio_stream::iter(versions.map(Ok)))))
    }
}

#[tonic::async_trait]
impl RegistryService for Scripted {
    async fn list_experiments(&self, request: Request<ListExperimentsRequest>) -> Answer<ListExperimentsResponse> {
        let call = self.0.fetch_add(1, Ordering::SeqCst);
        let token = request.into_inner().page.unwrap_or_default().page_token;
        let (key, next) = if token.is_empty() { ("first", "more") } else { ("second", "") };
        Ok(Response::new(ListExperimentsResponse {
            experiments: vec![Experiment { key: key.into(), ..experiment() }],
            page: Some(PageResponse { next_page_token: next.into() }),
            registry_version: if call == 0 { 1 } else { 2 },
        }))
    }

    async fn create_experiment(&self, _: Request<CreateExperimentRequest>) -> Answer<CreateExperimentResponse> {
        Err(Status::unimplemented(""))
    }

    async fn get_experiment(&self, _: Request<GetExperimentRequest>) -> Answer<GetExperimentResponse> {
        Err(Status::unimplemented(""))
    }

    async fn start_experiment(&self, _: Request<StartExperimentRequest>) -> Answer<StartExperimentResponse> {
        Err(Status::unimplemented(""))
    }

    async fn stop_experiment(&self, _: Request<StopExperimentRequest>) -> Answer<StopExperimentResponse> {
        Err(Status::unimplemented(""))
    }
}

fn served(routes: Routes) -> Channel {
    let (channel, incoming) = api::in_memory();
    tokio::spawn(Server::builder().add_routes(routes).serve_with_incoming(incoming));
    channel
}

fn assignment() -> Channel {
    let scripted = Scripted::default();
    let registry = RegistryServiceServer::new(scripted.clone());
    served(Routes::new(AssignmentServiceServer::new(scripted)).add_service(registry))
}

#[tokio::test]
async fn pages_of_different_versions_are_asked_for_again() {
    let peer = RegistryPeer::new(assignment());
    let registry = peer.fetch().await.unwrap();
    let keys: Vec<&str> = registry.experiments.iter().map(|experiment| experiment.key.as_str()).collect();
    assert_eq!((registry.registry_version, keys), (2, vec!["first", "second"]));
}

#[tokio::test]
async fn a_stream_ends_with_the_other_side() {
    let mut watch = RegistryPeer::new(assignment()).watch().await.unwrap();
    let mut versions = Vec::new();
    while let Some(registry) = watch.next().await.unwrap() {
        versions.push(registry.registry_version);
    }
    assert_eq!(versions, [1, 2]);
}

#[tokio::test]
async fn an_assignment_that_is_gone_is_an_error() {
    let (channel, incoming) = api::in_memory();
    drop(incoming);
    assert!(RegistryPeer::new(channel).fetch().await.is_err());
}

#[tokio::test]
async fn the_service_answers_in_the_words_of_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("analysis.db");
    let database = Database::open_sqlite::<migrations::analysis::Migrator>(&path).await.unwrap();
    let topic = |topic| Arc::new(MemoryTopic::new(topic));
    let peer = Arc::new(RegistryPeer::new(assignment()));
    let (events, transactions) = (topic(Topic::PersonEvents), topic(Topic::Transactions));
    let service = Service::open(database, Config::default(), events, transactions, peer).await.unwrap();
    let client = AnalysisServiceClient::new(served(routes(&service, Routes::default())));

    let readout = async |key: &str| {
        let mut client = client.clone();
        let request = GetReadoutRequest { experiment: key.into() };
        client.get_readout(request).await.map(Response::into_inner)
    };
    assert_eq!(readout("").await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(readout(EXPERIMENT).await.unwrap_err().code(), Code::NotFound);

    // Nobody folds, so the wait ends; the registry is known afterwards.
    let mut wait = Request::new(WaitCaughtUpRequest { positions: Vec::new() });
    wait.set_timeout(Duration::from_millis(500));
    let waited = client.clone().wait_caught_up(wait).await;
    assert_eq!(waited.unwrap_err().code(), Code::DeadlineExceeded);
    let found = readout("second").await.unwrap();
    assert_eq!((found.verdict(), found.metrics.len()), (Verdict::Continue, 5));
    let comparison = &found.metrics[0].comparisons[0];
    assert_eq!((comparison.difference, comparison.undefined_reason.as_str()), (None, "there are no units"));
    assert_eq!(found.srm.unwrap().p_value, None);
}
