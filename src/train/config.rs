//! What a run is: everything that decides its numbers, settled and checked once.

mod arms;
mod checked;
mod defaults;

pub use arms::{ARMS, arm};

use super::judge::code::CodeLimits;
use super::objective::Objective;
use super::task::biographies::BiographiesConfig;
use super::task::problems::ProblemsConfig;
use crate::model::{AdamW, LoraConfig};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Names the run, in reports.
    pub name: String,
    /// Which of the [`ARMS`] of an experiment this is, if one.
    pub arm: Option<String>,
    /// Decides all draws.
    pub seed: u64,
    /// Iterations in all.
    pub iterations: u64,
    /// What is asked.
    pub task: TaskConfig,
    /// Where the models come from.
    pub model: ModelSource,
    /// What they are taught before the game.
    pub warm_start: WarmStart,
    /// The game.
    pub game: Game,
    /// How the generator learns.
    pub generator: Learning,
    /// How the critic learns, where it does.
    pub critic: Learning,
    /// How models are measured.
    pub evaluation: EvaluationConfig,
    /// What executions may use.
    pub limits: CodeLimits,
    /// When a run ends early.
    pub stop: Stop,
    /// Iterations between two saved states.
    pub checkpoint_every: u64,
    /// What the machine is used like.
    pub machine: Machine,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum TaskConfig {
    /// The families of small functions.
    Functions,
    /// Texts about persons, judged by a knowledge base.
    Biographies(BiographiesConfig),
    /// Programming problems from a file.
    Problems(ProblemsConfig),
}

impl TaskConfig {
    /// Why its settings make no sense.
    fn fault(&self) -> Option<String> {
        match self {
            TaskConfig::Functions => None,
            TaskConfig::Biographies(config) => config.fault(),
            TaskConfig::Problems(config) => config.fault(),
        }
    }
}

/// Where the models come from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelSource {
    /// The generator's folder; a new small model where absent.
    pub generator: Option<PathBuf>,
    /// The critic's folder; the generator's where absent.
    pub critic: Option<PathBuf>,
    /// Adapters are trained, not all weights.
    pub adapter: Option<AdapterConfig>,
    /// Compute parts of the models twice, for less than half of the memory.
    pub save_memory: bool,
}

/// An adapter (LoRA, Hu et al. 2021, arXiv 2106.09685).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdapterConfig {
    /// Its rank.
    pub rank: usize,
    /// Its changes count `alpha / rank`.
    pub alpha: f64,
    /// The matrices that it changes.
    pub targets: Vec<String>,
}

impl Default for AdapterConfig {
    fn default() -> Self {
        AdapterConfig {
            rank: 16,
            alpha: 32.0,
            targets: vec!["all-linear".to_owned()],
        }
    }
}

impl AdapterConfig {
    /// As models take it.
    pub fn lora(&self) -> LoraConfig {
        LoraConfig {
            rank: self.rank,
            alpha: self.alpha,
            targets: self.targets.clone(),
        }
    }
}

/// What new models are taught before the game, and with which draws.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WarmStart {
    /// Decides first weights and examples.
    pub seed: u64,
    /// Examples in a step.
    pub batch: usize,
    /// Steps of the generator.
    pub generator_steps: u64,
    /// Steps in which the critic, which begins as the generator, learns to copy numbers.
    pub copying_steps: u64,
    /// Steps in which it learns to write all kinds of tests.
    pub test_steps: u64,
    /// The generator's highest learning rate, from which it falls evenly.
    pub generator_rate: f64,
    /// The critic's.
    pub critic_rate: f64,
}

/// Who writes the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Critic {
    /// A critic that learns.
    Adversarial,
    /// A critic that does not.
    Static,
    /// Nobody: inputs are drawn evenly, others for each answer.
    Random,
    /// Nobody: the answers to a question face one suite of evenly drawn inputs.
    RandomSuite,
    /// Nobody: the same with every other input from the ends of what is usual.
    FixedSuite,
}

/// The game.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Game {
    /// Questions an iteration.
    pub prompts: usize,
    /// Answers to each: K.
    pub samples: usize,
    /// Tests of each answer: N, or the size of a suite.
    pub tests: usize,
    /// Of these so many are written by the critic as it was at the start, which keeps kinds of tests
    /// in play that the critic has given up.
    pub start_tests: usize,
    /// Who writes the tests.
    pub critic: Critic,
    /// Verdicts are drawn by lot: a control.
    pub random_labels: bool,
    /// Of the generator's draws.
    pub temperature: f64,
    /// Of the critic's.
    pub critic_temperature: f64,
    /// Iterations at the start in which the critic alone learns.
    pub critic_first: u64,
    /// A question whose answers are all one text gives the generator nothing to choose between, whatever
    /// its tests say, and its tests cost as many executions as any. Before it is tested another question
    /// takes its place, so often at most (ours; Yu et al. 2025, arXiv 2503.14476, "dynamic sampling",
    /// leave such questions out after they were judged). 0 tests every question, as the paper does.
    pub redraws: usize,
}

