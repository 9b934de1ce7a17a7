//! Batches of sequences, filled up to rows of one length.

use super::config::ModelConfig;
use super::error::ModelError;

/// A sequence of tokens, some of which count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    /// Prompt and completion.
    pub tokens: Vec<u32>,
    /// How many of them are the prompt, which is not trained on; at least 1, since nothing predicts
    /// the first token.
    pub prompt: usize,
}

impl Sequence {
    /// Tokens that count.
    pub fn completion(&self) -> usize {
        self.tokens.len() - self.prompt
    }
}

/// Rows of tokens, each predicting its target: `[rows, length]`, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// How many rows.
    pub rows: usize,
    /// Tokens a row.
    pub length: usize,
    /// What is read.
    pub tokens: Vec<i64>,
    /// What is to be predicted.
    pub targets: Vec<i64>,
    /// 1 where the prediction counts.
    pub mask: Vec<f64>,
}

impl Batch {
    /// Rows of `length` from sequences of at most one token more.
    ///
    /// # Errors
    /// Where a sequence is longer, has no prompt or no completion.
    pub fn of(sequences: &[&Sequence], length: usize) -> Result<Self, ModelError> {
        let size = sequences.len() * length;
        let mut batch = Batch {
            rows: sequences.len(),
            length,
            tokens: vec![0; size],
            targets: vec![0; size],
            mask: vec![0.0; size],
        };
        for (row, sequence) in sequences.iter().enumerate() {
            batch.fill(row * length, sequence)?;
        }
        Ok(batch)
    }

    fn fill(&mut self, start: usize, sequence: &Sequence) -> Result<(), ModelError> {
        let (count, prompt) = (sequence.tokens.len(), sequence.prompt);
        if count > self.length + 1 {
            return Err(ModelError::Input(format!(
                "a sequence has {count} tokens, a row of {} predicts at most {}",
                self.length,
                self.length + 1
            )));
        }
        if prompt == 0 || prompt >= count {
            return Err(ModelError::Input(format!(
                "a sequence of {count} tokens, {prompt} of them prompt: both parts need one token \
                 at least"
            )));
        }
        let token = |at: usize| i64::from(sequence.tokens[at]);
        for at in 0..count - 1 {
            self.tokens[start + at] = token(at);
            self.targets[start + at] = token(at + 1);
            if at + 1 >= prompt {
                self.mask[start + at] = 1.0;
            }
        }
        Ok(())
    }

    /// Checks that a model can read it.
    pub(super) fn check(&self, config: &ModelConfig) -> Result<(), ModelError> {
        let (size, limit) = (self.rows * self.length, config.max_positions);
        let given = [self.tokens.len(), self.targets.len(), self.mask.len()];
        let fault = if size == 0 {
            "a batch without tokens".to_owned()
        } else if let Some(other) = given.into_iter().find(|count| *count != size) {
            format!(
                "a batch of {} rows of {} tokens has {other} numbers",
                self.rows, self.length
            )
        } else if self.length > limit {
            format!(
                "a row of {} tokens is longer than the model's context of {limit}",
                self.length
            )
        } else {
            // The processor refuses such tokens with less clear words, but for negative ones, which
            // it counts from the end; a GPU refuses none.
            let known = 0..config.vocab_size as i64;
            let mut all = self.tokens.iter().chain(&self.targets);
            match all.find(|token| !known.contains(token)) {
                Some(token) => format!("token {token} is not in the vocabulary of {}", known.end),
                None => return Ok(()),
            }
        };
        Err(ModelError::Input(fault))
    }

    /// Tokens that count.
    pub fn counted(&self) -> f64 {
        self.mask.iter().sum()
    }

    /// Sums of a number for each token over the tokens of each row that count.
    pub fn row_sums(&self, numbers: &[f32]) -> Vec<f64> {
        let counted = numbers.iter().zip(&self.mask);
        let counted: Vec<f64> = counted.map(|(x, m)| f64::from(*x) * m).collect();
        counted
            .chunks(self.length)
            .map(|row| row.iter().sum())
            .collect()
    }
}
