//! Settings that make no sense are refused before anything starts.

use super::{ConfigError, Critic, TaskConfig, TrainConfig};

impl TrainConfig {
    /// Checks that all values make sense.
    ///
    /// # Errors
    /// Names the first that does not.
    pub fn checked(self) -> Result<Self, ConfigError> {
        let game = &self.game;
        let positive = [
            ("game.prompts", game.prompts),
            ("game.samples", game.samples),
            ("game.tests", game.tests),
            ("evaluation.samples", self.evaluation.samples),
            ("evaluation.hard_tests", self.evaluation.hard_tests),
            ("machine.lanes", self.machine.lanes),
            ("machine.threads", self.machine.threads),
            ("machine.slots", self.machine.slots),
            ("machine.chunks", self.machine.chunks),
            ("warm_start.batch", self.warm_start.batch),
            ("generator.minibatch", self.generator.minibatch),
            ("critic.minibatch", self.critic.minibatch),
            ("checkpoint_every", self.checkpoint_every as usize),
            ("evaluation.every", self.evaluation.every as usize),
        ];
        let learning = [("generator", &self.generator), ("critic", &self.critic)];
        for (player, learning) in learning {
            if learning.epochs == 0 || learning.pairs == 0 {
                return Err(ConfigError(format!(
                    "{player}.epochs and {player}.pairs have to be at least 1; a critic that is not to \
                     learn is game.critic = \"static\""
                )));
            }
        }
        if self.model.critic.is_some() && self.model.generator.is_none() {
            return Err(ConfigError(
                "model.critic is there and model.generator is not: both are made here, or both come \
                 from folders"
                    .to_owned(),
            ));
        }
        if let Some((name, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Err(ConfigError(format!("{name} is 0; it has to be at least 1")));
        }
        let rates = [
            ("generator.learning_rate", self.generator.learning_rate),
            ("critic.learning_rate", self.critic.learning_rate),
            ("generator.beta", self.generator.beta),
            ("critic.beta", self.critic.beta),
            ("game.temperature", game.temperature),
            ("game.critic_temperature", game.critic_temperature),
            ("generator.clip", self.generator.clip),
            ("critic.clip", self.critic.clip),
            ("generator.kl", self.generator.kl),
            ("critic.kl", self.critic.kl),
            ("generator.likelihood", self.generator.likelihood),
            ("critic.likelihood", self.critic.likelihood),
            ("stop.minutes", self.stop.minutes.unwrap_or(0.0)),
            ("stop.pass_at_1", self.stop.pass_at_1.unwrap_or(0.0)),
        ];
        let is_wrong = |(_, value): &&(&str, f64)| !(value.is_finite() && *value >= 0.0);
        if let Some((name, value)) = rates.iter().find(is_wrong) {
            return Err(ConfigError(format!(
                "{name} is {value}; it has to be a number from 0 on"
            )));
        }
        if let Some(fault) = self.task.fault() {
            return Err(ConfigError(fault));
        }
        if matches!(self.task, TaskConfig::Problems(_)) {
            self.checked_for_problems()?;
        }
        if game.start_tests > 0
            && !(game.critic == Critic::Adversarial && game.start_tests < game.tests)
        {
            return Err(ConfigError(format!(
                "game.start_tests is {}; it is for a critic that learns, and less than game.tests, \
                 which is {}",
                game.start_tests, game.tests
            )));
        }
        if game.redraws > 0 && game.samples < 2 {
            return Err(ConfigError(format!(
                "game.redraws is {} and game.samples 1: a single answer never differs from another",
                game.redraws
            )));
        }
        Ok(self)
    }

    /// Checks what problems from a file need of the rest.
    fn checked_for_problems(&self) -> Result<(), ConfigError> {
        if self.model.generator.is_none() {
            return Err(ConfigError(
                "model.generator is missing: problems from a file are for a model that can write \
                 programs already"
                    .to_owned(),
            ));
        }
        if !self.has_critic() {
            return Err(ConfigError(
                "game.critic has to be adversarial or static: for problems from a file there are no \
                 tests that nobody wrote"
                    .to_owned(),
            ));
        }
        Ok(())
    }
}
