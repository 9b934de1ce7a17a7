//! The loop: rounds are played, both players learn, and everything is measured and saved.

mod clock;
mod contents;
mod error;
mod iteration;
mod patience;
mod players;
mod saving;

pub use error::{LARGEST_DIFFERENCE, RunError};

use error::{compare, file};
use players::players;
use saving::{lock, nothing_is_lost};

use super::checkpoint::{self, Damaged, Place, State};
use super::config::TrainConfig;
use super::evaluate::Evaluator;
use super::judge::{Judge, Unavailable};
use super::log::{Lines, METRICS, Metrics, SAMPLES};
use super::player::Player;
use super::task::Task;
use super::tensorboard::EventFile;
use super::warm::Start;
use crate::model::{Engine, ModelError};
use std::fs::File;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// What a run is given.
pub struct Setup<'a> {
    /// What it is.
    pub config: TrainConfig,
    /// Its folder.
    pub out: &'a Path,
    /// Where the players start from.
    pub start: Start,
    /// What is asked.
    pub task: &'a dyn Task,
    /// Who decides.
    pub judge: &'a dyn Judge,
    /// As many as there are lanes.
    pub engines: &'a [Engine],
}

/// Whom a run tells how it goes.
pub trait Listener {
    /// A line was written.
    fn line(&mut self, metrics: &Metrics);
    /// The judge is not there: the run waits. `None` once it is there again.
    fn waiting(&mut self, why: Option<&Unavailable>);
    /// Whether the run is to save its state and end.
    fn stops(&self) -> bool;
}

/// Why a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ended {
    /// After its last iteration.
    Iterations,
    /// At its limit of executions.
    Executions,
    /// At its limit of time.
    Minutes,
    /// As good as asked for.
    Reached,
    /// It was asked to, and can go on.
    Stopped,
}

/// Locked by the process that has the run.
const LOCK: &str = "lock";

/// The folder of TensorBoard's event files.
pub const EVENTS: &str = "tensorboard";

/// A run under way.
pub struct Run<'a> {
    setup: Setup<'a>,
    generator: Player,
    critic: Option<Player>,
    generator_start: Player,
    critic_start: Option<Player>,
    evaluator: Evaluator,
    state: State,
    place: Place,
    metrics: Lines,
    samples: Lines,
    events: EventFile,
    /// Held as long as the run is: another process that goes on with it would write into the same files.
    _lock: File,
}

impl<'a> Run<'a> {
    /// Begins a run, or goes on with the one that is saved in its folder. Tells of states that are
    /// damaged and were passed over.
    ///
    /// # Errors
    /// Where models cannot be loaded, or files cannot be read or written.
    pub fn begin(setup: Setup<'a>) -> Result<(Self, Vec<Damaged>), RunError> {
        std::fs::create_dir_all(setup.out).map_err(file(setup.out))?;
        let lock = lock(setup.out)?;
        checkpoint::sweep(setup.out);
        let (saved, damaged) = checkpoint::find(setup.out);
        let config = serde_json::to_value(&setup.config).unwrap_or_default();
        let contents = contents::of(&setup.config, &setup.start)?;
        match &saved {
            Some(saved) => {
                compare(&saved.state.config, &config)?;
                let changed = contents::changed(&saved.state.contents, &contents);
                if !changed.is_empty() {
                    return Err(RunError::Differs(changed));
                }
            }
            None if !damaged.is_empty() => return Err(RunError::Damaged(damaged)),
            None => nothing_is_lost(setup.out)?,
        }
        let (generator, critic) = players(&setup)?;
        let (critic, critic_start) = critic.map(|one| (one.now, one.start)).unzip();
        let (metrics, samples) = saved.as_ref().map_or((0, 0), |saved| {
            (saved.state.metrics_bytes, saved.state.samples_bytes)
        });
        let mut run = Run {
            generator: generator.now,
            generator_start: generator.start,
            critic,
            critic_start,
            evaluator: Evaluator::new(setup.task),
            state: State::default(),
            place: Place::default(),
            metrics: Lines::open(setup.out, METRICS, metrics).map_err(file(setup.out))?,
            samples: Lines::open(setup.out, SAMPLES, samples).map_err(file(setup.out))?,
            events: events(setup.out)?,
            setup,
            _lock: lock,
        };
        if let Some(saved) = saved {
            run.resume(saved)?;
        }
        run.state.config = config;
        run.state.contents = contents;
        Ok((run, damaged))
    }

