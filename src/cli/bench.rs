//! `touchstone bench`: what checks cost on this machine, beside what others cost in the same run.
//!
//! Machines are shared and noisy, so every rival is measured here too, in turns with ours, and
//! what counts is the ratio of medians.

mod judging;
mod kernels;
mod models;
mod native;
mod sample;
mod service;

use super::failure::done;
use super::settings::{Settings, settle};
use super::{logging, output};
use crate::config::{Config, Layers};
use crate::domain::Limits;
use crate::sandbox::{Compiled, Execution, Job, Run, Runtime, Sandbox, THREAD_STACK_BYTES};
use anyhow::Context;
use indicatif::ProgressBar;
use sample::{Sample, Series};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Measure checks and executions on this machine.
///
/// Prints the median, the 99th percentile and the rate of each case: a fresh check in one sandbox,
/// the same with every instance mapped anew, through workers, through HTTP; a fork of a warm
/// native python3 and a native python3 process doing the same; a test in an interpreter of its own
/// and in the program's; and programs that compute, in the sandbox and natively. Needs python3 for what is native.
/// With `--only models`: training and sampling of language models with random weights.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
    /// How often each case is measured.
    #[arg(long, value_name = "N", default_value_t = 500)]
    runs: usize,
    /// Only the cases whose name contains this.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    #[command(flatten)]
    models: models::Options,
    #[command(flatten)]
    settings: Settings,
}

/// HumanEval/0 as a model would write it, with two asserts of its own.
pub(super) const PROGRAM: &str = "from typing import List


def has_close_elements(numbers: List[float], threshold: float) -> bool:
    \"\"\" Check if in given list of numbers, are any two numbers closer to each other than
    given threshold.
    >>> has_close_elements([1.0, 2.0, 3.0], 0.5)
    False
    >>> has_close_elements([1.0, 2.8, 3.0, 4.0, 5.0, 2.0], 0.3)
    True
    \"\"\"
    for idx, elem in enumerate(numbers):
        for idx2, elem2 in enumerate(numbers):
            if idx != idx2:
                distance = abs(elem - elem2)
                if distance < threshold:
                    return True

    return False

assert has_close_elements([1.0, 2.0, 3.9, 4.0, 5.0, 2.2], 0.3) == True
assert has_close_elements([1.0, 2.0, 3.9, 4.0, 5.0, 2.2], 0.05) == False
";

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    if models::measure_one(&args)? {
        return Ok(done(true));
    }
    let defaults = Layers::default().set("log.level", Some("warn"));
    let mut config = settle(&args.settings.layers(defaults)?)?;
    logging::start(&config.log);
    config.validator.cache = false;
    let bench = Bench { args, config };
    let samples = bench.all()?;
    if bench.args.json {
        for sample in &samples {
            output::print(&(serde_json::to_string(sample)? + "\n"))?;
        }
    } else {
        output::print(&sample::table(&samples))?;
    }
    Ok(done(true))
}

struct Bench {
    args: Args,
    config: Config,
}

impl Bench {
    fn all(&self) -> anyhow::Result<Vec<Sample>> {
        let mut samples = Vec::new();
        let progress = ProgressBar::new_spinner();
        let begin = |what: &'static str| {
            progress.set_message(what);
            // Rarely, so that showing it does not show in the figures.
            progress.enable_steady_tick(Duration::from_millis(500));
        };
        if self.wants("check") {
            begin("checks in one sandbox, beside native Python");
            samples.extend(self.checks()?);
        }
        if self.wants("judging") {
            begin("tests apart from programs, and together");
            samples.extend(judging::measure(&self.config, self.args.runs)?);
        }
        if self.wants("service") {
            begin("checks through workers and HTTP");
            samples.extend(service::measure(&self.config, self.args.runs)?);
        }
        if self.wants("kernel") {
            begin("programs that compute, beside native Python");
            samples.extend(kernels::measure(&self.config)?);
        }
        // Not without being asked for: it takes minutes, and a library that checks do not need.
        if self.args.only.is_some() && self.wants("models") {
            begin("training and sampling of models");
            samples.extend(models::measure(&self.args.models)?);
        }
        progress.finish_and_clear();
        Ok(samples)
    }

    fn wants(&self, group: &str) -> bool {
        let only = self.args.only.as_deref();
        only.is_none_or(|only| group.contains(only))
    }

    /// One thread's sandbox against a fork and a process of native Python, in turns.
    fn checks(&self) -> anyhow::Result<Vec<Sample>> {
        /// Turns, so that a slow moment of the machine strikes every case alike.
        const ROUNDS: usize = 5;
        let runs = self.args.runs.div_ceil(ROUNDS);
        let mut anew = self.config.clone();
        anew.validator.reset_in_place = false;
        let restored = super::runtime::load(&self.config)?;
        let anew = super::runtime::load(&anew)?;
        let mut cases = [
            Series::new("check/fresh"),
            Series::new("check/empty"),
            Series::new("check/mapped-anew"),
            Series::new("check/native-fork"),
            Series::new("check/native-process"),
        ];
        for _ in 0..ROUNDS {
            cases[0].extend(time_runs(&restored, PROGRAM, runs)?);
            cases[1].extend(time_runs(&restored, "pass\n", runs)?);
            cases[2].extend(time_runs(&anew, PROGRAM, runs)?);
            cases[3].extend(native::fork(PROGRAM, runs)?);
            cases[4].extend(native::process(PROGRAM, runs.div_ceil(10))?);
        }
        Ok(cases.into_iter().map(Series::sample).collect())
    }
}

/// The program as it is run everywhere here.
pub(super) fn main_job(code: &str) -> Run {
    Run {
        job: Job::Main {
            code: code.into(),
            stdin: Vec::new(),
            files: Vec::new(),
            arguments: Vec::new(),
            fetch: Vec::new(),
        },
        limits: Limits::default(),
        seed: 0,
        compiled: Compiled::default(),
    }
}

/// Microseconds of each run in one sandbox, after some that are not counted.
fn time_runs(runtime: &Runtime, code: &str, runs: usize) -> anyhow::Result<Vec<f64>> {
    /// The first runs touch pages and code for the first time.
    const WARM: usize = 20;
    let run = main_job(code);
    in_sandbox(runtime, move |sandbox| {
        let mut times = Vec::with_capacity(runs);
        for number in 0..WARM + runs {
            let started = Instant::now();
            let execution = sandbox.run(&run)?;
            let time = started.elapsed().as_secs_f64() * 1e6;
            expect_success(&execution)?;
            if number >= WARM {
                times.push(time);
            }
        }
        Ok(times)
    })
}

/// Does something in a sandbox, on a thread that has the stack for it.
pub(super) fn in_sandbox<T: Send>(
    runtime: &Runtime,
    work: impl FnOnce(&mut Sandbox) -> anyhow::Result<T> + Send,
) -> anyhow::Result<T> {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(THREAD_STACK_BYTES)
            .spawn_scoped(scope, || work(&mut runtime.sandbox()))
            .context("a thread cannot be started")?
            .join()
            .map_err(|_| anyhow::anyhow!("a measurement panicked"))?
    })
}

/// A measurement of something that went wrong measures nothing.
pub(super) fn expect_success(execution: &Execution) -> anyhow::Result<()> {
    match &execution.ending {
        crate::sandbox::Ending::Exited { status: 0, .. } => Ok(()),
        other => anyhow::bail!("a measured program ended with {other:?}"),
    }
}
