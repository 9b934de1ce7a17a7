//! A small run: few questions, short lessons, everything else as it is.

use crate::model::support::engine;
use crate::runtime::{cache, validator};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::OnceLock;
use touchstone::model::Engine;
use touchstone::train::config::{Game, TrainConfig, WarmStart};
use touchstone::train::judge::code::{Code, CodeLimits};
use touchstone::train::judge::{Judge, Unavailable};
use touchstone::train::log::Metrics;
use touchstone::train::run::{Ended, Listener, Run, RunError, Setup};
use touchstone::train::task::functions::Functions;
use touchstone::train::warm::{self, Start};

/// As TOML, for the command.
pub const SMALL: &str = r#"
preset = "laptop"
seed = 3
iterations = 6
checkpoint_every = 1
[warm_start]
generator_steps = 300
copying_steps = 40
test_steps = 120
[game]
prompts = 8
samples = 4
critic_first = 1
[generator]
minibatch = 4
learning_rate = 1e-4
[critic]
minibatch = 2
[evaluation]
every = 3
samples = 1
hard_tests = 1
[machine]
slots = 32
"#;

/// The same.
pub fn small() -> TrainConfig {
    TrainConfig::parse(SMALL).expect("a run")
}

/// Two lanes.
pub fn engines() -> &'static [Engine] {
    static ENGINES: OnceLock<Vec<Engine>> = OnceLock::new();
    ENGINES.get_or_init(|| vec![engine(), engine().beside().expect("an engine")])
}

pub fn task() -> &'static Functions {
    static TASK: OnceLock<Functions> = OnceLock::new();
    TASK.get_or_init(|| Functions::new().expect("a task"))
}

/// What runs start from: made once for all tests and runs of them.
pub fn start() -> Start {
    static START: OnceLock<Start> = OnceLock::new();
    let make = || {
        let config = small();
        // Threads are not those of the command: what is made here is not to be taken for its.
        let machine = touchstone::train::config::Machine {
            threads: 2,
            ..config.machine
        };
        let cache = cache().join("warm-starts");
        let WarmStart { .. } = config.warm_start;
        warm::obtain(
            &cache,
            task(),
            &config.warm_start,
            &machine,
            engines(),
            |_| ControlFlow::Continue(()),
        )
        .expect("a warm start")
        .expect("nobody stops it")
    };
    START.get_or_init(make).clone()
}

pub fn code() -> Code {
    let limits = CodeLimits {
        test_ms: 20,
        exam_ms: 500,
    };
    Code::new(validator().clone(), limits)
}

/// Hears everything, and stops a run after so many lines.
#[derive(Default)]
pub struct Ear {
    pub lines: Vec<Metrics>,
    pub waits: Vec<Option<Unavailable>>,
    pub stop_after: Option<usize>,
}

impl Listener for Ear {
    fn line(&mut self, metrics: &Metrics) {
        self.lines.push(metrics.clone());
    }

    fn waiting(&mut self, why: Option<&Unavailable>) {
        self.waits.push(why.cloned());
    }

    fn stops(&self) -> bool {
        self.stop_after
            .is_some_and(|count| self.lines.len() >= count)
    }
}

/// Runs, or goes on, in a folder.
pub fn run(
    config: TrainConfig,
    out: &Path,
    judge: &dyn Judge,
    ear: &mut Ear,
) -> Result<Ended, RunError> {
    let setup = Setup {
        config,
        out,
        start: start(),
        task: task(),
        judge,
        engines: engines(),
    };
    Run::begin(setup)?.0.train(ear)
}

/// A line without what a clock says.
pub fn timeless(line: &Metrics) -> Metrics {
    Metrics {
        seconds: 0.0,
        evaluation_seconds: 0.0,
        timing: None,
        ..line.clone()
    }
}

/// With another game.
pub fn with_game(change: impl FnOnce(&mut Game)) -> TrainConfig {
    let mut config = small();
    change(&mut config.game);
    config
}
