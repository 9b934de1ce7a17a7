//! Log lines on stderr.

use crate::api::LogControl;
use crate::config::{LogConfig, LogFormat};
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::reload::Handle;

/// Starts logging; panics are logged too, once and with their place. The level can be changed by
/// what is returned.
pub(super) fn start(config: &LogConfig) -> LogControl {
    let filter = EnvFilter::builder().parse_lossy(&config.level);
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let control = match config.format {
        LogFormat::Text => {
            let lines = lines.with_filter_reloading();
            let control = control(lines.reload_handle(), &config.level);
            lines.init();
            control
        }
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_filter_reloading();
            let control = control(lines.reload_handle(), &config.level);
            lines.init();
            control
        }
    };
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, message, "panic");
    }));
    control
}

fn control<S: 'static>(handle: Handle<EnvFilter, S>, level: &str) -> LogControl {
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
