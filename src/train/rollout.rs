//! One round of the game: questions are answered, answers get tests, tests are judged.

mod answers;
mod judging;
mod meter;
mod tests;

pub use meter::Meter;

use super::config::Game;
use super::judge::{Judge, Ruling, Unavailable, Verdict};
use super::player::{Lane, on_lanes};
use super::task::{Question, Task};
use super::update::Sampled;
use crate::model::ModelError;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Who wrote a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Author {
    /// The critic.
    Critic,
    /// The critic as it was at the start.
    Start,
    /// A suite that all answers to the question share.
    Suite,
    /// Chance.
    Random,
}

/// A test of an answer.
#[derive(Debug, Clone)]
pub struct Asked {
    /// As the judge takes it; `None` where the critic wrote none.
    pub test: Option<Arc<str>>,
    /// Who wrote it.
    pub author: Author,
    /// As it was sampled, where it was.
    pub sampled: Option<Sampled>,
    /// What became of it.
    pub ruling: Ruling,
}

/// An answer, which may have been sampled several times.
#[derive(Debug, Clone)]
pub struct Group {
    /// The question's number.
    pub question: usize,
    /// What the generator read.
    pub prompt: Vec<u32>,
    /// As it was sampled the first time.
    pub sampled: Sampled,
    /// The answer; `None` where it did not come to an end.
    pub answer: Option<Arc<str>>,
    /// How often it was sampled.
    pub samples: usize,
    /// What the critic read, where it was asked.
    pub critic_prompt: Vec<u32>,
    /// The tests of each sample, those of the first sample first.
    pub tests: Vec<Asked>,
}

impl Group {
    /// 1 if it satisfies all valid tests, 0 if it fails one; `None` if no test is valid. An answer
    /// without an end is wrong without a test.
    pub fn label(&self) -> Option<bool> {
        if self.answer.is_none() {
            return Some(false);
        }
        let verdicts = || self.tests.iter().map(|asked| asked.ruling.verdict);
        if verdicts().any(|verdict| verdict == Verdict::Failed) {
            return Some(false);
        }
        verdicts()
            .any(|verdict| verdict == Verdict::Satisfied)
            .then_some(true)
    }
}

/// Where the time went, summed over lanes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spent {
    /// Sampling answers.
    pub sampling: Duration,
    /// Sampling tests.
    pub critic: Duration,
    /// Waiting for the judge.
    pub validation: Duration,
}

/// A round.
#[derive(Debug, Clone, Default)]
pub struct Rollout {
    /// The questions.
    pub questions: Vec<Question>,
    /// The answers, by question.
    pub groups: Vec<Group>,
    /// Questions whose place another took, for their answers were all one text.
    pub passed_over: u64,
    /// What was run.
    pub meter: Meter,
    /// Tokens that the generator wrote.
    pub generator_tokens: u64,
    /// Tokens that critics wrote.
    pub critic_tokens: u64,
    /// Where the time went.
    pub spent: Spent,
}

/// Why a round could not be played.
#[derive(Debug, thiserror::Error)]
pub enum RolloutError {
    /// A model failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The judge is not there.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// What a round is played with, beside the lanes.
pub struct Table<'a> {
    /// The questions' task.
    pub task: &'a dyn Task,
    /// Who decides.
    pub judge: &'a dyn Judge,
    /// The game.
    pub game: &'a Game,
    /// Decides all draws, with the question's number.
    pub seed: u64,
    /// See [`super::config::Machine::chunks`].
    pub chunks: usize,
}

/// The lanes of one thread.
pub struct Seat<'a> {
    /// Of the generator.
    pub generator: &'a mut Lane,
    /// Of the critic, where there is one.
    pub critic: Option<&'a mut Lane>,
    /// Of the critic as it was at the start, where it plays too.
    pub start: Option<&'a mut Lane>,
}