/// What the penalty of leaving, and DPO, is measured from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reference {
    /// The policy at the iteration's start, as the paper has it.
    Iteration,
    /// The policy at the run's start.
    Start,
}

/// How a player learns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Learning {
    /// What updates are made for.
    pub objective: Objective,
    /// What DPO is measured from.
    pub reference: Reference,
    /// DPO's beta.
    pub beta: f64,
    /// Weight of the likelihood of chosen samples, beside DPO.
    pub likelihood: f64,
    /// GRPO's clip of ratios.
    pub clip: f64,
    /// GRPO's weight of the distance from the reference.
    pub kl: f64,
    /// The learning rate after warm-up.
    pub learning_rate: f64,
    /// Steps until the learning rate is reached.
    pub warmup: u64,
    /// Passes over what an iteration gave.
    pub epochs: u64,
    /// Pairs, or samples, of a step.
    pub minibatch: usize,
    /// Pairs of a question at most.
    pub pairs: usize,
    /// The optimizer.
    pub adam: AdamW,
}

/// How models are measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluationConfig {
    /// Iterations between two evaluations; there is one before the first and one after the last.
    pub every: u64,
    /// Executions between two evaluations, in place of iterations: then runs whose iterations cost
    /// differently are measured equally often.
    pub executions: Option<u64>,
    /// Answers to each question.
    pub samples: usize,
    /// Tests of each answer in the fixed set that critics are measured on.
    pub hard_tests: usize,
}

/// When a run ends before its last iteration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stop {
    /// After so many executions, duplicates counted.
    pub executions: Option<u64>,
    /// After so many minutes of training, evaluation not counted.
    pub minutes: Option<f64>,
    /// Once pass@1 is as high.
    pub pass_at_1: Option<f64>,
}

/// What the machine is used like. Numbers do not depend on it, but for rounding: with other lanes sums
/// are added up in another order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Machine {
    /// Shares that the models' work is divided in, each on a thread of its own.
    pub lanes: usize,
    /// Threads that one operation is divided among. With several lanes 1 is best.
    pub threads: usize,
    /// Answers that a lane writes at a time.
    pub slots: usize,
    /// Rows whose derivatives a lane computes at a time; 0 for all of a minibatch.
    pub rows: usize,
    /// Parts of an iteration: while the tests of one are judged the next is sampled.
    pub chunks: usize,
}

/// A setting that makes no sense: which, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

impl TrainConfig {
    /// Reads TOML; what is not said has its default, and an arm's settings come before the others.
    ///
    /// # Errors
    /// Where it is not TOML, a field is unknown or of the wrong type, or a value makes no sense.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        arms::parse(text, None).and_then(Self::checked)
    }

    /// The same with another arm than the text names, if it names one. What the text says beside is
    /// stronger than what an arm is made of.
    ///
    /// # Errors
    /// As [`TrainConfig::parse`], and for an unknown arm.
    pub fn parse_for_arm(text: &str, arm: Option<&str>) -> Result<Self, ConfigError> {
        arms::parse(text, arm).and_then(Self::checked)
    }

    /// The presets: `laptop` starts from nothing on two cores.
    ///
    /// # Errors
    /// For another name; the message lists them.
    pub fn preset(name: &str) -> Result<Self, ConfigError> {
        match name {
            "laptop" => Ok(arms::laptop()),
            _ => Err(ConfigError(format!(
                "there is no preset {name:?}; there are laptop and laptop-experiment"
            ))),
        }
    }

    /// The same with settings changed, each `name=value` as in `generator.learning_rate=3e-4`.
    ///
    /// # Errors
    /// Where one is not of that form, names nothing, or has a value of the wrong type.
    pub fn changed(&self, settings: &[String]) -> Result<Self, ConfigError> {
        arms::changed(self, settings)
    }

    /// The same without what an arm is made of, for another arm to be made of it.
    #[must_use]
    pub fn without_arm(&self) -> Self {
        let TrainConfig { game, critic, .. } = TrainConfig::default();
        TrainConfig {
            arm: None,
            game: Game {
                redraws: self.game.redraws,
                ..game
            },
            critic,
            ..self.clone()
        }
    }

    /// Whether there is a critic at all.
    pub fn has_critic(&self) -> bool {
        matches!(self.game.critic, Critic::Adversarial | Critic::Static)
    }

    /// Whether it learns.
    pub fn critic_learns(&self) -> bool {
        self.game.critic == Critic::Adversarial
    }
}
