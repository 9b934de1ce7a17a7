//! Every route of the service, and what stands around all of them.

use super::access::{self, Access};
use super::admin::{self, LogControl};
use super::error::{self, ApiError};
use super::form::{self, Form};
use super::metrics::{self, Metrics, Process};
use super::runs::{self, Runs};
use super::tls::Tls;
use super::{
    headers, health, judge0, observe, openapi, page, piston, sandbox_fusion, scalebox, v1,
};
use crate::config::{AccessConfig, Config, KeyConfig, ServerConfig};
use crate::domain::{Limits, RuntimeInfo};
use crate::outgoing::Destinations;
use crate::validator::Validator;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::HeaderValue;
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
    pub rules: AccessConfig,
    pub access: Access,
    pub has_keys: bool,
    pub allowed_origins: Vec<HeaderValue>,
    pub tls: Option<Tls>,
    pub metrics: Metrics,
    pub log: Option<LogControl>,
    pub caps: Limits,
    pub runs: Option<Runs>,
    pub judge0: judge0::Store,
    pub callbacks: judge0::Callbacks,
}

impl Api {
    /// The service over a validator whose sandboxes hold this runtime.
    pub fn new(validator: Validator, runtime: RuntimeInfo, config: &Config) -> Self {
        let origins = config.access.allowed_origins.iter();
        let memory_bytes = config.limits.memory_bytes;
        let metrics = Metrics::new(&validator, &runtime, memory_bytes, None);
        Api(Arc::new(Shared {
            validator,
            runtimes: vec![runtime],
            server: config.server.clone(),
            rules: config.access.clone(),
            access: Access::new(&[], &config.access, config.server.listen),
            has_keys: false,
            // Settings were checked to be such values.
            allowed_origins: origins.filter_map(|origin| origin.parse().ok()).collect(),
            tls: None,
            metrics,
            log: None,
            caps: Limits::from(&config.limits),
            runs: None,
            judge0: judge0::Store::default(),
            callbacks: judge0::Callbacks::default(),
        }))
    }

    /// For whoever has one of these keys; for all where there are none.
    pub fn with_keys(self, keys: &[KeyConfig]) -> Self {
        self.0.metrics.know(keys);
        let shared = Arc::unwrap_or_clone(self.0);
        Api(Arc::new(Shared {
            access: Access::new(keys, &shared.rules, shared.server.listen),
            has_keys: !keys.is_empty(),
            ..shared
        }))
    }

    /// With figures of this process, and a log whose level can be changed.
    pub fn with_operation(self, process: Option<Process>, log: LogControl) -> Self {
        let shared = Arc::unwrap_or_clone(self.0);
        let (validator, runtime) = (&shared.validator, &shared.runtimes[0]);
        let memory_bytes = shared.caps.memory_bytes;
        Api(Arc::new(Shared {
            metrics: Metrics::new(validator, runtime, memory_bytes, process),
            log: Some(log),
            ..shared
        }))
    }

    /// By TLS.
    pub fn with_tls(self, tls: Tls) -> Self {
        let shared = Arc::unwrap_or_clone(self.0);
        Api(Arc::new(Shared {
            tls: Some(tls),
            ..shared
        }))
    }

    /// Sending results of Judge0's clients to these hosts, where they ask for it.
    pub fn with_callbacks(self, hosts: Destinations) -> Self {
        let shared = Arc::unwrap_or_clone(self.0);
        Api(Arc::new(Shared {
            callbacks: judge0::Callbacks::to(hosts),
            ..shared
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

type Routes = Vec<(&'static str, MethodRouter<Api>)>;

/// Routes that belong together, and how errors are told at them.
pub(super) struct Interface {
    routes: Routes,
    pub form: Form,
}

impl Interface {
    /// Its paths.
    pub fn paths(&self) -> impl Iterator<Item = &'static str> {
        self.routes.iter().map(|(path, _)| *path)
    }
}

/// All of them, our own first.
pub(super) fn interfaces() -> Vec<Interface> {
    let others = [
        (sandbox_fusion_routes(), sandbox_fusion::FORM),
        (scalebox_routes(), sandbox_fusion::FORM),
        (piston_routes(), piston::FORM),
        (judge0_routes(), judge0::FORM),
    ];
    [(own_routes(), error::FORM)]
        .into_iter()
        .chain(others)
        .map(|(routes, form)| Interface { routes, form })
        .collect()
}

fn sandbox_fusion_routes() -> Routes {
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
    ]
}

fn scalebox_routes() -> Routes {
    vec![
        ("/common_evaluate", post(scalebox::evaluate)),
        ("/common_evaluate_batch", post(scalebox::evaluate_batch)),
    ]
}

fn piston_routes() -> Routes {
    vec![
        ("/api/v2/runtimes", get(piston::runtimes)),
        ("/api/v2/execute", post(piston::execute)),
    ]
}

fn judge0_routes() -> Routes {
    vec![
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

fn own_routes() -> Routes {
    vec![
        ("/", get(page::index)),
        ("/healthz", get(health::alive)),
        ("/readyz", get(health::ready)),
        ("/openapi.json", get(openapi::serve)),
        ("/metrics", get(metrics::serve)),
        (
            "/admin/log-level",
            get(admin::log_level).put(admin::set_log_level),
        ),
        ("/v1/checks", post(v1::checks)),
        ("/v1/runtimes", get(v1::runtimes)),
    ]
}

/// The paths of all routes that are always there; the OpenAPI document must have each. Those of the
/// live view serve its page, and are no interface.
pub fn paths() -> Vec<&'static str> {
    let paths = |interface: &Interface| interface.paths().collect::<Vec<_>>();
    interfaces().iter().flat_map(paths).collect()
}

/// The whole service.
pub fn router(api: Api) -> Router {
    let runs = api.0.runs.clone().map(runs::routes).unwrap_or_default();
    let others = page::assets()
        .with_state(api.clone())
        .merge(runs)
        .fallback(async || ApiError::NotFound);
    let routes = interfaces()
        .into_iter()
        .map(|interface| {
            let routes = interface.routes.into_iter();
            let routes = routes.fold(Router::new(), |router, (path, methods)| {
                router.route(path, methods)
            });
            let told = middleware::from_fn_with_state(interface.form, form::tell);
            guard(routes.with_state(api.clone()), &api).layer(told)
        })
        .fold(guard(others, &api), Router::merge);
    surround(routes, api)
}

/// What may refuse a request to these routes, the last one first.
fn guard(routes: Router, api: &Api) -> Router {
    let door = (api.0.access.clone(), api.0.metrics.clone());
    routes
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        // Bodies are read, and bounded, in one place of our own.
        .layer(DefaultBodyLimit::disable())
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(door, access::admit))
}

/// What every request passes, the last one first.
fn surround(routes: Router, api: Api) -> Router {
    let metrics = api.0.metrics.clone();
    // Before the door: browsers ask without a key whether they may send one.
    let routes = match headers::cross_origin(&api.0.allowed_origins) {
        Some(layer) => routes.layer(layer),
        None => routes,
    };
    routes
        .layer(middleware::from_fn_with_state(api, headers::guard))
        .layer(middleware::from_fn_with_state(
            metrics,
            observe::log_request,
        ))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
}

/// Says nothing of what happened: the panic hook has logged it, with its place.
fn panicked(_panic: Box<dyn Any + Send>) -> Response {
    ApiError::Internal.into_response()
}
