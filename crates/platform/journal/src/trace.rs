//! Trace context in the log: what a record caused is a child of what caused the record.

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer};
use opentelemetry::{Context, KeyValue, global};

use crate::topic::TraceText;

/// An open span of a stage; it ends when this is dropped.
#[derive(Debug)]
pub struct TraceContext {
    context: Context,
}

impl TraceContext {
    /// Opens a span named after the stage as a child of a record's trace; `None` when that is no sampled trace.
    #[must_use]
    pub fn child(stage: &'static str, parent: &str, key: &str) -> Option<Self> {
        let parent = parse(parent)?;
        let parent = Context::new().with_remote_span_context(parent);
        let tracer = global::tracer("upshot");
        let builder = tracer
            .span_builder(format!("{stage}.fold"))
            .with_kind(SpanKind::Consumer)
            .with_attributes([KeyValue::new("upshot.key", key.to_owned())]);
        let span = tracer.build_with_context(builder, &parent);
        Some(Self { context: parent.with_span(span) })
    }

    /// The `traceparent` for what this span causes.
    #[must_use]
    pub fn text(&self) -> Option<TraceText> {
        let context = self.context.span().span_context().clone();
        context.is_sampled().then(|| {
            format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags().to_u8()).into()
        })
    }
}

/// Reads `00-<trace id>-<span id>-<flags>`; `None` unless it is valid and sampled.
fn parse(text: &str) -> Option<SpanContext> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if version != "00" || trace.len() != 32 || span.len() != 16 {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?);
    let trace = TraceId::from_hex(trace).ok()?;
    let span = SpanId::from_hex(span).ok()?;
    let context = SpanContext::new(trace, span, flags, true, TraceState::NONE);
    (context.is_valid() && context.is_sampled()).then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_valid_sampled_trace_is_continued() {
        assert!(parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").is_some());
        assert!(parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00").is_none());
        assert!(parse("00-00000000000000000000000000000000-b7ad6b7169203331-01").is_none());
        assert!(parse("nonsense").is_none());
    }
}
