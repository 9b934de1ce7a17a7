//! Programming problems from files, for models that can write programs already.
//!
//! Nothing is taught beforehand: there are no lessons, and no tests that nobody wrote. Which problems
//! there are is settled in three steps, each of which leaves some out and tells which: files are read
//! ([`Split::read`]), references have to pass their problem's tests ([`Split::verify`]), and texts have
//! to fit the model ([`Problems::open`]).

mod layouts;
mod texts;

pub use layouts::{Broken, Listing, Problem, ReadChecks};

use super::{Draw, Evaluation, Lesson, Question, Sizes, Source, Task};
use crate::model::{ModelConfig, ModelError, Sequence, Tokenizer};
use crate::train::judge::{Exam, Judge, Unavailable};
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use texts::Texts;

/// Where problems come from, and how long texts may become.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProblemsConfig {
    /// The problems, a JSON object in each line.
    pub file: PathBuf,
    /// The problems to evaluate with; where absent a share of [`ProblemsConfig::file`].
    pub held_out: Option<PathBuf>,
    /// That share. Whether a problem is held out is decided by what it asks alone, so that it stays what
    /// it was when others are added, and the same question under two ids is not on both sides.
    pub held_out_share: f64,
    /// Held-out problems that are evaluated with, at most.
    pub evaluated: usize,
    /// Whether the players are spoken to by the chat template of the generator's folder; where absent,
    /// if there is one.
    pub chat: Option<bool>,
    /// Tokens of a problem at most, with an answer, a test and what stands between.
    pub context: usize,
    /// Tokens of an answer at most.
    pub answer: usize,
    /// Tokens of a test at most, with what a critic thinks aloud.
    pub test: usize,
}

impl Default for ProblemsConfig {
    fn default() -> Self {
        ProblemsConfig {
            file: PathBuf::new(),
            held_out: None,
            held_out_share: 0.1,
            evaluated: 100,
            chat: None,
            context: 2048,
            answer: 512,
            test: 384,
        }
    }
}

impl ProblemsConfig {
    /// Why these settings make no sense.
    pub fn fault(&self) -> Option<String> {
        if self.file.as_os_str().is_empty() {
            return Some("task.file is missing: it names the file of the problems".to_owned());
        }
        let share = self.held_out_share;
        if self.held_out.is_none() && !(share > 0.0 && share < 1.0) {
            return Some(format!(
                "task.held_out_share is {share}; it has to be between 0 and 1"
            ));
        }
        let sizes = [
            ("task.evaluated", self.evaluated),
            ("task.answer", self.answer),
            ("task.test", self.test),
        ];
        if let Some((name, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return Some(format!("{name} is 0; it has to be at least 1"));
        }
        let (answer, test, context) = (self.answer, self.test, self.context);
        (answer.saturating_add(test) >= context).then(|| {
            format!(
                "task.context is {context}; it has to hold an answer of {answer} tokens, a test of \
                 {test} and a problem"
            )
        })
    }
}

/// Why there are no problems.
#[derive(Debug, thiserror::Error)]
pub enum ProblemsError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Lines of a file are not problems.
    #[error("{}: {broken}", path.display())]
    Broken {
        /// Which file.
        path: PathBuf,
        /// Which lines.
        broken: Broken,
    },
    /// A problem is to be trained with and held out.
    #[error("the problem {0:?} is in task.file and in task.held_out")]
    Twice(String),
}

/// Problems that are not used, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// How many came without a reference.
    pub without_reference: usize,
    /// Those whose reference does not pass their tests.
    pub failing: Vec<String>,
    /// Those that leave no room in the context.
    pub too_long: Vec<String>,
    /// Those to train with that ask what a held-out one asks.
    pub held_out_too: Vec<String>,
}

/// So many ids are told of each reason.
const TOLD: usize = 5;

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut reasons = Vec::new();
        if self.without_reference > 0 {
            let count = self.without_reference;
            reasons.push(format!("{count} without a reference"));
        }
        let named = [
            (&self.failing, "whose reference does not pass their tests"),
            (&self.too_long, "too long for the context"),
            (&self.held_out_too, "that ask what a held-out problem asks"),
        ];
        for (ids, reason) in named.iter().filter(|(ids, _)| !ids.is_empty()) {
            let count = ids.len();
            let more = if count > TOLD { ", …" } else { "" };
            let first = ids[..count.min(TOLD)].join(", ");
            reasons.push(format!("{count} {reason} ({first}{more})"));
        }
        match reasons.is_empty() {
            true => f.write_str("none"),
            false => f.write_str(&reasons.join(", ")),
        }
    }
}

/// Problems to train with, and others to evaluate with.
#[derive(Debug, Clone, Default)]
pub struct Split {
    /// To train with.
    pub training: Vec<Problem>,
    /// To evaluate with.
    pub held_out: Vec<Problem>,
    /// What is in neither.
    pub left_out: LeftOut,
}

