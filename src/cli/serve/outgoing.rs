//! Whom the service may speak to, looked up while names can be: before it is confined.

use crate::cli::Usage;
use crate::config::Config;
use crate::outgoing::Destinations;

/// Whom it may speak to.
pub(super) struct Outgoing {
    /// Hosts that results are sent to.
    pub callbacks: Destinations,
}

impl Outgoing {
    pub fn look_up(config: &Config) -> anyhow::Result<Outgoing> {
        let hosts = &config.judge0.callback_hosts;
        let callbacks = Destinations::look_up(hosts)
            .map_err(|error| Usage(format!("judge0.callback_hosts: {error}")))?;
        Ok(Outgoing { callbacks })
    }

    /// The ports of all of them.
    pub fn ports(&self) -> Vec<u16> {
        self.callbacks.ports()
    }
}
