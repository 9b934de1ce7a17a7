//! The page: files that are part of the program.

use super::super::error::ApiError;
use super::super::page::{Asset, serve_asset};
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::{Html, IntoResponse};

pub(super) use super::super::page::guard;

const INDEX: &str = include_str!("page/index.html");

/// What the page loads, beside what all pages share.
const ASSETS: [Asset; 6] = [
    Asset::style("style.css", include_str!("page/style.css")),
    Asset::script("main.js", include_str!("page/main.js")),
    Asset::script("data.js", include_str!("page/data.js")),
    Asset::script("charts.js", include_str!("page/charts.js")),
    Asset::script("curves.js", include_str!("page/curves.js")),
    Asset::script("samples.js", include_str!("page/samples.js")),
];

pub(super) async fn index() -> Html<&'static str> {
    Html(INDEX)
}

pub(super) async fn asset(
    name: Result<Path<String>, PathRejection>,
) -> Result<impl IntoResponse, ApiError> {
    serve_asset(name, &ASSETS)
}
