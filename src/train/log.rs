//! What a run writes for people: a line an iteration, and a line for every answer.
//!
//! Both files only grow. A run that goes on cuts them back to where the saved state was.

use super::evaluate::Found;
use super::judge::Verdict;
use super::rollout::{Author, Meter, Rollout};
use super::update::Watched;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

/// The files in a run's folder.
pub const METRICS: &str = "metrics.jsonl";
/// See [`METRICS`].
pub const SAMPLES: &str = "samples.jsonl";

/// A line of the metrics. Iteration 0 is the evaluation before training. `None` where a number was not
/// measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// The first is 1.
    pub iteration: u64,
    /// Iterations in all.
    pub iterations: u64,
    /// Seconds of training so far, evaluation not counted.
    pub seconds: f64,
    /// Seconds of evaluation so far.
    pub evaluation_seconds: f64,
    /// Executions so far: one is one program on one input. Duplicates each time.
    pub executions: u64,
    /// The same with duplicates within an iteration once.
    pub executions_unique: u64,
    /// Of [`Metrics::executions`], those of answers.
    pub executions_candidate: u64,
    /// And those of references.
    pub executions_reference: u64,
    /// References on inputs that were known in the iteration already: beside the meter.
    pub executions_reference_cached: u64,
    /// Of evaluation, beside the meter.
    pub executions_evaluation: u64,
    /// Tokens that the generator wrote so far.
    pub generator_tokens: u64,
    /// Tokens that critics wrote so far.
    pub critic_tokens: u64,
    /// What an evaluation found.
    #[serde(flatten)]
    pub found: Found,
    /// The share of labelled samples whose label is 1.
    pub train_pass_rate: Option<f64>,
    /// The share of the same samples that are right.
    pub true_pass_rate: Option<f64>,
    /// The share of wrong samples that failed a test.
    pub detection: Option<f64>,
    /// The share of right samples that failed a test, of all samples.
    pub false_failures: Option<f64>,
    /// The share of tests that were no good.
    pub invalid: Option<f64>,
    /// The share of tests that a sample of the same answer had already.
    pub duplicate_tests: Option<f64>,
    /// The share of questions whose samples are all alike in their labels.
    pub prompts_without_pair: Option<f64>,
    /// The share of drawn questions whose place another took, for their answers were all one text.
    pub passed_over: Option<f64>,
    /// The share of samples that did not come to an end.
    pub truncated_samples: Option<f64>,
    /// Tests that could not be judged by a fault of ours.
    pub faults: u64,
    /// What both players had to learn from.
    pub pairs: u64,
    /// Of [`Metrics::pairs`], the generator's.
    pub generator_pairs: u64,
    /// And the critic's.
    pub critic_pairs: u64,
    /// The generator's update.
    pub generator: Option<Watched>,
    /// The critic's.
    pub critic: Option<Watched>,
    /// The larger of both players' [`Watched::parity`].
    pub parity: Option<f64>,
    /// Where this iteration's time went.
    pub timing: Option<Timing>,
}

/// Seconds of an iteration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Sampling answers, a mean over lanes.
    pub sampling: f64,
    /// Sampling tests.
    pub critic: f64,
    /// Waiting for verdicts.
    pub validation: f64,
    /// Learning from them.
    pub update: f64,
    /// All of it, without evaluation.
    pub iteration: f64,
    /// The share of the cores' time in which they did nothing for this process.
    pub waiting: Option<f64>,
}

/// A line of the samples: an answer of an iteration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleLine {
    /// When.
    pub iteration: u64,
    /// Updates that the generator had had.
    pub policy: u64,
    /// The question's id.
    pub question: String,
    /// Its family.
    pub family: String,
    /// Its words.
    pub prompt: String,
    /// What is right.
    pub reference: String,
    /// The answer; what there was of it, where it did not come to an end.
    pub answer: String,
    /// Whether it did not.
    pub truncated: bool,
    /// How often it was sampled.
    pub samples: usize,
    /// 1 if it passed all valid tests, 0 if it failed one, null if there was none.
    pub label: Option<u8>,
    /// Whether it is right, where that was found out.
    pub correct: Option<bool>,
    /// Its log-probability.
    pub logp: f64,
    /// Its tests.
    pub tests: Vec<TestLine>,
}

