//! The page that a person finds at `/`, and what all pages of the service share.

use super::error::ApiError;
use super::router::Api;
use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::middleware;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

const INDEX: &str = include_str!("page/index.html");

/// The link to the view of training runs, in the file and where there is one.
const HIDDEN_RUNS: &str = "<a href=\"runs\" hidden>";
const SHOWN_RUNS: &str = "<a href=\"runs\">";

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// A file that a page loads, as part of this program.
pub(super) struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

impl Asset {
    pub const fn style(name: &'static str, text: &'static str) -> Self {
        let kind = STYLE;
        Asset { name, kind, text }
    }

    pub const fn script(name: &'static str, text: &'static str) -> Self {
        let kind = SCRIPT;
        Asset { name, kind, text }
    }
}

/// What all pages load.
pub(super) const SHARED: [Asset; 3] = [
    Asset::style("base.css", include_str!("page/base.css")),
    Asset::script("dom.js", include_str!("page/dom.js")),
    Asset::script("diff.js", include_str!("page/diff.js")),
];

/// What this page loads.
const OWN: [Asset; 7] = [
    Asset::style("style.css", include_str!("page/style.css")),
    Asset::script("main.js", include_str!("page/main.js")),
    Asset::script("examples.js", include_str!("page/examples.js")),
    Asset::script("request.js", include_str!("page/request.js")),
    Asset::script("checks.js", include_str!("page/checks.js")),
    Asset::script("verdicts.js", include_str!("page/verdicts.js")),
    Asset::script("figures.js", include_str!("page/figures.js")),
];

/// Scripts and styles are this server's files, and never text: what a model wrote would have to
/// pass this too, should a page ever insert it as anything but text.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// For every answer to a page. Data are new with each request, and a page is asked for anew with
/// each version of the program.
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

/// Where the page's files are.
pub(super) const ASSETS: &str = "/assets/";

/// A page for people.
#[utoipa::path(get, path = "/", tag = "operation", responses(
    (status = 200, description = "The page.", body = String, content_type = "text/html"),
))]
pub(super) async fn index(State(api): State<Api>) -> Response {
    // A link that leads nowhere is hidden.
    let page = match api.0.runs {
        Some(_) => INDEX.replace(HIDDEN_RUNS, SHOWN_RUNS),
        None => INDEX.to_owned(),
    };
    guard(Html(page).into_response()).await
}

/// The files of the page; no interface for programs.
pub(super) fn assets() -> Router<Api> {
    Router::new()
        .route("/assets/{name}", get(asset))
        .layer(middleware::map_response(guard))
}

async fn asset(name: Result<Path<String>, PathRejection>) -> Result<impl IntoResponse, ApiError> {
    serve_asset(name, &OWN)
}

/// The file of that name, of a page's own or of what all share.
pub(super) fn serve_asset(
    name: Result<Path<String>, PathRejection>,
    own: &'static [Asset],
) -> Result<impl IntoResponse, ApiError> {
    let Path(name) = name.map_err(|_| ApiError::NotFound)?;
    let asset = own.iter().chain(&SHARED).find(|asset| asset.name == name);
    let asset = asset.ok_or(ApiError::NotFound)?;
    Ok(([(CONTENT_TYPE, asset.kind)], asset.text))
}

/// Adds what every answer to a page says.
pub(super) async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.extend(HEADERS.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}
