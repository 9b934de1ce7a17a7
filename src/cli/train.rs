//! `touchstone train`.

mod experiment;
mod problems;
mod progress;
mod view;

use super::failure::done;
use super::{Usage, access, logging, runtime, validator};
use crate::client::Server;
use crate::config::Layers;
use crate::model::{Device, Engine, ModelError, library};
use crate::train::config::{TaskConfig, TrainConfig, arm};
use crate::train::experiment::ENDED;
use crate::train::judge::Judge;
use crate::train::judge::claims::Claims;
use crate::train::judge::code::Code;
use crate::train::run::{Ended, Listener, Run, RunError, Setup};
use crate::train::task::Task;
use crate::train::task::biographies::Biographies;
use crate::train::task::functions::Functions;
use crate::train::warm::{self, Start};
use crate::validator::Validator;
use anyhow::Context;
use progress::Progress;
use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// The settled configuration, in a run's folder.
const CONFIG: &str = "config.json";

/// How far the warm start is, in a run's folder.
const WARM: &str = "warm.jsonl";

/// The preset that is many runs.
const EXPERIMENT: &str = "laptop-experiment";

/// Train a generator against an adversarial critic.
///
/// The generator answers questions, the critic writes the test that is most likely to break each
/// answer, the validator runs it in a fresh sandbox, and both learn. The preset `laptop` starts from
/// nothing, on two cores.
///
/// OUT gets `metrics.jsonl`, a line for each iteration; `samples.jsonl`, a line for each answer with
/// its tests; `state`, to go on from; and at the end `generator` and `critic`, models in Hugging Face's
/// layout. A run that was stopped in any way goes on with --resume, to the same numbers. SIGINT saves
/// and leaves.
#[derive(clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// The run, as TOML.
    #[arg(required_unless_present_any = ["preset", "resume"], conflicts_with = "preset")]
    config: Option<PathBuf>,
    /// A run that is known by name: laptop; or laptop-experiment, all arms with several seeds, each in
    /// a folder of its own.
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// An arm of the experiment: rlac, rlac-anchored, static, random, random-16, fixed-16,
    /// random-labels.
    #[arg(long, value_name = "NAME")]
    arm: Option<String>,
    /// The folder of the run.
    #[arg(long, value_name = "FOLDER", default_value = "run")]
    out: PathBuf,
    /// Decides all draws.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Decides the models that the game starts from.
    #[arg(long, value_name = "N")]
    warm_start: Option<u64>,
    /// Iterations in all.
    #[arg(long, value_name = "N")]
    iterations: Option<u64>,
    /// Changes a setting, after the configuration or preset and the arm were read; may be given several
    /// times.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Go on with the run in the folder, with its own settings where no others are given.
    #[arg(long)]
    resume: bool,
    /// A server that judges in place of this process, such as http://127.0.0.1:8080. While it is not
    /// there the run waits.
    #[arg(long, value_name = "URL")]
    validator: Option<String>,
    /// Where the run can be looked at while it goes on; port 0 is any that is free.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    view: SocketAddr,
    /// Do without that.
    #[arg(long)]
    no_view: bool,
    /// Where the models are executed: cpu, or cuda:N for an NVIDIA GPU.
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    device: Device,
}

const EXAMPLES: &str = "\
Examples:
  touchstone runtime onnx
  touchstone train --preset laptop --out run
  touchstone train --out run --resume
  touchstone train run.toml --validator http://10.0.0.7:8080 --view 127.0.0.1:8081
  touchstone train --preset laptop --arm static --seed 2 --out static-2
  touchstone train --preset laptop --set generator.learning_rate=3e-4 --set game.samples=4 --out run-2
  touchstone train --preset laptop-experiment --out experiment   # hours; started again, it goes on

Exit status: 0 done, 1 stopped because a number was not finite, 2 wrong usage, 3 our fault.";

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.preset.as_deref() == Some(EXPERIMENT) {
        return experiment::run(args);
    }
    let config = args.settle()?;
    if has_run(&args.out) && !args.resume {
        return Err(Usage(format!(
            "{}: has a run already; --resume goes on with it, or name another folder",
            args.out.display()
        ))
        .into());
    }
    let mut place = Place::prepare(args, &config)?;
    let ended = place.train(config, &args.out);
    place.progress.finish();
    match ended? {
        Some(_) => Ok(done(true)),
        None => Ok(done(false)),
    }
}

