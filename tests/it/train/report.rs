//! Reports of training runs: folders of made-up runs in, tables and a page out.

mod command;
mod criteria;
mod files;
mod page;
mod tables;

use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;
use touchstone::train::report::Experiment;

/// A made-up run. Its pass@1 grows in a straight line from 0.40 to 0.80 and goes on so, up to 1.
#[derive(Clone)]
struct Made {
    arm: &'static str,
    warm_start: u64,
    seed: u64,
    /// Executions at pass@1 0.80.
    to_080: f64,
    /// Executions at the end.
    end: f64,
    /// How many of the executions are no duplicates.
    unique: f64,
    /// Detection on policy, all the time.
    detection: f64,
    /// Detection of hard bugs at the end, in terms of the start.
    growth: f64,
    /// What `ended.json` says; none if there is no such file.
    ended: Option<&'static str>,
}

impl Made {
    fn new(arm: &'static str, to_080: f64, end: f64) -> Self {
        Made {
            arm,
            warm_start: 1,
            seed: 1,
            to_080,
            end,
            unique: 0.5,
            detection: 0.2,
            growth: 1.0,
            ended: Some("executions"),
        }
    }

    fn pass_at_1(&self, executions: f64) -> f64 {
        (0.40 + 0.40 * executions / self.to_080).min(1.0)
    }

    /// An evaluation every tenth of the run, and a line without one between two of them.
    fn lines(&self) -> Vec<Value> {
        let line = |at: u32| {
            let share = f64::from(at) / 20.0;
            let executions = self.end * share;
            let evaluated = at.is_multiple_of(2);
            json!({
                "iteration": at,
                "iterations": 30,
                "seconds": share * 600.0,
                "executions": executions,
                "executions_unique": executions * self.unique,
                "critic_tokens": if self.arm == "fixed-16" { 0.0 } else { executions * 20.0 },
                "pass_at_1": evaluated.then(|| self.pass_at_1(executions)),
                "families": evaluated.then(|| json!({"sign": 0.25, "in_range": self.pass_at_1(executions)})),
                "hard_detection": evaluated.then_some(0.06 * (1.0 + (self.growth - 1.0) * share)),
                "detection": (at > 0).then_some(self.detection),
                "train_pass_rate": 0.75,
                "true_pass_rate": 0.5,
                "critic_entropy": 5.5,
            })
        };
        (0..=20).map(line).collect()
    }

    fn write(&self, experiment: &Path) {
        let name = format!("{}-warm{}-seed{}", self.arm, self.warm_start, self.seed);
        let start = json!({"seed": self.warm_start});
        let config = json!({"arm": self.arm, "seed": self.seed, "warm_start": start}).to_string();
        let lines: String = self
            .lines()
            .iter()
            .map(|line| format!("{line}\n"))
            .collect();
        write(experiment, &format!("{name}/config.json"), &config);
        write(experiment, &format!("{name}/metrics.jsonl"), &lines);
        if let Some(why) = self.ended {
            let ended = json!({ "why": why }).to_string();
            write(experiment, &format!("{name}/ended.json"), &ended);
        }
    }
}

/// Three seeds from two warm starts of each of these.
fn all_origins(arms: &[Made]) -> Vec<Made> {
    let mut runs = Vec::new();
    for made in arms {
        for warm_start in [1, 2] {
            runs.extend([1, 2, 3].map(|seed| Made {
                warm_start,
                seed,
                ..made.clone()
            }));
        }
    }
    runs
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(path, text).expect("written");
}

/// A folder of files, each with its text.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        write(folder.path(), name, text);
    }
    folder
}

/// What is read of a folder, or why nothing is.
fn read(folder: &TempDir) -> Result<Experiment, String> {
    let path = folder.path();
    let shown = path.canonicalize().expect("a path").display().to_string();
    Experiment::read(&[path.to_owned()]).map_err(|error| error.to_string().replace(&shown, "DIR"))
}

/// The report on runs.
fn report(runs: &[Made]) -> Experiment {
    let folder = folder(&[]);
    for run in runs {
        run.write(folder.path());
    }
    read(&folder).expect("runs")
}

/// The cells of the rows of a Markdown table, found by its title.
fn rows(markdown: &str, title: &str) -> Vec<Vec<String>> {
    let mut lines = markdown.lines();
    let found = lines.any(|line| line.starts_with('#') && line.contains(title));
    assert!(found, "{title}: no such title in\n{markdown}");
    let table = lines
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'));
    let cells = |line: &str| {
        let inner = line.trim_matches('|').split(" | ");
        inner.map(|cell| cell.trim().to_owned()).collect()
    };
    // Below the names of the columns and the line under them.
    table.skip(2).map(cells).collect()
}
