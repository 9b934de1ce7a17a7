//! The data-set routes: completions judged for rows that the request brings along.
//!
//! A row's family says what it looks like and how completions are judged; nothing here reads a row.

pub(in crate::api) mod cases;
mod contests;
mod family;
pub(in crate::api) mod functions;
mod prompts;

use super::SandboxFusionError;
use super::answers::{EvalResult, Metrics, Prompt};
use super::requests::{MetricsRequest, RowRequest, RowsRequest, SubmitRequest};
use super::rows::id;
use crate::api::called::Called;
use crate::api::documents;
use crate::api::error::ApiError;
use axum::Json;
use axum::extract::Request;
use family::Family;
use serde_json::Value;

/// The data sets whose rows are known by name.
#[utoipa::path(get, path = "/list_datasets", tag = "sandboxfusion", responses(
    (status = 200, description = "Their names.", body = Vec<String>),
))]
pub(in crate::api) async fn list_datasets() -> Json<Vec<&'static str>> {
    Json(Family::names().collect())
}

/// The ids of rows that the request brings.
#[utoipa::path(post, path = "/list_ids", tag = "sandboxfusion", request_body = RowsRequest,
    responses(
        (status = 200, description = "Their ids.", body = Vec<Value>),
        (status = "4XX", description = "The request cannot be used.", body = SandboxFusionError),
        (status = 500, description = "The server failed.", body = SandboxFusionError),
    ))]
pub(in crate::api) async fn list_ids(
    api: Called,
    request: Request,
) -> Result<Json<Vec<Value>>, ApiError> {
    let request: RowsRequest = documents::of(&api, request, Ok).await?;
    Family::of(&request.dataset, &request.config)?;
    let rows = request.config.rows()?;
    let rows = rows.into_iter().skip(request.offset).take(request.limit);
    Ok(Json(rows.map(|row| id(row, &Value::Null)).collect()))
}

/// What models are asked, for rows that the request brings.
#[utoipa::path(post, path = "/get_prompts", tag = "sandboxfusion", request_body = RowsRequest,
    responses(
        (status = 200, description = "A prompt a row.", body = Vec<Prompt>),
        (status = "4XX", description = "The request cannot be used.", body = SandboxFusionError),
        (status = 500, description = "The server failed.", body = SandboxFusionError),
    ))]
pub(in crate::api) async fn get_prompts(
    api: Called,
    request: Request,
) -> Result<Json<Vec<Prompt>>, ApiError> {
    let request: RowsRequest = documents::of(&api, request, Ok).await?;
    let family = Family::of(&request.dataset, &request.config)?;
    let rows = request.config.rows()?;
    let rows = rows.into_iter().skip(request.offset).take(request.limit);
    let prompts: Result<_, _> = rows.map(|row| family.prompt(row, &Value::Null)).collect();
    Ok(Json(prompts?))
}

/// What a model is asked, for one row.
#[utoipa::path(post, path = "/get_prompt_by_id", tag = "sandboxfusion", request_body = RowRequest,
    responses(
        (status = 200, description = "The prompt.", body = Prompt),
        (status = "4XX", description = "The request cannot be used.", body = SandboxFusionError),
        (status = 500, description = "The server failed.", body = SandboxFusionError),
    ))]
pub(in crate::api) async fn get_prompt_by_id(
    api: Called,
    request: Request,
) -> Result<Json<Prompt>, ApiError> {
    let request: RowRequest = documents::of(&api, request, Ok).await?;
    let family = Family::of(&request.dataset, &request.config)?;
    let row = request.config.row(&request.id)?;
    Ok(Json(family.prompt(row, &request.id)?))
}

/// Judges a completion for a row that the request brings.
#[utoipa::path(post, path = "/submit", tag = "sandboxfusion", request_body = SubmitRequest,
    responses(
        (status = 200, description = "What became of it.", body = EvalResult),
        (status = "4XX", description = "The request cannot be used.", body = SandboxFusionError),
        (status = 500, description = "The server failed.", body = SandboxFusionError),
        (status = 504, description = "The queue is full or closed, or the key has sent enough for now: ask again.",
            body = SandboxFusionError),
    ))]
pub(in crate::api) async fn submit(
    api: Called,
    request: Request,
) -> Result<Json<EvalResult>, ApiError> {
    let request: SubmitRequest = documents::of(&api, request, Ok).await?;
    let family = Family::of(&request.dataset, &request.config)?;
    request.config.check_language()?;
    let row = request.config.row(&request.id)?;
    Ok(Json(family.judge(&api, &request, row).await?))
}

/// Counts results.
#[utoipa::path(post, path = "/get_metrics", tag = "sandboxfusion", request_body = MetricsRequest,
    responses(
        (status = 200, description = "The counts.", body = Metrics),
        (status = "4XX", description = "The request cannot be used.", body = SandboxFusionError),
        (status = 500, description = "The server failed.", body = SandboxFusionError),
    ))]
pub(in crate::api) async fn get_metrics(
    api: Called,
    request: Request,
) -> Result<Json<Metrics>, ApiError> {
    let request: MetricsRequest = documents::of(&api, request, Ok).await?;
    Family::of(&request.dataset, &request.config)?;
    Ok(Json(Metrics::of(&request.results)))
}