/// A test of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestLine {
    /// What it is; null where the critic wrote none.
    pub test: Option<String>,
    /// What became of it.
    pub verdict: Verdict,
    /// How many samples had it.
    pub times: usize,
    /// Why.
    pub message: String,
    /// Who wrote it.
    pub from: Author,
}

/// Counts over a whole run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// What was run.
    pub meter: Meter,
    /// Of evaluation.
    pub evaluation: u64,
    /// Tokens.
    pub generator_tokens: u64,
    /// Tokens.
    pub critic_tokens: u64,
    /// Seconds of training.
    pub seconds: f64,
    /// Seconds of evaluation.
    pub evaluation_seconds: f64,
}

impl Metrics {
    /// A line with a run's totals.
    pub fn new(iteration: u64, iterations: u64, totals: &Totals) -> Self {
        Metrics {
            iteration,
            iterations,
            seconds: totals.seconds,
            evaluation_seconds: totals.evaluation_seconds,
            executions: totals.meter.executions(),
            executions_unique: totals.meter.unique(),
            executions_candidate: totals.meter.candidate,
            executions_reference: totals.meter.reference,
            executions_reference_cached: totals.meter.reference_cached,
            executions_evaluation: totals.evaluation,
            generator_tokens: totals.generator_tokens,
            critic_tokens: totals.critic_tokens,
            ..Metrics::default()
        }
    }

    /// All numbers by name, those of nested objects as `object/name`; what was not measured is left out.
    pub fn numbers(&self) -> Vec<(String, f64)> {
        let mut numbers = Vec::new();
        let value = serde_json::to_value(self).unwrap_or_default();
        flatten("", &value, &mut numbers);
        numbers
    }

    /// Adds what a round's labels say, with what its answers are truly worth where that is known.
    pub fn count(&mut self, rollout: &Rollout, truths: Option<&[Option<bool>]>) {
        let groups = || rollout.groups.iter();
        let samples = |keep: &dyn Fn(usize) -> bool| -> f64 {
            let kept = groups().enumerate().filter(|(at, _)| keep(*at));
            kept.map(|(_, group)| group.samples).sum::<usize>() as f64
        };
        let share = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
        let labels: Vec<Option<bool>> = groups().map(|group| group.label()).collect();
        let all = samples(&|_| true);
        let labelled = samples(&|at| labels[at].is_some());
        self.train_pass_rate = share(samples(&|at| labels[at] == Some(true)), labelled);
        self.truncated_samples = share(samples(&|at| rollout.groups[at].answer.is_none()), all);
        if let Some(truths) = truths {
            let is = |at: usize, right: bool| truths[at] == Some(right);
            let known = samples(&|at| labels[at].is_some() && truths[at].is_some());
            self.true_pass_rate = share(samples(&|at| labels[at].is_some() && is(at, true)), known);
            let finished = |at: usize| rollout.groups[at].answer.is_some();
            let wrong = samples(&|at| is(at, false) && finished(at));
            let found = samples(&|at| is(at, false) && finished(at) && labels[at] == Some(false));
            self.detection = share(found, wrong);
            self.false_failures = share(
                samples(&|at| is(at, true) && labels[at] == Some(false)),
                all,
            );
        }
        let tests: Vec<_> = groups().flat_map(|group| &group.tests).collect();
        let count = |keep: &dyn Fn(&Verdict) -> bool| {
            tests
                .iter()
                .filter(|asked| keep(&asked.ruling.verdict))
                .count() as f64
        };
        let judged = count(&|verdict| *verdict != Verdict::Skipped);
        self.invalid = share(count(&|verdict| *verdict == Verdict::Invalid), judged);
        self.faults = tests.iter().filter(|asked| asked.ruling.fault).count() as u64;
        let different: usize = groups()
            .map(|group| {
                let texts = group.tests.iter().filter_map(|asked| asked.test.as_ref());
                texts.collect::<std::collections::HashSet<_>>().len()
            })
            .sum();
        let written = tests.iter().filter(|asked| asked.test.is_some()).count();
        self.duplicate_tests = share((written - different) as f64, written as f64);
        let without = (0..rollout.questions.len()).filter(|question| {
            let own = |label| {
                let mut own = groups().zip(&labels);
                own.any(|(group, x)| group.question == *question && *x == Some(label))
            };
            !(own(true) && own(false))
        });
        let asked = rollout.questions.len() as f64;
        self.prompts_without_pair = share(without.count() as f64, asked);
        let passed_over = rollout.passed_over as f64;
        self.passed_over = share(passed_over, passed_over + asked);
    }
}

