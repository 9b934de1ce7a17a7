//! One iteration, and what is measured of it.

use super::clock::{processor_seconds, seconds, waiting};
use super::error::{LARGEST_DIFFERENCE, RunError, file};
use super::patience::patiently;
use super::players::{learning, refer};
use super::{Listener, Run};
use crate::train::evaluate::{Found, Players};
use crate::train::learn;
use crate::train::log::{Metrics, SAMPLES, Timing, sample_lines};
use crate::train::rollout::{Rollout, Seat, Table, mixed, random};
use crate::train::task::Question;
use crate::train::update::{Watched, larger, update};
use std::time::Instant;

/// What both players had to learn from, and what their updates are watched by.
#[derive(Default)]
struct Learned {
    generator_pairs: u64,
    critic_pairs: u64,
    generator: Option<Watched>,
    critic: Option<Watched>,
}

impl Learned {
    /// With what an evaluation found of both, where there was one.
    fn put_into(self, line: &mut Metrics, found: &Found) {
        line.generator_pairs = self.generator_pairs;
        line.critic_pairs = self.critic_pairs;
        line.pairs = self.generator_pairs + self.critic_pairs;
        line.generator = self.generator.map(|watched| Watched {
            entropy: found.generator_entropy,
            kl: found.generator_kl,
            ..watched
        });
        line.critic = self.critic.map(|watched| Watched {
            entropy: found.critic_entropy,
            kl: found.critic_kl,
            ..watched
        });
        let parities = [&line.generator, &line.critic].map(|one| one.as_ref()?.parity);
        line.parity = parities.into_iter().flatten().reduce(larger);
    }
}

