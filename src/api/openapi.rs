//! The description of the service that programs read.

use super::error::ProblemDocument;
use super::v1::wire::FieldError;
use super::{admin, health, metrics, page, v1};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use std::sync::LazyLock;
use utoipa::OpenApi;

/// Written once: it never changes while the process lives.
static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    serde_json::to_string(&document()).expect("an OpenAPI document is plain data")
});

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Touchstone",
        description = "Judges generated Python in fresh WebAssembly sandboxes: programs and \
            checks in, verdicts and rewards out. Every error is a problem document (RFC 9457).",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        page::index,
        health::alive,
        health::ready,
        metrics::serve,
        admin::log_level,
        admin::set_log_level,
        serve,
        v1::checks,
        v1::runtimes,
    ),
    components(schemas(ProblemDocument, FieldError)),
    tags(
        (name = "checks", description = "Programs and their checks."),
        (name = "operation", description = "For people and for whoever keeps the service running."),
    ),
)]
struct Document;

/// The OpenAPI document of all routes.
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "operation", responses(
    (status = 200, description = "An OpenAPI 3.1 document.", body = Object),
))]
pub(super) async fn serve() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.as_str())
}
