//! The command line: the only place that reads the environment and wires everything together.

mod access;
mod bench;
mod check;
mod eval;
mod failure;
mod key;
mod logging;
mod memory;
mod model;
mod output;
mod report;
mod runtime;
mod sample;
mod serve;
mod settings;
mod signals;
mod table;
mod telemetry;
mod train;

pub use failure::Usage;

use crate::config::Config;
use crate::domain::RuntimeInfo;
use crate::sandbox::Run;
use crate::validator::{self, Executor, Validator};
use clap::{Parser, Subcommand};
use std::num::NonZeroUsize;
use std::process::ExitCode;

/// Judges generated Python in fresh WebAssembly sandboxes.
///
/// Programs and checks go in; verdicts and rewards come out, the same on every machine.
#[derive(Parser)]
#[command(name = "touchstone", version, after_long_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  Check one program, without a server:
    echo 'def add(a, b): return a + b' > add.py
    echo '[{\"kind\": \"call\", \"call\": \"add(2, 3)\", \"expected\": \"5\"}]' > checks.json
    touchstone check add.py --checks checks.json

  Serve the HTTP API on http://127.0.0.1:8080:
    touchstone serve

  Make a small language model and let it write:
    touchstone runtime onnx
    touchstone model new m --preset tiny
    touchstone model generate m --prompt 'def f'

Exit status: 0 done and passed, 1 done and not passed, 2 wrong usage, 3 our fault.";

#[derive(Subcommand)]
enum Command {
    Serve(serve::Args),
    Check(check::Args),
    Eval(eval::Args),
    Sample(sample::Args),
    Bench(bench::Args),
    Key(key::Args),
    Model(model::Args),
    Report(report::Args),
    Runtime(runtime::Args),
    Train(train::Args),
}

/// The whole command.
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(args) => serve::run(args),
        Command::Check(args) => check::run(args),
        Command::Eval(args) => eval::run(&args),
        Command::Sample(args) => sample::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Key(args) => key::run(&args),
        Command::Model(args) => model::run(args),
        Command::Report(args) => report::run(&args),
        Command::Runtime(args) => runtime::run(args),
        Command::Train(args) => train::run(&args),
    };
    result.unwrap_or_else(|error| failure::report(&error))
}

/// A validator in this process, and what its sandboxes hold.
pub fn validator(config: &Config) -> anyhow::Result<(Validator, RuntimeInfo)> {
    let mut config = config.clone();
    config.validator.workers = runtime::admitted(&config)?;
    let runtime = runtime::load(&config)?;
    let information = runtime.information();
    let settings = validator::Settings {
        workers: NonZeroUsize::new(config.validator.workers)
            .ok_or_else(|| Usage("validator.workers is 0".to_owned()))?,
        queue_checks: config.validator.queue_checks,
        cache_bytes: config
            .validator
            .cache
            .then_some(config.validator.cache_bytes),
    };
    let digest = runtime.digest().to_owned();
    let executors = move || {
        let mut sandbox = runtime.sandbox();
        Ok(Box::new(move |run: &Run| Ok(sandbox.run(run)?)) as Executor)
    };
    let validator = Validator::start(executors, digest, settings)
        .map_err(|error| anyhow::anyhow!("the workers cannot be started: {error}"))?;
    Ok((validator, information))
}
