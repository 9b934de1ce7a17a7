//! What can go wrong with a request, and the one place that gives it a status code.

use super::access::Challenge;
use super::form::Form;
use super::v1::wire::{FieldError, FieldErrors, ParseError};
use crate::validator::Rejected;
use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// Why a request gets no answer.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// No such route.
    #[error("there is nothing here; `/openapi.json` lists what there is")]
    NotFound,
    /// No run has that name, or nothing could have.
    #[error("there is no run of this name; `/runs/api/runs` lists those there are")]
    NoSuchRun,
    /// What stands behind the `?` cannot be used.
    #[error("{0}")]
    Query(String),
    /// The request is JSON, and asks for what cannot be.
    #[error("{0}")]
    Request(String),
    /// The request names another host than this server answers for.
    #[error(
        "this server answers for `localhost` and `127.0.0.1` only; other names take API keys, or \
         `--open`"
    )]
    OtherHost,
    /// The request has no key.
    #[error("an API key is needed: `Authorization: Bearer KEY`")]
    NoKey(Challenge),
    /// The request has a key that is nobody's.
    #[error("this API key is not known")]
    UnknownKey(Challenge),
    /// The key is not for this.
    #[error("this takes the key of an administrator (`admin = true` in the file of keys)")]
    Forbidden,
    /// The key was used more often than it may.
    #[error("this key has sent as many requests as it may for now; see `Retry-After`")]
    RateLimited {
        /// When the next one may be sent.
        retry_after: Duration,
    },
    /// The key has as many unanswered requests as it may.
    #[error("this key has as many requests unanswered as it may; wait for one of them")]
    TooManyAtOnce {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// The route does not take that method.
    #[error("this route does not take that method; see `Allow`")]
    MethodNotAllowed,
    /// The client took too long to send its body.
    #[error("the body did not arrive within {0:?}")]
    BodyTimeout(Duration),
    /// The body broke off.
    #[error("the body could not be read to its end")]
    BodyBroken,
    /// The body is longer than the server takes.
    #[error("the body is longer than {limit} bytes; send the batch in parts")]
    BodyTooLarge {
        /// The server's limit.
        limit: usize,
    },
    /// The body is in a format or coding that is not read here.
    #[error("{0}")]
    UnsupportedMediaType(&'static str),
    /// The body is not JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// Fields are missing, unknown or wrong.
    #[error("{}", fields_detail(.0))]
    Fields(FieldErrors),
    /// The validator did not take the batch.
    #[error("{}", rejected_detail(.0))]
    Rejected(Rejected),
    /// The request asks for a data set that there is not.
    #[error("{0}")]
    NoDataset(String),
    /// There is no such submission, or not any more.
    #[error(
        "there is no submission of this token; results are kept for an hour, and so many of them"
    )]
    NoSubmission,
    /// The server does not take work now.
    #[error("the server does not take work now")]
    NotReady,
    /// A fault of ours; what it was stands in the log only.
    #[error("the server failed; its log says more")]
    Internal,
}

/// An error as RFC 9457 has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProblemDocument {
    /// Names the kind of error.
    #[schema(example = "urn:touchstone:problem:invalid-fields")]
    pub r#type: String,
    /// The kind of error, for people.
    pub title: String,
    /// The status code.
    pub status: u16,
    /// What was wrong with this request.
    pub detail: String,
    /// The fields at fault, the first hundred of them; absent where no field is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

