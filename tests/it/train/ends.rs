//! Runs from their first line to their last, and what they leave.

use crate::model::support::engine;
use serde::de::DeserializeOwned;
use std::path::Path;
use std::sync::OnceLock;
use touchstone::model::Engine;
use touchstone::train::config::TrainConfig;
use touchstone::train::judge::{Judge, Unavailable};
use touchstone::train::log::{Metrics, SampleLine};
use touchstone::train::run::{Ended, Listener, Run, Setup};
use touchstone::train::task::Task;
use touchstone::train::warm::Start;

/// Two lanes.
pub fn engines() -> &'static [Engine] {
    static ENGINES: OnceLock<Vec<Engine>> = OnceLock::new();
    ENGINES.get_or_init(|| vec![engine(), engine().beside().expect("an engine")])
}

/// Hears everything, and never stops a run.
struct Patient;

impl Listener for Patient {
    fn line(&mut self, _: &Metrics) {}

    fn waiting(&mut self, why: Option<&Unavailable>) {
        panic!("the judge is not there: {why:?}");
    }

    fn stops(&self) -> bool {
        false
    }
}

/// Runs to the end, which is the last iteration.
pub fn run(config: TrainConfig, out: &Path, start: Start, task: &dyn Task, judge: &dyn Judge) {
    let setup = Setup {
        config,
        out,
        start,
        task,
        judge,
        engines: engines(),
    };
    let (mut run, damaged) = Run::begin(setup).expect("a run");
    assert!(damaged.is_empty());
    let ended = run.train(&mut Patient).expect("a run to the end");
    assert_eq!(ended, Ended::Iterations);
}

/// The lines of a file.
pub fn lines<T: DeserializeOwned>(path: &Path) -> Vec<T> {
    let text = std::fs::read_to_string(path).expect("a file");
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("a line"))
        .collect()
}

/// All answers of a run.
pub fn samples(out: &Path) -> Vec<SampleLine> {
    lines(&out.join("samples.jsonl"))
}
