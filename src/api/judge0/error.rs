//! Errors as clients of Judge0 read them.

use crate::api::error::ApiError;
use crate::api::form::Form;
use crate::api::v1::wire::FieldErrors;
use crate::validator::Rejected;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// How this interface tells errors that are no field's.
pub(in crate::api) const FORM: Form = Form {
    tell,
    schema: Judge0Message::name,
};

/// What is wrong, in a line.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Judge0Message {
    error: String,
}

/// What is wrong with each field.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Judge0Errors(BTreeMap<String, Vec<String>>);

impl From<&FieldErrors> for Judge0Errors {
    fn from(errors: &FieldErrors) -> Self {
        let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for error in errors.listed() {
            let messages = fields.entry(error.path.clone()).or_default();
            messages.push(error.message.clone());
        }
        Judge0Errors(fields)
    }
}

fn tell(error: &ApiError) -> Response {
    let status = match error {
        // A full queue is a 503 there. A caller's own limit is a 429: its clients know that one by name.
        ApiError::Rejected(Rejected::Full { .. }) => StatusCode::SERVICE_UNAVAILABLE,
        other => other.status(),
    };
    match error {
        ApiError::Fields(errors) => (status, Json(Judge0Errors::from(errors))).into_response(),
        other => {
            let error = other.in_one_line();
            (status, Json(Judge0Message { error })).into_response()
        }
    }
}