impl Table<'_> {
    /// Plays a round: each seat takes its share of the questions from answers to verdicts. The first
    /// of the questions are asked, as many as there are places; then come those that may take the place
    /// of each, as often over as the game allows.
    ///
    /// # Errors
    /// Where a model fails, or the judge is not there.
    pub fn play(
        &self,
        questions: Vec<Question>,
        seats: &mut [Seat<'_>],
    ) -> Result<Rollout, RolloutError> {
        let count = seats.len();
        let places = questions.len() / (1 + self.game.redraws);
        let shares: Vec<Vec<usize>> = (0..count)
            .map(|seat| (seat..places).step_by(count).collect())
            .collect();
        let parts = on_lanes(seats, &shares, |seat, share| {
            // The judge's absence is no failure of a model: it goes through as a value.
            Ok(self.play_share(&questions, share, seat))
        })?;
        let mut whole = Rollout::default();
        for part in parts {
            let part = part?;
            whole.groups.extend(part.groups);
            whole.meter.add(part.meter);
            whole.passed_over += part.passed_over;
            whole.generator_tokens += part.generator_tokens;
            whole.critic_tokens += part.critic_tokens;
            whole.spent.sampling += part.spent.sampling;
            whole.spent.critic += part.spent.critic;
            whole.spent.validation += part.spent.validation;
        }
        whole.questions = questions[..places].to_vec();
        for group in &mut whole.groups {
            let place = group.question % places;
            whole.questions[place].clone_from(&questions[group.question]);
            group.question = place;
        }
        // The sort is stable: answers to one question stay as they were sampled.
        whole.groups.sort_by_key(|group| group.question);
        Ok(whole)
    }

    /// Chunk by chunk; the tests of one are judged while the next is sampled.
    fn play_share(
        &self,
        questions: &[Question],
        share: &[usize],
        seat: &mut Seat<'_>,
    ) -> Result<Rollout, RolloutError> {
        let mut part = Rollout::default();
        let size = share.len().div_ceil(self.chunks).max(1);
        std::thread::scope(|scope| {
            let mut judging: Vec<_> = Vec::new();
            for chunk in share.chunks(size) {
                let mut groups = self.differing(questions, chunk, seat, &mut part)?;
                self.tests(questions, &mut groups, seat, &mut part)?;
                judging.push(scope.spawn(move || {
                    let begun = Instant::now();
                    let meter = self.judge_all(questions, &mut groups)?;
                    Ok::<_, Unavailable>((groups, meter, begun.elapsed()))
                }));
            }
            for judged in judging {
                let judged = judged.join();
                let (groups, meter, time) = match judged {
                    Ok(judged) => judged?,
                    Err(panic) => std::panic::resume_unwind(panic),
                };
                part.groups.extend(groups);
                part.meter.add(meter);
                part.spent.validation += time;
            }
            Ok::<(), RolloutError>(())
        })?;
        Ok(part)
    }
}

/// Which draws a seed is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Generator = 1,
    Critic = 2,
    Start = 3,
    Draws = 4,
    Lots = 5,
}

/// A seed of its own for each purpose (SplitMix64's finalizer, Steele et al. 2014, over the sum).
pub(super) fn mixed(seed: u64, purpose: u64, number: u64) -> u64 {
    let mut x = seed
        .wrapping_add(purpose.wrapping_mul(0x9E37_79B9_7F4A_7C15))
        .wrapping_add(number.wrapping_mul(0xD1B5_4A32_D192_ED03));
    for multiplier in [0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB] {
        x = (x ^ (x >> 30)).wrapping_mul(multiplier);
    }
    x ^ (x >> 31)
}

/// A group's place among those of its question: the same however questions are divided.
fn rank(groups: &[Group], at: usize) -> u64 {
    let question = groups[at].question;
    let before = groups[..at].iter();
    before.filter(|group| group.question == question).count() as u64
}

/// Tokens without the one that ended them.
fn without_end(tokens: &[u32]) -> &[u32] {
    tokens.split_last().map_or(&[], |(_, rest)| rest)
}

/// A generator of a round's own numbers.
pub(super) fn random(seed: u64, iteration: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(iteration);
    // The first number is thrown away, so that streams of small seeds have nothing in common.
    let _: u64 = random.random();
    random
}
