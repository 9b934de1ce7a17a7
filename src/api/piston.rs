//! Piston's API: a program in, what it printed out.

mod answer;
mod request;
mod runtimes;

use super::body;
use super::called::Called;
use super::documents;
use super::error::ApiError;
use super::form::Form;
use super::programs::{self, refused};
use super::router::Api;
use answer::ExecuteResponse;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use request::ExecuteRequest;
use runtimes::PistonRuntime;
use serde::Serialize;
use utoipa::ToSchema;

/// An error as clients of this API read it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PistonMessage {
    /// What is wrong.
    message: String,
}

/// How this interface tells errors.
pub(super) const FORM: Form = Form {
    tell,
    schema: PistonMessage::name,
};

fn tell(error: &ApiError) -> Response {
    let status = match error {
        // Fields at fault are a bad request there.
        ApiError::Fields(_) => StatusCode::BAD_REQUEST,
        other => other.status(),
    };
    let message = error.in_one_line();
    (status, Json(PistonMessage { message })).into_response()
}

/// The languages that programs may be in.
#[utoipa::path(get, path = "/api/v2/runtimes", operation_id = "piston_runtimes", tag = "piston", responses(
    (status = 200, description = "All of them.", body = Vec<PistonRuntime>),
))]
pub(super) async fn runtimes(State(api): State<Api>) -> Json<Vec<PistonRuntime>> {
    Json(api.0.runtimes.iter().map(PistonRuntime::from).collect())
}

/// Runs a program.
#[utoipa::path(
    post, path = "/api/v2/execute", tag = "piston",
    request_body = ExecuteRequest,
    responses(
        (status = 200, description = "What came of it.", body = ExecuteResponse),
        (status = 400, description = "The request cannot be used.", body = PistonMessage),
        (status = 408, description = "The body did not arrive in time.", body = PistonMessage),
        (status = 413, description = "The body is too large.", body = PistonMessage),
        (status = 415, description = "The body is in another format.", body = PistonMessage),
        (status = 429, description = "The queue is full, or the key has sent enough for now.", body = PistonMessage,
            headers(("Retry-After" = u64, description = "Seconds to wait."))),
        (status = 500, description = "The server failed.", body = PistonMessage),
        (status = 503, description = "The server is shutting down.", body = PistonMessage),
    ),
)]
pub(super) async fn execute(
    api: Called,
    request: Request,
) -> Result<Json<ExecuteResponse>, ApiError> {
    // `piston-client` sends JSON and calls it text.
    let bytes = body::read_json_or_text(request, &api.0.server).await?;
    let shared = api.clone();
    let convert = move |request: ExecuteRequest| {
        let runtime = PistonRuntime::chosen(&shared.0.runtimes, &request)?;
        Ok((runtime, request.convert(&shared.0.caps)?))
    };
    let (runtime, program) = documents::read(bytes, convert).await?;
    let output_bytes = program.limits.output_bytes;
    let run = programs::run(&api, program).await.map_err(refused)?;
    Ok(Json(ExecuteResponse::new(runtime, &run, output_bytes)))
}
