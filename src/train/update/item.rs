//! What is learned from, and what the losses read of it.

use crate::model::{Batch, Extra, Loss, Sequence};
use serde::{Deserialize, Serialize};

/// Something to learn from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    prompt: Vec<u32>,
    /// The completion; of a pair the chosen one.
    pub(super) completion: Vec<u32>,
    pub(super) weight: f64,
    /// The iteration that it was sampled in.
    pub(in crate::train) iteration: u64,
    /// Whether the policy that learns sampled all of it: then it knows the log-probabilities.
    pub(in crate::train) own: bool,
    pub(super) lesson: ItemLesson,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ItemLesson {
    /// Do this.
    Example {
        /// Its log-probability when it was sampled, where the policy itself wrote it.
        sampled: Option<f64>,
    },
    /// Rather this than that.
    Pair {
        rejected: Vec<u32>,
        /// Log-probabilities of both completions under the reference.
        reference: (f64, f64),
        /// The same when they were sampled.
        sampled: (f64, f64),
    },
    /// More or less of this.
    Sample {
        advantage: f64,
        /// Log-probabilities of the tokens when they were sampled, and under the reference.
        sampled: Vec<f32>,
        reference: Vec<f32>,
    },
}

/// A completion as it was sampled.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampled {
    /// Its tokens.
    pub tokens: Vec<u32>,
    /// Their log-probabilities.
    pub logp: Vec<f32>,
}

impl Sampled {
    /// The log-probability of the whole.
    pub fn sum(&self) -> f64 {
        self.logp.iter().map(|x| f64::from(*x)).sum()
    }
}

impl Item {
    /// An example to follow.
    pub fn example(sequence: Sequence) -> Self {
        let mut prompt = sequence.tokens;
        let completion = prompt.split_off(sequence.prompt);
        Item {
            prompt,
            completion,
            weight: 1.0,
            iteration: 0,
            own: true,
            lesson: ItemLesson::Example { sampled: None },
        }
    }

    /// An accepted sample to follow.
    pub fn accepted(iteration: u64, prompt: &[u32], sample: &Sampled, weight: f64) -> Self {
        Item {
            prompt: prompt.to_vec(),
            completion: sample.tokens.clone(),
            weight,
            iteration,
            own: true,
            lesson: ItemLesson::Example {
                sampled: Some(sample.sum()),
            },
        }
    }

    /// A sample that is preferred to another. The reference is the policy that they were sampled from
    /// until the loop asks another.
    pub fn pair(
        iteration: u64,
        prompt: &[u32],
        (chosen, rejected): (&Sampled, &Sampled),
        weight: f64,
    ) -> Self {
        let sampled = (chosen.sum(), rejected.sum());
        Item {
            prompt: prompt.to_vec(),
            completion: chosen.tokens.clone(),
            weight,
            iteration,
            own: true,
            lesson: ItemLesson::Pair {
                rejected: rejected.tokens.clone(),
                reference: sampled,
                sampled,
            },
        }
    }

    /// A sample that was so much better than expected.
    pub fn sample(iteration: u64, prompt: &[u32], sample: &Sampled, advantage: f64) -> Self {
        Item {
            prompt: prompt.to_vec(),
            completion: sample.tokens.clone(),
            weight: 1.0,
            iteration,
            own: true,
            lesson: ItemLesson::Sample {
                advantage,
                sampled: sample.logp.clone(),
                reference: sample.logp.clone(),
            },
        }
    }

    /// The same, of which another policy sampled a part: what it thought of that is no reference.
    #[must_use]
    pub fn of_others(self, others: bool) -> Self {
        Item {
            own: !others,
            ..self
        }
    }

    /// What it counts.
    pub fn weight(&self) -> f64 {
        self.weight
    }

    /// Tokens of its longest row.
    pub fn length(&self) -> usize {
        let other = match &self.lesson {
            ItemLesson::Pair { rejected, .. } => rejected.len(),
            _ => 0,
        };
        self.prompt.len() + self.completion.len().max(other)
    }

    /// The sequences whose log-probabilities the reference has to say: none for an example.
    pub(in crate::train) fn referred(&self) -> Vec<Sequence> {
        let sequence = |completion: &[u32]| Sequence {
            tokens: [&self.prompt, completion].concat(),
            prompt: self.prompt.len(),
        };
        match &self.lesson {
            ItemLesson::Example { .. } => Vec::new(),
            ItemLesson::Sample { .. } => vec![sequence(&self.completion)],
            ItemLesson::Pair { rejected, .. } => {
                vec![sequence(&self.completion), sequence(rejected)]
            }
        }
    }

