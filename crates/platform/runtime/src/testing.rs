//! Spans that are kept in memory instead of exported.

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing_subscriber::layer::SubscriberExt as _;

/// While the guard lives, spans of this thread are kept; the function gives those that have ended, in order.
pub(crate) fn exported_spans() -> (tracing::subscriber::DefaultGuard, impl Fn() -> Vec<SpanData>) {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    (guard, move || {
        provider.force_flush().unwrap();
        exporter.get_finished_spans().unwrap()
    })
}
