//! The start: new models learn to write answers with mistakes, and tests of all kinds.
//!
//! Warm starts are kept in a cache by the digest of all that decides them, and shared by all runs: arms
//! of an experiment differ in what happens afterwards alone.

use super::config::{Machine, WarmStart};
use super::player::{Player, Sizes};
use super::rollout::random;
use super::task::{Lesson, Task};
use crate::model::checkpoint::Dtype;
use crate::model::{AdamW, Engine, Memory, ModelConfig, ModelError, Policy, Sequence};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Goes into the digest: to be raised when the same settings come to give other models.
const VERSION: u32 = 1;
/// Batches are cut from as many examples at a time, sorted by length, so that rows are filled up
/// little.
const SORTED_BATCHES: usize = 4;
/// Steps until the learning rate is reached; it falls to this share of the highest in the end.
const WARMUP: u64 = 30;
const FLOOR: f64 = 0.03;
/// How often progress is told, in steps.
const TOLD_EVERY: u64 = 20;

/// Folders of the two models, each in Hugging Face's layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The generator's.
    pub generator: PathBuf,
    /// The critic's.
    pub critic: PathBuf,
}

/// How far a warm start is.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Progress {
    /// Whose.
    pub player: &'static str,
    /// Steps of this player so far.
    pub step: u64,
    /// Its steps in all.
    pub steps: u64,
    /// The mean loss of a token since the last report.
    pub loss: f64,
}

/// A new model's shape: about 0.7 million parameters.
pub fn shape(task: &dyn Task) -> Result<ModelConfig, ModelError> {
    let mut config = ModelConfig::preset("tiny")?;
    config.vocab_size = 0;
    config.intermediate_size = 256;
    config.max_positions = task.sizes().context;
    task.tokenizer().configure(&mut config);
    config.eos_token_ids = task.stop_tokens();
    Ok(config)
}

/// The warm start of a task, made where it is not in the cache; `None` where `tell` breaks it off, of
/// which nothing is kept but a model that was finished.
///
/// # Errors
/// Where a model fails or something cannot be written. Lessons that a task does not teach are an
/// error too.
pub fn obtain(
    cache: &Path,
    task: &dyn Task,
    settings: &WarmStart,
    machine: &Machine,
    engines: &[Engine],
    mut tell: impl FnMut(Progress) -> ControlFlow<()>,
) -> Result<Option<Start>, ModelError> {
    let engine = engines
        .first()
        .ok_or_else(|| ModelError::Input("a warm start needs an engine".to_owned()))?;
    let school = School {
        task,
        settings,
        engines,
        slots: machine.slots,
    };
    let answers = [(Lesson::Answers, settings.generator_steps)];
    let tests = [
        (Lesson::Copying, settings.copying_steps),
        (Lesson::Tests, settings.test_steps),
    ];
    let rates = [settings.generator_rate, settings.critic_rate];
    let mut what = format!(
        "{VERSION} {:?} {:?} {:?}",
        (settings.seed, settings.batch),
        (machine.lanes, machine.threads),
        shape(task)?,
    );
    let mut folders = Vec::new();
    let mut policy = None;
    for ((name, lessons), rate) in [("generator", &answers[..]), ("critic", &tests[..])]
        .into_iter()
        .zip(rates)
    {
        let kinds: Vec<Lesson> = lessons.iter().map(|(lesson, _)| *lesson).collect();
        what += &format!("{lessons:?} {rate} {}", task.fingerprint(&kinds));
        let folder = cache.join(format!("{name}-{}", digest(&what)));
        // Renamed into place when it is whole.
        if !folder.join("config.json").exists() {
            let policy = match policy {
                Some(policy) => policy,
                None => before(engine, task, settings, folders.last())?,
            };
            let taught = school.teach(&policy, name, lessons, rate, &mut tell)?;
            if taught.is_break() {
                return Ok(None);
            }
            export(&policy, task, &folder)?;
        }
        policy = Some(Policy::load(engine, &folder)?);
        folders.push(folder);
    }
    match <[PathBuf; 2]>::try_from(folders) {
        Ok([generator, critic]) => Ok(Some(Start { generator, critic })),
        Err(_) => Err(ModelError::Input("two models were to be made".to_owned())),
    }
}

