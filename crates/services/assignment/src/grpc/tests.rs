use std::sync::Arc;

use api::assignment::v1::assignment_service_client::AssignmentServiceClient;
use api::assignment::v1::registry_service_client::RegistryServiceClient;
use api::assignment::v1::{
    AssignRequest, AssignmentReason, CreateExperimentRequest, Experiment, GetExperimentRequest, ListExperimentsRequest,
    StartExperimentRequest, Variant, WatchRegistryRequest,
};
use api::ingestion::v1::ingestion_service_server::{IngestionService, IngestionServiceServer};
use api::ingestion::v1::{
    EventResult, GetStatisticsRequest, GetStatisticsResponse, RecordRequest, RecordResponse, Verdict,
    WaitCaughtUpRequest, WaitCaughtUpResponse,
};
use api::types::{Consent, Identity, PageRequest};
use tokio::sync::Mutex;
use tonic::transport::Server;
use tonic::{Code, Request, Response};

use super::*;
use crate::clock::SystemClock;
use crate::config::Config;

/// Ingestion that takes everything; keeps (experiment, user id).
#[derive(Clone, Default)]
struct Taking(Arc<Mutex<Vec<(String, String)>>>);

#[tonic::async_trait]
impl IngestionService for Taking {
    async fn record(&self, request: Request<RecordRequest>) -> Result<Response<RecordResponse>, Status> {
        let mut results = Vec::new();
        for event in request.into_inner().events {
            let Some(api::ingestion::v1::event::Payload::Exposure(exposure)) = event.payload else { continue };
            self.0.lock().await.push((exposure.experiment, event.identity.unwrap_or_default().user_id));
            let verdict = Verdict::Accepted.into();
            results.push(EventResult { event_id: event.event_id, verdict, ..EventResult::default() });
        }
        Ok(Response::new(RecordResponse { results }))
    }

    async fn get_statistics(
        &self,
        _: Request<GetStatisticsRequest>,
    ) -> Result<Response<GetStatisticsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn wait_caught_up(&self, _: Request<WaitCaughtUpRequest>) -> Result<Response<WaitCaughtUpResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

struct World {
    service: Service,
    taken: Taking,
    assignment: AssignmentServiceClient<Channel>,
    registry: RegistryServiceClient<Channel>,
    _folder: tempfile::TempDir,
}

async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("assignment.db");
    let database = store::Database::open_sqlite::<migrations::assignment::Migrator>(&path).await.unwrap();
    let taken = Taking::default();
    let (peer, incoming) = api::in_memory();
    let ingestion_server = Server::builder().add_service(IngestionServiceServer::new(taken.clone()));
    tokio::spawn(ingestion_server.serve_with_incoming(incoming));
    let service = Service::open(database, Config::default(), ingestion(peer), Arc::new(SystemClock)).await.unwrap();
    let (channel, incoming) = api::in_memory();
    let router = Server::builder().add_routes(routes(&service, Routes::default()));
    tokio::spawn(router.serve_with_incoming(incoming));
    World {
        service,
        taken,
        assignment: AssignmentServiceClient::new(channel.clone()),
        registry: RegistryServiceClient::new(channel),
        _folder: folder,
    }
}

fn experiment(key: &str) -> Experiment {
    let variant = |name: &str| Variant { name: name.into(), weight: 1, value: None };
    Experiment {
        key: key.into(),
        variants: vec![variant("control"), variant("treatment")],
        control: "control".into(),
        ..Experiment::default()
    }
}

fn assign(experiment: &str) -> AssignRequest {
    AssignRequest {
        experiment: experiment.into(),
        identity: Some(Identity { user_id: "u1".into(), ..Identity::default() }),
        consent: Some(Consent { analytics: Some(true), marketing: None }),
        ..AssignRequest::default()
    }
}

/// The only field at fault.
fn field(status: &Status) -> String {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let violations = Problem::from_status(status).violations();
    assert_eq!(violations.len(), 1, "{violations:?}");
    violations[0].field.clone()
}

