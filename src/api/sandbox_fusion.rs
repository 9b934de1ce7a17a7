//! SandboxFusion's API: programs, notebooks and data sets, as its clients and verl's know it.
//!
//! `wire` and `notebook` are its JSON, `datasets` judges completions for rows that the request brings,
//! by `outputs` or by `checks`.
//! A program that is judged by what it says of itself can cheat; the data-set routes judge by checks
//! where a test decides.

pub(super) mod answers;
mod checks;
pub(super) mod datasets;
mod error;
mod extraction;
mod files;
pub(super) mod notebook;
mod outputs;
pub(super) mod plan;
pub(super) mod requests;
pub(super) mod rows;
pub(super) mod wire;

use super::called::Called;
use super::documents;
use super::error::ApiError;
use super::programs::{self, Failed};
use crate::domain::{FaultCode, ProgramRun};
use crate::validator::Rejected;
use axum::Json;
use axum::extract::Request;
pub(super) use error::{FORM, SandboxFusionError};
use wire::{RunCodeRequest, RunCodeResponse};

/// Whether the service answers.
#[utoipa::path(get, path = "/v1/ping", tag = "sandboxfusion", responses(
    (status = 200, description = "`pong`.", body = String, content_type = "application/json"),
))]
pub(super) async fn ping() -> Json<&'static str> {
    Json("pong")
}

/// Runs a program.
#[utoipa::path(
    post, path = "/run_code", tag = "sandboxfusion",
    request_body = RunCodeRequest,
    responses(
        (status = 200, description = "What came of it.", body = RunCodeResponse),
        (status = 400, description = "The body is not JSON.", body = SandboxFusionError),
        (status = 408, description = "The body did not arrive in time.", body = SandboxFusionError),
        (status = 413, description = "The body is too large.", body = SandboxFusionError),
        (status = 415, description = "The body is in another format.", body = SandboxFusionError),
        (status = 422, description = "Fields are missing or wrong.", body = SandboxFusionError),
        (status = 500, description = "The server failed.", body = SandboxFusionError),
        (status = 504, description = "The queue is full or closed, or the key has sent enough for now: ask again.",
            body = SandboxFusionError,
            headers(("Retry-After" = u64, description = "Seconds to wait."))),
    ),
)]
pub(super) async fn run_code(
    api: Called,
    request: Request,
) -> Result<Json<RunCodeResponse>, ApiError> {
    let caps = api.0.caps;
    let convert = move |request: RunCodeRequest| Ok(request.convert(&caps)?);
    let (program, fetched) = documents::of(&api, request, convert).await?;
    let run = tell(programs::run(&api, program).await)?;
    Ok(Json(RunCodeResponse::new(run, &fetched, pod(&api))))
}

/// The pod that the service runs in, where it is told.
pub(super) fn pod(api: &Called) -> Option<String> {
    api.0.server.pod_name.clone()
}

/// A program's run, or the message of a fault. What asking again helps against is an error.
pub(super) fn tell(
    result: Result<ProgramRun, Failed>,
) -> Result<Result<ProgramRun, String>, ApiError> {
    match result {
        Ok(run) => Ok(Ok(run)),
        Err(Failed::Rejected(rejected)) => Err(rejected.into()),
        Err(Failed::Fault(fault)) if fault.code == FaultCode::Shutdown => {
            Err(Rejected::ShuttingDown.into())
        }
        Err(Failed::Fault(fault)) => Ok(Err(fault.message)),
    }
}
