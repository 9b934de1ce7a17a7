//! A span for each request, for whoever traces them; it goes on with the trace that the request names.

use crate::validator::SPANS;
use axum::extract::{MatchedPath, Request};
use axum::http::StatusCode;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing::field::Empty;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The span of a request that begins. It tells the route as it is declared, and nothing of the path that
/// was asked for, of headers or of the body.
pub(super) fn begin(request: &Request, request_id: &str) -> Span {
    let route = request.extensions().get().map(MatchedPath::as_str);
    let method = request.method().as_str();
    let span = tracing::info_span!(
        target: SPANS,
        "request",
        otel.name = format_args!("{method} {}", route.unwrap_or("none")),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        touchstone.request_id = request_id,
    );
    if !span.is_disabled() {
        let headers = HeaderExtractor(request.headers());
        let parent = TraceContextPropagator::new().extract(&headers);
        // Fails where spans are taken by something else, which then has no use for it.
        let _ = span.set_parent(parent);
    }
    span
}

/// It is over, without a status where the client went away before.
pub(super) fn end(span: &Span, status: Option<StatusCode>) {
    if let Some(status) = status {
        span.record("http.response.status_code", i64::from(status.as_u16()));
    }
    if status.is_some_and(|status| status.is_server_error()) {
        span.record("otel.status_code", "ERROR");
    }
}
