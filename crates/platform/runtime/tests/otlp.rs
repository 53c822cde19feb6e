//! Spans reach an OTLP collector. Alone in its process, because telemetry begins once per process.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use runtime::telemetry::{TelemetryConfig, init};
use runtime::trace;
use tokio::sync::mpsc;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_reach_a_collector_before_the_end_whatever_is_logged() {
    let (sender, mut received) = mpsc::unbounded_channel();
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let otlp_endpoint = format!("http://{}", incoming.local_addr().unwrap());
    let collector = TraceServiceServer::new(Collector(sender));
    tokio::spawn(Server::builder().add_service(collector).serve_with_incoming(incoming));

    let config =
        TelemetryConfig { log: "off".into(), otlp_endpoint, service_name: "tested".into(), ..Default::default() };
    let telemetry = init(&config).unwrap();
    let kept =
        tracing::debug_span!("outer").in_scope(|| tracing::info_span!("inner").in_scope(trace::current_traceparent));
    telemetry.shutdown(Duration::from_secs(10)).await;

    let request = received.recv().await.unwrap();
    let resource = &request.resource_spans[0];
    let attributes = &resource.resource.as_ref().unwrap().attributes;
    assert!(attributes.iter().any(|pair| format!("{pair:?}").contains("tested")), "{attributes:?}");
    let spans: Vec<_> = resource.scope_spans.iter().flat_map(|scope| &scope.spans).collect();
    let span = |name: &str| *spans.iter().find(|span| span.name == name).unwrap();
    assert_eq!(span("inner").parent_span_id, span("outer").span_id);
    let trace_id: String = span("inner").trace_id.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(kept.unwrap().contains(&trace_id));
}