/// Problems whose references are judged at a time: what a validator has room for.
const VERIFIED: usize = 64;
/// How often references are judged where a fault kept some from it.
const ATTEMPTS: usize = 3;

impl Split {
    /// Reads the files. `checks` reads the array of checks that a problem may come with.
    ///
    /// # Errors
    /// Where a file cannot be read, or lines of it are not problems; the message has their numbers.
    pub fn read(config: &ProblemsConfig, checks: ReadChecks<'_>) -> Result<Self, ProblemsError> {
        let read = |path: &Path| {
            let text = std::fs::read_to_string(path).map_err(|source| ProblemsError::File {
                path: path.to_owned(),
                source,
            })?;
            Listing::read(&text, checks).map_err(|broken| ProblemsError::Broken {
                path: path.to_owned(),
                broken,
            })
        };
        let mut listing = read(&config.file)?;
        let mut split = Split::default();
        if let Some(path) = &config.held_out {
            let other = read(path)?;
            let ids: HashSet<&String> = other.problems.iter().map(|one| &one.id).collect();
            if let Some(twice) = listing.problems.iter().find(|one| ids.contains(&one.id)) {
                return Err(ProblemsError::Twice(twice.id.clone()));
            }
            split.left_out.without_reference += other.without_reference;
            split.held_out = other.problems;
            let asked: HashSet<String> = split.held_out.iter().map(asked).collect();
            let is_held_out = |problem: &mut Problem| asked.contains(&self::asked(problem));
            let twice = listing.problems.extract_if(.., is_held_out);
            split.left_out.held_out_too = twice.map(|problem| problem.id).collect();
        } else {
            let is_held_out = |one: &mut Problem| place(&asked(one)) < config.held_out_share;
            split.held_out = listing.problems.extract_if(.., is_held_out).collect();
        }
        split.left_out.without_reference += listing.without_reference;
        split.training = listing.problems;
        Ok(split)
    }

    /// Leaves out problems whose reference does not pass their own tests.
    ///
    /// # Errors
    /// Where the judge is not there, or a fault of ours keeps it from an answer: with other problems
    /// the same run would be another one.
    pub fn verify(&mut self, judge: &dyn Judge) -> Result<(), Unavailable> {
        let failing = &mut self.left_out.failing;
        for problems in [&mut self.training, &mut self.held_out] {
            let mut passed = Vec::new();
            for chunk in problems.chunks(VERIFIED) {
                passed.extend(verified(chunk, judge)?);
            }
            let mut passed = passed.into_iter();
            let fails = |_: &mut Problem| passed.next() == Some(false);
            failing.extend(problems.extract_if(.., fails).map(|problem| problem.id));
        }
        Ok(())
    }
}

/// Whether each reference passes.
fn verified(problems: &[Problem], judge: &dyn Judge) -> Result<Vec<bool>, Unavailable> {
    let exams: Vec<(Arc<str>, Arc<str>, Exam)> = problems
        .iter()
        .map(|problem| {
            let reference = problem.reference.clone();
            (reference.clone(), reference, problem.exam())
        })
        .collect();
    let mut missing = None;
    for _ in 0..ATTEMPTS {
        let results = judge.examine(&exams)?;
        missing = results.iter().position(Option::is_none);
        if missing.is_none() {
            return Ok(results.into_iter().flatten().collect());
        }
    }
    let id = missing.map_or("", |at| &problems[at].id);
    Err(Unavailable::Now(format!(
        "the reference of the problem {id:?} could not be judged"
    )))
}

/// What a problem asks, however its words are spaced.
fn asked(problem: &Problem) -> String {
    let words: Vec<&str> = problem.prompt.split_whitespace().collect();
    words.join(" ")
}

/// A number from 0 to 1 that looks drawn and is decided by the text.
fn place(text: &str) -> f64 {
    let digest = Sha256::digest(text);
    let bytes = digest[..8].iter();
    let number = bytes.fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    number as f64 / 2_f64.powi(64)
}

/// Programming problems from files.
pub struct Problems {
    training: Vec<Problem>,
    held_out: Vec<Problem>,
    texts: Texts,
    sizes: Sizes,
    folder: PathBuf,
}

impl fmt::Debug for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Problems").finish_non_exhaustive()
    }
}

