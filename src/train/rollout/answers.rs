//! Answers to questions.

use super::super::task::Question;
use super::super::update::Sampled;
use super::{Group, Role, Rollout, Seat, Table, mixed, without_end};
use crate::model::{Completion, Finish, ModelError, Request, Sampling};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

impl Table<'_> {
    /// What a player is asked for.
    pub(super) fn request(
        &self,
        prompt: Vec<u32>,
        samples: usize,
        role: Role,
        number: usize,
    ) -> Request {
        let (max_tokens, temperature) = match role {
            Role::Generator => (self.task.sizes().answer, self.game.temperature),
            _ => (self.task.sizes().test, self.game.critic_temperature),
        };
        Request {
            prompt,
            samples,
            max_tokens,
            sampling: Sampling {
                temperature,
                ..Sampling::default()
            },
            stop_tokens: self.task.stop_tokens(),
            seed: mixed(self.seed, role as u64, number as u64),
        }
    }

    /// Samples answers to each question or, as often as the game allows, to others in its place until
    /// they differ.
    pub(super) fn differing(
        &self,
        questions: &[Question],
        chunk: &[usize],
        seat: &mut Seat<'_>,
        part: &mut Rollout,
    ) -> Result<Vec<Group>, ModelError> {
        let places = questions.len() / (1 + self.game.redraws);
        let mut open = chunk.to_vec();
        let mut groups = Vec::new();
        for redraw in 0..=self.game.redraws {
            let mut answered = self.answers(questions, &open, seat, part)?;
            if redraw < self.game.redraws {
                let mut texts: HashMap<usize, usize> = HashMap::new();
                for group in &answered {
                    *texts.entry(group.question).or_default() += 1;
                }
                answered.retain(|group| texts[&group.question] > 1);
                open.retain(|number| texts[number] == 1);
                open.iter_mut().for_each(|number| *number += places);
                part.passed_over += open.len() as u64;
            }
            groups.extend(answered);
            if open.is_empty() {
                break;
            }
        }
        Ok(groups)
    }

    /// Samples answers, and puts equal ones together.
    fn answers(
        &self,
        questions: &[Question],
        chunk: &[usize],
        seat: &mut Seat<'_>,
        part: &mut Rollout,
    ) -> Result<Vec<Group>, ModelError> {
        let begun = Instant::now();
        let requests: Vec<Request> = chunk
            .iter()
            .map(|number| {
                let prompt = self.task.ask(&questions[*number])?;
                Ok(self.request(prompt, self.game.samples, Role::Generator, *number))
            })
            .collect::<Result<_, ModelError>>()?;
        let completions = seat.generator.sample(&requests)?;
        let mut groups: Vec<Group> = Vec::new();
        let mut known: HashMap<(usize, Told), usize> = HashMap::new();
        for completion in completions {
            part.generator_tokens += completion.tokens.len() as u64;
            let question = chunk[completion.request];
            let answer = self.finished(&completion)?;
            let key = match &answer {
                Some(answer) => Told::Answer(answer.clone()),
                None => Told::Part(completion.tokens.clone()),
            };
            match known.get(&(question, key.clone())) {
                Some(at) => groups[*at].samples += 1,
                None => {
                    known.insert((question, key), groups.len());
                    groups.push(Group {
                        question,
                        prompt: requests[completion.request].prompt.clone(),
                        answer,
                        sampled: Sampled {
                            tokens: completion.tokens,
                            logp: completion.logp,
                        },
                        samples: 1,
                        critic_prompt: Vec::new(),
                        tests: Vec::new(),
                    });
                }
            }
        }
        part.spent.sampling += begun.elapsed();
        Ok(groups)
    }

    fn finished(&self, completion: &Completion) -> Result<Option<Arc<str>>, ModelError> {
        if completion.finish == Finish::Length {
            return Ok(None);
        }
        let answer = self.task.answer(without_end(&completion.tokens))?;
        Ok(Some(answer.into()))
    }
}

/// What tells answers apart: their texts, and their tokens where they did not come to an end.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Told {
    Answer(Arc<str>),
    Part(Vec<u32>),
}
