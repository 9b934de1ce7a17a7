//! One log line, and one span, a request.

use super::access::Caller;
use super::metrics::Metrics;
use super::spans;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::StreamExt;
use std::sync::Arc;
use std::time::Instant;
use tracing::{Instrument, Span};

/// How many submissions a request had; handlers leave it in the response's extensions.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchSize(pub usize);

/// Logs each request once, whether it is answered or given up by the client.
pub(super) async fn log_request(
    State(metrics): State<Metrics>,
    request: Request,
    next: Next,
) -> Response {
    let mut line = RequestLine::new(&request, metrics);
    let response = next.run(request).instrument(line.span.clone()).await;
    line.status = Some(response.status());
    line.key = Caller::of(response.extensions()).name;
    line.submissions = response.extensions().get().map(|BatchSize(size)| *size);
    let media_type = response.headers().get(CONTENT_TYPE);
    if media_type.is_none_or(|media_type| media_type != "application/x-ndjson") {
        return response;
    }
    // The answer only begins here; the line is due when its last byte, or its client, is gone.
    let (head, body) = response.into_parts();
    let mark = move |_: &Result<_, _>| {
        // By reference: a closure that assigns to the field alone would keep the field alone.
        let line = &mut line;
        line.streamed = true;
    };
    let body = body.into_data_stream().inspect(mark);
    Response::from_parts(head, Body::from_stream(body))
}

/// Writes itself when dropped, since a client that goes away ends the request by dropping it.
struct RequestLine {
    metrics: Metrics,
    /// The path as it is declared; of a path that is not, nothing is counted by its name.
    route: Option<MatchedPath>,
    method: Method,
    path: String,
    request_id: String,
    started: Instant,
    /// None while there is no answer: the client went away before.
    status: Option<StatusCode>,
    /// The caller's name; empty where it has none.
    key: Arc<str>,
    submissions: Option<usize>,
    streamed: bool,
    span: Span,
}

impl RequestLine {
    fn new(request: &Request, metrics: Metrics) -> Self {
        let request_id = request.headers().get("x-request-id");
        let request_id = request_id.and_then(|id| id.to_str().ok()).unwrap_or("");
        RequestLine {
            metrics,
            route: request.extensions().get().cloned(),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            request_id: request_id.to_owned(),
            started: Instant::now(),
            status: None,
            key: "".into(),
            submissions: None,
            streamed: false,
            span: spans::begin(request, request_id),
        }
    }

    /// Orchestrators and pages of runs ask every few seconds, and nobody wants to read that.
    fn is_probe(&self) -> bool {
        matches!(self.path.as_str(), "/healthz" | "/readyz" | "/metrics")
            || self.path.starts_with("/runs/api/")
    }
}

impl Drop for RequestLine {
    fn drop(&mut self) {
        spans::end(&self.span, self.status);
        let route = self.route.as_ref().map_or("none", MatchedPath::as_str);
        let status = self.status.map(|status| status.as_u16());
        self.metrics
            .request(route, &self.method, status, self.started.elapsed());
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    method = %self.method,
                    path = self.path,
                    status,
                    key = (!self.key.is_empty()).then_some(&*self.key),
                    submissions = self.submissions,
                    streamed = self.streamed,
                    duration_ms = self.started.elapsed().as_secs_f64() * 1e3,
                    request_id = self.request_id,
                    "{}",
                    if self.status.is_some() { "answered" } else { "given up by the client" },
                )
            };
        }
        if self.is_probe() {
            line!(debug)
        } else {
            line!(info)
        }
    }
}
