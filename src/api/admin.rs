//! What an operator changes while the service runs: how much it logs.

use super::access::Caller;
use super::body;
use super::error::{ApiError, ProblemDocument};
use super::router::Api;
use super::v1::wire::{FieldError, Object, parse};
use axum::Json;
use axum::extract::{Request, State};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use utoipa::ToSchema;

/// Logs at another level from now on, or says why it cannot.
pub type ChangeLevel = dyn Fn(&str) -> Result<(), String> + Send + Sync;

/// Reads and changes the level of what logs, which is not the service itself.
#[derive(Clone)]
pub struct LogControl {
    /// What is logged now.
    pub level: Arc<dyn Fn() -> String + Send + Sync>,
    /// Changes it.
    pub change: Arc<ChangeLevel>,
}

impl fmt::Debug for LogControl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("LogControl")
    }
}

/// What is logged.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LogLevel {
    /// `error`, `warn`, `info`, `debug`, `trace`, or directives such as `info,touchstone=debug`.
    #[schema(example = "debug")]
    level: String,
}

/// What is logged now.
#[utoipa::path(get, path = "/admin/log-level", tag = "operation", responses(
    (status = 200, description = "The level.", body = LogLevel),
    (status = 401, description = "A key is needed, or it is not known.", body = ProblemDocument,
        content_type = "application/problem+json"),
    (status = 403, description = "The key is not an administrator's.", body = ProblemDocument,
        content_type = "application/problem+json"),
    (status = 404, description = "The log is not this server's to change.", body = ProblemDocument,
        content_type = "application/problem+json"),
))]
pub(super) async fn log_level(
    State(api): State<Api>,
    request: Request,
) -> Result<Json<LogLevel>, ApiError> {
    let log = permitted(&api, &request)?;
    let level = (log.level)();
    Ok(Json(LogLevel { level }))
}

/// Changes what is logged, until the next start.
#[utoipa::path(put, path = "/admin/log-level", tag = "operation", request_body = LogLevel, responses(
    (status = 200, description = "It is so now.", body = LogLevel),
    (status = 400, description = "The body is not JSON.", body = ProblemDocument,
        content_type = "application/problem+json"),
    (status = 401, description = "A key is needed, or it is not known.", body = ProblemDocument,
        content_type = "application/problem+json"),
    (status = 403, description = "The key is not an administrator's.", body = ProblemDocument,
        content_type = "application/problem+json"),
    (status = 404, description = "The log is not this server's to change.", body = ProblemDocument,
        content_type = "application/problem+json"),
    (status = 408, description = "The body did not arrive in time.", body = ProblemDocument,
        content_type = "application/problem+json"),
    (status = 413, description = "The body is too large.", body = ProblemDocument,
        content_type = "application/problem+json"),
    (status = 415, description = "The body is in another format.", body = ProblemDocument,
        content_type = "application/problem+json"),
    (status = 422, description = "It is no level.", body = ProblemDocument,
        content_type = "application/problem+json"),
))]
pub(super) async fn set_log_level(
    State(api): State<Api>,
    request: Request,
) -> Result<Json<LogLevel>, ApiError> {
    let log = permitted(&api, &request)?;
    let caller = Caller::of(request.extensions());
    let bytes = body::read(request, &api.0.server).await?;
    let Object(asked) = parse::<Object<LogLevel>>(&bytes)?;
    (log.change)(&asked.level).map_err(|message| {
        let path = "level".to_owned();
        ApiError::Fields(FieldError { path, message }.into())
    })?;
    // Whatever the level is now, that it was changed is to be seen.
    tracing::error!(
        key = &*caller.name,
        now = asked.level,
        "the log's level was changed"
    );
    let level = (log.level)();
    Ok(Json(LogLevel { level }))
}

fn permitted<'a>(api: &'a Api, request: &Request) -> Result<&'a LogControl, ApiError> {
    if !Caller::of(request.extensions()).admin {
        return Err(ApiError::Forbidden);
    }
    api.0.log.as_ref().ok_or(ApiError::NotFound)
}
