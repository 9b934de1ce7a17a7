//! Whether the service lives and takes work, for whoever keeps it running.

use super::error::{ApiError, ProblemDocument};
use super::router::Api;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok` or `ready`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether the process answers at all.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses(
    (status = 200, description = "It does.", body = Health),
))]
pub(super) async fn alive() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether the runtime is loaded and the queue is open.
#[utoipa::path(get, path = "/readyz", tag = "operation", responses(
    (status = 200, description = "Send work.", body = Health),
    (status = 503, description = "Send work elsewhere.", body = ProblemDocument,
        content_type = "application/problem+json"),
))]
pub(super) async fn ready(State(api): State<Api>) -> Result<Json<Health>, ApiError> {
    // There is no service without a loaded runtime, so only the queue can be closed.
    if !api.0.validator.is_accepting() {
        return Err(ApiError::NotReady);
    }
    Ok(Json(Health { status: "ready" }))
}
