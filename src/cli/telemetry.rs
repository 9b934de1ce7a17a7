//! Spans for a collector, where the settings name one.
//!
//! Owns how they get there: in batches, sent by a thread of its own. A collector that is slow or away
//! holds nothing up but that thread; what does not fit into its queue is dropped. Variables of
//! OpenTelemetry's that the settings say nothing of (`OTEL_BSP_*`, `OTEL_TRACES_SAMPLER`,
//! `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_EXPORTER_OTLP_HEADERS`) are read by its libraries.

use crate::outgoing::Destinations;
use crate::validator::SPANS;
use anyhow::Context as _;
use opentelemetry::trace::TracerProvider;
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchSpanProcessor, SdkTracerProvider, Span, SpanData, SpanProcessor,
};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::registry::LookupSpan;
use url::Url;

/// The endpoint as programs of all kinds are told it.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// The name as programs of all kinds are told theirs.
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";

/// For one batch to be taken. Below what is left to a process that ends.
const TIMEOUT: Duration = Duration::from_secs(3);

/// What the last spans may take while the process ends.
pub(super) const LAST_SPANS: Duration = Duration::from_secs(5);

/// An answer's bytes that are looked at.
const ANSWER_BYTES: u64 = 64 << 10;

/// The endpoint of the environment, weaker than a setting.
pub(super) fn endpoint() -> Option<String> {
    std::env::var(ENDPOINT).ok().filter(|text| !text.is_empty())
}

/// What takes spans; they go nowhere until it is told where to.
pub(super) struct Telemetry {
    provider: SdkTracerProvider,
    processor: Late,
}

impl Telemetry {
    pub fn new() -> Telemetry {
        let processor = Late::default();
        let provider = SdkTracerProvider::builder()
            .with_resource(resource())
            .with_span_processor(processor.clone())
            .build();
        Telemetry {
            provider,
            processor,
        }
    }

    /// What takes the spans out of the program, and no events.
    pub fn layer<S>(&self) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: tracing::Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("touchstone"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target(SPANS, LevelFilter::INFO))
            .boxed()
    }

    /// Starts the thread that sends spans there.
    pub fn send_to(&self, url: &Url, hosts: &Destinations) -> anyhow::Result<()> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Sender::new(hosts.client(TIMEOUT)))
            .with_endpoint(url.as_str())
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(TIMEOUT)
            .build()
            .context("traces cannot be sent")?;
        let mut processor = BatchSpanProcessor::builder(exporter).build();
        processor.set_resource(&resource());
        // Called once.
        let _ = self.processor.0.set(processor);
        Ok(())
    }

    /// Sends what there is, as far as it can be within this time.
    pub fn end(&self, timeout: Duration) {
        if let Err(error) = self.provider.shutdown_with_timeout(timeout) {
            tracing::warn!(%error, "the last spans could not be sent");
        }
    }
}

/// Who it is that spans come from.
fn resource() -> Resource {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_attribute(version);
    match std::env::var_os(SERVICE_NAME) {
        Some(_) => resource.build(),
        None => resource.with_service_name("touchstone").build(),
    }
}

/// Passes spans on once there is somebody to take them. A log is needed before the process is confined,
/// and a thread can be started only after that, or the confinement would miss it.
#[derive(Clone, Debug, Default)]
struct Late(Arc<OnceLock<BatchSpanProcessor>>);

impl SpanProcessor for Late {
    fn on_start(&self, span: &mut Span, context: &Context) {
        if let Some(processor) = self.0.get() {
            processor.on_start(span, context);
        }
    }

    fn on_end(&self, span: SpanData) {
        if let Some(processor) = self.0.get() {
            processor.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.get().map_or(Ok(()), BatchSpanProcessor::force_flush)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        let processor = self.0.get();
        processor.map_or(Ok(()), |processor| processor.shutdown_with_timeout(timeout))
    }
}

/// Sends by the client that is there for other requests; the thread of the batches waits for it.
#[derive(Debug)]
struct Sender {
    client: ureq::Agent,
    /// Whether the last batch was not taken, so that the log says it once.
    refused: AtomicBool,
}

impl Sender {
    fn new(client: ureq::Agent) -> Sender {
        Sender {
            client,
            refused: AtomicBool::new(false),
        }
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.client.run(request.map(|body| body.to_vec()));
        let problem = match &answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(answer.status().to_string()),
            Err(error) => Some(error.to_string()),
        };
        let was_refused = self.refused.swap(problem.is_some(), Ordering::Relaxed);
        match problem {
            Some(problem) if !was_refused => {
                tracing::warn!(
                    problem,
                    "the collector does not take spans: they may be lost"
                );
            }
            None if was_refused => tracing::info!("the collector takes spans again"),
            _ => {}
        }
        let (head, mut body) = answer?.into_parts();
        let bytes = body.with_config().limit(ANSWER_BYTES).read_to_vec()?;
        Ok(Response::from_parts(head, bytes.into()))
    }
}

impl HttpClient for Sender {
    fn send_bytes<'a, 'b>(
        &'a self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move { self.send(request) })
    }
}
