//! Whom the service may speak to, looked up while names can be: before it is confined.

use crate::cli::Usage;
use crate::config::{Config, HostConfig};
use crate::outgoing::Destinations;
use url::Url;

/// Whom it may speak to.
pub(super) struct Outgoing {
    /// Hosts that results are sent to.
    pub callbacks: Destinations,
    /// The collector of traces, with its address.
    pub collector: Option<(Url, Destinations)>,
}

impl Outgoing {
    pub fn look_up(config: &Config) -> anyhow::Result<Outgoing> {
        let hosts = &config.judge0.callback_hosts;
        let callbacks = Destinations::look_up(hosts)
            .map_err(|error| Usage(format!("judge0.callback_hosts: {error}")))?;
        let collector = config.telemetry.traces()?.and_then(|url| {
            let host = HostConfig::of(&url)?;
            let found = Destinations::look_up(&[host]);
            // A collector that is away is no reason to judge nothing.
            found
                .inspect_err(|error| {
                    tracing::warn!(%error, "no traces until the next start: telemetry.otlp_endpoint");
                })
                .ok()
                .map(|hosts| (url, hosts))
        });
        Ok(Outgoing {
            callbacks,
            collector,
        })
    }

    /// The ports of all of them.
    pub fn ports(&self) -> Vec<u16> {
        let collector = self.collector.iter().flat_map(|(_, hosts)| hosts.ports());
        let mut ports: Vec<u16> = self
            .callbacks
            .ports()
            .into_iter()
            .chain(collector)
            .collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }
}
