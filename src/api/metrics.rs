//! `/metrics`: figures for Prometheus, in the OpenMetrics format.
//!
//! Owns their names. What the validator counts it is asked for when somebody looks, so that figures
//! cost nothing where nobody does. A label's values are few, whatever clients send: routes as they
//! are declared, status codes, names of keys.

mod process;

pub use process::Process;

use super::error::{ApiError, ProblemDocument};
use super::router::Api;
use crate::config::KeyConfig;
use crate::domain::RuntimeInfo;
use crate::validator::{Stats, Validator};
use axum::extract::State;
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// As Prometheus has it, so that a browser shows it, too.
const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels<const N: usize> = [(&'static str, String); N];

/// The figures of one service.
#[derive(Clone, Debug)]
pub(super) struct Metrics {
    registry: Arc<Registry>,
    requests: Family<Labels<3>, Counter>,
    request_seconds: Family<Labels<1>, Histogram>,
    keys: Family<Labels<2>, Counter>,
}

/// What became of a request at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    Admitted,
    RateLimited,
    TooManyAtOnce,
}

impl Metrics {
    pub fn new(
        validator: &Validator,
        runtime: &RuntimeInfo,
        guest_memory_bytes: u64,
        process: Option<Process>,
    ) -> Metrics {
        let mut registry = Registry::with_prefix("touchstone");
        let metrics = Metrics {
            registry: Arc::default(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(|| {
                // From an answer out of the cache to a batch of minutes.
                Histogram::new(exponential_buckets(1e-3, 4.0, 11))
            }),
            keys: Family::default(),
        };
        let info = Info::new([
            ("digest", runtime.digest.clone()),
            ("version", runtime.version.clone()),
        ]);
        registry.register("runtime", "What runs the programs", info);
        let family = metrics.requests.clone();
        registry.register("requests", "Requests by route, method and status", family);
        let family = metrics.request_seconds.clone();
        registry.register(
            "request_seconds",
            "Time to the last byte of an answer",
            family,
        );
        let family = metrics.keys.clone();
        registry.register("key_requests", "Requests of each API key", family);
        let measures = validator.measures();
        registry.register("checks", "Verdicts by outcome", measures.checks.clone());
        for (name, help, histogram) in [
            (
                "queue_wait_seconds",
                "From being accepted to a worker",
                &measures.wait_seconds,
            ),
            (
                "execution_seconds",
                "Wall-clock time of executions",
                &measures.execution_seconds,
            ),
            (
                "execution_fuel",
                "Fuel of executions; 10,000,000 are a millisecond of guest time",
                &measures.execution_fuel,
            ),
        ] {
            registry.register(name, help, histogram.clone());
        }
        registry.register_collector(Box::new(Looked {
            validator: validator.clone(),
            guest_memory_bytes,
            process,
        }));
        Metrics {
            registry: Arc::new(registry),
            ..metrics
        }
    }

    /// Keys are there from the first on, so that a rate is not missing until one was used.
    pub fn know(&self, keys: &[KeyConfig]) {
        for key in keys {
            for door in [Door::Admitted, Door::RateLimited, Door::TooManyAtOnce] {
                drop(self.keys.get_or_create(&at_door(&key.name, door)));
            }
        }
    }

    /// A request is over. Methods are not taken from clients: anything may stand there.
    pub fn request(&self, route: &str, method: &Method, status: Option<u16>, took: Duration) {
        let method = match method {
            &Method::GET | &Method::HEAD => "GET",
            &Method::POST => "POST",
            &Method::PUT => "PUT",
            &Method::DELETE => "DELETE",
            _ => "other",
        };
        let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        let labels = [
            ("route", route.to_owned()),
            ("method", method.to_owned()),
            ("status", status),
        ];
        self.requests.get_or_create(&labels).inc();
        self.request_seconds
            .get_or_create(&[("route", route.to_owned())])
            .observe(took.as_secs_f64());
    }

    pub fn at_door(&self, key: &str, door: Door) {
        self.keys.get_or_create(&at_door(key, door)).inc();
    }
}

fn at_door(key: &str, door: Door) -> Labels<2> {
    let door = match door {
        Door::Admitted => "admitted",
        Door::RateLimited => "rate_limited",
        Door::TooManyAtOnce => "too_many_at_once",
    };
    [("key", key.to_owned()), ("door", door.to_owned())]
}

/// What is asked for when somebody looks.
struct Looked {
    validator: Validator,
    guest_memory_bytes: u64,
    process: Option<Process>,
}

impl fmt::Debug for Looked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Looked")
    }
}

impl Collector for Looked {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let stats = self.validator.stats();
        for (name, help, value) in counters(&stats) {
            let metric = ConstCounter::new(value);
            let encoder = encoder.encode_descriptor(name, help, None, metric.metric_type())?;
            metric.encode(encoder)?;
        }
        let process = self.process.as_ref().and_then(Process::look);
        let process = process.into_iter().flatten();
        let own = self.gauges(&stats);
        for (name, help, value) in own.into_iter().chain(process) {
            let metric = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            let encoder = encoder.encode_descriptor(name, help, None, metric.metric_type())?;
            metric.encode(encoder)?;
        }
        Ok(())
    }
}

/// A name, what it is, and its value now.
type Figure = (&'static str, &'static str, u64);

fn counters(stats: &Stats) -> [Figure; 4] {
    [
        ("executions", "Programs that were run", stats.executions),
        (
            "cache_hits",
            "Programs that were not run, because an identical one was",
            stats.cache_hits,
        ),
        (
            "cache_evictions",
            "Executions that were forgotten for want of room",
            stats.cache_evictions,
        ),
        (
            "worker_restarts",
            "Executors that failed, or whose worker died, and were replaced",
            stats.worker_restarts,
        ),
    ]
}

impl Looked {
    fn gauges(&self, stats: &Stats) -> [Figure; 8] {
        let each = self.guest_memory_bytes;
        [
            (
                "queue_checks",
                "Checks that were accepted and are not judged yet",
                stats.queued_checks as u64,
            ),
            (
                "queue_capacity_checks",
                "Checks that may be accepted and not judged yet",
                stats.capacity as u64,
            ),
            ("workers", "Workers that are alive", stats.workers as u64),
            (
                "guest_memory_limit_bytes",
                "Memory that all workers' programs together may take",
                each.saturating_mul(stats.workers as u64),
            ),
            (
                "cache_bytes",
                "What remembered executions take, about",
                stats.cache_bytes,
            ),
            (
                "cache_capacity_bytes",
                "What remembered executions may take",
                stats.cache_capacity_bytes,
            ),
            (
                "cache_executions",
                "Executions that are remembered",
                stats.cache_executions,
            ),
            (
                "accepting",
                "1 while work is taken, 0 once it is shutting down",
                u64::from(self.validator.is_accepting()),
            ),
        ]
    }
}

/// Figures for Prometheus, as OpenMetrics text.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "operation", responses(
    (status = 200, description = "The figures.", body = String,
        content_type = "application/openmetrics-text"),
    (status = 401, description = "A key is needed here, too (`access.metrics_need_key`).",
        body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn serve(State(api): State<Api>) -> Result<impl IntoResponse, ApiError> {
    let mut page = String::new();
    text::encode(&mut page, &api.0.metrics.registry).map_err(|error| {
        tracing::error!(%error, "the figures cannot be written");
        ApiError::Internal
    })?;
    Ok(([(CONTENT_TYPE, MEDIA_TYPE)], page))
}
