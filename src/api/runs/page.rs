//! The page: files that are part of the program, and what every answer says to a browser.

use super::super::error::ApiError;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{Html, IntoResponse, Response};

const INDEX: &str = include_str!("page/index.html");

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Names, kinds and texts of all that the page loads.
const ASSETS: [(&str, &str, &str); 7] = [
    ("style.css", STYLE, include_str!("page/style.css")),
    ("main.js", SCRIPT, include_str!("page/main.js")),
    ("data.js", SCRIPT, include_str!("page/data.js")),
    ("dom.js", SCRIPT, include_str!("page/dom.js")),
    ("charts.js", SCRIPT, include_str!("page/charts.js")),
    ("curves.js", SCRIPT, include_str!("page/curves.js")),
    ("samples.js", SCRIPT, include_str!("page/samples.js")),
];

/// Scripts and styles are this server's files, and never text: what a model wrote would have to
/// pass this too, should the page ever insert it as anything but text.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// For every answer. Data are new with each request, and a page is asked for anew with each
/// version of the program.
const HEADERS: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-store"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

pub(super) async fn index() -> Html<&'static str> {
    Html(INDEX)
}

pub(super) async fn asset(
    name: Result<Path<String>, PathRejection>,
) -> Result<impl IntoResponse, ApiError> {
    let Path(name) = name.map_err(|_| ApiError::NotFound)?;
    let asset = ASSETS.into_iter().find(|(known, ..)| *known == name);
    let (_, kind, text) = asset.ok_or(ApiError::NotFound)?;
    Ok(([(CONTENT_TYPE, kind)], text))
}

/// Adds what every answer says.
pub(super) async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.extend(HEADERS.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}