#[tokio::test]
async fn from_creation_to_a_recorded_exposure() {
    let World { service, taken, mut assignment, mut registry, _folder } = world().await;
    let create = || CreateExperimentRequest { experiment: Some(experiment("checkout")) };
    let created = registry.create_experiment(create()).await.unwrap().into_inner().experiment.unwrap();
    assert_eq!((created.revision, created.state, created.hash_version.as_str()), (1, 1, "upshot1"));
    let start = StartExperimentRequest { key: "checkout".into(), start_time: None };
    let started = registry.start_experiment(start).await.unwrap().into_inner().experiment.unwrap();
    assert_eq!(started.state, 2);
    let get = GetExperimentRequest { key: "checkout".into() };
    assert_eq!(registry.get_experiment(get).await.unwrap().into_inner().experiment, Some(started));

    let assigned = assignment.assign(assign("checkout")).await.unwrap().into_inner();
    assert_eq!((assigned.reason(), assigned.propensity), (AssignmentReason::Split, 0.5));
    assert_eq!(assigned.value, Some(crate::json::to_wire(&serde_json::json!(assigned.variant))));
    assert_eq!((assigned.experiment.as_str(), assigned.revision, assigned.exposure_recorded), ("checkout", 1, true));
    service.drain().await;
    assert_eq!(*taken.0.lock().await, [("checkout".to_owned(), "u1".to_owned())]);
}

#[tokio::test]
async fn errors_carry_the_code_and_the_field() {
    let World { mut assignment, mut registry, _folder, .. } = world().await;
    let mut broken = experiment("checkout");
    broken.variants[1].weight = 0;
    let refused = registry.create_experiment(CreateExperimentRequest { experiment: Some(broken) }).await.unwrap_err();
    assert_eq!(field(&refused), "experiment.variants[1].weight");
    let refused = registry.create_experiment(CreateExperimentRequest { experiment: None }).await.unwrap_err();
    assert_eq!(field(&refused), "experiment");
    assert_eq!(assignment.assign(assign("nobody")).await.unwrap_err().code(), Code::NotFound);
    let nobody = AssignRequest { identity: None, ..assign("nobody") };
    assert_eq!(field(&assignment.assign(nobody).await.unwrap_err()), "identity");
    let list = ListExperimentsRequest { page: Some(PageRequest { page_size: 1_001, page_token: String::new() }) };
    assert_eq!(field(&registry.list_experiments(list).await.unwrap_err()), "page.page_size");
    let missing = GetExperimentRequest { key: "no such key".into() };
    assert_eq!(registry.get_experiment(missing).await.unwrap_err().code(), Code::NotFound);

    let create = |wire| CreateExperimentRequest { experiment: Some(wire) };
    registry.create_experiment(create(experiment("checkout"))).await.unwrap();
    registry.create_experiment(create(experiment("checkout"))).await.unwrap();
    let other = Experiment { owner: "somebody".into(), ..experiment("checkout") };
    assert_eq!(registry.create_experiment(create(other)).await.unwrap_err().code(), Code::AlreadyExists);
    let start = StartExperimentRequest { key: "checkout".into(), start_time: None };
    registry.start_experiment(start.clone()).await.unwrap();
    assert_eq!(registry.start_experiment(start).await.unwrap_err().code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn a_watcher_gets_the_registry_at_once_and_after_every_change_until_the_end() {
    let World { service, mut assignment, mut registry, _folder, .. } = world().await;
    let mut changes = assignment.watch_registry(WatchRegistryRequest {}).await.unwrap().into_inner();
    let first = changes.message().await.unwrap().unwrap();
    assert_eq!((first.registry_version, first.experiments.len()), (0, 0));
    for version in 1..=3_u64 {
        let wire = experiment(&format!("e{version}"));
        registry.create_experiment(CreateExperimentRequest { experiment: Some(wire) }).await.unwrap();
        let change = changes.message().await.unwrap().unwrap();
        assert_eq!((change.registry_version, change.experiments.len() as u64), (version, version));
    }
    service.close_streams();
    assert_eq!(changes.message().await.unwrap(), None);
}

#[tokio::test]
async fn the_names_for_health_are_full() {
    assert_eq!(SERVICES, ["upshot.assignment.v1.AssignmentService", "upshot.assignment.v1.RegistryService"]);
}
