//! How good the generator is.

use super::figures::{distance, entropy, finished, request, share, shares};
use super::{Evaluator, Found, SEED};
use crate::train::config::TrainConfig;
use crate::train::judge::Judge;
use crate::train::player::Player;
use crate::train::rollout::{RolloutError, mixed};
use crate::train::task::{Question, Task};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Evaluator {
    pub(super) fn generator(
        &mut self,
        task: &dyn Task,
        judge: &dyn Judge,
        config: &TrainConfig,
        (player, start): (&mut Player, &mut Player),
        found: &mut Found,
    ) -> Result<(), RolloutError> {
        let questions: Vec<Question> =
            [&self.questions.held_out[..], &self.questions.new_wording].concat();
        let mut requests = Vec::new();
        for (number, question) in questions.iter().enumerate() {
            let sizes = (config.evaluation.samples, task.sizes().answer);
            let draw = (config.game.temperature, mixed(SEED, 0, number as u64));
            requests.push(request(task, task.ask(question)?, sizes, draw));
        }
        let completions = player.sample(&requests)?;
        let mut answers: Vec<Option<(&Question, Arc<str>)>> = Vec::new();
        for completion in &completions {
            let text = finished(completion)
                .map(|tokens| task.answer(tokens))
                .transpose()?;
            answers.push(text.map(|text| (&questions[completion.request], text.into())));
        }
        let finished: Vec<(&Question, Arc<str>)> = answers.iter().flatten().cloned().collect();
        let mut truths = self.truths(task, judge, &finished)?.into_iter();
        let held_out = self.questions.held_out.len();
        let (mut all, mut unseen, mut new) = (Vec::new(), Vec::new(), Vec::new());
        let mut families: BTreeMap<String, Vec<bool>> = BTreeMap::new();
        let mut bugs: BTreeMap<String, f64> = BTreeMap::new();
        for (completion, answer) in completions.iter().zip(&answers) {
            let right = match answer {
                None => Some(false),
                Some(_) => truths.next().flatten(),
            };
            let Some(right) = right else {
                found.evaluation_faults += 1;
                continue;
            };
            if completion.request >= held_out {
                new.push(right);
                continue;
            }
            let question = &questions[completion.request];
            all.push(right);
            if self.questions.unseen_families.contains(&question.family) {
                unseen.push(right);
            }
            let family = question.family.to_string();
            families.entry(family).or_default().push(right);
            if let (false, Some(flaw)) = (right, flaw(task, question, answer)) {
                *bugs.entry(flaw.to_owned()).or_default() += 1.0;
            }
        }
        for count in bugs.values_mut() {
            *count /= all.len() as f64;
        }
        found.pass_at_1 = share(&all);
        found.pass_at_1_unseen = share(&unseen);
        found.pass_at_1_new_wording = share(&new);
        found.bugs = (!bugs.is_empty()).then_some(bugs);
        found.families = Some(shares(families));
        found.truncated = share(&answers.iter().map(Option::is_none).collect::<Vec<_>>());
        found.generator_entropy = Some(entropy(&completions));
        found.generator_kl = Some(distance(start, &requests, &completions)?);
        Ok(())
    }
}

/// What is wrong with a wrong answer.
fn flaw(
    task: &dyn Task,
    question: &Question,
    answer: &Option<(&Question, Arc<str>)>,
) -> Option<&'static str> {
    match answer {
        Some((_, answer)) => task.flaw(question, answer),
        // Only tasks with classes count these.
        None => task.flaw(question, "").map(|_| "no end"),
    }
}