impl Run<'_> {
    /// One iteration: a round, both updates, and what is measured of them.
    pub(super) fn iterate(&mut self, listener: &mut dyn Listener) -> Result<Metrics, RunError> {
        let begun = Instant::now();
        let processor = processor_seconds();
        let iteration = self.state.iteration + 1;
        let questions = self.questions(iteration);
        // The version that plays: the updates come after.
        let policy = self.generator.steps();
        let rollout = self.play(iteration, &questions, listener)?;
        let updating = Instant::now();
        let learned = self.learn(&rollout, iteration)?;
        let lanes = self.setup.config.machine.lanes as f64;
        let timing = Timing {
            sampling: seconds(rollout.spent.sampling) / lanes,
            critic: seconds(rollout.spent.critic) / lanes,
            validation: seconds(rollout.spent.validation) / lanes,
            update: seconds(updating.elapsed()),
            iteration: seconds(begun.elapsed()),
            waiting: waiting(begun.elapsed(), processor),
        };
        let is_due = self.count(&rollout, &timing);
        let (mut found, mut truths) = (Found::default(), None);
        if is_due || self.is_over().is_some() {
            truths = Some(self.truths(&rollout, listener)?);
            found = self.evaluate(listener)?;
            self.state.pass_at_1 = found.pass_at_1;
        }
        let iterations = self.setup.config.iterations;
        let mut line = Metrics::new(iteration, iterations, &self.state.totals);
        line.count(&rollout, truths.as_deref());
        learned.put_into(&mut line, &found);
        line.timing = Some(timing);
        line.found = found;
        let is_close = |difference: &f64| *difference <= LARGEST_DIFFERENCE;
        if let Some(difference) = line.parity.filter(|difference| !is_close(difference)) {
            return Err(RunError::Parity {
                iteration,
                difference,
            });
        }
        self.write_samples(&rollout, (iteration, policy), truths.as_deref())?;
        self.write(&line)?;
        Ok(line)
    }

    /// Both players learn from a round, as far as they are to.
    fn learn(&mut self, rollout: &Rollout, iteration: u64) -> Result<Learned, RunError> {
        let config = &self.setup.config;
        let mut random = random(config.seed, iteration << 1 | 1);
        let items = learn::items(rollout, config, iteration, &mut random);
        let mut learned = Learned {
            generator_pairs: items.generator.len() as u64,
            critic_pairs: items.critic.len() as u64,
            ..Learned::default()
        };
        let critics = (learning(&mut self.critic, config), &mut self.critic_start);
        if let (Some(player), Some(start)) = critics {
            let learning = &config.critic;
            let items = refer(items.critic, learning.reference, player, start)?;
            let pending = &mut self.state.critic_items;
            pending.extend(items);
            let watched = update(player, pending, learning, iteration, &mut random)?;
            learned.critic = Some(watched);
        }
        if !(config.critic_learns() && iteration <= config.game.critic_first) {
            let learning = &config.generator;
            let (player, start) = (&mut self.generator, &mut self.generator_start);
            let items = refer(items.generator, learning.reference, player, start)?;
            let pending = &mut self.state.generator_items;
            pending.extend(items);
            let watched = update(player, pending, learning, iteration, &mut random)?;
            learned.generator = Some(watched);
        }
        Ok(learned)
    }

    /// Adds an iteration to the totals; whether an evaluation is due after it.
    fn count(&mut self, rollout: &Rollout, timing: &Timing) -> bool {
        let totals = &mut self.state.totals;
        let before = totals.meter.executions();
        totals.seconds += timing.iteration;
        totals.meter.add(rollout.meter);
        totals.generator_tokens += rollout.generator_tokens;
        totals.critic_tokens += rollout.critic_tokens;
        let after = totals.meter.executions();
        self.state.iteration += 1;
        let evaluation = &self.setup.config.evaluation;
        match evaluation.executions.map(|step| step.max(1)) {
            None => self.state.iteration.is_multiple_of(evaluation.every),
            Some(step) => after / step > before / step,
        }
    }

    /// An iteration's questions, then those that may take the place of each.
    fn questions(&self, iteration: u64) -> Vec<Question> {
        let config = &self.setup.config;
        let mut random = random(config.seed, iteration << 1);
        (0..config.game.prompts * (1 + config.game.redraws))
            .map(|_| self.setup.task.draw(&mut random))
            .collect()
    }

    fn play(
        &mut self,
        iteration: u64,
        questions: &[Question],
        listener: &mut dyn Listener,
    ) -> Result<Rollout, RunError> {
        let Run {
            setup,
            generator,
            critic,
            critic_start,
            ..
        } = self;
        let game = &setup.config.game;
        let table = Table {
            task: setup.task,
            judge: setup.judge,
            game,
            seed: mixed(setup.config.seed, 0, iteration),
            chunks: setup.config.machine.chunks,
        };
        patiently(listener, || {
            let generators = generator.lanes().iter_mut();
            let mut critics = critic.iter_mut().flat_map(|player| player.lanes());
            let plays = game.start_tests > 0;
            let starts = critic_start.iter_mut().filter(|_| plays);
            let mut starts = starts.flat_map(|player| player.lanes());
            let mut seats: Vec<Seat<'_>> = generators
                .map(|generator| Seat {
                    generator,
                    critic: critics.next(),
                    start: starts.next(),
                })
                .collect();
            table.play(questions.to_vec(), &mut seats)
        })
    }

    fn truths(
        &mut self,
        rollout: &Rollout,
        listener: &mut dyn Listener,
    ) -> Result<Vec<Option<bool>>, RunError> {
        let begun = Instant::now();
        let (task, judge) = (self.setup.task, self.setup.judge);
        let evaluator = &mut self.evaluator;
        let truths = patiently(listener, || Ok(evaluator.truths_of(task, judge, rollout)?))?;
        self.evaluated(begun);
        Ok(truths)
    }

    pub(super) fn evaluate(&mut self, listener: &mut dyn Listener) -> Result<Found, RunError> {
        let begun = Instant::now();
        let Run {
            setup,
            generator,
            generator_start,
            critic,
            critic_start,
            evaluator,
            ..
        } = self;
        let found = patiently(listener, || {
            let players = Players {
                generator,
                generator_start,
                critic: critic.as_mut(),
                critic_start: critic_start.as_mut(),
            };
            evaluator.evaluate(setup.task, setup.judge, &setup.config, players)
        })?;
        self.evaluated(begun);
        Ok(found)
    }

    fn evaluated(&mut self, begun: Instant) {
        self.state.totals.evaluation = self.evaluator.executions;
        self.state.totals.evaluation_seconds += seconds(begun.elapsed());
    }

    fn write_samples(
        &mut self,
        rollout: &Rollout,
        (iteration, policy): (u64, u64),
        truths: Option<&[Option<bool>]>,
    ) -> Result<(), RunError> {
        let tokenizer = self.setup.task.tokenizer();
        let decode = |tokens: &[u32]| tokenizer.decode(tokens, false).unwrap_or_default();
        let lines = sample_lines(rollout, iteration, policy, truths, decode);
        let path = self.setup.out.join(SAMPLES);
        self.samples.add(lines).map_err(file(&path))
    }
}
