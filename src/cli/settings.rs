//! Settings that commands take from a file, the environment and options.

use super::Usage;
use crate::config::{Config, Layers, LogFormat};
use clap::Args;
use std::path::PathBuf;

/// Options that every command with a validator has.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Settings {
    /// A TOML file of settings, such as touchstone.toml; none is read unless named here.
    ///
    /// Environment variables such as TOUCHSTONE_VALIDATOR_WORKERS (section, then key) are
    /// stronger than the file, and options are stronger than both.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Programs that run at the same time [default: the number of cores].
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// Run every program, whether or not an identical run is known.
    #[arg(long)]
    no_cache: bool,
    /// What is logged: error, warn, info, debug, trace, or directives such as info,touchstone=debug.
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// How a log line looks.
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
}

impl Settings {
    /// Defaults, file, environment and these options, each stronger than the one before.
    pub fn layers(&self, defaults: Layers) -> anyhow::Result<Layers> {
        let mut layers = defaults;
        if let Some(path) = &self.config {
            layers = layers
                .file(path)
                .map_err(|error| Usage(error.to_string()))?;
        }
        Ok(layers
            .environment(variables())
            .set("validator.workers", self.workers)
            .set("validator.cache", self.no_cache.then_some(false))
            .set("log.level", self.log_level.as_ref())
            .set("log.format", self.log_format))
    }
}

/// The environment; variables that are not Unicode cannot be ours.
pub(super) fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Settles settings, with mistakes reported as the user's.
pub(super) fn settle(layers: &Layers) -> anyhow::Result<Config> {
    Ok(layers
        .settle()
        .map_err(|error| Usage(format!("settings: {error}")))?)
}
