//! How errors look at the routes of an interface.
//!
//! Owns the one place where an error of ours takes the form of another service's. Every answer that
//! was made of an [`ApiError`] carries it, so that it does not matter who refused: the door, the
//! router, a handler or whoever caught a panic.

use super::error::{ApiError, Refusal};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use std::borrow::Cow;

/// How an interface tells errors.
#[derive(Clone, Copy)]
pub(super) struct Form {
    /// Its status code and its body; when to ask again, and how a key is sent, are headers everywhere.
    pub tell: fn(&ApiError) -> Response,
    /// The name of the body's schema.
    pub schema: fn() -> Cow<'static, str>,
}

/// Tells the errors of the routes within as an interface does.
pub(super) async fn tell(State(form): State<Form>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let Some(Refusal(error)) = response.extensions().get().cloned() else {
        return response;
    };
    let (told, body) = (form.tell)(&error).into_parts();
    *response.status_mut() = told.status;
    // The media type takes the place of the one that was there.
    response.headers_mut().extend(told.headers);
    *response.body_mut() = body;
    response
}
