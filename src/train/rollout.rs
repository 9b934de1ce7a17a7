//! One round of the game: questions are answered, answers get tests, tests are judged.

use super::config::{Critic, Game};
use super::judge::{Case, Judge, Ruling, Unavailable, Verdict};
use super::player::{Lane, on_lanes};
use super::task::{Draw, Question, Task};
use super::update::Sampled;
use crate::model::{Completion, Finish, ModelError, Request, Sampling};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};
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

/// What was run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meter {
    /// Answers on one input each; equal ones each time.
    pub candidate: u64,
    /// References on one input each.
    pub reference: u64,
    /// References that were known already in this iteration: cost nothing.
    pub reference_cached: u64,
    /// Answers, equal ones once.
    pub candidate_unique: u64,
}

impl Meter {
    /// Duplicates each time.
    pub fn executions(&self) -> u64 {
        self.candidate + self.reference
    }

    /// Duplicates once.
    pub fn unique(&self) -> u64 {
        self.candidate_unique + self.reference
    }

    /// Adds another's counts.
    pub fn add(&mut self, other: Meter) {
        self.candidate += other.candidate;
        self.reference += other.reference;
        self.reference_cached += other.reference_cached;
        self.candidate_unique += other.candidate_unique;
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
    /// Plays a round: each seat takes its share of the questions from answers to verdicts.
    ///
    /// # Errors
    /// Where a model fails, or the judge is not there.
    pub fn play(
        &self,
        questions: Vec<Question>,
        seats: &mut [Seat<'_>],
    ) -> Result<Rollout, RolloutError> {
        let count = seats.len();
        let shares: Vec<Vec<usize>> = (0..count)
            .map(|seat| (seat..questions.len()).step_by(count).collect())
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
            whole.generator_tokens += part.generator_tokens;
            whole.critic_tokens += part.critic_tokens;
            whole.spent.sampling += part.spent.sampling;
            whole.spent.critic += part.spent.critic;
            whole.spent.validation += part.spent.validation;
        }
        // The sort is stable: answers to one question stay as they were sampled.
        whole.groups.sort_by_key(|group| group.question);
        whole.questions = questions;
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
                let mut groups = self.answers(questions, chunk, seat, &mut part)?;
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

    fn request(&self, prompt: Vec<u32>, samples: usize, role: Role, number: usize) -> Request {
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

    /// Gives every sample its tests.
    fn tests(
        &self,
        questions: &[Question],
        groups: &mut [Group],
        seat: &mut Seat<'_>,
        part: &mut Rollout,
    ) -> Result<(), ModelError> {
        let begun = Instant::now();
        match self.game.critic {
            Critic::Adversarial | Critic::Static => {
                self.written_tests(questions, groups, seat, part)?;
            }
            Critic::Random | Critic::RandomSuite | Critic::FixedSuite => {
                self.drawn_tests(questions, groups);
            }
        }
        part.spent.critic += begun.elapsed();
        Ok(())
    }

    fn written_tests(
        &self,
        questions: &[Question],
        groups: &mut [Group],
        seat: &mut Seat<'_>,
        part: &mut Rollout,
    ) -> Result<(), ModelError> {
        for group in groups.iter_mut().filter(|group| group.answer.is_some()) {
            let answer = without_end(&group.sampled.tokens);
            group.critic_prompt = self.task.ask_critic(&questions[group.question], answer)?;
        }
        let of_start = self.game.start_tests;
        let critics = [
            (seat.start.as_deref_mut(), Role::Start, of_start),
            (
                seat.critic.as_deref_mut(),
                Role::Critic,
                self.game.tests - of_start,
            ),
        ];
        // By sample: what each critic wrote.
        let mut written: Vec<Vec<Vec<Asked>>> = groups
            .iter()
            .map(|group| vec![Vec::new(); group.samples])
            .collect();
        for (lane, role, each) in critics {
            let (Some(lane), true) = (lane, each > 0) else {
                continue;
            };
            let asked: Vec<usize> = (0..groups.len())
                .filter(|at| groups[*at].answer.is_some())
                .collect();
            let requests: Vec<Request> = asked
                .iter()
                .map(|at| {
                    let group = &groups[*at];
                    // By the place among the answers to its question, whatever chunk it is in.
                    let number = mixed(group.question as u64, rank(groups, *at), 0);
                    let samples = group.samples * each;
                    self.request(group.critic_prompt.clone(), samples, role, number as usize)
                })
                .collect();
            for completion in lane.sample(&requests)? {
                part.critic_tokens += completion.tokens.len() as u64;
                let test = match completion.finish {
                    Finish::Stop => self.task.test(without_end(&completion.tokens))?,
                    Finish::Length => None,
                };
                let at = asked[completion.request];
                let author = match role {
                    Role::Start => Author::Start,
                    _ => Author::Critic,
                };
                written[at][completion.sample / each].push(Asked {
                    test: test.map(Arc::from),
                    author,
                    sampled: Some(Sampled {
                        tokens: completion.tokens,
                        logp: completion.logp,
                    }),
                    ruling: no_test(),
                });
            }
        }
        for (group, written) in groups.iter_mut().zip(written) {
            group.tests = written.into_iter().flatten().collect();
        }
        Ok(())
    }

    fn drawn_tests(&self, questions: &[Question], groups: &mut [Group]) {
        let mut random: BTreeMap<usize, ChaCha8Rng> = BTreeMap::new();
        let mut suites: BTreeMap<usize, Vec<Option<Arc<str>>>> = BTreeMap::new();
        for group in groups.iter_mut().filter(|group| group.answer.is_some()) {
            let number = group.question;
            let question = &questions[number];
            let seed = mixed(self.seed, Role::Draws as u64, number as u64);
            let random = random
                .entry(number)
                .or_insert_with(|| ChaCha8Rng::seed_from_u64(seed));
            let mut draw = |draw| self.task.drawn_test(question, draw, random).map(Arc::from);
            let (author, tests) = match self.game.critic {
                Critic::RandomSuite | Critic::FixedSuite => {
                    let fixed = self.game.critic == Critic::FixedSuite;
                    let suite = suites.entry(number).or_insert_with(|| {
                        let kind = |at: usize| match fixed && at.is_multiple_of(2) {
                            true => Draw::Boundary,
                            false => Draw::Uniform,
                        };
                        (0..self.game.tests).map(|at| draw(kind(at))).collect()
                    });
                    let all = std::iter::repeat_n(&*suite, group.samples);
                    (Author::Suite, all.flatten().cloned().collect())
                }
                _ => {
                    let count = group.samples * self.game.tests;
                    let tests: Vec<_> = (0..count).map(|_| draw(Draw::Uniform)).collect();
                    (Author::Random, tests)
                }
            };
            let asked = |test| Asked {
                test,
                author,
                sampled: None,
                ruling: no_test(),
            };
            group.tests = tests.into_iter().map(asked).collect();
        }
    }

    /// Judges all tests, in waves: where nobody learns from more than the first failure, a sample that
    /// has failed gets no further test. Equal tests of equal answers are run once.
    fn judge_all(
        &self,
        questions: &[Question],
        groups: &mut [Group],
    ) -> Result<Meter, Unavailable> {
        let learns = self.game.critic == Critic::Adversarial;
        let suite = matches!(self.game.critic, Critic::RandomSuite | Critic::FixedSuite);
        let each = self.game.tests;
        let mut known: Vec<HashMap<Arc<str>, Ruling>> = vec![HashMap::new(); groups.len()];
        let waves: Vec<std::ops::Range<usize>> = match learns || suite {
            true => std::iter::once(0..each).collect(),
            false => (0..each).map(|test| test..test + 1).collect(),
        };
        for wave in waves {
            let mut cases = Vec::new();
            let mut whose = Vec::new();
            for (at, group) in groups.iter().enumerate() {
                let tests = wanted(group, each, wave.clone(), &known[at]);
                if let (Some(answer), false) = (&group.answer, tests.is_empty()) {
                    let question = &questions[group.question];
                    cases.push(Case {
                        reference: question.reference.clone(),
                        answer: answer.clone(),
                        tests: tests.clone(),
                        stop_at_failure: suite,
                        salt: mixed(self.seed, Role::Lots as u64, group.question as u64)
                            ^ rank(groups, at) << 32
                            ^ wave.start as u64,
                    });
                    whose.push((at, tests));
                }
            }
            let rulings = match cases.is_empty() {
                true => Vec::new(),
                false => self.judge.judge(&cases)?,
            };
            for ((at, tests), rulings) in whose.into_iter().zip(rulings) {
                known[at].extend(tests.into_iter().zip(rulings));
            }
            for (group, known) in groups.iter_mut().zip(&known) {
                settle(group, each, wave.clone(), known);
            }
        }
        Ok(metered(groups, each, !learns))
    }
}

/// What tells answers apart: their texts, and their tokens where they did not come to an end.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Told {
    Answer(Arc<str>),
    Part(Vec<u32>),
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

fn no_test() -> Ruling {
    Ruling {
        verdict: Verdict::Invalid,
        message: "no test".to_owned(),
        fault: false,
    }
}

/// The different tests of a wave that are not known yet, of samples that have not failed.
fn wanted(
    group: &Group,
    each: usize,
    wave: std::ops::Range<usize>,
    known: &HashMap<Arc<str>, Ruling>,
) -> Vec<Arc<str>> {
    let mut seen = HashSet::new();
    let mut tests = Vec::new();
    for sample in group.tests.chunks(each) {
        let failed = |asked: &Asked| asked.ruling.verdict == Verdict::Failed;
        if sample[..wave.start].iter().any(failed) {
            continue;
        }
        for asked in &sample[wave.clone()] {
            if let Some(test) = &asked.test
                && !known.contains_key(test)
                && seen.insert(test.clone())
            {
                tests.push(test.clone());
            }
        }
    }
    tests
}

/// Puts what is known to the tests of a wave.
fn settle(
    group: &mut Group,
    each: usize,
    wave: std::ops::Range<usize>,
    known: &HashMap<Arc<str>, Ruling>,
) {
    for sample in group.tests.chunks_mut(each) {
        let failed = |asked: &Asked| asked.ruling.verdict == Verdict::Failed;
        let over = sample[..wave.start].iter().any(failed);
        for asked in &mut sample[wave.clone()] {
            if over {
                asked.ruling = Ruling {
                    verdict: Verdict::Skipped,
                    message: String::new(),
                    fault: false,
                };
            } else if let Some(ruling) = asked.test.as_ref().and_then(|test| known.get(test)) {
                asked.ruling = ruling.clone();
            }
        }
    }
}

/// Counts executions: one is one program on one input. The reference runs once on each input of a
/// question, whatever the answer; an answer runs where the reference vouches for the test. With
/// `short` a sample's tests after its first failure are not counted, since they were not needed.
fn metered(groups: &[Group], each: usize, short: bool) -> Meter {
    let mut meter = Meter::default();
    let mut references: HashSet<(usize, &Arc<str>)> = HashSet::new();
    for group in groups {
        let mut run: HashSet<&Arc<str>> = HashSet::new();
        for sample in group.tests.chunks(each) {
            for asked in sample {
                let (Some(test), false) = (&asked.test, asked.ruling.verdict == Verdict::Skipped)
                else {
                    continue;
                };
                match references.insert((group.question, test)) {
                    true => meter.reference += 1,
                    false => meter.reference_cached += 1,
                }
                if asked.ruling.verdict == Verdict::Invalid {
                    continue;
                }
                meter.candidate += 1;
                if run.insert(test) {
                    meter.candidate_unique += 1;
                }
                if short && asked.ruling.verdict == Verdict::Failed {
                    break;
                }
            }
        }
    }
    meter
}

/// A generator of a round's own numbers.
pub(super) fn random(seed: u64, iteration: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(iteration);
    // The first number is thrown away, so that streams of small seeds have nothing in common.
    let _: u64 = random.random();
    random
}
