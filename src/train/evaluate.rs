//! How good both players are, on questions that training does not have.

mod critic;
mod figures;
mod generator;

use super::config::TrainConfig;
use super::judge::{Exam, Judge, Unavailable};
use super::player::Player;
use super::rollout::{Rollout, RolloutError};
use super::task::{Evaluation, Question, Task};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// The draws of an evaluation are the same every time.
const SEED: u64 = 123;
/// Answers that are known are forgotten beyond this many, about 100 MB.
const KNOWN_ANSWERS: usize = 200_000;
/// The same of exams, of which one has some 35 KB.
const KNOWN_EXAMS: usize = 2_000;

/// What an evaluation found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The share of answers to held-out questions that are right.
    pub pass_at_1: Option<f64>,
    /// The same for the families of which no held-out question is one of training's.
    pub pass_at_1_unseen: Option<f64>,
    /// The same for questions in words that training does not have.
    pub pass_at_1_new_wording: Option<f64>,
    /// The share of answers to held-out questions that are wrong, by what is wrong with them.
    pub bugs: Option<BTreeMap<String, f64>>,
    /// Answers and tests that a fault of ours kept from being judged: they are in no share.
    pub evaluation_faults: u64,
    /// [`Found::pass_at_1`] by family.
    pub families: Option<BTreeMap<String, f64>>,
    /// The share of tests that break a fixed set of answers with bugs that are hard to find.
    pub hard_detection: Option<f64>,
    /// The share of these tests that are valid.
    pub hard_valid: Option<f64>,
    /// [`Found::hard_detection`] by family.
    pub critic_families: Option<BTreeMap<String, f64>>,
    /// Different tests of those.
    pub hard_distinct: Option<f64>,
    /// Minus the mean log-probability of an answer, in nats.
    pub generator_entropy: Option<f64>,
    /// The same of a test.
    pub critic_entropy: Option<f64>,
    /// How far the generator has come from its start, in nats an answer.
    pub generator_kl: Option<f64>,
    /// How far the critic has come, in nats a test.
    pub critic_kl: Option<f64>,
    /// The share of answers that did not come to an end.
    pub truncated: Option<f64>,
}

/// The questions, and the answers whose worth is known.
pub struct Evaluator {
    questions: Evaluation,
    known: HashMap<(String, Arc<str>), bool>,
    exams: HashMap<String, Exam>,
    /// Executions: programs on one input each would be thousands; one exam counts as one.
    pub executions: u64,
}

/// The players, and the models that they started from.
pub struct Players<'a> {
    /// The generator.
    pub generator: &'a mut Player,
    /// Its start.
    pub generator_start: &'a mut Player,
    /// The critic, where there is one.
    pub critic: Option<&'a mut Player>,
    /// Its start.
    pub critic_start: Option<&'a mut Player>,
}

impl Evaluator {
    /// With a task's questions.
    pub fn new(task: &dyn Task) -> Self {
        Evaluator {
            questions: task.evaluation(),
            known: HashMap::new(),
            exams: HashMap::new(),
            executions: 0,
        }
    }

    /// Whether answers are right; `None` where a fault kept that from being known.
    ///
    /// # Errors
    /// Where the judge is not there.
    pub fn truths(
        &mut self,
        task: &dyn Task,
        judge: &dyn Judge,
        answers: &[(&Question, Arc<str>)],
    ) -> Result<Vec<Option<bool>>, Unavailable> {
        if self.known.len() > KNOWN_ANSWERS {
            self.known.clear();
        }
        if self.exams.len() > KNOWN_EXAMS {
            self.exams.clear();
        }
        let key =
            |(question, answer): &(&Question, Arc<str>)| (question.id.clone(), answer.clone());
        let mut missing: Vec<(&Question, Arc<str>)> = Vec::new();
        let mut asked = HashSet::new();
        for answer in answers {
            if asked.insert(key(answer)) && !self.known.contains_key(&key(answer)) {
                missing.push(answer.clone());
            }
        }
        let exams: Vec<(Arc<str>, Arc<str>, Exam)> = missing
            .iter()
            .map(|(question, answer)| {
                let exam = self.exams.entry(question.id.clone());
                let exam = exam.or_insert_with(|| task.exam(question)).clone();
                (question.reference.clone(), answer.clone(), exam)
            })
            .collect();
        let results = match exams.is_empty() {
            true => Vec::new(),
            false => judge.examine(&exams)?,
        };
        // Also those that are known: a run that goes on has forgotten them, and is to count the same.
        self.executions += 2 * asked.len() as u64;
        for (answer, result) in missing.iter().zip(results) {
            if let Some(right) = result {
                self.known.insert(key(answer), right);
            }
        }
        Ok(answers
            .iter()
            .map(|answer| self.known.get(&key(answer)).copied())
            .collect())
    }

    /// Evaluates both players.
    ///
    /// # Errors
    /// Where a model fails or the judge is not there.
    pub fn evaluate(
        &mut self,
        task: &dyn Task,
        judge: &dyn Judge,
        config: &TrainConfig,
        players: Players<'_>,
    ) -> Result<Found, RolloutError> {
        let before = self.executions;
        let found = self.found(task, judge, config, players);
        if found.is_err() {
            // It will be repeated.
            self.executions = before;
        }
        found
    }

    fn found(
        &mut self,
        task: &dyn Task,
        judge: &dyn Judge,
        config: &TrainConfig,
        players: Players<'_>,
    ) -> Result<Found, RolloutError> {
        let mut found = Found::default();
        let generator = (players.generator, players.generator_start);
        self.generator(task, judge, config, generator, &mut found)?;
        if let (Some(critic), Some(start)) = (players.critic, players.critic_start) {
            self.critic(task, judge, config, (critic, start), &mut found)?;
        }
        Ok(found)
    }

    /// What the samples of a round are truly worth, by group.
    ///
    /// # Errors
    /// Where the judge is not there.
    pub fn truths_of(
        &mut self,
        task: &dyn Task,
        judge: &dyn Judge,
        rollout: &Rollout,
    ) -> Result<Vec<Option<bool>>, Unavailable> {
        let answers: Vec<(&Question, Arc<str>)> = rollout
            .groups
            .iter()
            .filter_map(|group| {
                let question = &rollout.questions[group.question];
                Some((question, group.answer.clone()?))
            })
            .collect();
        let mut truths = self.truths(task, judge, &answers)?.into_iter();
        Ok(rollout
            .groups
            .iter()
            .map(|group| match group.answer {
                Some(_) => truths.next().flatten(),
                None => Some(false),
            })
            .collect())
    }
}
