//! W3C trace context across gRPC metadata and journal records, so that one trace runs from the first call to the
//! last report.
//!
//! Contexts exist only where spans are exported (`telemetry.otlp_endpoint`); elsewhere everything here does nothing
//! and costs next to nothing.
//! Must never know: which calls there are.

use ::http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator as _};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Header that names a parent span: `00-<trace id>-<span id>-<flags>`.
pub const TRACEPARENT: &str = "traceparent";

/// Writes the current span into outgoing headers; `metadata.as_mut()` gives those of a gRPC request.
pub fn inject(headers: &mut HeaderMap) {
    let span = Span::current();
    if !span.is_disabled() {
        TraceContextPropagator::new().inject_context(&span.context(), &mut Outgoing(headers));
    }
}

/// An interceptor for generated clients that writes the current span into every call.
///
/// # Errors
/// Never.
#[allow(clippy::unnecessary_wraps)]
pub fn propagate(mut request: tonic::Request<()>) -> Result<tonic::Request<()>, tonic::Status> {
    inject(request.metadata_mut().as_mut());
    Ok(request)
}

/// Makes the span named in incoming headers the parent of `span`, if there is one. Must come before `span` is entered.
pub fn extract(headers: &HeaderMap, span: &Span) {
    if !span.is_disabled() && headers.contains_key(TRACEPARENT) {
        adopt(span, &Incoming(headers));
    }
}

/// The current span as a `traceparent`, to be kept with a record; `None` where spans are not exported.
#[must_use]
pub fn current_traceparent() -> Option<String> {
    let span = Span::current();
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let span = context.span();
    let parent = span.span_context();
    let flags = parent.trace_flags().to_u8();
    parent.is_valid().then(|| format!("00-{}-{}-{flags:02x}", parent.trace_id(), parent.span_id()))
}

/// Makes a kept `traceparent` the parent of `span`; one that is malformed is passed over. Must come before `span` is
/// entered.
pub fn set_parent(span: &Span, traceparent: &str) {
    if !span.is_disabled() {
        adopt(span, &Kept(traceparent));
    }
}

fn adopt(span: &Span, from: &dyn Extractor) {
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), from);
    if context.span().span_context().is_valid() {
        // Fails only where no layer exports spans: then there is nothing to be done.
        let _ = span.set_parent(context);
    }
}

struct Outgoing<'a>(&'a mut HeaderMap);

impl Injector for Outgoing<'_> {
    fn set(&mut self, key: &str, value: String) {
        let (key, value) = (HeaderName::from_bytes(key.as_bytes()), HeaderValue::from_str(&value));
        if let (Ok(key), Ok(value)) = (key, value)
            && !value.is_empty()
        {
            self.0.insert(key, value);
        }
    }
}

struct Incoming<'a>(&'a HeaderMap);

impl Extractor for Incoming<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct Kept<'a>(&'a str);

impl Extractor for Kept<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == TRACEPARENT).then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn nothing_happens_where_nothing_is_exported() {
        let span = tracing::info_span!("unseen");
        set_parent(&span, PARENT);
        let mut headers = HeaderMap::new();
        span.in_scope(|| inject(&mut headers));
        assert!(headers.is_empty());
        assert_eq!(span.in_scope(current_traceparent), None);
    }
}
