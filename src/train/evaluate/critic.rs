//! How good the critic is.

use super::figures::{distance, entropy, finished, request, share, shares};
use super::{Evaluator, Found, SEED};
use crate::train::config::TrainConfig;
use crate::train::judge::{Case, Judge, Ruling, Verdict};
use crate::train::player::Player;
use crate::train::rollout::{RolloutError, mixed};
use crate::train::task::Task;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

impl Evaluator {
    pub(super) fn critic(
        &mut self,
        task: &dyn Task,
        judge: &dyn Judge,
        config: &TrainConfig,
        (player, start): (&mut Player, &mut Player),
        found: &mut Found,
    ) -> Result<(), RolloutError> {
        let hard = &self.questions.hard;
        if hard.is_empty() {
            return Ok(());
        }
        let mut requests = Vec::new();
        for (number, (question, answer)) in hard.iter().enumerate() {
            let tokens = task.tokenizer().encode(answer, false)?;
            let prompt = task.ask_critic(question, &tokens)?;
            let sizes = (config.evaluation.hard_tests, task.sizes().test);
            let draw = (
                config.game.critic_temperature,
                mixed(SEED, 1, number as u64),
            );
            requests.push(request(task, prompt, sizes, draw));
        }
        let completions = player.sample(&requests)?;
        let mut tests: Vec<Vec<Option<Arc<str>>>> = vec![Vec::new(); hard.len()];
        for completion in &completions {
            let test = match finished(completion) {
                Some(tokens) => task.test(tokens)?,
                None => None,
            };
            tests[completion.request].push(test.map(Arc::from));
        }
        let cases: Vec<Case> = hard
            .iter()
            .zip(&tests)
            .map(|((question, answer), tests)| Case {
                reference: question.reference.clone(),
                answer: answer.as_str().into(),
                tests: distinct(tests),
                stop_at_failure: false,
                salt: SEED,
            })
            .collect();
        let rulings = judge.judge(&cases)?;
        let (mut failed, mut valid, mut different) = (Vec::new(), Vec::new(), Vec::new());
        let mut families: BTreeMap<String, Vec<bool>> = BTreeMap::new();
        for (((question, _), tests), (case, rulings)) in
            hard.iter().zip(&tests).zip(cases.iter().zip(&rulings))
        {
            self.executions += 2 * case.tests.len() as u64;
            different.push(case.tests.len() as f64 / tests.len().max(1) as f64);
            for test in tests {
                let ruling = test.as_ref().and_then(|test| {
                    let at = case.tests.iter().position(|other| other == test)?;
                    rulings.get(at)
                });
                if ruling.is_some_and(|ruling| ruling.fault) {
                    found.evaluation_faults += 1;
                    continue;
                }
                let verdict = ruling.map(|ruling: &Ruling| ruling.verdict);
                let broken = verdict == Some(Verdict::Failed);
                failed.push(broken);
                valid.push(broken || verdict == Some(Verdict::Satisfied));
                let family = question.family.to_string();
                families.entry(family).or_default().push(broken);
            }
        }
        found.hard_detection = share(&failed);
        found.hard_valid = share(&valid);
        found.hard_distinct = Some(different.iter().sum::<f64>() / different.len() as f64);
        found.critic_families = Some(shares(families));
        found.critic_entropy = Some(entropy(&completions));
        found.critic_kl = Some(distance(start, &requests, &completions)?);
        Ok(())
    }
}

fn distinct(tests: &[Option<Arc<str>>]) -> Vec<Arc<str>> {
    let mut seen = HashSet::new();
    let tests = tests.iter().flatten();
    tests.filter(|test| seen.insert(*test)).cloned().collect()
}
