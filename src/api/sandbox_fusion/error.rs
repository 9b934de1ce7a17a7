//! Errors as clients of SandboxFusion and ScaleBox read them: both services are made with FastAPI,
//! and answer in its form.

use crate::api::error::ApiError;
use crate::api::form::Form;
use crate::validator::Rejected;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// How these interfaces tell errors.
pub(in crate::api) const FORM: Form = Form {
    tell,
    schema: SandboxFusionError::name,
};

/// What is wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct SandboxFusionError {
    detail: Detail,
}

/// In a line, or field by field.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = SandboxFusionDetail)]
enum Detail {
    Line(String),
    Fields(Vec<WrongField>),
}

/// A field at fault.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SandboxFusionField)]
struct WrongField {
    /// `body`, and where in it the field is.
    loc: Vec<String>,
    /// What is wrong with it.
    msg: String,
    /// Always `value_error`.
    r#type: &'static str,
}

fn tell(error: &ApiError) -> Response {
    let detail = match error {
        ApiError::Fields(errors) => Detail::Fields(
            errors
                .listed()
                .iter()
                .map(|field| WrongField {
                    loc: vec!["body".to_owned(), field.path.clone()],
                    msg: field.message.clone(),
                    r#type: "value_error",
                })
                .collect(),
        ),
        other => Detail::Line(other.to_string()),
    };
    (status(error), Json(SandboxFusionError { detail })).into_response()
}

/// verl's client asks again on 504 alone, and takes every other error for a failed program: so what
/// will be otherwise a little later is a 504.
fn status(error: &ApiError) -> StatusCode {
    match error {
        ApiError::RateLimited { .. }
        | ApiError::TooManyAtOnce { .. }
        | ApiError::Rejected(Rejected::Full { .. } | Rejected::ShuttingDown) => {
            StatusCode::GATEWAY_TIMEOUT
        }
        other => other.status(),
    }
}
