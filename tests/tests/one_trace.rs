//! From one call to the last report, one trace.

use std::collections::BTreeMap;
use std::time::Duration;

use api::ingestion::v1::RecordRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::trace::v1::Span;
use tests::command::Home;
use tests::events::{exposure, purchase, register_types, touch};
use tests::server::Server;
use tokio::sync::mpsc;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
const RECORD: &str = "upshot.ingestion.v1.IngestionService/Record";

struct Collector(mpsc::UnboundedSender<ExportTraceServiceRequest>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.send(request.into_inner()).map_err(|_| Status::unavailable("the test is over"))?;
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

/// Starts a collector; gives its endpoint and what arrives there.
fn collector() -> (String, mpsc::UnboundedReceiver<ExportTraceServiceRequest>) {
    let (sender, received) = mpsc::unbounded_channel();
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let endpoint = format!("http://{}", incoming.local_addr().unwrap());
    let service = TraceServiceServer::new(Collector(sender));
    tokio::spawn(tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming));
    (endpoint, received)
}

/// The spans of [`TRACE`] by their ids, once the server has ended.
async fn spans_of_the_trace(
    server: Server,
    mut received: mpsc::UnboundedReceiver<ExportTraceServiceRequest>,
) -> BTreeMap<String, Span> {
    let ended = server.terminate().await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    let mut spans = BTreeMap::new();
    while let Ok(request) = received.try_recv() {
        let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        for span in scopes.flat_map(|scope| scope.spans).filter(|span| hex(&span.trace_id) == TRACE) {
            spans.insert(hex(&span.span_id), span);
        }
    }
    spans
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purchase_is_followed_from_the_call_to_the_readout() {
    let (endpoint, received) = collector();
    let home = Home::new();
    let server = Server::start(&home, &["--set", &format!("telemetry.otlp_endpoint={endpoint}")]);
    let client = server.client().await;
    register_types(&client).await;
    client.record(vec![exposure(1, "u1", "x", "a"), touch(2, "u1", "email")]).await.unwrap();
    client.wait_caught_up(Vec::new(), Duration::from_secs(60)).await.unwrap();

    let mut request = Request::new(RecordRequest { events: vec![purchase(3, "u1", "T1", 5000)] });
    request.metadata_mut().insert("traceparent", format!("00-{TRACE}-{CALLER}-01").parse().unwrap());
    client.ingestion().record(request).await.unwrap();
    client.wait_caught_up(Vec::new(), Duration::from_secs(60)).await.unwrap();

    let spans = spans_of_the_trace(server, received).await;
    let shown: Vec<String> =
        spans.iter().map(|(id, span)| format!("{id} {} under {}", span.name, hex(&span.parent_span_id))).collect();
    let parents = |name: &str| -> Vec<&str> {
        let named = spans.values().filter(|span| span.name == name);
        named.map(|span| spans.get(&hex(&span.parent_span_id)).map_or("", |parent| parent.name.as_str())).collect()
    };
    let calls: Vec<&Span> = spans.values().filter(|span| span.name == RECORD).collect();
    assert_eq!(calls.len(), 1, "{shown:#?}");
    assert_eq!(hex(&calls[0].parent_span_id), CALLER, "{shown:#?}");
    assert_eq!(parents("identity.fold"), [RECORD], "{shown:#?}");
    assert_eq!(parents("attribution.fold"), ["identity.fold"], "{shown:#?}");
    // The money comes from identity, the shares from attribution; and so on: one batch may bring both.
    let (revenue, analysis) = (parents("revenue.fold"), parents("analysis.fold"));
    assert!(revenue.contains(&"attribution.fold"), "{shown:#?}");
    assert!(revenue.iter().all(|parent| ["identity.fold", "attribution.fold"].contains(parent)), "{shown:#?}");
    assert!(!analysis.is_empty(), "{shown:#?}");
    assert!(analysis.iter().all(|parent| ["identity.fold", "revenue.fold"].contains(parent)), "{shown:#?}");
    assert!(analysis.contains(&"revenue.fold"), "{shown:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_that_the_caller_does_not_sample_leaves_no_spans() {
    let (endpoint, received) = collector();
    let home = Home::new();
    let server = Server::start(&home, &["--set", &format!("telemetry.otlp_endpoint={endpoint}")]);
    let client = server.client().await;
    register_types(&client).await;
    let mut request = Request::new(RecordRequest { events: vec![purchase(3, "u1", "T1", 5000)] });
    request.metadata_mut().insert("traceparent", format!("00-{TRACE}-{CALLER}-00").parse().unwrap());
    client.ingestion().record(request).await.unwrap();
    client.wait_caught_up(Vec::new(), Duration::from_secs(60)).await.unwrap();
    assert_eq!(spans_of_the_trace(server, received).await.len(), 0);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