    /// Sets what the reference says of [`Item::referred`].
    pub(in crate::train) fn set_reference(&mut self, logp: &[Vec<f32>]) {
        let sum = |logp: &Vec<f32>| logp.iter().map(|x| f64::from(*x)).sum();
        match (&mut self.lesson, logp) {
            (ItemLesson::Pair { reference, .. }, [chosen, rejected]) => {
                *reference = (sum(chosen), sum(rejected));
            }
            (ItemLesson::Sample { reference, .. }, [sample]) => *reference = sample.clone(),
            _ => {}
        }
    }

    /// Rows that an item takes.
    pub(in crate::train) fn rows(loss: Loss) -> usize {
        match loss {
            Loss::Preference { .. } => 2,
            Loss::Likelihood | Loss::Policy { .. } => 1,
        }
    }

    /// What the loss of a step is divided by is the sum of this.
    pub(in crate::train) fn normalizer(&self, loss: Loss) -> f64 {
        match loss {
            Loss::Preference { .. } => self.weight,
            Loss::Likelihood | Loss::Policy { .. } => self.weight * self.completion.len() as f64,
        }
    }

    /// The rows of items: of pairs the chosen ones first.
    pub(in crate::train) fn sequences(items: &[&Item], loss: Loss) -> Vec<Sequence> {
        let sequence = |item: &Item, completion: &[u32]| Sequence {
            tokens: [&item.prompt, completion].concat(),
            prompt: item.prompt.len(),
        };
        let chosen = items.iter().map(|item| sequence(item, &item.completion));
        let mut rows: Vec<Sequence> = chosen.collect();
        if Self::rows(loss) == 2 {
            rows.extend(items.iter().filter_map(|item| match &item.lesson {
                ItemLesson::Pair { rejected, .. } => Some(sequence(item, rejected)),
                _ => None,
            }));
        }
        rows
    }

    /// What the loss reads beside the rows.
    pub(in crate::train) fn extra(items: &[&Item], loss: Loss, batch: &Batch) -> Extra {
        match loss {
            Loss::Likelihood => Extra::None,
            Loss::Preference { .. } => Self::preference(items),
            Loss::Policy { .. } => Self::policy(items, batch),
        }
    }

    fn preference(items: &[&Item]) -> Extra {
        let pairs = items.iter().filter_map(|item| match &item.lesson {
            ItemLesson::Pair { reference, .. } => Some(*reference),
            _ => None,
        });
        let (chosen, rejected): (Vec<f64>, Vec<f64>) = pairs.unzip();
        Extra::Preference {
            reference: [chosen, rejected].concat(),
            weight: items.iter().map(|item| item.weight).collect(),
        }
    }

    fn policy(items: &[&Item], batch: &Batch) -> Extra {
        let size = batch.rows * batch.length;
        let (mut advantages, mut old) = (vec![0.0; size], vec![0.0; size]);
        let mut references = old.clone();
        for (row, item) in items.iter().enumerate() {
            if let ItemLesson::Sample {
                advantage,
                sampled,
                reference,
            } = &item.lesson
            {
                let start = row * batch.length + item.prompt.len() - 1;
                for (at, (sampled, reference)) in sampled.iter().zip(reference).enumerate() {
                    advantages[start + at] = *advantage;
                    old[start + at] = f64::from(*sampled);
                    references[start + at] = f64::from(*reference);
                }
            }
        }
        Extra::Policy {
            advantage: advantages,
            old,
            reference: references,
        }
    }

    /// What rows of a minibatch had when they were sampled, in the order of [`Item::sequences`]; none
    /// for examples that somebody else wrote.
    pub(super) fn sampled_sums(items: &[&Item]) -> Vec<f64> {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for item in items {
            match &item.lesson {
                ItemLesson::Pair { sampled, .. } => {
                    first.push(sampled.0);
                    second.push(sampled.1);
                }
                ItemLesson::Sample { sampled, .. } => {
                    first.push(sampled.iter().map(|x| f64::from(*x)).sum());
                }
                ItemLesson::Example { sampled } => first.extend(*sampled),
            }
        }
        [first, second].concat()
    }
}
