//! The loop: steps, metrics, states.

use super::data::Data;
use super::saved::{self, Settings};
use crate::model::{Batch, Extra, Loss, Schedule, Sequence, Trainer};
use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Rows are filled up to a multiple of this many tokens, so that there are few shapes.
const LENGTH_STEP: usize = 32;
/// Where there is no terminal, how often a line says how far it is; arbitrary.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Which examples a step takes: each epoch has an order of its own, and steps go through them.
pub(super) struct Plan {
    pub seed: u64,
    pub samples: usize,
    /// Examples at a time.
    pub rows: usize,
    /// Examples a step.
    pub step: usize,
    /// Examples in all, repetitions counted; the last step may have fewer than others.
    pub all: u64,
}

impl Plan {
    pub fn steps(&self) -> u64 {
        self.all.div_ceil(self.step as u64)
    }

    fn epochs(&self, step: u64) -> f64 {
        let seen = (step * self.step as u64).min(self.all);
        seen as f64 / self.samples as f64
    }

    /// The examples of a step; the first is 0. `order` remembers the last epoch's order.
    fn examples(&self, step: u64, order: &mut Option<(u64, Vec<usize>)>) -> Vec<usize> {
        let start = step * self.step as u64;
        let end = (start + self.step as u64).min(self.all);
        let samples = self.samples as u64;
        let mut examples = Vec::new();
        for at in start..end {
            let (epoch, place) = (at / samples, (at % samples) as usize);
            if order.as_ref().is_none_or(|(known, _)| *known != epoch) {
                *order = Some((epoch, self.order(epoch)));
            }
            examples.extend(order.as_ref().map(|(_, order)| order[place]));
        }
        examples
    }

    fn order(&self, epoch: u64) -> Vec<usize> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(epoch);
        let mut order: Vec<usize> = (0..self.samples).collect();
        order.shuffle(&mut random);
        order
    }
}

/// A run, as far as it does not change.
pub(super) struct Run<'a> {
    pub out: &'a Path,
    /// Steps between two states.
    pub every: u64,
    /// Tokens of a row at most.
    pub length: usize,
    /// Tokens of the model's context.
    pub limit: usize,
    pub data: &'a Data,
    pub plan: Plan,
    pub schedule: Schedule,
    pub settings: &'a Settings,
}

/// A line of the metrics.
#[derive(Serialize)]
struct Metrics {
    /// The first is 1.
    step: u64,
    epoch: f64,
    /// For each token that counts.
    loss: f64,
    /// Tokens that count.
    tokens: u64,
    /// The norm of the derivatives before clipping.
    grad_norm: f64,
    learning_rate: f64,
    seconds: f64,
}

/// What became of a run.
#[derive(Serialize)]
pub(super) struct Summary {
    out: PathBuf,
    result: PathBuf,
    steps: u64,
    epochs: f64,
    /// Of the last step; null if there was none left to make.
    loss: Option<f64>,
    examples: usize,
    cut: usize,
    left_out: usize,
}

impl Run<'_> {
    /// Makes the steps that are left; gives the loss of the last one.
    pub fn train(&mut self, trainer: &mut Trainer) -> anyhow::Result<Option<f64>> {
        let out = self.out.display();
        std::fs::create_dir_all(self.out).with_context(|| format!("cannot make {out}"))?;
        let mut metrics = saved::metrics(self.out, trainer.steps())?;
        let steps = self.plan.steps();
        let mut progress = Progress::new(steps, trainer.steps());
        let mut order = None;
        let mut last = None;
        while trainer.steps() < steps {
            let line = self.step(trainer, &mut order)?;
            let text = serde_json::to_string(&line)? + "\n";
            metrics
                .write_all(text.as_bytes())
                .with_context(|| format!("cannot write the metrics in {out}"))?;
            progress.tell(&line);
            last = Some(line.loss);
            if line.step.is_multiple_of(self.every) || line.step == steps {
                saved::save(self.out, trainer, self.settings)?;
            }
        }
        progress.finish();
        Ok(last)
    }

    fn step(
        &self,
        trainer: &mut Trainer,
        order: &mut Option<(u64, Vec<usize>)>,
    ) -> anyhow::Result<Metrics> {
        let begun = Instant::now();
        let examples = self.plan.examples(trainer.steps(), order);
        let mut sequences: Vec<&Sequence> = examples
            .iter()
            .map(|at| &self.data.sequences[*at])
            .collect();
        // Rows of like length share a batch, which is filled up the less. The order of equals stays.
        sequences.sort_by_key(|sequence| sequence.tokens.len());
        let counted = sequences.iter().map(|one| one.completion());
        let tokens: usize = counted.sum();
        let mut loss = 0.0;
        for rows in sequences.chunks(self.plan.rows) {
            let batch = Batch::of(rows, self.row(rows))?;
            let normalizer = tokens as f64;
            let done = trainer.accumulate(Loss::Likelihood, &batch, &Extra::None, normalizer)?;
            loss += done.loss;
        }
        let step = trainer.steps() + 1;
        let learning_rate = self.schedule.rate(step);
        let grad_norm = trainer.apply(learning_rate)?;
        Ok(Metrics {
            step,
            epoch: self.plan.epochs(step),
            loss,
            tokens: tokens as u64,
            grad_norm,
            learning_rate,
            seconds: begun.elapsed().as_secs_f64(),
        })
    }

    /// The length of rows for sequences, whose last token is predicted only.
    fn row(&self, rows: &[&Sequence]) -> usize {
        let longest = rows.iter().map(|one| one.tokens.len() - 1).max();
        let filled = longest.unwrap_or(1).next_multiple_of(LENGTH_STEP);
        filled
            .min(self.length.next_multiple_of(LENGTH_STEP))
            .min(self.limit)
    }

    pub fn summary(&self, result: &Path, loss: Option<f64>) -> Summary {
        let steps = self.plan.steps();
        Summary {
            out: self.out.to_owned(),
            result: result.to_owned(),
            steps,
            epochs: self.plan.epochs(steps),
            loss,
            examples: self.data.sequences.len(),
            cut: self.data.cut,
            left_out: self.data.left_out,
        }
    }
}

/// How far it is: a bar on a terminal, now and then a line elsewhere.
struct Progress {
    bar: ProgressBar,
    steps: u64,
    told: Instant,
}

impl Progress {
    fn new(steps: u64, made: u64) -> Self {
        let bar = ProgressBar::new(steps);
        let template = "{bar:30} step {pos} of {len}  {msg}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_position(made);
        bar.reset_eta();
        Progress {
            bar,
            steps,
            told: Instant::now(),
        }
    }

    fn tell(&mut self, line: &Metrics) {
        let loss = format!("loss {:.4}", line.loss);
        let last = line.step == self.steps;
        if self.bar.is_hidden() && (last || self.told.elapsed() > LINE_EVERY) {
            eprintln!("step {} of {}  {loss}", line.step, self.steps);
            self.told = Instant::now();
        }
        self.bar.set_message(loss);
        self.bar.set_position(line.step);
    }

    fn finish(&self) {
        self.bar.finish();
    }
}
