//! What may be answered before a route is reached, for every route at once.

use super::super::access::{Challenge, FOR_ALL, PROBES};
use super::super::error::ApiError;
use super::super::form::Form;
use super::super::router::interfaces;
use axum::http::header::CONTENT_TYPE;
use std::time::Duration;
use utoipa::Modify;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Content, OpenApi, PathItem, Ref, Response, ResponseBuilder};

/// Says how a key is sent, and what a request without the right one gets, as the interface tells it.
/// What an operation says itself of a status stays.
pub(super) struct Door;

const NAME: &str = "key";

impl Modify for Door {
    fn modify(&self, document: &mut OpenApi) {
        let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        let components = document.components.get_or_insert_default();
        components
            .security_schemes
            .insert(NAME.to_owned(), bearer.into());
        for interface in interfaces() {
            for path in interface.paths() {
                if let Some(item) = document.paths.paths.get_mut(path) {
                    describe(path, item, interface.form);
                }
            }
        }
    }
}

fn describe(path: &str, item: &mut PathItem, form: Form) {
    let is_for_all = FOR_ALL.contains(&path);
    let mut answers = Vec::new();
    if !PROBES.contains(&path) {
        let text = "The request is meant for another host.";
        answers.push(answer(form, &ApiError::OtherHost, text));
    }
    if !is_for_all {
        let no_key = ApiError::NoKey(Challenge::Bearer);
        let text = "A key is needed, or it is not known.";
        answers.push(answer(form, &no_key, text));
        let too_many = ApiError::TooManyAtOnce {
            retry_after: Duration::ZERO,
        };
        let text = "The key has sent enough for now.";
        answers.push(answer(form, &too_many, text));
    }
    let operations = [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.patch,
    ];
    for operation in operations.into_iter().flatten() {
        if !is_for_all {
            // A server without keys takes none.
            let key = SecurityRequirement::new(NAME, Vec::<String>::new());
            operation.security = Some(vec![key, SecurityRequirement::default()]);
        }
        for (status, response) in &answers {
            let all = &mut operation.responses.responses;
            all.entry(status.clone())
                .or_insert_with(|| response.clone().into());
        }
    }
}

/// The status and the body of an error, as the interface tells it.
fn answer(form: Form, error: &ApiError, description: &str) -> (String, Response) {
    let told = (form.tell)(error);
    let media_type = told.headers().get(CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    let schema = Ref::from_schema_name((form.schema)());
    let response = ResponseBuilder::new()
        .description(description)
        .content(
            media_type.unwrap_or("application/json"),
            Content::new(Some(schema)),
        )
        .build();
    (told.status().as_str().to_owned(), response)
}
