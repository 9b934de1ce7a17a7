//! A model that plays: it is sampled from, scored and trained, on several lanes at a time.
//!
//! Models of a laptop's size leave a core idle when one operation is divided among cores, so work is
//! divided by rows instead: each lane has an engine of its own, and all share one set of weights.

use super::update::Item;
use crate::model::{
    AdamW, Batch, Completion, Engine, Evaluated, Extra, Loss, Memory, ModelError, Next, Policy,
    Request, Sampler, Scorer, Sequence, Trainer,
};
use std::path::Path;

/// Rows are filled up to a multiple of this many tokens, so that memory is planned for few lengths.
const LENGTH_STEP: usize = 8;
/// Rows that are scored at a time: arbitrary.
const SCORED_ROWS: usize = 32;

/// What a lane needs beside weights.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Answers that a lane writes at a time.
    pub slots: usize,
    /// Tokens of prompt and answer.
    pub context: usize,
    /// How derivatives are computed.
    pub memory: Memory,
    /// Rows whose derivatives a lane computes at a time; 0 for all.
    pub rows: usize,
}

/// A model with everything that playing needs.
pub struct Player {
    policy: Policy,
    rows: usize,
    lanes: Vec<Lane>,
}

/// A share of the work.
pub struct Lane {
    policy: Policy,
    sizes: Sizes,
    /// Made when it is first needed, like the scorer: a cache is large.
    sampler: Option<Sampler>,
    scorer: Option<Scorer>,
    /// None where the player does not learn. The first lane's makes the steps.
    trainer: Option<Trainer>,
}

/// What a step gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Stepped {
    /// The loss.
    pub loss: f64,
    /// The norm of the derivatives before clipping.
    pub norm: f64,
    /// For each row the sum of its completion's log-probabilities before the step.
    pub sums: Vec<f64>,
}

impl Player {
    /// A player on as many lanes as there are engines; one that learns where there is an optimizer.
    ///
    /// # Errors
    /// Where the device has no memory left or cannot execute a graph.
    pub fn new(
        policy: &Policy,
        engines: &[Engine],
        sizes: Sizes,
        adam: Option<AdamW>,
    ) -> Result<Self, ModelError> {
        let lane = |engine: &Engine| {
            let policy = policy.with_engine(engine);
            let trainer = adam.map(|adam| Trainer::new(&policy, adam, sizes.memory));
            Ok(Lane {
                trainer: trainer.transpose()?,
                policy,
                sizes,
                sampler: None,
                scorer: None,
            })
        };
        Ok(Player {
            policy: policy.clone(),
            rows: sizes.rows,
            lanes: engines
                .iter()
                .map(lane)
                .collect::<Result<_, ModelError>>()?,
        })
    }

    /// The model.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Its lanes, for work that is divided by somebody else.
    pub fn lanes(&mut self) -> &mut [Lane] {
        &mut self.lanes
    }

    /// Updates made.
    pub fn steps(&self) -> u64 {
        let trainer = self.lanes.first().and_then(|lane| lane.trainer.as_ref());
        trainer.map_or(0, Trainer::steps)
    }

    /// Answers to requests, ordered by request and sample.
    ///
    /// # Errors
    /// As [`Sampler::sample`].
    pub fn sample(&mut self, requests: &[Request]) -> Result<Vec<Completion>, ModelError> {
        let shares = dealt(requests.len(), self.lanes.len());
        let done = on_lanes(&mut self.lanes, &shares, |lane, share| {
            let own: Vec<Request> = share.iter().map(|at| requests[*at].clone()).collect();
            lane.sample(&own)
        })?;
        let mut all = Vec::new();
        for (completions, share) in done.into_iter().zip(&shares) {
            all.extend(completions.into_iter().map(|completion| Completion {
                request: share[completion.request],
                ..completion
            }));
        }
        all.sort_by_key(|completion| (completion.request, completion.sample));
        Ok(all)
    }

