//! Runs of any task from their first line to their last, and what they leave.

use super::support::{Ear, engines};
use serde::de::DeserializeOwned;
use std::path::Path;
use touchstone::train::config::TrainConfig;
use touchstone::train::judge::Judge;
use touchstone::train::log::{Metrics, SampleLine};
use touchstone::train::run::{Ended, Run, Setup};
use touchstone::train::task::Task;
use touchstone::train::warm::Start;

/// Runs to the end, which is the last iteration; gives the lines that were written.
pub fn run(
    config: TrainConfig,
    out: &Path,
    start: Start,
    task: &dyn Task,
    judge: &dyn Judge,
) -> Vec<Metrics> {
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
    let mut ear = Ear::default();
    let ended = run.train(&mut ear).expect("a run to the end");
    assert_eq!(ended, Ended::Iterations);
    assert_eq!(lines::<Metrics>(&out.join("metrics.jsonl")), ear.lines);
    ear.lines
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