fn flatten(name: &str, value: &serde_json::Value, into: &mut Vec<(String, f64)>) {
    match value {
        serde_json::Value::Number(number) => {
            into.extend(number.as_f64().map(|number| (name.to_owned(), number)));
        }
        serde_json::Value::Object(fields) => {
            for (field, value) in fields {
                let name = match name {
                    "" => field.clone(),
                    name => format!("{name}/{field}"),
                };
                flatten(&name, value, into);
            }
        }
        _ => {}
    }
}

/// The lines of a round.
pub fn sample_lines<'a>(
    rollout: &'a Rollout,
    iteration: u64,
    policy: u64,
    truths: Option<&'a [Option<bool>]>,
    decode: impl Fn(&[u32]) -> String + 'a,
) -> impl Iterator<Item = SampleLine> + 'a {
    rollout.groups.iter().enumerate().map(move |(at, group)| {
        let question = &rollout.questions[group.question];
        let mut tests: Vec<TestLine> = Vec::new();
        for asked in &group.tests {
            let test = asked.test.as_ref().map(|test| test.to_string());
            let verdict = asked.ruling.verdict;
            let known = tests.iter_mut().find(|line| {
                line.test == test && line.verdict == verdict && line.from == asked.author
            });
            match known {
                Some(line) => line.times += 1,
                None => tests.push(TestLine {
                    test,
                    verdict,
                    times: 1,
                    message: asked.ruling.message.clone(),
                    from: asked.author,
                }),
            }
        }
        SampleLine {
            iteration,
            policy,
            question: question.id.clone(),
            family: question.family.to_string(),
            prompt: question.prompt.clone(),
            reference: question.reference.to_string(),
            answer: match &group.answer {
                Some(answer) => answer.to_string(),
                None => decode(&group.sampled.tokens),
            },
            truncated: group.answer.is_none(),
            samples: group.samples,
            label: group.label().map(u8::from),
            correct: truths.and_then(|truths| truths[at]),
            logp: group.sampled.sum(),
            tests,
        }
    })
}

/// A file of lines, and how long it is.
#[derive(Debug)]
pub struct Lines {
    file: File,
    length: u64,
}

impl Lines {
    /// Opens a file, cut back to a length that it had.
    ///
    /// # Errors
    /// Where it cannot be opened, or is shorter.
    pub fn open(folder: &Path, name: &str, length: u64) -> io::Result<Self> {
        let path = folder.join(name);
        let mut options = OpenOptions::new();
        let mut file = options
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)?;
        let actual = file.metadata()?.len();
        if actual < length {
            return Err(io::Error::other(format!(
                "{}: has {actual} bytes, and had {length} when the run was saved",
                path.display()
            )));
        }
        file.set_len(length)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Lines { file, length })
    }

    /// Its length in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Adds lines, in one write.
    ///
    /// # Errors
    /// Where they cannot be written; what was written of them is cut off again.
    pub fn add<T: Serialize>(&mut self, lines: impl IntoIterator<Item = T>) -> io::Result<()> {
        let mut text = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut text, &line)?;
            text.push(b'\n');
        }
        if let Err(error) = self.file.write_all(&text) {
            self.file.set_len(self.length)?;
            self.file.seek(SeekFrom::End(0))?;
            return Err(error);
        }
        self.length += text.len() as u64;
        Ok(())
    }

    /// Waits until all is on the disk.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}
