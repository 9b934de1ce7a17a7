//! `touchstone serve`.

mod outgoing;
mod wall;

use super::failure::done;
use super::settings::{Settings, settle};
use super::telemetry::{self, LAST_SPANS, Telemetry};
use super::{Usage, access, logging, validator};
use crate::api::runs::Runs;
use crate::api::{Api, LogControl, Process, Tls, serve};
use crate::config::{Config, KeyConfig, Layers};
use anyhow::Context;
use outgoing::Outgoing;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use wall::Wall;

/// Serve the HTTP API.
///
/// SIGTERM or SIGINT ends it: no connection is accepted any more, what was accepted is answered,
/// then the exit status is 0. What takes longer than server.shutdown_seconds is answered with
/// errors, and the exit status is 3. A second signal ends it at once.
#[derive(clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Where to listen [default: 127.0.0.1:8080]. An address that other machines reach takes API
    /// keys, or --open.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// A file of API keys, see `touchstone key`: whoever calls needs one of them. Keys can also
    /// stand in the environment: TOUCHSTONE_API_KEYS=NAME:KEY,NAME:KEY.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Let anyone who reaches the address run programs, without a key.
    #[arg(long)]
    open: bool,
    /// Speak TLS: a PEM file of certificates, the server's own first.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificates: Option<PathBuf>,
    /// The PEM file of the certificate's private key.
    #[arg(long, value_name = "FILE", requires = "tls_certificates")]
    tls_key: Option<PathBuf>,
    /// Keep the rights that the process was started with, for kernels where giving them up fails.
    /// On Linux it gives up files, outgoing connections and other programs before it takes
    /// requests.
    #[arg(long)]
    no_confinement: bool,
    /// Show the training runs in this folder at /runs: curves and samples, while they are written.
    #[arg(long, value_name = "DIR")]
    runs: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

