//! What a run leaves on disk to go on from.

use super::super::super::Usage;
use crate::model::checkpoint::{replace, write_json};
use crate::model::{ModelError, Trainer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Beside the trainer's own files in the folder of the state.
const RUN: &str = "run.json";
const METRICS: &str = "metrics.jsonl";

/// All that decides a run's numbers. The position in the data follows from it and the step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Settings {
    /// SHA-256 of the examples.
    pub data: String,
    /// SHA-256 of the model's files of weights.
    pub model: String,
    pub steps: u64,
    pub samples: usize,
    pub batch_rows: usize,
    pub accumulate: usize,
    pub length: usize,
    pub learning_rate: f64,
    pub warmup: u64,
    pub seed: u64,
    pub adapter_rank: Option<usize>,
    pub alpha: Option<f64>,
    pub targets: Option<Vec<String>>,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    /// Steps that were made.
    step: u64,
    settings: Value,
}

/// The folder of the state.
pub(super) fn state(out: &Path) -> PathBuf {
    out.join("state")
}

/// SHA-256 over those of a model's files of weights, by their names.
pub(super) fn digest_of_model(folder: &Path) -> Result<String, ModelError> {
    use sha2::{Digest, Sha256};
    let unread = |error: io::Error| ModelError::file(folder, error);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unread)? {
        let path = entry.map_err(unread)?.path();
        if path.extension().is_some_and(|end| end == "safetensors") {
            files.push(path);
        }
    }
    files.sort();
    let mut hasher = Sha256::new();
    for file in files {
        hasher.update(crate::wheel::digest(&file).map_err(unread)?);
    }
    let bytes = hasher.finalize();
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Saves trainer and settings as one folder, in place of the one before.
pub(super) fn save(
    out: &Path,
    trainer: &mut Trainer,
    settings: &Settings,
) -> Result<(), ModelError> {
    let folder = state(out);
    let saved = Saved {
        step: trainer.steps(),
        settings: serde_json::to_value(settings)
            .map_err(|error| ModelError::file(&folder, error))?,
    };
    let ours = |name: &str| name == RUN || Trainer::is_state_file(name);
    replace(&folder, ours, |new| {
        trainer.write(new)?;
        write_json(&new.join(RUN), &saved)
    })
}

fn read(out: &Path) -> anyhow::Result<Option<Saved>> {
    let path = state(out).join(RUN);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Usage(format!("{}: {error}", path.display())).into()),
    };
    let saved = serde_json::from_slice(&text)
        .map_err(|error| Usage(format!("{}: is no state of a run: {error}", path.display())))?;
    Ok(Some(saved))
}

/// Whether there is a state to go on from, which has to be of the same run.
pub(super) fn resumes(out: &Path, resume: bool, settings: &Settings) -> anyhow::Result<bool> {
    let Some(saved) = read(out)? else {
        return Ok(false);
    };
    let out = out.display();
    if !resume {
        return Err(Usage(format!(
            "{out}: has a run already, saved after step {}; --resume goes on with it, or name another \
             folder",
            saved.step
        ))
        .into());
    }
    let now = serde_json::to_value(settings)?;
    let fields = now.as_object().into_iter().flatten();
    let differing = fields.filter(|(name, value)| saved.settings.get(name) != Some(value));
    let differing: Vec<String> = differing
        .map(|(name, value)| {
            let before = saved.settings.get(name).unwrap_or(&Value::Null);
            format!("{name} was {before} and is {value}")
        })
        .collect();
    if differing.is_empty() {
        return Ok(true);
    }
    let what = differing.join(", ");
    Err(Usage(format!("{out}: is another run: {what}")).into())
}

/// What there is to go on from, for messages.
pub(super) fn describe(out: &Path) -> String {
    match read(out) {
        Ok(Some(saved)) => {
            let folder = state(out);
            format!(
                "the state after step {} is in {}",
                saved.step,
                folder.display()
            )
        }
        _ => "no state was saved before".to_owned(),
    }
}

/// The file of metrics with the lines of steps up to `step`: those after it are made again.
pub(super) fn metrics(out: &Path, step: u64) -> anyhow::Result<File> {
    let path = out.join(METRICS);
    let failed = |error: io::Error| anyhow::anyhow!("{}: {error}", path.display());
    let text = match step {
        0 => Vec::new(),
        _ => fs::read(&path).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(Vec::new()),
            _ => Err(failed(error)),
        })?,
    };
    let made = |line: &&[u8]| {
        let line: Option<Value> = serde_json::from_slice(line).ok();
        let number = line.and_then(|line| line.get("step")?.as_u64());
        number.is_some_and(|number| number <= step)
    };
    let mut new = tempfile::NamedTempFile::new_in(out).map_err(failed)?;
    for line in text.split_inclusive(|byte| *byte == b'\n').filter(made) {
        new.write_all(line).map_err(failed)?;
    }
    // A temporary file is its owner's alone; this one is to be read like any other.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let readable = fs::Permissions::from_mode(0o644);
        new.as_file().set_permissions(readable).map_err(failed)?;
    }
    new.persist(&path).map_err(|error| failed(error.error))
}
