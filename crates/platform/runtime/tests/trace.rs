//! One trace goes on through headers, records and calls. Apart from the other tests, because spans have one
//! subscriber per process.

use std::sync::OnceLock;

use api::attribution::v1::model_service_client::ModelServiceClient;
use api::attribution::v1::model_service_server::{ModelService, ModelServiceServer};
use api::attribution::v1::{ListModelsRequest, ListModelsResponse, Model};
use http::HeaderMap;
use opentelemetry::trace::{SpanId, TracerProvider as _};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use runtime::lifecycle::Shutdown;
use runtime::server::{GrpcOptions, GrpcServer};
use runtime::trace;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use tracing::Instrument as _;
use tracing_subscriber::layer::SubscriberExt as _;

const SERVICE: &str = "upshot.attribution.v1.ModelService";

/// Keeps the spans of this process in memory; gives those of one trace that have ended, by name.
fn spans(trace_id: &str) -> impl Fn(&str) -> Option<SpanData> {
    static EXPORTER: OnceLock<InMemorySpanExporter> = OnceLock::new();
    let exporter = EXPORTER.get_or_init(|| {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
        exporter
    });
    let trace_id = trace_id.to_owned();
    move |name| {
        let spans = exporter.get_finished_spans().unwrap();
        spans.into_iter().find(|span| span.span_context.trace_id().to_string() == trace_id && span.name == name)
    }
}

fn trace_id(traceparent: &str) -> &str {
    traceparent.split('-').nth(1).unwrap()
}

#[test]
fn a_trace_goes_on_through_headers_and_records() {
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let spans = spans(trace_id(parent));
    let first = tracing::info_span!("first");
    trace::set_parent(&first, parent);
    let mut headers = HeaderMap::new();
    let kept = first.in_scope(|| {
        trace::inject(&mut headers);
        trace::current_traceparent().unwrap()
    });
    assert_eq!(headers.get(trace::TRACEPARENT).unwrap(), kept.as_str());
    assert_eq!(trace_id(&kept), trace_id(parent));

    let second = tracing::info_span!("second");
    trace::extract(&headers, &second);
    second.in_scope(|| assert_eq!(trace_id(&trace::current_traceparent().unwrap()), trace_id(parent)));
    drop((first, second));
    let (first, second) = (spans("first").unwrap(), spans("second").unwrap());
    assert_eq!(first.parent_span_id.to_string(), "00f067aa0ba902b7");
    assert_eq!(second.parent_span_id, first.span_context.span_id());
}

#[test]
fn a_malformed_parent_is_passed_over() {
    let _ = spans("");
    let span = tracing::info_span!("alone");
    trace::set_parent(&span, "00-nonsense");
    let own = span.in_scope(|| trace::current_traceparent().unwrap());
    drop(span);
    assert_eq!(spans(trace_id(&own))("alone").unwrap().parent_span_id, SpanId::INVALID);
}

/// Tells under which trace it was called.
struct Models;

#[tonic::async_trait]
impl ModelService for Models {
    async fn list_models(&self, _: Request<ListModelsRequest>) -> Result<Response<ListModelsResponse>, Status> {
        let id = trace::current_traceparent().unwrap_or_default();
        Ok(Response::new(ListModelsResponse { models: vec![Model { id, ..Model::default() }] }))
    }
}

#[tokio::test]
async fn a_trace_crosses_a_call() {
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let spans = spans(trace_id(parent));
    let routes = Routes::new(ModelServiceServer::new(Models));
    let server = GrpcServer::new(routes, &[SERVICE], GrpcOptions::default()).await.unwrap();
    let (channel, incoming) = api::in_memory();
    let serving = tokio::spawn(async move { server.serve_in_memory(incoming, Shutdown::new()).await });

    let caller = tracing::info_span!("caller");
    trace::set_parent(&caller, parent);
    let mut client = ModelServiceClient::with_interceptor(channel, trace::propagate);
    let answer = client.list_models(ListModelsRequest {}).instrument(caller.clone()).await.unwrap().into_inner();
    drop(caller);
    let (caller, called) = (spans("caller").unwrap(), spans(&format!("{SERVICE}/ListModels")).unwrap());
    assert_eq!(called.parent_span_id, caller.span_context.span_id());
    assert!(answer.models[0].id.contains(&called.span_context.span_id().to_string()));
    let code = called.attributes.iter().find(|pair| pair.key.as_str() == "rpc.grpc.status_code");
    assert_eq!(code.unwrap().value.to_string(), "0");
    serving.abort();
}
