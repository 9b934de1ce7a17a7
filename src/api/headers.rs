//! Headers of every answer, and which pages from elsewhere may read one.

use super::router::Api;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName,
    REFERRER_POLICY, RETRY_AFTER, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use std::time::Duration;
use tower_http::cors::CorsLayer;

/// What no answer is used for: a page, a frame, a script, or what a cache in between keeps for the
/// next one. Pages have policies of their own.
const ALWAYS: [(HeaderName, &str); 5] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-store"),
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
];

/// Of no use to pages from elsewhere, unless some of them are named.
const OWN_PAGES: (HeaderName, &str) = (
    HeaderName::from_static("cross-origin-resource-policy"),
    "same-origin",
);

/// Browsers that have come by TLS once do so for half a year.
const ENCRYPTED: (HeaderName, &str) = (STRICT_TRANSPORT_SECURITY, "max-age=15768000");

/// How long a browser may remember what it may send: arbitrary, and above what browsers allow anyway.
const REMEMBERED: Duration = Duration::from_secs(7200);

pub(super) async fn guard(State(api): State<Api>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let no_others = api.0.allowed_origins.is_empty();
    let own = no_others.then_some(OWN_PAGES);
    let encrypted = api.0.tls.is_some().then_some(ENCRYPTED);
    let headers = response.headers_mut();
    for (name, value) in ALWAYS.into_iter().chain(own).chain(encrypted) {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

/// For pages of these origins; none where there are none.
pub(super) fn cross_origin(origins: &[HeaderValue]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let layer = CorsLayer::new()
        .allow_origin(origins.to_vec())
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, ACCEPT])
        .expose_headers([RETRY_AFTER, HeaderName::from_static("x-request-id")])
        .max_age(REMEMBERED);
    Some(layer)
}
