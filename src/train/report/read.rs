//! The files of runs and experiments, as they are on disk.

use super::ReportError;
use super::run::{Ended, Line, Run};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const METRICS: &str = "metrics.jsonl";
const CONFIG: &str = "config.json";
const ENDED: &str = "ended.json";
const EXPERIMENT: &str = "experiment.json";

/// A run that an experiment is to have.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Planned {
    /// The arm's name.
    pub arm: String,
    /// The number of the models it is to begin from.
    pub warm_start: u64,
    /// The seed.
    pub seed: u64,
}

impl Planned {
    /// Whether this is the run.
    pub fn is(&self, run: &Run) -> bool {
        self.arm == run.arm && self.origin() == run.origin()
    }

    /// What it is to share with runs of other arms that it is compared with.
    pub fn origin(&self) -> (u64, u64) {
        (self.warm_start, self.seed)
    }
}

/// The settled configuration of a run, as far as the report uses it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    name: Option<String>,
    arm: Option<String>,
    seed: Option<u64>,
    warm_start: WarmStart,
}

/// Which models a run starts from.
#[derive(Default, Deserialize)]
#[serde(default)]
struct WarmStart {
    seed: Option<u64>,
}

/// What an experiment is to consist of: every arm with every seed from every warm start.
#[derive(Deserialize)]
struct Plan {
    arms: Vec<String>,
    seeds: Vec<u64>,
    warm_starts: Vec<u64>,
}

/// The folder itself, if it is that of a run, or those folders in it that are.
pub fn folders_of_runs(path: &Path) -> Result<BTreeSet<PathBuf>, ReportError> {
    // The same run by two spellings of its path is one run.
    let path = &fs::canonicalize(path).map_err(cannot_read(path))?;
    if is_run(path) {
        return Ok(BTreeSet::from([path.clone()]));
    }
    let mut folders = BTreeSet::new();
    for entry in fs::read_dir(path).map_err(cannot_read(path))? {
        let folder = entry.map_err(cannot_read(path))?.path();
        if is_run(&folder) {
            folders.insert(folder);
        }
    }
    match folders.is_empty() {
        true => Err(ReportError::NoRuns(path.clone())),
        false => Ok(folders),
    }
}

/// The runs that a folder says it is to have; none if it says nothing.
pub fn plan(path: &Path) -> Result<BTreeSet<Planned>, ReportError> {
    let Some(plan) = optional_json::<Plan>(&path.join(EXPERIMENT))? else {
        return Ok(BTreeSet::new());
    };
    let mut planned = BTreeSet::new();
    for arm in &plan.arms {
        for &warm_start in &plan.warm_starts {
            planned.extend(plan.seeds.iter().map(|&seed| Planned {
                arm: arm.clone(),
                warm_start,
                seed,
            }));
        }
    }
    Ok(planned)
}

/// A run from its folder.
pub fn run(folder: &Path) -> Result<Run, ReportError> {
    let config: Config = optional_json(&folder.join(CONFIG))?.unwrap_or_default();
    let ended = optional_json::<Ended>(&folder.join(ENDED))?;
    let of_folder = || folder.file_name().unwrap_or_default().to_string_lossy();
    let arm = config.arm.or(config.name);
    Ok(Run {
        arm: arm.unwrap_or_else(|| of_folder().into_owned()),
        warm_start: config.warm_start.seed.unwrap_or(0),
        seed: config.seed.unwrap_or(0),
        lines: lines(&folder.join(METRICS))?,
        ended,
        folder: folder.to_owned(),
    })
}

fn is_run(folder: &Path) -> bool {
    folder.join(METRICS).is_file()
}

/// The lines of a run's metrics in the order of iterations.
fn lines(path: &Path) -> Result<Vec<Line>, ReportError> {
    let bytes = fs::read(path).map_err(cannot_read(path))?;
    // What follows the last end of a line is being written at this moment, or was cut for good.
    let complete = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
    let mut lines: Vec<Line> = Vec::new();
    for (at, text) in bytes[..complete].split(|byte| *byte == b'\n').enumerate() {
        if text.trim_ascii().is_empty() {
            continue;
        }
        let line: Line = serde_json::from_slice(text).map_err(content(path, Some(at + 1)))?;
        // A run that went on from an earlier state made these iterations anew.
        while lines
            .last()
            .is_some_and(|last| last.iteration >= line.iteration)
        {
            lines.pop();
        }
        lines.push(line);
    }
    Ok(lines)
}

/// What a file of JSON says; nothing where there is no such file.
fn optional_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, ReportError> {
    match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot_read(path)(error)),
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(content(path, None)),
    }
}

fn cannot_read(path: &Path) -> impl Fn(std::io::Error) -> ReportError {
    let path = path.to_owned();
    move |source| ReportError::Read {
        path: path.clone(),
        source,
    }
}

fn content(path: &Path, line: Option<usize>) -> impl FnOnce(serde_json::Error) -> ReportError {
    let path = path.to_owned();
    move |source| ReportError::Content { path, line, source }
}