const EXAMPLES: &str = "\
Examples:
  touchstone serve
  touchstone key trainer --file keys.toml
  touchstone serve --listen 0.0.0.0:8080 --keys keys.toml --log-format json
  touchstone serve --runs runs
  TOUCHSTONE_VALIDATOR_QUEUE_CHECKS=1000 touchstone serve --config touchstone.toml

  curl http://127.0.0.1:8080/v1/checks -H 'Content-Type: application/json' -d '{\"submissions\":
    [{\"language\": \"python\", \"code\": \"def add(a, b): return a + b\",
      \"checks\": [{\"kind\": \"call\", \"call\": \"add(2, 3)\", \"expected\": \"5\"}]}]}'

A settings file, with the defaults:
  [server]
  listen = \"127.0.0.1:8080\"
  max_body_bytes = 67108864
  head_seconds = 15
  body_seconds = 60
  longest_wait_ms = 1500   # until a request's first check; longer is a 429
  confinement = true       # no files, connections, programs while serving
  shutdown_seconds = 300
  # runs = \"runs\"          # training runs to be seen at /runs; none by default
  # pod_name = \"pod\"       # told to SandboxFusion's clients; else the variable MY_POD_NAME
  # tls_certificates = \"server.pem\"
  # tls_key = \"server.key\"
  [access]
  # keys = \"keys.toml\"     # whoever calls needs one of these
  open = false             # other addresses than loopback take keys, or this
  metrics_need_key = false
  # requests_per_second = 50   # of each key; no limit by default
  # concurrent_requests = 64   # of each key; no limit by default
  allowed_origins = []     # pages of other hosts that may call
  [validator]
  workers = 8              # the number of cores
  queue_checks = 65536
  cache = true
  cache_bytes = 268435456
  [limits]                 # the most that a request may ask for
  time_ms = 60000
  memory_bytes = 1073741824
  output_bytes = 67108864
  [log]
  level = \"info\"
  format = \"text\"          # or json
  [judge0]
  callback_hosts = []      # HOST or HOST:PORT that a callback_url may name
  [telemetry]
  # otlp_endpoint = \"http://127.0.0.1:4318\"   # traces; else OTEL_EXPORTER_OTLP_ENDPOINT";

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let layers = args
        .settings
        .layers(defaults())?
        .set("server.listen", args.listen)
        .set("server.confinement", args.no_confinement.then_some(false))
        .set("server.runs", args.runs)
        .set("server.tls_certificates", args.tls_certificates)
        .set("server.tls_key", args.tls_key)
        .set("access.keys", args.keys)
        .set("access.open", args.open.then_some(true));
    let config = settle(&layers)?;
    let endpoint = &config.telemetry.otlp_endpoint;
    let telemetry = endpoint.as_ref().map(|_| Telemetry::new());
    let log = logging::start_with(&config.log, telemetry.as_ref().map(Telemetry::layer));
    // Before a confined process could no longer bind it, and before the runtime is loaded, which
    // takes longer than finding out that a port is taken.
    let door = Door {
        keys: access::keys(&config)?,
        tls: access::tls(&config)?,
        process: Process::open(),
        log,
    };
    let listener = listen(config.server.listen)?;
    let runs = runs(&config)?;
    let outgoing = Outgoing::look_up(&config)?;
    let wall = Wall::begin(&config, outgoing.ports())?;
    if let (Some(telemetry), Some((url, hosts))) = (&telemetry, &outgoing.collector) {
        telemetry.send_to(url, hosts)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the asynchronous runtime")?;
    let stopped = Arc::default();
    let served = serve_until_stopped(listener, wall, door, outgoing, runs, &config, &stopped);
    let served = runtime.block_on(served);
    if let Some(telemetry) = telemetry {
        let since = stopped.get().map_or(Duration::ZERO, Instant::elapsed);
        let left = config.server.shutdown_timeout().saturating_sub(since);
        telemetry.end(left.min(LAST_SPANS));
    }
    served?;
    // Whatever thread is still busy works for nobody.
    runtime.shutdown_background();
    Ok(done(true))
}

/// What the environment says under names that are not ours. Weaker than a setting.
fn defaults() -> Layers {
    Layers::default()
        .set("server.pod_name", pod_name())
        .set("telemetry.otlp_endpoint", telemetry::endpoint())
}

/// The pod's name under the name by which services of this kind ask for it.
fn pod_name() -> Option<String> {
    std::env::var("MY_POD_NAME").ok()
}

/// Who is let in, how connections are encrypted, and what tells of the process; opened while files
/// can be.
struct Door {
    keys: Vec<KeyConfig>,
    tls: Option<Tls>,
    process: Option<Process>,
    log: LogControl,
}

async fn serve_until_stopped(
    listener: std::net::TcpListener,
    wall: Wall,
    door: Door,
    outgoing: Outgoing,
    runs: Option<Runs>,
    config: &Config,
    stopped: &Arc<OnceLock<Instant>>,
) -> anyhow::Result<()> {
    let (stop, stopped) = (stop_signal()?, Arc::clone(stopped));
    let stop = async move {
        stop.await;
        // Called once.
        let _ = stopped.set(Instant::now());
    };
    let listener = TcpListener::from_std(listener).context("the listener cannot be awaited")?;
    let (validator, runtime) = validator(config)?;
    wall.close()?;
    let address = listener.local_addr().context("a listener has an address")?;
    let scheme = if door.tls.is_some() { "https" } else { "http" };
    let keys = door.keys.len();
    tracing::info!(%address, runtime = runtime.digest, keys, "listening on {scheme}://{address}");
    let mut api = Api::new(validator, runtime, config)
        .with_operation(door.process, door.log)
        .with_keys(&door.keys)
        .with_callbacks(outgoing.callbacks);
    if let Some(tls) = door.tls {
        api = api.with_tls(tls);
    }
    let api = match runs {
        Some(runs) => api.with_runs(runs),
        None => api,
    };
    serve(listener, api, stop).await?;
    tracing::info!("everything that was accepted is answered");
    Ok(())
}

fn listen(address: SocketAddr) -> anyhow::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address)
        .map_err(|error| Usage(format!("cannot listen on {address}: {error}")))?;
    let waiting = listener.set_nonblocking(true);
    waiting.context("the listener cannot be awaited")?;
    Ok(listener)
}

/// The folder of runs, opened while every folder can be.
fn runs(config: &Config) -> anyhow::Result<Option<Runs>> {
    let Some(folder) = &config.server.runs else {
        return Ok(None);
    };
    let opened = Runs::open(folder).map_err(|error| {
        Usage(format!(
            "cannot read the folder of runs {}: {error}",
            folder.display()
        ))
    })?;
    Ok(Some(opened))
}

/// Resolves at the first signal that asks us to end; the second ends the process.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let context = "cannot listen for signals";
    let mut terminate = signal(SignalKind::terminate()).context(context)?;
    let mut interrupt = signal(SignalKind::interrupt()).context(context)?;
    Ok(async move {
        either(&mut terminate, &mut interrupt).await;
        tokio::spawn(async move {
            either(&mut terminate, &mut interrupt).await;
            tracing::warn!("a second signal: leaving work unanswered");
            std::process::exit(3);
        });
    })
}

async fn either(first: &mut Signal, second: &mut Signal) {
    tokio::select! {
        _ = first.recv() => {}
        _ = second.recv() => {}
    }
}
