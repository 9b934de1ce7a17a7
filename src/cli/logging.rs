//! Log lines on stderr.

use crate::api::LogControl;
use crate::config::{LogConfig, LogFormat};
use crate::validator::SPANS;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use tracing_subscriber::filter::{FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

/// Something that takes events or spans.
pub(super) type Taking = dyn Layer<Registry> + Send + Sync;

/// Starts logging; panics are logged too, once and with their place. The level can be changed by
/// what is returned.
pub(super) fn start(config: &LogConfig) -> LogControl {
    start_with(config, None)
}

/// The same, with something that takes spans where there is one. Lines have none.
pub(super) fn start_with(config: &LogConfig, spans: Option<Box<Taking>>) -> LogControl {
    let filter = EnvFilter::builder().parse_lossy(&config.level);
    let (filter, handle) = reload::Layer::new(filter);
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let lines: Box<Taking> = match config.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let no_span = filter_fn(|metadata| metadata.target() != SPANS);
    // Without a hint of its own nothing would be known of what the other filter leaves out.
    let no_span = no_span.with_max_level_hint(LevelFilter::TRACE);
    let lines = lines.with_filter(no_span.and(filter)).boxed();
    let layers: Vec<Box<Taking>> = [lines].into_iter().chain(spans).collect();
    tracing_subscriber::registry().with(layers).init();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, message, "panic");
    }));
    control(handle, &config.level)
}

fn control(handle: Handle<EnvFilter, Registry>, level: &str) -> LogControl {
    // As it was given: a filter that is printed is another text.
    let level = Arc::new(Mutex::new(level.to_owned()));
    let known = Arc::clone(&level);
    let change = move |asked: &str| {
        let filter = EnvFilter::builder().parse(asked);
        let filter = filter.map_err(|error| format!("cannot be used: {error}"))?;
        handle.reload(filter).map_err(|error| error.to_string())?;
        asked.clone_into(&mut known.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    };
    LogControl {
        level: Arc::new(move || level.lock().unwrap_or_else(PoisonError::into_inner).clone()),
        change: Arc::new(change),
    }
}
