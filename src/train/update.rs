//! From items to steps: minibatches, losses, and what an update is watched by.

mod item;
mod watched;

pub use item::{Item, Sampled};
pub use watched::Watched;
pub(super) use watched::larger;

use super::config::Learning;
use super::objective::Objective;
use super::player::Player;
use crate::model::{Loss, ModelError};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use watched::Watch;

impl Learning {
    /// The loss of its objective.
    pub fn loss(&self) -> Loss {
        match self.objective {
            Objective::Dpo => Loss::Preference {
                beta: self.beta,
                likelihood: self.likelihood,
            },
            Objective::Grpo => Loss::Policy {
                clip: self.clip,
                kl: self.kl,
            },
            // A ratio that nothing clips: its derivative is that of the log-probability, exactly so in
            // the first pass over the samples.
            Objective::Reinforce => Loss::Policy {
                clip: f64::from(f32::MAX),
                kl: self.kl,
            },
            Objective::Raft => Loss::Likelihood,
        }
    }

    fn rate(&self, step: u64) -> f64 {
        self.learning_rate * (step as f64 / self.warmup.max(1) as f64).min(1.0)
    }
}

/// Makes as many steps as `pending` has whole minibatches for, so that no step is made for a few items
/// alone: Adam would make it as large as any other. What is left stays for the next time.
///
/// # Errors
/// As [`Player::step`].
pub fn update(
    player: &mut Player,
    pending: &mut Vec<Item>,
    learning: &Learning,
    iteration: u64,
    random: &mut ChaCha8Rng,
) -> Result<Watched, ModelError> {
    let loss = learning.loss();
    let whole = pending.len() / learning.minibatch * learning.minibatch;
    pending.shuffle(random);
    let rest = pending.split_off(whole);
    // Not sorted by length, which would save filling up: items of like length are of like questions,
    // and a step on these alone goes too far.
    let items = std::mem::replace(pending, rest);
    let mut minibatches: Vec<&[Item]> = items.chunks(learning.minibatch).collect();
    let mut watch = Watch::default();
    for epoch in 0..learning.epochs {
        minibatches.shuffle(random);
        for minibatch in &minibatches {
            let rate = learning.rate(player.steps() + 1);
            let items: Vec<&Item> = minibatch.iter().collect();
            let stepped = player.step(loss, &items, rate)?;
            let first = epoch == 0 && watch.steps == 0;
            let fresh = first.then_some(iteration);
            watch.add(&items, learning.beta, &stepped, rate, fresh);
        }
    }
    Ok(Watched {
        steps: player.steps(),
        ..watch.means()
    })
}
