//! Submissions: sent, waited for, asked for.

use super::about::MOST_TOGETHER;
use super::callback::Place;
use super::error::{Judge0Errors, Judge0Message};
use super::result::{Fields, Telling};
use super::store::Entry;
use super::wire::{Asked, SubmissionWire};
use crate::api::body;
use crate::api::called::Called;
use crate::api::documents;
use crate::api::error::ApiError;
use crate::api::v1::wire::Object;
use crate::domain::{Fault, FaultCode, ProgramResult};
use crate::validator::Results;
use axum::Json;
use axum::extract::{Path, Query, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use url::Url;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// What stands behind the `?`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct Options {
    /// Whether texts are in base64, both ways.
    base64_encoded: Option<String>,
    /// Whether the answer is the result rather than a token.
    wait: Option<String>,
    /// The fields that are told, with commas between; `*` for all.
    fields: Option<String>,
    /// The tokens that are asked for, with commas between.
    tokens: Option<String>,
}

impl Options {
    fn base64(&self) -> bool {
        says_yes(self.base64_encoded.as_deref())
    }

    fn telling(&self) -> Telling {
        Telling {
            base64: self.base64(),
            fields: Fields::asked_for(self.fields.as_deref()),
        }
    }
}

fn says_yes(option: Option<&str>) -> bool {
    matches!(option, Some("true" | "1" | "yes" | "on"))
}

/// Submissions that are sent together.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Judge0Batch)]
pub(in crate::api) struct BatchWire {
    /// At most 20.
    #[schema(value_type = Vec<SubmissionWire>, max_items = 20)]
    submissions: Vec<Object<SubmissionWire>>,
}

/// Sends a submission.
#[utoipa::path(
    post, path = "/submissions", tag = "judge0",
    params(Options),
    request_body = SubmissionWire,
    responses(
        (status = 201, description = "Its token; the result, where it was waited for.", body = Object),
        (status = 400, description = "The request cannot be used.", body = Judge0Message),
        (status = 408, description = "The body did not arrive in time.", body = Judge0Message),
        (status = 413, description = "The body is too large.", body = Judge0Message),
        (status = 415, description = "The body is in another format.", body = Judge0Message),
        (status = 422, description = "Fields are missing or wrong.", body = Judge0Errors),
        (status = 500, description = "The server failed.", body = Judge0Message),
        (status = 503, description = "The queue is full, or closed.", body = Judge0Message),
    ),
)]
pub(in crate::api) async fn send(
    api: Called,
    Query(options): Query<Options>,
    request: Request,
) -> Result<Response, ApiError> {
    let bytes = body::read(request, &api.0.server).await?;
    let (base64, shared) = (options.base64(), api.clone());
    let convert = move |submission: SubmissionWire| {
        Ok(submission.convert(base64, &shared.0.caps, &shared.0.callbacks)?)
    };
    let asked = documents::read(bytes, convert).await?;
    let accepted = accept(&api, asked)?;
    let (token, entry) = (accepted.token.clone(), Arc::clone(&accepted.entry));
    if !says_yes(options.wait.as_deref()) {
        tokio::spawn(accepted.finish(api));
        return Ok((StatusCode::CREATED, Json(json!({ "token": token }))).into_response());
    }
    accepted.finish(api).await;
    let told = options.telling().tell(&token, &entry)?;
    Ok((StatusCode::CREATED, Json(told)).into_response())
}

/// Sends up to 20 submissions.
#[utoipa::path(
    post, path = "/submissions/batch", tag = "judge0",
    params(Options),
    request_body = BatchWire,
    responses(
        (status = 201, description = "For each its token, or what is wrong with it.",
            body = Vec<Object>),
        (status = 400, description = "The request cannot be used.", body = Judge0Message),
        (status = 408, description = "The body did not arrive in time.", body = Judge0Message),
        (status = 413, description = "The body is too large.", body = Judge0Message),
        (status = 415, description = "The body is in another format.", body = Judge0Message),
        (status = 422, description = "Fields are missing or wrong.", body = Judge0Errors),
        (status = 500, description = "The server failed.", body = Judge0Message),
        (status = 503, description = "The queue is full, or closed.", body = Judge0Message),
    ),
)]
pub(in crate::api) async fn send_batch(
    api: Called,
    Query(options): Query<Options>,
    request: Request,
) -> Result<Response, ApiError> {
    let bytes = body::read(request, &api.0.server).await?;
    let (base64, shared) = (options.base64(), api.clone());
    let convert = move |batch: BatchWire| {
        check_count(batch.submissions.len())?;
        let submissions = batch.submissions.into_iter();
        let asked = submissions.map(|Object(submission)| {
            submission.convert(base64, &shared.0.caps, &shared.0.callbacks)
        });
        Ok(asked.collect::<Vec<_>>())
    };
    let batch = documents::read(bytes, convert).await?;
    let mut answers = Vec::new();
    for asked in batch {
        answers.push(match asked {
            Ok(asked) => {
                // Those before it are on their way; a queue that is full now takes no more of them.
                let accepted = accept(&api, asked)?;
                let token = accepted.token.clone();
                tokio::spawn(accepted.finish(api.clone()));
                json!({ "token": token })
            }
            Err(errors) => json!(Judge0Errors::from(&errors)),
        });
    }
    Ok((StatusCode::CREATED, Json(answers)).into_response())
}

