//! The live view of training runs: through its router, and in a browser. `serving/runs.rs` has it
//! in a confined server.

pub(crate) mod browser;
mod page;
mod reading;
mod refusing;

use serde_json::{Value, json};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A run's folder as training writes it.
pub struct RunFolder(PathBuf);

impl RunFolder {
    /// With settings, and nothing done yet.
    pub fn new(path: impl Into<PathBuf>) -> RunFolder {
        let folder = RunFolder(path.into());
        fs::create_dir_all(&folder.0).expect("a folder");
        let config = json!({"name": "a-name", "arm": "rlac-anchored", "seed": 7, "iterations": 9});
        folder.write("config.json", &config.to_string());
        folder
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn write(&self, file: &str, text: &str) {
        fs::write(self.0.join(file), text).expect("it can be written");
    }

    pub fn append(&self, file: &str, text: &str) {
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).open(self.0.join(file));
        let written = file.expect("a file").write_all(text.as_bytes());
        written.expect("it can be written");
    }

    pub fn metrics(&self, iteration: u64) {
        self.append("metrics.jsonl", &metrics(iteration, 0.5));
    }

    pub fn sample(&self, sample: &Value) {
        self.append("samples.jsonl", &format!("{sample}\n"));
    }
}

/// A line of metrics; `share` is what differs where an iteration is done again.
pub fn metrics(iteration: u64, share: f64) -> String {
    let player =
        json!({"loss": 0.7, "rewards/margins": 0.1, "rewards/accuracies": 0.5, "kl": 0.01});
    let line = json!({
        "iteration": iteration, "iterations": 9, "seconds": iteration * 10, "executions": iteration * 100,
        "pass_at_1": iteration.is_multiple_of(2).then_some(0.25), "train_pass_rate": share,
        "true_pass_rate": 0.25, "generator": player, "critic": null, "new_number": 3.5,
        "timing": {"sampling": 1.0, "update": 2.0, "iteration": 4.0},
    });
    format!("{line}\n")
}

/// A sample with one test.
pub fn sample(iteration: u64, question: &str, label: Option<u64>, correct: Option<bool>) -> Value {
    let family = question.split('/').next();
    let verdict = if label == Some(0) {
        "failed"
    } else {
        "satisfied"
    };
    json!({
        "iteration": iteration, "policy": iteration, "question": question, "family": family,
        "prompt": "is x from -3 to 9", "reference": "def f(x):\n return -3<=x<=9",
        "answer": "def f(x):\n return -3<=x<9", "samples": 3, "label": label, "correct": correct,
        "logp": -3.2, "tests": [{"test": "f(9)", "verdict": verdict, "times": 2,
                                 "message": "expected True, got False", "from": "critic"}],
    })
}
