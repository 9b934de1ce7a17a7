//! What an operator can set, one struct per concern, settled and validated once.
//!
//! Owns the settings, their defaults with reasons, and which source is stronger: file, then
//! environment, then flags. Reads nothing by itself: `cli` hands over the environment and names
//! the file.

mod access;
mod layers;
mod outgoing;

pub use access::{AccessConfig, KeyConfig, KeyDigest, KeyError};
pub use layers::{ConfigError, Layers};
pub use outgoing::{HostConfig, Judge0Config, TelemetryConfig};

use crate::domain::Limits;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// All settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The HTTP server's.
    pub server: ServerConfig,
    /// Who may call it.
    pub access: AccessConfig,
    /// The validator's.
    pub validator: ValidatorConfig,
    /// What a request may ask for.
    pub limits: LimitCaps,
    /// What is logged, and how.
    pub log: LogConfig,
    /// Judge0's interface.
    pub judge0: Judge0Config,
    /// Traces.
    pub telemetry: TelemetryConfig,
}

/// The HTTP server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Longest request body.
    pub max_body_bytes: usize,
    /// How long a client may take to send the head of a request, in seconds; a connection without
    /// a request is closed after it.
    pub head_seconds: u64,
    /// How long a client may take to send its body, in seconds.
    pub body_seconds: u64,
    /// How long a request to `/v1` may have to wait for its first check to be judged, in milliseconds;
    /// one that would wait for longer is turned away at once. Those who judge in large batches and
    /// would rather wait set it high.
    pub longest_wait_ms: u64,
    /// Whether the serving process gives up files, connections and other programs before it takes
    /// requests, as far as the kernel lets it.
    pub confinement: bool,
    /// How long accepted work and slow readers may hold up a shutdown, in seconds.
    pub shutdown_seconds: u64,
    /// A folder of training runs to be viewed below `/runs`; absent, there is no such view.
    pub runs: Option<PathBuf>,
    /// The pod that it runs in, which answers to SandboxFusion's clients name; absent, they name none.
    pub pod_name: Option<String>,
    /// A PEM file of certificates, the server's own first; with `tls_key`, it speaks TLS.
    pub tls_certificates: Option<PathBuf>,
    /// A PEM file of the private key to the first certificate.
    pub tls_key: Option<PathBuf>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        ServerConfig {
            // Loopback: whoever wants strangers to run programs here has to say so.
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            // A full queue of 65,536 checks at 1 KiB each, which is more than generated checks
            // take; a body is held in memory about three times while it is parsed.
            max_body_bytes: 64 << 20,
            // A head is sent at once. Clients that pause between requests connect anew, which costs
            // them less than a millisecond; below what a shutdown waits for slow readers.
            head_seconds: 15,
            // 64 MiB over 10 Mbit/s, so that only stuck clients meet it.
            body_seconds: 60,
            // A single check is to be answered within two seconds under any load; on a machine that has
            // ten times too much to do, reading it and telling its verdict take another second (measured).
            // A batch waits for its first turn alone.
            longest_wait_ms: 800,
            // Off for kernels that refuse the filter of system calls.
            confinement: true,
            // Arbitrary: longer than a batch of ordinary checks takes, shorter than a queue full of
            // endless ones would.
            shutdown_seconds: 300,
            // A confined process opens no files but for this.
            runs: None,
            // Kubernetes tells it by a variable of its own, if asked to.
            pod_name: None,
            // On loopback, and behind a proxy that has it, there is nothing to encrypt.
            tls_certificates: None,
            tls_key: None,
        }
    }
}

impl ServerConfig {
    /// How long a client may take to send the head of a request.
    pub fn head_timeout(&self) -> Duration {
        Duration::from_secs(self.head_seconds)
    }

    /// How long a client may take to send its body.
    pub fn body_timeout(&self) -> Duration {
        Duration::from_secs(self.body_seconds)
    }

    /// How long a request may have to wait for its first check.
    pub fn longest_wait(&self) -> Duration {
        Duration::from_millis(self.longest_wait_ms)
    }

    /// How long a shutdown may take.
    pub fn shutdown_timeout(&self) -> Duration {
        Duration::from_secs(self.shutdown_seconds)
    }
}

/// The validator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ValidatorConfig {
    /// Programs that run at the same time.
    pub workers: usize,
    /// Checks that may wait; more are turned away at once.
    pub queue_checks: usize,
    /// Whether executions are answered from earlier, identical ones.
    pub cache: bool,
    /// What the cache may take.
    pub cache_bytes: u64,
    /// The folder of a runtime; the user's cache where absent.
    pub runtime: Option<PathBuf>,
    /// Whether a worker restores its instance in place between programs; otherwise each program
    /// gets an instance that is mapped anew. Verdicts are the same, only slower.
    pub reset_in_place: bool,
    /// What the wall clock allows an execution beyond ten times its guest time, in milliseconds.
    pub backstop_ms: u64,
}

impl Default for ValidatorConfig {
    fn default() -> Self {
        ValidatorConfig {
            // Guests compute and never wait, so more than one to a core only adds switching.
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            // A training step's batch (256 problems of 16 candidates and 16 checks) fits; at
            // 1 KiB each, a full queue costs about 64 MiB.
            queue_checks: 65_536,
            cache: true,
            // Some 100,000 executions with short outputs.
            cache_bytes: 256 << 20,
            runtime: None,
            reset_in_place: true,
            // For a machine that is busy otherwise; a program that computes ends by its fuel.
            backstop_ms: 20_000,
        }
    }
}

/// The most that one request may ask for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitCaps {
    /// Guest time of one execution.
    pub time_ms: u64,
    /// Memory of one execution.
    pub memory_bytes: u64,
    /// Output of one execution to stdout, and as much again to stderr.
    pub output_bytes: u64,
}

impl Default for LimitCaps {
    fn default() -> Self {
        LimitCaps {
            // A worker is held for about a minute at most by one execution.
            time_ms: 60_000,
            // Workers × this is what a host must have to spare.
            memory_bytes: 1 << 30,
            // Outputs travel in the answer: this is what one check may add to it, twice.
            output_bytes: 64 << 20,
        }
    }
}

impl From<&LimitCaps> for Limits {
    fn from(caps: &LimitCaps) -> Self {
        Limits {
            time_ms: caps.time_ms,
            memory_bytes: caps.memory_bytes,
            output_bytes: caps.output_bytes,
        }
    }
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// How a line looks.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug`, `trace`, or directives such as `info,touchstone=debug`.
    pub level: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        LogConfig {
            format: LogFormat::Text,
            level: "info".into(),
        }
    }
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