/// Asks for a submission.
#[utoipa::path(
    get, path = "/submissions/{token}", tag = "judge0",
    params(("token" = String, Path, description = "What it was answered with."), Options),
    responses(
        (status = 200, description = "As much as is known of it.", body = Object),
        (status = 400, description = "Fields that there are not, or texts that are no UTF-8.",
            body = Judge0Message),
        (status = 404, description = "There is none of that token, or not any more.",
            body = Judge0Message),
    ),
)]
pub(in crate::api) async fn ask(
    api: Called,
    Path(token): Path<String>,
    Query(options): Query<Options>,
) -> Result<Json<Value>, ApiError> {
    let entry = api.0.judge0.get(&token).ok_or(ApiError::NoSubmission)?;
    Ok(Json(options.telling().tell(&token, &entry)?))
}

/// Asks for up to 20 submissions.
#[utoipa::path(
    get, path = "/submissions/batch", tag = "judge0",
    params(Options),
    responses(
        (status = 200, description = "As much as is known of each; null for tokens of none.",
            body = Object),
        (status = 400, description = "Fields that there are not, or texts that are no UTF-8.",
            body = Judge0Message),
    ),
)]
pub(in crate::api) async fn ask_batch(
    api: Called,
    Query(options): Query<Options>,
) -> Result<Json<Value>, ApiError> {
    let tokens = options.tokens.as_deref().unwrap_or_default();
    let tokens: Vec<&str> = tokens
        .split(',')
        .map(str::trim)
        .filter(|t| !t.is_empty())
        .collect();
    check_count(tokens.len())?;
    let telling = options.telling();
    let mut submissions = Vec::new();
    for token in tokens {
        submissions.push(match api.0.judge0.get(token) {
            Some(entry) => telling.tell(token, &entry)?,
            None => Value::Null,
        });
    }
    Ok(Json(json!({ "submissions": submissions })))
}

fn check_count(count: usize) -> Result<(), ApiError> {
    match count {
        0 => Err(ApiError::Query(
            "there should be at least one submission in a batch".into(),
        )),
        count if count > MOST_TOGETHER => Err(ApiError::Query(format!(
            "number of submissions in a batch should be less than or equal to {MOST_TOGETHER}"
        ))),
        _ => Ok(()),
    }
}

/// A submission that was taken.
struct Accepted {
    token: String,
    entry: Arc<Entry>,
    results: Results<ProgramResult>,
    /// Where its result is to be sent, with the place that is held for that.
    callback: Option<(Url, Place)>,
}

fn accept(api: &Called, asked: Asked) -> Result<Accepted, ApiError> {
    let callback = asked.callback.clone();
    let callback = callback
        .map(|url| Ok::<_, ApiError>((url, api.0.callbacks.place()?)))
        .transpose()?;
    let programs = vec![asked.program.clone()];
    let results = api
        .validator()
        .submit_programs(programs, api.tenant.clone())?;
    let token = Uuid::new_v4().to_string();
    let entry = Entry::new(asked);
    api.0.judge0.keep(&token, entry.clone());
    Ok(Accepted {
        token,
        entry,
        results,
        callback,
    })
}

impl Accepted {
    /// Waits for the result, and has it sent where it is to be; nobody waits for that.
    async fn finish(mut self, api: Called) {
        let result = self.results.recv().await.map(|(_, result)| result);
        self.entry.finish(result.unwrap_or_else(|| {
            Err(Fault {
                code: FaultCode::Engine,
                message: "the engine failed".into(),
                retryable: true,
            })
        }));
        // It weighs more now.
        api.0.judge0.keep(&self.token, Arc::clone(&self.entry));
        if let Some((url, place)) = self.callback {
            let callbacks = api.0.callbacks.clone();
            tokio::spawn(callbacks.send(url, self.token, self.entry, place));
        }
    }
}