fn has_run(out: &Path) -> bool {
    out.join(crate::train::log::METRICS).exists()
}

/// What all runs of a process share.
struct Place {
    validator: Judges,
    engines: Vec<Engine>,
    progress: Progress,
}

/// Where programs are judged.
enum Judges {
    Here(Validator),
    There(String),
}

impl Place {
    fn prepare(args: &Args, config: &TrainConfig) -> anyhow::Result<Self> {
        let layers = Layers::default()
            .set("log.level", Some("warn"))
            .environment(super::settings::variables());
        let settings = super::settings::settle(&layers)?;
        logging::start(&settings.log);
        let progress = Progress::new()?;
        let judges = match &args.validator {
            Some(url) => Judges::There(url.clone()),
            None => Judges::Here(validator(&settings)?.0),
        };
        if !args.no_view {
            view::serve(args.view, &args.out)?;
        }
        Ok(Place {
            validator: judges,
            engines: engines(args.device, config)?,
            progress,
        })
    }

    /// What is asked, and who decides.
    fn table(&self, config: &TrainConfig) -> anyhow::Result<(Box<dyn Task>, Box<dyn Judge>)> {
        let code = match &self.validator {
            Judges::Here(validator) => Code::new(validator.clone(), config.limits),
            Judges::There(url) => {
                let key = access::own_key();
                Code::remote(Server::new(url).with_key(key.as_deref()), config.limits)
            }
        };
        Ok(match &config.task {
            TaskConfig::Functions => (Box::new(Functions::new()?), Box::new(code)),
            TaskConfig::Biographies(config) => {
                let knowledge = Arc::new(config.knowledge());
                let task = Biographies::new(knowledge.clone(), config.least_facts)?;
                let judge = Claims::new(knowledge, config.least_facts);
                (Box::new(task), Box::new(judge))
            }
            TaskConfig::Problems(problems) => {
                let task = problems::open(problems, &config.model, &code)?;
                (Box::new(task), Box::new(code))
            }
        })
    }

    /// Trains until the end, and says what kind of end it was; `None` where a number was not finite.
    fn train(&mut self, config: TrainConfig, out: &Path) -> anyhow::Result<Option<Ended>> {
        let (task, judge) = self.table(&config)?;
        std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
        let settings = serde_json::to_string_pretty(&config)? + "\n";
        let warm = out.join(WARM);
        let start = start(&config, &*task, &self.engines, &mut self.progress, &warm)?;
        let Some(start) = start else {
            let out = out.display();
            eprintln!("stopped in the warm start, of which nothing is kept; {out} has no run yet");
            return Ok(Some(Ended::Stopped));
        };
        let iterations = config.iterations;
        let setup = Setup {
            config,
            out,
            start,
            task: &*task,
            judge: &*judge,
            engines: &self.engines,
        };
        let (mut run, damaged) = Run::begin(setup).map_err(|error| match error {
            RunError::Differs(_)
            | RunError::Damaged(_)
            | RunError::Lost { .. }
            | RunError::Busy(_) => Usage(format!("{}: {error}", out.display())).into(),
            other => anyhow::Error::from(other),
        })?;
        write_whole(&out.join(CONFIG), &settings)?;
        if !run.is_ended() {
            // It goes on, and is no ended run any more.
            remove(&out.join(ENDED))?;
        }
        for state in damaged {
            let folder = state.folder.display();
            eprintln!("{folder}: is damaged and was passed over: {}", state.why);
        }
        self.progress.begin(run.iteration(), iterations);
        match run.train(&mut self.progress) {
            Ok(ended) => {
                tell(out, ended, run.iteration())?;
                Ok(Some(ended))
            }
            Err(error @ RunError::NotFinite { .. }) => {
                eprintln!(
                    "stopped: {error}; begin anew in another folder with a lower learning rate, as \
                     with --set generator.learning_rate=5e-5"
                );
                Ok(None)
            }
            Err(error @ RunError::Refused(_)) => Err(Usage(format!(
                "{error}; the run in {} can be gone on with (--resume)",
                out.display()
            ))
            .into()),
            Err(error @ RunError::Abandoned(_)) => {
                eprintln!(
                    "{error}; --resume goes on with the run in {}",
                    out.display()
                );
                Ok(Some(Ended::Stopped))
            }
            Err(error) => Err(error).context(format!(
                "the run in {} can be gone on with (--resume)",
                out.display()
            )),
        }
    }
}