    /// For each sequence the log-probabilities of its completion's tokens.
    ///
    /// # Errors
    /// As [`Scorer::score`].
    pub fn score(&mut self, sequences: &[Sequence]) -> Result<Vec<Vec<f32>>, ModelError> {
        // Rows of like length share a batch, which is filled up the less.
        let mut order: Vec<usize> = (0..sequences.len()).collect();
        order.sort_by_key(|at| sequences[*at].tokens.len());
        let batches: Vec<&[usize]> = order.chunks(SCORED_ROWS).collect();
        let shares = dealt(batches.len(), self.lanes.len());
        let done = on_lanes(&mut self.lanes, &shares, |lane, share| {
            let mut scores = Vec::new();
            for batch in share {
                let rows: Vec<&Sequence> =
                    batches[*batch].iter().map(|at| &sequences[*at]).collect();
                scores.extend(batches[*batch].iter().copied().zip(lane.score(&rows)?));
            }
            Ok(scores)
        })?;
        let mut all = vec![Vec::new(); sequences.len()];
        for (at, scores) in done.into_iter().flatten() {
            all[at] = scores;
        }
        Ok(all)
    }

    /// A step on a minibatch. Items weigh what they say, and all of them together 1.
    ///
    /// # Errors
    /// As [`Trainer::accumulate`] and [`Trainer::apply`]: after [`ModelError::NotFinite`] the weights
    /// are what they were.
    pub fn step(
        &mut self,
        loss: Loss,
        items: &[&Item],
        learning_rate: f64,
    ) -> Result<Stepped, ModelError> {
        let normalizer = items.iter().map(|item| item.normalizer(loss)).sum();
        let shares = dealt(items.len(), self.lanes.len());
        let rows = match self.rows {
            0 => items.len(),
            rows => rows.div_ceil(Item::rows(loss)),
        };
        let done = on_lanes(&mut self.lanes, &shares, |lane, share| {
            let mut parts = Vec::new();
            for share in share.chunks(rows.max(1)) {
                let items: Vec<&Item> = share.iter().map(|at| items[*at]).collect();
                let (part, sums) = lane.accumulate(loss, &items, normalizer)?;
                parts.push((part, share.to_vec(), sums));
            }
            Ok(parts)
        });
        // Derivatives that some lanes have and others lack are no step.
        let done = match done {
            Ok(done) => done,
            Err(error) => {
                self.forget();
                return Err(error);
            }
        };
        let per_item = Item::rows(loss);
        let mut sums = vec![0.0; items.len() * per_item];
        let mut total = 0.0;
        for (loss, share, rows) in done.into_iter().flatten() {
            total += loss;
            for (row, sum) in rows.into_iter().enumerate() {
                // Of a pair's rows the chosen ones come first.
                let (half, at) = (row / share.len(), share[row % share.len()]);
                sums[half * items.len() + at] = sum;
            }
        }
        let norm = self.apply(learning_rate)?;
        Ok(Stepped {
            loss: total,
            norm,
            sums,
        })
    }

    /// A supervised step on sequences.
    ///
    /// # Errors
    /// As [`Player::step`].
    pub fn learn(&mut self, sequences: &[Sequence], rate: f64) -> Result<Stepped, ModelError> {
        let items: Vec<Item> = sequences.iter().cloned().map(Item::example).collect();
        let items: Vec<&Item> = items.iter().collect();
        self.step(Loss::Likelihood, &items, rate)
    }

    fn apply(&mut self, learning_rate: f64) -> Result<f64, ModelError> {
        let (first, others) = self.lanes.split_first_mut().ok_or_else(no_lanes)?;
        let trainer = first.trainer.as_mut().ok_or_else(does_not_learn)?;
        for other in others {
            trainer.take_from(other.trainer.as_mut().ok_or_else(does_not_learn)?)?;
        }
        trainer.apply(learning_rate)
    }

    fn forget(&mut self) {
        for lane in &mut self.lanes {
            if let Some(trainer) = &mut lane.trainer {
                trainer.forget();
            }
        }
    }

    /// Writes what is needed to go on: weights and the optimizer's state.
    ///
    /// # Errors
    /// Where something cannot be written.
    pub fn write(&mut self, folder: &Path) -> Result<(), ModelError> {
        match self
            .lanes
            .first_mut()
            .and_then(|lane| lane.trainer.as_mut())
        {
            Some(trainer) => trainer.write(folder),
            None => Err(does_not_learn()),
        }
    }

