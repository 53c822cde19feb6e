use api::attribution::v1::model_service_client::ModelServiceClient;
use api::attribution::v1::model_service_server::{ModelService, ModelServiceServer};
use api::attribution::v1::{ListModelsRequest, ListModelsResponse, Model};
use sha2::{Digest as _, Sha256};
use tokio_stream::StreamExt as _;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use super::*;
use crate::auth::{ApiKey, Caller, Scope};

const SERVICE: &str = "upshot.attribution.v1.ModelService";

/// Does as the header `behave` says; tells who called.
struct Models {
    entered: tokio::sync::mpsc::UnboundedSender<()>,
    gate: Arc<tokio::sync::Semaphore>,
}

#[tonic::async_trait]
impl ModelService for Models {
    async fn list_models(&self, request: Request<ListModelsRequest>) -> Result<Response<ListModelsResponse>, Status> {
        match request.metadata().get("behave").map(|value| value.as_bytes()) {
            Some(b"hang") => std::future::pending().await,
            Some(b"panic") => panic!("on purpose"),
            Some(b"wait") => {
                self.entered.send(()).unwrap();
                drop(self.gate.acquire().await);
            }
            _ => {}
        }
        let caller = request.extensions().get::<Caller>().map_or("nobody", |caller| &caller.name).to_owned();
        let model = Model { id: caller, ..Model::default() };
        Ok(Response::new(ListModelsResponse { models: vec![model] }))
    }
}

/// A server, and the means to see and hold its calls.
struct Bench {
    server: GrpcServer,
    entered: tokio::sync::mpsc::UnboundedReceiver<()>,
    gate: Arc<tokio::sync::Semaphore>,
    shutdown: Shutdown,
}

impl Bench {
    async fn new(options: GrpcOptions) -> Self {
        crate::metrics::install().unwrap();
        let (sender, entered) = tokio::sync::mpsc::unbounded_channel();
        let gate = Arc::new(tokio::sync::Semaphore::new(0));
        let service = api::sized!(ModelServiceServer::new(Models { entered: sender, gate: gate.clone() }));
        let server = GrpcServer::new(Routes::new(service), &[SERVICE], options).await.unwrap();
        Self { server, entered, gate, shutdown: Shutdown::new() }
    }

    fn in_memory(&self) -> (Channel, tokio::task::JoinHandle<Result<(), ServerError>>) {
        let (channel, incoming) = api::in_memory();
        let (server, shutdown) = (self.server.clone(), self.shutdown.clone());
        (channel, tokio::spawn(async move { server.serve_in_memory(incoming, shutdown).await }))
    }

    fn tcp(&self, auth: &AuthConfig) -> Channel {
        let bound = self.server.bind("127.0.0.1:0".parse().unwrap(), auth).unwrap();
        let channel = api::tcp(&bound.address().to_string()).unwrap();
        tokio::spawn(bound.serve(self.shutdown.clone()));
        channel
    }
}

async fn ask(channel: &Channel, header: &'static str, value: &str) -> Result<Model, Status> {
    let mut request = Request::new(ListModelsRequest {});
    request.metadata_mut().insert(header, value.parse().unwrap());
    let response = ModelServiceClient::new(channel.clone()).list_models(request).await?;
    Ok(response.into_inner().models.remove(0))
}

async fn health(channel: &Channel, service: &str) -> Result<i32, Code> {
    let request = HealthCheckRequest { service: service.to_owned() };
    let answer = HealthClient::new(channel.clone()).check(request).await;
    answer.map(|answer| answer.into_inner().status).map_err(|status| status.code())
}

async fn reflect(channel: &Channel, request: MessageRequest) -> MessageResponse {
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(request) };
    let mut client = ServerReflectionClient::new(channel.clone());
    let mut answers = client.server_reflection_info(tokio_stream::iter([request])).await.unwrap().into_inner();
    answers.next().await.unwrap().unwrap().message_response.unwrap()
}

#[tokio::test]
async fn health_follows_readiness_and_ends_with_the_server() {
    let bench = Bench::new(GrpcOptions::default()).await;
    let (channel, served) = bench.in_memory();
    let (serving, not_serving) = (ServingStatus::Serving as i32, ServingStatus::NotServing as i32);
    assert_eq!(health(&channel, SERVICE).await, Ok(not_serving));
    let readiness = Readiness::new();
    let check = readiness.check("migrations");
    bench.server.health().follow(readiness, bench.shutdown.clone());
    let watched = HealthCheckRequest { service: SERVICE.to_owned() };
    let mut changes = HealthClient::new(channel.clone()).watch(watched).await.unwrap().into_inner();
    assert_eq!(changes.next().await.unwrap().unwrap().status, not_serving);
    check.set(true);
    assert_eq!(changes.next().await.unwrap().unwrap().status, serving);
    assert_eq!(health(&channel, SERVICE).await, Ok(serving));
    bench.server.health().set(SERVICE, false).await;
    assert_eq!(health(&channel, "").await, Ok(serving));
    assert_eq!(health(&channel, "upshot.later.v1.LaterService").await, Err(Code::NotFound));
    drop(changes);
    bench.shutdown.begin();
    served.await.unwrap().unwrap();
    assert_eq!(health(&channel, "").await, Err(Code::Unavailable));
}