fn tell(out: &Path, ended: Ended, iteration: u64) -> anyhow::Result<()> {
    if ended == Ended::Stopped {
        let out = out.display();
        eprintln!("saved after iteration {iteration}; --resume goes on with the run in {out}");
        return Ok(());
    }
    let text = serde_json::to_string(&serde_json::json!({ "why": ended }))? + "\n";
    write_whole(&out.join(ENDED), &text)
}

/// Writes a file so that there is the old one or the new one, whatever happens.
fn write_whole(path: &Path, text: &str) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_data()?;
        file.persist(path)?;
        Ok::<_, std::io::Error>(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

fn remove(path: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.with_context(|| format!("cannot remove {}", path.display())),
    }
}

/// As many engines as lanes, over one pool of threads.
fn engines(device: Device, config: &TrainConfig) -> anyhow::Result<Vec<Engine>> {
    let library = library::library(&runtime::cache()?, device);
    let first = Engine::start(&library, device, config.machine.threads).map_err(fault)?;
    let mut engines = vec![first.clone()];
    while engines.len() < config.machine.lanes {
        engines.push(first.beside()?);
    }
    Ok(engines)
}

/// The folders that the players start from; none where a signal came while they were made.
fn start(
    config: &TrainConfig,
    task: &dyn Task,
    engines: &[Engine],
    progress: &mut Progress,
    told: &Path,
) -> anyhow::Result<Option<Start>> {
    if let Some(generator) = &config.model.generator {
        let critic = config.model.critic.as_ref().unwrap_or(generator);
        return Ok(Some(Start {
            generator: generator.clone(),
            critic: critic.clone(),
        }));
    }
    let cache = runtime::cache()?.join("warm-starts");
    let (settings, machine) = (&config.warm_start, &config.machine);
    let mut lines: Option<File> = None;
    let start = warm::obtain(&cache, task, settings, machine, engines, |step| {
        progress.warm(step);
        // For the live view; a line that cannot be written is no reason to stop.
        if lines.is_none() {
            lines = File::create(told).ok();
        }
        if let (Some(file), Ok(text)) = (&mut lines, serde_json::to_string(&step)) {
            let _ = writeln!(file, "{text}");
        }
        match progress.stops() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    });
    start.map_err(fault)
}

/// Whose mistake it is where something was read: a file or the set-up is the user's.
fn fault(error: ModelError) -> anyhow::Error {
    match error {
        ModelError::Library(_)
        | ModelError::File { .. }
        | ModelError::Unsupported(_)
        | ModelError::Input(_) => Usage(error.to_string()).into(),
        other => other.into(),
    }
}

impl Args {
    /// The settings of the run in the folder.
    fn saved(&self) -> anyhow::Result<TrainConfig> {
        let path = self.out.join(CONFIG);
        let fault = |what: &dyn std::fmt::Display| Usage(format!("{}: {what}", path.display()));
        let text = std::fs::read(&path).map_err(|error| fault(&error))?;
        Ok(serde_json::from_slice(&text).map_err(|error| fault(&error))?)
    }

    fn settle(&self) -> anyhow::Result<TrainConfig> {
        let usage = |error: &dyn std::fmt::Display| Usage(error.to_string());
        let mut config = match (&self.config, &self.preset) {
            (Some(path), _) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| Usage(format!("{}: {error}", path.display())))?;
                TrainConfig::parse_for_arm(&text, self.arm.as_deref())
                    .map_err(|error| Usage(format!("{}: {error}", path.display())))?
            }
            (None, Some(name)) => TrainConfig::preset(name).map_err(|error| usage(&error))?,
            (None, None) => self.saved()?,
        };
        if let (Some(name), None) = (&self.arm, &self.config) {
            config = arm(name, &config.without_arm()).map_err(|error| usage(&error))?;
        }
        config = config.changed(&self.set).map_err(|error| usage(&error))?;
        config.seed = self.seed.unwrap_or(config.seed);
        config.warm_start.seed = self.warm_start.unwrap_or(config.warm_start.seed);
        config.iterations = self.iterations.unwrap_or(config.iterations);
        Ok(config.checked().map_err(|error| usage(&error))?)
    }
}
