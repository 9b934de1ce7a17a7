//! Errors as clients of Judge0 read them.

use crate::api::error::ApiError;
use axum::Json;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What is wrong, in a line.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Judge0Message {
    error: String,
}

/// What is wrong with each field.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Judge0Errors(BTreeMap<String, Vec<String>>);

/// An error that is told as this API tells errors.
pub(in crate::api) struct Judge0Error(ApiError);

impl<E: Into<ApiError>> From<E> for Judge0Error {
    fn from(error: E) -> Self {
        Judge0Error(error.into())
    }
}

impl Judge0Error {
    /// Fields at fault, where that is what is wrong.
    pub(super) fn fields(&self) -> Option<Judge0Errors> {
        let ApiError::Fields(errors) = &self.0 else {
            return None;
        };
        let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for error in errors.listed() {
            let messages = fields.entry(error.path.clone()).or_default();
            messages.push(error.message.clone());
        }
        Some(Judge0Errors(fields))
    }
}

impl IntoResponse for Judge0Error {
    fn into_response(self) -> Response {
        if let Some(fields) = self.fields() {
            return (self.0.status(), Json(fields)).into_response();
        }
        let error = self.0.in_one_line();
        // A full queue is a 503 there.
        let status = match self.0.status() {
            StatusCode::TOO_MANY_REQUESTS => StatusCode::SERVICE_UNAVAILABLE,
            other => other,
        };
        let mut response = (status, Json(Judge0Message { error })).into_response();
        if let Some(seconds) = self.0.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}
