//! Every route of the service, and what stands around all of them.

use super::error::ApiError;
use super::runs::{self, Runs};
use super::{health, judge0, observe, openapi, page, piston, sandbox_fusion, scalebox, v1};
use crate::config::{Config, ServerConfig};
use crate::domain::{Limits, RuntimeInfo};
use crate::validator::Validator;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use std::any::Any;
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};

/// What handlers share.
#[derive(Clone)]
pub struct Api(pub(super) Arc<Shared>);

#[derive(Clone)]
pub(super) struct Shared {
    pub validator: Validator,
    pub runtimes: Vec<RuntimeInfo>,
    pub server: ServerConfig,
    pub caps: Limits,
    pub runs: Option<Runs>,
    pub judge0: judge0::Store,
}

impl Api {
    /// The service over a validator whose sandboxes hold this runtime.
    pub fn new(validator: Validator, runtime: RuntimeInfo, config: &Config) -> Self {
        Api(Arc::new(Shared {
            validator,
            runtimes: vec![runtime],
            server: config.server.clone(),
            caps: Limits::from(&config.limits),
            runs: None,
            judge0: judge0::Store::default(),
        }))
    }

    /// With a live view of training runs below `/runs`.
    pub fn with_runs(self, runs: Runs) -> Self {
        let shared = Arc::unwrap_or_clone(self.0);
        Api(Arc::new(Shared {
            runs: Some(runs),
            ..shared
        }))
    }
}

fn routes() -> Vec<(&'static str, MethodRouter<Api>)> {
    let mut routes = own_routes();
    routes.extend(compatible_routes());
    routes
}

/// Those of other services, for their clients.
fn compatible_routes() -> Vec<(&'static str, MethodRouter<Api>)> {
    use sandbox_fusion::{datasets, notebook};
    vec![
        ("/v1/ping", get(sandbox_fusion::ping)),
        ("/run_code", post(sandbox_fusion::run_code)),
        ("/run_jupyter", post(notebook::run_jupyter)),
        ("/list_datasets", get(datasets::list_datasets)),
        ("/list_ids", post(datasets::list_ids)),
        ("/get_prompts", post(datasets::get_prompts)),
        ("/get_prompt_by_id", post(datasets::get_prompt_by_id)),
        ("/submit", post(datasets::submit)),
        ("/get_metrics", post(datasets::get_metrics)),
        ("/common_evaluate", post(scalebox::evaluate)),
        ("/common_evaluate_batch", post(scalebox::evaluate_batch)),
        ("/api/v2/runtimes", get(piston::runtimes)),
        ("/api/v2/execute", post(piston::execute)),
        ("/about", get(judge0::about)),
        ("/config_info", get(judge0::config_info)),
        ("/languages", get(judge0::languages)),
        ("/languages/{id}", get(judge0::one_language)),
        ("/statuses", get(judge0::statuses)),
        ("/submissions", post(judge0::send)),
        (
            "/submissions/batch",
            post(judge0::send_batch).get(judge0::ask_batch),
        ),
        ("/submissions/{token}", get(judge0::ask)),
    ]
}

fn own_routes() -> Vec<(&'static str, MethodRouter<Api>)> {
    vec![
        ("/", get(page::index)),
        ("/healthz", get(health::alive)),
        ("/readyz", get(health::ready)),
        ("/openapi.json", get(openapi::serve)),
        ("/v1/checks", post(v1::checks)),
        ("/v1/runtimes", get(v1::runtimes)),
    ]
}

/// The paths of all routes that are always there; the OpenAPI document must have each. Those of the
/// live view serve its page, and are no interface.
pub fn paths() -> Vec<&'static str> {
    routes().into_iter().map(|(path, _)| path).collect()
}

/// The whole service.
pub fn router(api: Api) -> Router {
    let runs = api.0.runs.clone().map(runs::routes).unwrap_or_default();
    let routes = routes()
        .into_iter()
        .fold(Router::new(), |router, (path, methods)| {
            router.route(path, methods)
        })
        .merge(page::assets())
        .with_state(api)
        .merge(runs)
        .fallback(async || ApiError::NotFound)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed);
    surround(routes)
}

/// What every request passes, the last one first.
fn surround(routes: Router) -> Router {
    routes
        // Bodies are read, and bounded, in one place of our own.
        .layer(DefaultBodyLimit::disable())
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(observe::log_request))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
}

/// Says nothing of what happened: the panic hook has logged it, with its place.
fn panicked(_panic: Box<dyn Any + Send>) -> Response {
    ApiError::Internal.into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    #[tokio::test]
    async fn a_panic_is_an_opaque_error() {
        let routes = Router::new().route("/", get(async || -> &'static str { panic!("a secret") }));
        let request = Request::new(Body::empty());
        let response = surround(routes).oneshot(request).await.expect("an answer");
        assert_eq!(response.status(), 500);
        assert!(response.headers().contains_key("x-request-id"));
        let body = to_bytes(response.into_body(), 1000).await.expect("a body");
        let body = String::from_utf8_lossy(&body);
        assert!(body.contains("urn:touchstone:problem:internal") && !body.contains("secret"));
    }
}
