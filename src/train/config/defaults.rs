//! What settings are where nothing is said.

use super::{
    Critic, EvaluationConfig, Game, Learning, Machine, ModelSource, Reference, Stop, TaskConfig,
    TrainConfig, WarmStart,
};
use crate::model::AdamW;
use crate::train::judge::code::CodeLimits;
use crate::train::objective::Objective;

impl Default for TrainConfig {
    fn default() -> Self {
        TrainConfig {
            name: "run".to_owned(),
            arm: None,
            seed: 1,
            iterations: 40,
            task: TaskConfig::Functions,
            model: ModelSource::default(),
            warm_start: WarmStart::default(),
            game: Game::default(),
            generator: Learning::default(),
            critic: Learning {
                learning_rate: 2e-4,
                epochs: 1,
                minibatch: 16,
                ..Learning::default()
            },
            evaluation: EvaluationConfig::default(),
            limits: CodeLimits::default(),
            stop: Stop::default(),
            checkpoint_every: 5,
            machine: Machine::default(),
        }
    }
}

impl Default for WarmStart {
    fn default() -> Self {
        WarmStart {
            seed: 1,
            batch: 32,
            generator_steps: 3000,
            copying_steps: 1000,
            test_steps: 1800,
            generator_rate: 2e-3,
            critic_rate: 2e-3,
        }
    }
}

impl Default for Game {
    fn default() -> Self {
        Game {
            prompts: 32,
            samples: 8,
            tests: 2,
            start_tests: 0,
            critic: Critic::Adversarial,
            random_labels: false,
            temperature: 1.0,
            critic_temperature: 1.0,
            critic_first: 3,
            redraws: 0,
        }
    }
}

impl Default for Learning {
    fn default() -> Self {
        Learning {
            objective: Objective::Dpo,
            reference: Reference::Iteration,
            beta: 0.1,
            likelihood: 0.0,
            clip: 0.2,
            kl: 0.0,
            learning_rate: 1e-4,
            warmup: 10,
            epochs: 2,
            minibatch: 8,
            pairs: 8,
            adam: AdamW::default(),
        }
    }
}

impl Default for EvaluationConfig {
    fn default() -> Self {
        EvaluationConfig {
            every: 5,
            executions: None,
            samples: 4,
            hard_tests: 3,
        }
    }
}

impl Default for Machine {
    fn default() -> Self {
        Machine {
            lanes: 2,
            threads: 1,
            slots: 128,
            rows: 0,
            chunks: 1,
        }
    }
}