#[tokio::test]
async fn reflection_shows_the_services_served_and_every_file_of_theirs() {
    let bench = Bench::new(GrpcOptions::default()).await;
    let (channel, _served) = bench.in_memory();
    let MessageResponse::ListServicesResponse(list) =
        reflect(&channel, MessageRequest::ListServices(String::new())).await
    else {
        panic!("no list");
    };
    let names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    assert!(names.iter().any(|name| name == SERVICE), "{names:?}");
    assert!(!names.iter().any(|name| name.contains("RevenueService")), "{names:?}");
    for file in [
        "google/protobuf/timestamp.proto",
        "upshot/type/v1/type.proto",
        "upshot/attribution/v1/attribution_service.proto",
    ] {
        let answer = reflect(&channel, MessageRequest::FileByFilename(file.to_owned())).await;
        assert!(matches!(answer, MessageResponse::FileDescriptorResponse(_)), "{file}: {answer:?}");
    }
}

#[tokio::test]
async fn over_tcp_keys_count_and_in_memory_callers_are_trusted() {
    let bench = Bench::new(GrpcOptions::default()).await;
    let sha256 = |key: &str| Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect();
    let key = |name: &str, scope| ApiKey { name: name.to_owned(), sha256: sha256(name), scopes: vec![scope] };
    let auth = AuthConfig { api_keys: vec![key("reader", Scope::Read), key("sender", Scope::Ingest)] };
    let tcp = bench.tcp(&auth);
    assert_eq!(ask(&tcp, "authorization", "Bearer reader").await.unwrap().id, "reader");
    assert_eq!(ask(&tcp, "x-api-key", "reader").await.unwrap().id, "reader");
    let refused = ask(&tcp, "x-api-key", "sender").await.unwrap_err();
    assert_eq!(api::Problem::from_status(&refused), api::Problem::PermissionDenied { scope: "read".to_owned() });
    let refused = ask(&tcp, "x-api-key", "stranger").await.unwrap_err();
    assert_eq!(api::Problem::from_status(&refused), api::Problem::Unauthenticated);
    assert!(health(&tcp, "").await.is_ok());
    assert!(matches!(
        reflect(&tcp, MessageRequest::ListServices(String::new())).await,
        MessageResponse::ListServicesResponse(_)
    ));
    let (memory, _served) = bench.in_memory();
    assert_eq!(ask(&memory, "x-nothing", "").await.unwrap().id, "nobody");
    let refused = bench.server.bind("0.0.0.0:0".parse().unwrap(), &AuthConfig::default()).unwrap_err();
    assert!(matches!(refused, ServerError::Auth(AuthError::OpenToTheWorld { .. })));
}

#[tokio::test]
async fn a_call_that_hangs_or_panics_ends_with_our_errors() {
    let bench = Bench::new(GrpcOptions { request_timeout_ms: 20, ..GrpcOptions::default() }).await;
    let (channel, _served) = bench.in_memory();
    let late = ask(&channel, "behave", "hang").await.unwrap_err();
    assert!(matches!(api::Problem::from_status(&late), api::Problem::DeadlineExceeded { .. }), "{late:?}");
    let broken = ask(&channel, "behave", "panic").await.unwrap_err();
    assert_eq!(api::Problem::from_status(&broken), api::Problem::Internal);
    assert!(ask(&channel, "behave", "well").await.is_ok());
}

#[tokio::test]
async fn calls_above_the_limit_are_refused_and_health_is_not() {
    let mut bench = Bench::new(GrpcOptions { in_flight_max: 1, ..GrpcOptions::default() }).await;
    let (channel, _served) = bench.in_memory();
    let held = tokio::spawn({
        let channel = channel.clone();
        async move { ask(&channel, "behave", "wait").await }
    });
    bench.entered.recv().await.unwrap();
    let refused = ask(&channel, "behave", "well").await.unwrap_err();
    assert!(matches!(api::Problem::from_status(&refused), api::Problem::Overloaded { .. }), "{refused:?}");
    assert!(health(&channel, "").await.is_ok());
    bench.gate.add_permits(1);
    held.await.unwrap().unwrap();
    assert!(ask(&channel, "behave", "well").await.is_ok());
}

#[tokio::test]
async fn the_end_waits_for_running_calls_within_its_bound() {
    let mut bench = Bench::new(GrpcOptions { drain_ms: 60_000, ..GrpcOptions::default() }).await;
    let (channel, served) = bench.in_memory();
    let held = tokio::spawn(async move { ask(&channel, "behave", "wait").await });
    bench.entered.recv().await.unwrap();
    bench.shutdown.begin();
    bench.gate.add_permits(1);
    held.await.unwrap().unwrap();
    served.await.unwrap().unwrap();

    let mut bench = Bench::new(GrpcOptions { drain_ms: 0, ..GrpcOptions::default() }).await;
    let (channel, served) = bench.in_memory();
    let _held = tokio::spawn(async move { ask(&channel, "behave", "wait").await });
    bench.entered.recv().await.unwrap();
    bench.shutdown.begin();
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn calls_are_counted_by_method_and_code() {
    let bench = Bench::new(GrpcOptions::default()).await;
    let (channel, _served) = bench.in_memory();
    ask(&channel, "behave", "well").await.unwrap();
    ask(&channel, "behave", "panic").await.unwrap_err();
    let text = crate::metrics::install().unwrap().render();
    for code in ["OK", "INTERNAL"] {
        let line = format!("upshot_grpc_requests_total{{service=\"{SERVICE}\",method=\"ListModels\",code=\"{code}\"}}");
        assert!(text.contains(&line), "{text}");
    }
    assert!(text.contains("upshot_grpc_request_seconds_bucket"), "{text}");
}
