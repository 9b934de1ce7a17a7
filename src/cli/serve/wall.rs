//! The second wall around the serving process: what has to go on working, and what is said of it.

use crate::cli::runtime;
use crate::config::Config;
use crate::confinement::{self, Gaps};
use anyhow::Context;
use std::path::PathBuf;

/// The second wall, half built; none where the settings say so.
pub(super) struct Wall(Option<(confinement::Settings, Gaps)>);

impl Wall {
    /// While there is one thread: everything that is to be loaded can still be read.
    pub fn begin(config: &Config, connect_ports: Vec<u16>) -> anyhow::Result<Wall> {
        if !config.server.confinement {
            tracing::warn!(
                "server.confinement is off: whoever breaks out of the sandbox can do what this \
                 process can"
            );
            return Ok(Wall(None));
        }
        // Beside the runtime: its own page map, the cores and the memory that it may use.
        let readable = ["/proc", "/sys/fs/cgroup", "/sys/devices/system/cpu"].map(PathBuf::from);
        let settings = confinement::Settings {
            readable: readable
                .into_iter()
                .chain([runtime::folder(config)?])
                .chain(config.server.runs.clone())
                .collect(),
            allowed_connect_ports: connect_ports,
            // Runs are written while they are viewed.
            go_on_reading: config.server.runs.is_some(),
        };
        let gaps = confinement::confine_access(&settings).context(WITHOUT)?;
        Ok(Wall(Some((settings, gaps))))
    }

    /// Once all threads are there and nothing of a stranger's has been read.
    pub fn close(self) -> anyhow::Result<()> {
        let Some((settings, mut gaps)) = self.0 else {
            return Ok(());
        };
        gaps.extend(confinement::confine_calls(&settings).context(WITHOUT)?);
        if gaps.is_empty() {
            let files = match settings.go_on_reading {
                true => "no files but those of runs to read",
                false => "no files",
            };
            let ports = &settings.allowed_connect_ports;
            let connections = match ports.is_empty() {
                true => "no outgoing connections".to_owned(),
                false => format!("outgoing connections to the TCP ports {ports:?} alone"),
            };
            tracing::info!("confined: {files}, {connections}, no other programs");
        }
        for gap in gaps {
            tracing::warn!("not fully confined: {gap}");
        }
        Ok(())
    }
}

/// What to do about a kernel that will not.
const WITHOUT: &str =
    "cannot confine this process (--no-confinement, or server.confinement = false, does without)";
