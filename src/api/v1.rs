//! `/v1`: programs in, verdicts and rewards out.

mod answer;
mod runtimes;
pub mod wire;

pub(super) use runtimes::*;

use super::access::Caller;
use super::body;
use super::error::{ApiError, ProblemDocument};
use super::observe::BatchSize;
use super::router::Api;
use crate::domain::{Limits, Submission};
use axum::extract::{Request, State};
use axum::response::Response;
use wire::{ChecksRequest, ChecksResponse, Object, ResultWire, parse};

/// Bodies up to this long are parsed where they arrive: that takes about 0.3 ms, and a change of
/// threads costs some hundredths of it. Longer ones would keep other requests waiting.
const PARSED_IN_PLACE_BYTES: usize = 256 << 10;

/// Runs programs against their checks.
///
/// With `Accept: application/x-ndjson` each result is a line of its own, sent as soon as it is
/// known and not in the order of the submissions.
#[utoipa::path(
    post, path = "/v1/checks", tag = "checks",
    request_body = ChecksRequest,
    responses(
        (status = 200, description = "One result a submission.", content(
            (ChecksResponse = "application/json"),
            (ResultWire = "application/x-ndjson"),
        )),
        (status = 400, description = "The body is not JSON.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 401, description = "A key is needed, or it is not known.", body = ProblemDocument,
            content_type = "application/problem+json",
            headers(("WWW-Authenticate" = String, description = "How to send one."))),
        (status = 408, description = "The body did not arrive in time.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 413, description = "The body or the batch is too large.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 415, description = "The body is in another format.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 422, description = "Fields are missing or wrong.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 429, description = "The queue is full, or the key has sent enough for now.", body = ProblemDocument,
            content_type = "application/problem+json",
            headers(("Retry-After" = u64, description = "Seconds to wait."))),
        (status = 500, description = "The server failed.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 503, description = "The server is shutting down.", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
)]
pub(super) async fn checks(State(api): State<Api>, request: Request) -> Result<Response, ApiError> {
    let format = answer::Format::asked_for(request.headers());
    let tenant = Caller::of(request.extensions()).tenant();
    let bytes = body::read(request, &api.0.server).await?;
    let submissions = submissions(bytes, api.0.caps).await?;
    let size = BatchSize(submissions.len());
    let validator = api.0.validator.patient(api.0.server.longest_wait());
    let results = validator.submit(submissions, tenant)?;
    let mut response = answer::respond(results, size.0, format).await?;
    response.extensions_mut().insert(size);
    Ok(response)
}

async fn submissions(bytes: Vec<u8>, caps: Limits) -> Result<Vec<Submission>, ApiError> {
    let length = bytes.len();
    let read = move || Ok(parse::<Object<ChecksRequest>>(&bytes)?.0.convert(&caps)?);
    if length <= PARSED_IN_PLACE_BYTES {
        return read();
    }
    match tokio::task::spawn_blocking(read).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