impl Problems {
    /// Problems for the model in a folder, by whose tokenizer and chat template both players read and
    /// write. Gives what is left out, now with the problems that are too long.
    ///
    /// # Errors
    /// Where the folder's files cannot be read, texts are to be longer than the model's context, or no
    /// problem is left to train with or to evaluate with.
    pub fn open(
        folder: &Path,
        split: Split,
        config: &ProblemsConfig,
    ) -> Result<(Self, LeftOut), ModelError> {
        let model = ModelConfig::read(folder)?;
        let limit = model.max_positions;
        if config.context > limit {
            let context = config.context;
            return Err(ModelError::Input(format!(
                "task.context is {context}, and the model's is {limit}"
            )));
        }
        let texts = Texts::open(folder, &model, config.chat)?;
        texts.tokenizer.check_vocabulary(&model)?;
        let mut problems = Problems {
            training: Vec::new(),
            held_out: Vec::new(),
            texts,
            sizes: Sizes {
                context: config.context,
                answer: config.answer,
                test: config.test,
            },
            folder: folder.to_owned(),
        };
        let mut left_out = split.left_out;
        problems.training = problems.fitting(split.training, &mut left_out)?;
        problems.held_out = problems.fitting(split.held_out, &mut left_out)?;
        // Those that are evaluated with are drawn, but the same every time.
        problems
            .held_out
            .sort_by_key(|problem| Sha256::digest(format!("evaluated {}", problem.id)));
        problems.held_out.truncate(config.evaluated);
        for (left, what) in [
            (&problems.training, "train with"),
            (
                &problems.held_out,
                "evaluate with (task.held_out, task.held_out_share)",
            ),
        ] {
            if left.is_empty() {
                let message = format!("no problem is left to {what}; left out: {left_out}");
                return Err(ModelError::Input(message));
            }
        }
        Ok((problems, left_out))
    }

    /// How many there are to train with, and to evaluate with.
    pub fn counts(&self) -> (usize, usize) {
        (self.training.len(), self.held_out.len())
    }

    /// Keeps what leaves room for an answer, and for a test of it.
    fn fitting(
        &self,
        problems: Vec<Problem>,
        left_out: &mut LeftOut,
    ) -> Result<Vec<Problem>, ModelError> {
        let Sizes {
            context,
            answer,
            test,
        } = self.sizes;
        let mut fitting = Vec::new();
        for problem in problems {
            let asked = self.texts.ask(&problem.prompt)?.len();
            let critic = self.texts.ask_critic(&problem.prompt, "")?.len();
            match asked.max(critic + test) + answer <= context {
                true => fitting.push(problem),
                false => left_out.too_long.push(problem.id),
            }
        }
        Ok(fitting)
    }
}

fn question(problem: &Problem) -> Question {
    Question {
        id: problem.id.clone(),
        family: problem.family.clone(),
        prompt: problem.prompt.clone(),
        reference: problem.reference.clone(),
        source: Source::Listed(problem.checks.clone()),
    }
}

impl Task for Problems {
    fn draw(&self, random: &mut ChaCha8Rng) -> Question {
        let problem = self.training.choose(random);
        question(problem.expect("there are problems"))
    }

    fn evaluation(&self) -> Evaluation {
        Evaluation::of_unseen(self.held_out.iter().map(question).collect())
    }

    fn sizes(&self) -> Sizes {
        self.sizes
    }

    fn tokenizer(&self) -> &Tokenizer {
        &self.texts.tokenizer
    }

    fn checkpoint(&self) -> Option<&Path> {
        Some(&self.folder)
    }

    fn stop_tokens(&self) -> Vec<u32> {
        self.texts.stop_tokens.clone()
    }

    fn ask(&self, question: &Question) -> Result<Vec<u32>, ModelError> {
        self.texts.ask(&question.prompt)
    }

    /// An answer's tokens may be more when they are read again than they were when they were written:
    /// then the critic reads as much of its start as there is room for.
    fn ask_critic(&self, question: &Question, answer: &[u32]) -> Result<Vec<u32>, ModelError> {
        let room = self.sizes.context - self.sizes.test;
        let mut answer = self.answer(answer)?;
        loop {
            let tokens = self.texts.ask_critic(&question.prompt, &answer)?;
            if tokens.len() <= room || answer.is_empty() {
                return Ok(tokens);
            }
            let shorter = answer.floor_char_boundary(answer.len() * 3 / 4);
            answer.truncate(shorter);
        }
    }

    fn answer(&self, tokens: &[u32]) -> Result<String, ModelError> {
        let text = self.texts.tokenizer.decode(tokens, true)?;
        Ok(self.texts.program(&text).to_owned())
    }

    fn test(&self, tokens: &[u32]) -> Result<Option<String>, ModelError> {
        let text = self.texts.tokenizer.decode(tokens, true)?;
        Ok(texts::test(&text))
    }

    fn drawn_test(&self, _: &Question, _: Draw, _: &mut ChaCha8Rng) -> Option<String> {
        None
    }

    fn exam(&self, question: &Question) -> Exam {
        match &question.source {
            Source::Listed(checks) => Exam::Checks(checks.to_vec()),
            // Another task's: there is nothing to find out by.
            _ => Exam::Checks(Vec::new()),
        }
    }

    fn example(&self, _: Lesson, _: &mut ChaCha8Rng) -> Result<Option<Sequence>, ModelError> {
        Ok(None)
    }

    fn fingerprint(&self, _: &[Lesson]) -> String {
        String::new()
    }
}