    /// Goes on from what [`Player::write`] wrote.
    ///
    /// # Errors
    /// Where files are missing, damaged or of another model; nothing has changed then.
    pub fn resume(&mut self, folder: &Path) -> Result<(), ModelError> {
        self.forget();
        match self
            .lanes
            .first_mut()
            .and_then(|lane| lane.trainer.as_mut())
        {
            Some(trainer) => trainer.resume(folder),
            None => Err(does_not_learn()),
        }
    }
}

impl Lane {
    /// Answers to requests, ordered by request and sample.
    ///
    /// # Errors
    /// As [`Sampler::sample`].
    pub fn sample(&mut self, requests: &[Request]) -> Result<Vec<Completion>, ModelError> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let sampler = match &mut self.sampler {
            Some(sampler) => sampler,
            none => none.insert(Sampler::new(
                &self.policy,
                self.sizes.slots,
                self.sizes.context,
            )?),
        };
        sampler.sample(requests, |_| Next::Continue)
    }

    fn score(&mut self, rows: &[&Sequence]) -> Result<Vec<Vec<f32>>, ModelError> {
        let batch = Batch::of(rows, length(rows))?;
        let scorer = match &mut self.scorer {
            Some(scorer) => scorer,
            none => none.insert(Scorer::new(&self.policy, false)?),
        };
        let scores = scorer.score(&batch)?.logp;
        let of = |(at, row): (usize, &&Sequence)| {
            let start = at * batch.length + row.prompt - 1;
            scores[start..start + row.completion()].to_vec()
        };
        Ok(rows.iter().enumerate().map(of).collect())
    }

    /// Adds the derivatives of items; gives their share of the loss and the sum of each row.
    fn accumulate(
        &mut self,
        loss: Loss,
        items: &[&Item],
        normalizer: f64,
    ) -> Result<(f64, Vec<f64>), ModelError> {
        let trainer = self.trainer.as_mut().ok_or_else(does_not_learn)?;
        let rows = Item::sequences(items, loss);
        let rows: Vec<&Sequence> = rows.iter().collect();
        let mut batch = Batch::of(&rows, length(&rows))?;
        let extra = Item::extra(items, loss, &batch);
        if extra == Extra::None {
            weigh(&mut batch, items);
        }
        let Evaluated { loss, logp } = trainer.accumulate(loss, &batch, &extra, normalizer)?;
        Ok((loss, batch.row_sums(&logp)))
    }
}

/// Tokens of examples count as much as the examples weigh.
fn weigh(batch: &mut Batch, items: &[&Item]) {
    for (row, item) in batch.mask.chunks_mut(batch.length).zip(items) {
        row.iter_mut().for_each(|mask| *mask *= item.weight());
    }
}

fn length(rows: &[&Sequence]) -> usize {
    let longest = rows.iter().map(|row| row.tokens.len() - 1).max();
    longest.unwrap_or(1).next_multiple_of(LENGTH_STEP)
}

/// Which of `count` pieces of work each lane does: in turn, so that neighbours, which are alike, are
/// divided.
fn dealt(count: usize, lanes: usize) -> Vec<Vec<usize>> {
    (0..lanes)
        .map(|lane| (lane..count).step_by(lanes).collect())
        .collect()
}

/// Does the shares' work side by side.
pub(super) fn on_lanes<L: Send, S: Sync, T: Send>(
    lanes: &mut [L],
    shares: &[S],
    work: impl Fn(&mut L, &S) -> Result<T, ModelError> + Sync,
) -> Result<Vec<T>, ModelError> {
    let work = &work;
    std::thread::scope(|scope| {
        let mut pairs = lanes.iter_mut().zip(shares);
        let own = pairs.next();
        let others: Vec<_> = pairs
            .map(|(lane, share)| scope.spawn(move || work(lane, share)))
            .collect();
        let first = own.map(|(lane, share)| work(lane, share));
        let rest = others.into_iter().map(|other| match other.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        first.into_iter().chain(rest).collect()
    })
}

fn does_not_learn() -> ModelError {
    ModelError::Input("this player does not learn".to_owned())
}

fn no_lanes() -> ModelError {
    ModelError::Input("a player needs a lane at least".to_owned())
}
