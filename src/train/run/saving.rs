//! What a run leaves behind, and how it goes on from there.

use super::players::learning;
use super::{LOCK, Run, RunError, file};
use crate::model::ModelError;
use crate::model::checkpoint::Dtype;
use crate::train::checkpoint;
use crate::train::log::{Lines, METRICS, SAMPLES};
use crate::train::player::Player;
use crate::train::warm;
use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

impl Run<'_> {
    pub(super) fn resume(&mut self, saved: checkpoint::Saved) -> Result<(), RunError> {
        let out = self.setup.out;
        self.generator.resume(&saved.folder.join("generator"))?;
        if let Some(critic) = learning(&mut self.critic, &self.setup.config) {
            critic.resume(&saved.folder.join("critic"))?;
        }
        self.metrics = Lines::open(out, METRICS, saved.state.metrics_bytes).map_err(file(out))?;
        self.samples = Lines::open(out, SAMPLES, saved.state.samples_bytes).map_err(file(out))?;
        self.evaluator.executions = saved.state.totals.evaluation;
        self.place = saved.place.other();
        self.state = saved.state;
        Ok(())
    }

    pub(super) fn save(&mut self) -> Result<(), RunError> {
        let out = self.setup.out;
        for lines in [&self.metrics, &self.samples] {
            lines.sync().map_err(file(out))?;
        }
        self.state.metrics_bytes = self.metrics.length();
        self.state.samples_bytes = self.samples.length();
        let (generator, config) = (&mut self.generator, &self.setup.config);
        let critic = learning(&mut self.critic, config);
        checkpoint::save(out, self.place, &self.state, |folder| {
            let write = |player: &mut Player, name: &str| {
                let folder = folder.join(name);
                std::fs::create_dir(&folder).map_err(|error| {
                    ModelError::file(&folder, format_args!("cannot be made: {error}"))
                })?;
                player.write(&folder)
            };
            write(generator, "generator")?;
            match critic {
                Some(critic) => write(critic, "critic"),
                None => Ok(()),
            }
        })?;
        self.place = self.place.other();
        Ok(())
    }

    /// Back to the newest state, which is from before the number that is none.
    pub(super) fn roll_back(&mut self, iteration: u64, what: String) -> RunError {
        let (saved, _) = checkpoint::find(self.setup.out);
        let kept = saved.as_ref().map_or(0, |saved| saved.state.iteration);
        match saved.map(|saved| self.resume(saved)) {
            Some(Err(error)) => error,
            _ => RunError::NotFinite {
                iteration,
                what,
                kept,
            },
        }
    }

    /// Writes both models as folders of their own; of those with an adapter the adapter alone.
    pub(super) fn export(&self) -> Result<(), RunError> {
        let start = &self.setup.start;
        let mut players = vec![("generator", &self.generator, &start.generator)];
        let critic = self.critic.as_ref();
        players.extend(critic.map(|critic| ("critic", critic, &start.critic)));
        for (name, player, base) in players {
            let (policy, folder) = (player.policy(), self.setup.out.join(name));
            match policy.lora() {
                Some(_) => policy.export_adapter(&folder, Dtype::F32, base.to_str())?,
                None => warm::export(policy, self.setup.task, &folder)?,
            }
        }
        Ok(())
    }
}

pub(super) fn lock(out: &Path) -> Result<File, RunError> {
    let path = out.join(LOCK);
    let lock = File::create(&path).map_err(file(&path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(RunError::Busy(out.to_owned())),
        Err(TryLockError::Error(error)) => Err(file(&path)(error)),
    }
}

/// Whether nothing but a first evaluation, which is repeated, would be overwritten by a new run.
pub(super) fn nothing_is_lost(out: &Path) -> Result<(), RunError> {
    let path = out.join(METRICS);
    let text = match std::fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        read => read.map_err(file(&path))?,
    };
    match text.iter().filter(|byte| **byte == b'\n').count() {
        0 | 1 => Ok(()),
        lines => Err(RunError::Lost {
            out: out.to_owned(),
            lines,
        }),
    }
}