    /// Iterations that were made.
    pub fn iteration(&self) -> u64 {
        self.state.iteration
    }

    /// Whether it has come to its end and there is nothing left to do.
    pub fn is_ended(&self) -> bool {
        self.is_over().is_some()
    }

    /// Goes on until the end.
    ///
    /// # Errors
    /// Where a number is not finite, a model fails, or files cannot be written. What was saved is kept
    /// and can be gone on from.
    pub fn train(&mut self, listener: &mut dyn Listener) -> Result<Ended, RunError> {
        if self.state.metrics_bytes == 0 {
            self.first_line(listener)?;
            self.save()?;
        }
        loop {
            let stopped = || listener.stops().then_some(Ended::Stopped);
            if let Some(ended) = self.is_over().or_else(stopped) {
                if self.state.metrics_bytes != self.metrics.length() {
                    self.save()?;
                }
                if ended != Ended::Stopped {
                    self.export()?;
                }
                return Ok(ended);
            }
            let next = self.state.iteration + 1;
            let line = match self.iterate(listener) {
                Err(RunError::Model(ModelError::NotFinite(what))) => {
                    return Err(self.roll_back(next, what));
                }
                other => other?,
            };
            listener.line(&line);
            let iteration = self.state.iteration;
            if iteration.is_multiple_of(self.setup.config.checkpoint_every) {
                self.save()?;
            }
        }
    }

    /// Whether there is nothing left to do: follows from the state alone, so that a run that was stopped
    /// in between is evaluated when an undisturbed one is.
    fn is_over(&self) -> Option<Ended> {
        let (stop, totals) = (&self.setup.config.stop, &self.state.totals);
        let above = |limit: Option<f64>, value: f64| limit.is_some_and(|limit| value >= limit);
        if self.state.iteration >= self.setup.config.iterations {
            return Some(Ended::Iterations);
        }
        if stop
            .executions
            .is_some_and(|limit| totals.meter.executions() >= limit)
        {
            return Some(Ended::Executions);
        }
        if above(stop.minutes, totals.seconds / 60.0) {
            return Some(Ended::Minutes);
        }
        if self
            .state
            .pass_at_1
            .is_some_and(|reached| above(stop.pass_at_1, reached))
        {
            return Some(Ended::Reached);
        }
        None
    }

    /// The evaluation before training.
    fn first_line(&mut self, listener: &mut dyn Listener) -> Result<(), RunError> {
        let found = self.evaluate(listener)?;
        let mut line = Metrics::new(0, self.setup.config.iterations, &self.state.totals);
        self.state.pass_at_1 = found.pass_at_1;
        line.found = found;
        self.write(&line)?;
        listener.line(&line);
        Ok(())
    }

    fn write(&mut self, line: &Metrics) -> Result<(), RunError> {
        let path = self.setup.out.join(METRICS);
        self.metrics.add([line]).map_err(file(&path))?;
        let numbers = line.numbers();
        let numbers: Vec<(&str, f64)> = numbers.iter().map(|(name, x)| (&**name, *x)).collect();
        let path = self.setup.out.join(EVENTS);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0.0, |time| time.as_secs_f64());
        let written = self.events.scalars(line.iteration, now, &numbers);
        written.map_err(file(&path))
    }
}

fn events(out: &Path) -> Result<EventFile, RunError> {
    let folder = out.join(EVENTS);
    std::fs::create_dir_all(&folder).map_err(file(&folder))?;
    EventFile::create(&folder, "touchstone").map_err(file(&folder))
}
