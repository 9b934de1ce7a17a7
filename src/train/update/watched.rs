//! What an update is watched by.

use super::item::{Item, ItemLesson};
use crate::train::objective::Margin;
use crate::train::player::Stepped;
use serde::{Deserialize, Serialize};

/// What an update is watched by: means over its minibatches. Rewards are DPO's, `beta` times the gain
/// on the reference; all are `None` where they do not apply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Watched {
    /// The loss.
    pub loss: Option<f64>,
    /// Rewards of the chosen ones.
    #[serde(rename = "rewards/chosen")]
    pub chosen: Option<f64>,
    /// Of the rejected ones.
    #[serde(rename = "rewards/rejected")]
    pub rejected: Option<f64>,
    /// The differences.
    #[serde(rename = "rewards/margins")]
    pub margins: Option<f64>,
    /// The same, by the short name that people look for.
    pub margin: Option<f64>,
    /// The share of pairs whose chosen one has gained more.
    #[serde(rename = "rewards/accuracies")]
    pub accuracies: Option<f64>,
    /// Log-probabilities of the chosen ones.
    #[serde(rename = "logps/chosen")]
    pub logp_chosen: Option<f64>,
    /// Of the rejected ones.
    #[serde(rename = "logps/rejected")]
    pub logp_rejected: Option<f64>,
    /// The norm of the derivatives before clipping.
    pub grad_norm: Option<f64>,
    /// Of the last step.
    pub learning_rate: Option<f64>,
    /// Updates made in all.
    pub steps: u64,
    /// Minus the mean log-probability of what was sampled, in nats a completion.
    pub entropy: Option<f64>,
    /// How far the policy has come from its start: the mean difference of log-probabilities over
    /// completions that it sampled, in nats (Schulman's first estimator).
    pub kl: Option<f64>,
    /// The largest difference of a completion's log-probability between sampler and trainer, over
    /// those of the first minibatch that were sampled in this iteration; a mean over its tokens.
    pub parity: Option<f64>,
}

/// Sums on the way to [`Watched`].
#[derive(Default)]
pub(super) struct Watch {
    pub(super) steps: u64,
    loss: f64,
    norm: f64,
    rate: f64,
    pairs: f64,
    chosen: f64,
    rejected: f64,
    accurate: f64,
    logp: (f64, f64),
    parity: Option<f64>,
}

impl Watch {
    pub(super) fn add(
        &mut self,
        items: &[&Item],
        beta: f64,
        stepped: &Stepped,
        rate: f64,
        fresh: Option<u64>,
    ) {
        self.steps += 1;
        self.loss += stepped.loss;
        self.norm += stepped.norm;
        self.rate = rate;
        let count = items.len();
        for (at, item) in items.iter().enumerate() {
            let ItemLesson::Pair { reference, .. } = &item.lesson else {
                continue;
            };
            let (chosen, rejected) = (stepped.sums[at], stepped.sums[count + at]);
            let margin = Margin::of(beta, chosen, rejected, *reference);
            self.pairs += item.weight;
            self.chosen += item.weight * margin.chosen;
            self.rejected += item.weight * margin.rejected;
            self.accurate += item.weight * f64::from(u8::from(margin.margin() > 0.0));
            self.logp.0 += item.weight * chosen;
            self.logp.1 += item.weight * rejected;
        }
        if let Some(iteration) = fresh {
            self.parity = parity(items, &stepped.sums, iteration);
        }
    }

    pub(super) fn means(&self) -> Watched {
        let of = |sum: f64, count: f64| (count > 0.0).then(|| sum / count);
        let (steps, pairs) = (self.steps as f64, self.pairs);
        Watched {
            loss: of(self.loss, steps),
            grad_norm: of(self.norm, steps),
            learning_rate: (self.steps > 0).then_some(self.rate),
            chosen: of(self.chosen, pairs),
            rejected: of(self.rejected, pairs),
            margins: of(self.chosen - self.rejected, pairs),
            margin: of(self.chosen - self.rejected, pairs),
            accuracies: of(self.accurate, pairs),
            logp_chosen: of(self.logp.0, pairs),
            logp_rejected: of(self.logp.1, pairs),
            parity: self.parity,
            ..Watched::default()
        }
    }
}

/// See [`Watched::parity`]. The trainer saw these before its first step of the iteration, so both know
/// the same weights.
fn parity(items: &[&Item], sums: &[f64], iteration: u64) -> Option<f64> {
    let sampled = Item::sampled_sums(items);
    if sampled.len() != sums.len() {
        return None;
    }
    let differences = sampled.iter().zip(sums).enumerate();
    let fresh = differences.filter(|(row, _)| {
        let item = items[row % items.len()];
        item.own && item.iteration == iteration
    });
    let per_token = fresh.map(|(row, (sampled, sum))| {
        let item = items[row % items.len()];
        // The tokens of examples count as much as these weigh, in their sums too.
        let sum = match item.lesson {
            ItemLesson::Example { .. } => sum / item.weight,
            _ => *sum,
        };
        let tokens = match (&item.lesson, row < items.len()) {
            (ItemLesson::Pair { rejected, .. }, false) => rejected.len(),
            _ => item.completion.len(),
        };
        (sampled - sum).abs() / tokens.max(1) as f64
    });
    per_token.reduce(larger)
}

/// The larger one; what is no number is larger than any, where [`f64::max`] passes over it.
pub(in crate::train) fn larger(x: f64, y: f64) -> f64 {
    if x >= y || x.is_nan() { x } else { y }
}
