//! The description of the service that programs read.

mod door;

use super::error::ProblemDocument;
use super::v1::wire::FieldError;
use super::{admin, health, judge0, metrics, page, piston, sandbox_fusion, scalebox, v1};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use door::Door;
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
            checks in, verdicts and rewards out. Errors are problem documents (RFC 9457), but for the \
            routes of other services, which have their own.",
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
        sandbox_fusion::ping,
        sandbox_fusion::run_code,
        sandbox_fusion::notebook::run_jupyter,
        sandbox_fusion::datasets::list_datasets,
        sandbox_fusion::datasets::list_ids,
        sandbox_fusion::datasets::get_prompts,
        sandbox_fusion::datasets::get_prompt_by_id,
        sandbox_fusion::datasets::submit,
        sandbox_fusion::datasets::get_metrics,
        scalebox::evaluate,
        scalebox::evaluate_batch,
        piston::runtimes,
        piston::execute,
        judge0::about,
        judge0::config_info,
        judge0::languages,
        judge0::one_language,
        judge0::statuses,
        judge0::send,
        judge0::send_batch,
        judge0::ask,
        judge0::ask_batch,
    ),
    modifiers(&Door),
    components(schemas(ProblemDocument, FieldError)),
    tags(
        (name = "checks", description = "Programs and their checks."),
        (name = "sandboxfusion", description = "For clients of SandboxFusion, verl's among them."),
        (name = "scalebox", description = "For clients of ScaleBox."),
        (name = "piston", description = "For clients of Piston."),
        (name = "judge0", description = "For clients of Judge0."),
        (name = "operation", description = "For people and for whoever keeps the service running."),
    ),
)]
struct Document;

/// The OpenAPI document of all routes.
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", operation_id = "openapi", tag = "operation", responses(
    (status = 200, description = "An OpenAPI 3.1 document.", body = Object),
))]
pub(super) async fn serve() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.as_str())
}