/// The model that a player begins as: a new one, or the one made last.
fn before(
    engine: &Engine,
    task: &dyn Task,
    settings: &WarmStart,
    last: Option<&PathBuf>,
) -> Result<Policy, ModelError> {
    match last {
        Some(folder) => Policy::load(engine, folder),
        None => Policy::initial(engine, shape(task)?, settings.seed),
    }
}

/// Writes a model with its task's tokenizer.
///
/// # Errors
/// Where something cannot be written.
pub fn export(policy: &Policy, task: &dyn Task, folder: &Path) -> Result<(), ModelError> {
    if let Some(source) = task.checkpoint() {
        return policy.export(folder, Dtype::F32, Some(source));
    }
    let files = tempfile::tempdir()
        .map_err(|error| ModelError::file(folder, format_args!("no temporary folder: {error}")))?;
    task.tokenizer().save(files.path())?;
    policy.export(folder, Dtype::F32, Some(files.path()))
}

fn digest(what: &str) -> String {
    let bytes = Sha256::digest(what);
    bytes[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

struct School<'a> {
    task: &'a dyn Task,
    settings: &'a WarmStart,
    engines: &'a [Engine],
    slots: usize,
}

impl School<'_> {
    /// One lesson after the other, with one optimizer and one learning rate that falls over all.
    fn teach(
        &self,
        policy: &Policy,
        name: &'static str,
        lessons: &[(Lesson, u64)],
        rate: f64,
        tell: &mut impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, ModelError> {
        let sizes = Sizes {
            slots: self.slots,
            context: self.task.sizes().context,
            memory: Memory::default(),
            rows: 0,
        };
        let mut player = Player::new(policy, self.engines, sizes, Some(AdamW::default()))?;
        let steps: u64 = lessons.iter().map(|(_, steps)| steps).sum();
        let mut losses = Vec::new();
        for (lesson, count) in lessons {
            let mut random = random(self.settings.seed, *lesson as u64);
            let mut batches = Vec::new();
            for _ in 0..*count {
                if batches.is_empty() {
                    batches = self.batches(*lesson, &mut random)?;
                }
                let batch: Vec<Sequence> = batches.pop().unwrap_or_default();
                let step = player.steps() + 1;
                let falling = 1.0 - step as f64 / steps as f64;
                let rising = step as f64 / WARMUP as f64;
                let factor = rising.min(1.0) * falling.max(FLOOR);
                losses.push(player.learn(&batch, rate * factor)?.loss);
                if step.is_multiple_of(TOLD_EVERY) || step == steps {
                    let loss = losses.iter().sum::<f64>() / losses.len() as f64;
                    losses.clear();
                    let told = tell(Progress {
                        player: name,
                        step,
                        steps,
                        loss,
                    });
                    if told.is_break() && step < steps {
                        return Ok(ControlFlow::Break(()));
                    }
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Batches of like lengths, in random order.
    fn batches(
        &self,
        lesson: Lesson,
        random: &mut ChaCha8Rng,
    ) -> Result<Vec<Vec<Sequence>>, ModelError> {
        use rand::seq::SliceRandom;
        let mut examples = Vec::new();
        for _ in 0..SORTED_BATCHES * self.settings.batch {
            let missing = || ModelError::Input(format!("the task has no examples of {lesson:?}"));
            examples.push(self.task.example(lesson, random)?.ok_or_else(missing)?);
        }
        examples.sort_by_key(|example| example.tokens.len());
        let mut batches: Vec<Vec<Sequence>> = examples
            .chunks(self.settings.batch)
            .map(<[Sequence]>::to_vec)
            .collect();
        batches.shuffle(random);
        Ok(batches)
    }
}