impl ApiError {
    fn class(&self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as Code;
        match self {
            Self::NotFound => (Code::NOT_FOUND, "not-found", "No such route"),
            Self::NoSuchRun => (Code::NOT_FOUND, "no-such-run", "No such run"),
            Self::Query(_) => (Code::BAD_REQUEST, "invalid-query", "Invalid query"),
            Self::Request(_) => (Code::BAD_REQUEST, "invalid-request", "Invalid request"),
            Self::OtherHost => (Code::MISDIRECTED_REQUEST, "other-host", "Another host"),
            Self::NoKey(_) => (Code::UNAUTHORIZED, "no-key", "An API key is needed"),
            Self::UnknownKey(_) => (Code::UNAUTHORIZED, "unknown-key", "Unknown API key"),
            Self::Forbidden => (Code::FORBIDDEN, "forbidden", "Not for this key"),
            Self::RateLimited { .. } => (
                Code::TOO_MANY_REQUESTS,
                "rate-limited",
                "Too many requests a second",
            ),
            Self::TooManyAtOnce { .. } => (
                Code::TOO_MANY_REQUESTS,
                "too-many-at-once",
                "Too many requests at a time",
            ),
            Self::MethodNotAllowed => (
                Code::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "Method not allowed",
            ),
            Self::BodyTimeout(_) => (Code::REQUEST_TIMEOUT, "body-timeout", "Body too slow"),
            Self::BodyBroken => (Code::BAD_REQUEST, "body-broken", "Body broke off"),
            Self::BodyTooLarge { .. } => {
                (Code::PAYLOAD_TOO_LARGE, "body-too-large", "Body too large")
            }
            Self::UnsupportedMediaType(_) => (
                Code::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "Unsupported media type",
            ),
            Self::NotJson(_) => (Code::BAD_REQUEST, "not-json", "Not JSON"),
            Self::Fields(_) => (
                Code::UNPROCESSABLE_ENTITY,
                "invalid-fields",
                "Fields are missing or wrong",
            ),
            Self::Rejected(Rejected::Full { .. }) => {
                (Code::TOO_MANY_REQUESTS, "queue-full", "The queue is full")
            }
            Self::Rejected(Rejected::TooLarge { .. }) => (
                Code::PAYLOAD_TOO_LARGE,
                "batch-too-large",
                "Batch too large",
            ),
            Self::Rejected(Rejected::ShuttingDown) => {
                (Code::SERVICE_UNAVAILABLE, "shutting-down", "Shutting down")
            }
            Self::NoDataset(_) => (Code::BAD_REQUEST, "no-such-dataset", "No such data set"),
            Self::NoSubmission => (Code::NOT_FOUND, "no-such-submission", "No such submission"),
            Self::NotReady => (Code::SERVICE_UNAVAILABLE, "not-ready", "Not ready"),
            Self::Internal => (Code::INTERNAL_SERVER_ERROR, "internal", "Internal error"),
        }
    }

    /// The status code.
    pub(super) fn status(&self) -> StatusCode {
        self.class().0
    }

    /// What is wrong, for APIs whose errors are a line of text: with the first field at fault.
    pub(super) fn in_one_line(&self) -> String {
        match self {
            Self::Fields(errors) => errors.listed().first().map_or_else(
                || self.to_string(),
                |error| {
                    format!("{} {}", error.path, error.message)
                        .trim()
                        .to_owned()
                },
            ),
            other => other.to_string(),
        }
    }

    /// When the client may try again, in whole seconds.
    pub(super) fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Rejected(Rejected::Full { retry_after })
            | Self::RateLimited { retry_after }
            | Self::TooManyAtOnce { retry_after } => {
                Some(retry_after.as_secs_f64().ceil().max(1.0) as u64)
            }
            _ => None,
        }
    }

    /// How a client is asked for a key.
    fn challenge(&self) -> Option<HeaderValue> {
        match self {
            Self::NoKey(challenge) => Some(challenge.header(false)),
            Self::UnknownKey(challenge) => Some(challenge.header(true)),
            Self::Forbidden => Some(HeaderValue::from_static(
                r#"Bearer realm="touchstone", error="insufficient_scope""#,
            )),
            _ => None,
        }
    }

    /// The error as the client gets it.
    pub fn document(&self) -> ProblemDocument {
        let (status, name, title) = self.class();
        ProblemDocument {
            r#type: format!("urn:touchstone:problem:{name}"),
            title: title.into(),
            status: status.as_u16(),
            detail: self.to_string(),
            errors: match self {
                Self::Fields(errors) => errors.listed().to_vec(),
                _ => Vec::new(),
            },
        }
    }
}

fn fields_detail(errors: &FieldErrors) -> String {
    match errors.count() {
        1 => "1 field is at fault".into(),
        count => format!("{count} fields are at fault"),
    }
}

fn rejected_detail(rejected: &Rejected) -> String {
    match rejected {
        Rejected::Full { .. } => "the queue is full; try again after `Retry-After`".into(),
        Rejected::TooLarge { checks, capacity } => format!(
            "the batch has {checks} checks and the queue holds {capacity}; send it in parts"
        ),
        Rejected::ShuttingDown => "the server is shutting down; try another or later".into(),
    }
}

/// The error that an answer was made of, in its extensions: an interface of another format makes its
/// own answer of it ([`Form`]), whether a handler refused or the door did.
#[derive(Clone, Debug)]
pub(super) struct Refusal(pub Arc<ApiError>);

impl From<Rejected> for ApiError {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

impl From<FieldErrors> for ApiError {
    fn from(errors: FieldErrors) -> Self {
        Self::Fields(errors)
    }
}

impl From<ParseError> for ApiError {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::NotJson(message) => Self::NotJson(message),
            ParseError::Field(field) => Self::Fields(field.into()),
        }
    }
}

/// How our own interface tells errors, and whatever no interface is asked for.
pub(super) const FORM: Form = Form {
    tell: |error| {
        let media_type = [(CONTENT_TYPE, "application/problem+json")];
        (error.status(), media_type, Json(error.document())).into_response()
    },
    schema: ProblemDocument::name,
};

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (FORM.tell)(&self);
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after() {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if let Some(challenge) = self.challenge() {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        response.extensions_mut().insert(Refusal(Arc::new(self)));
        response
    }
}
