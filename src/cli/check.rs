//! `touchstone check`.

use super::failure::{done, our_fault};
use super::settings::{Settings, settle};
use super::{Usage, logging, output, table, validator};
use crate::api::v1::wire::{
    Bounded, CheckWire, CompareWire, FieldErrors, LimitsWire, Object, ParseError, ResultWire,
    SubmissionWire, TextWire, parse,
};
use crate::config::{Config, Layers};
use crate::domain::{Limits, Submission, Text};
use crate::validator::{Rejected, Tenant};
use anyhow::Context;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Check one program, without a server.
///
/// Prints what became of each check. The exit status is 0 if every valid check passed and 1 if
/// one failed or none was valid.
#[derive(clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// The program; `-` reads it from stdin.
    program: PathBuf,
    /// A JSON file: the array of checks, as in the HTTP API.
    #[arg(long, value_name = "FILE")]
    checks: PathBuf,
    /// A trusted solution, which judges checks that say no expected value.
    #[arg(long, value_name = "FILE")]
    reference: Option<PathBuf>,
    /// Print the result as a JSON object, as the HTTP API does.
    #[arg(long)]
    json: bool,
    /// Guest time that each execution may use, in milliseconds [default: 10000].
    #[arg(long, value_name = "N")]
    time_ms: Option<u64>,
    /// Memory that each execution may use [default: 268435456].
    #[arg(long, value_name = "N")]
    memory_bytes: Option<u64>,
    /// What each execution may print [default: 1048576].
    #[arg(long, value_name = "N")]
    output_bytes: Option<u64>,
    /// Relative and absolute tolerance between floats [default: 0].
    #[arg(long, value_name = "X")]
    float_tolerance: Option<f64>,
    /// Which white space counts in outputs: exact, trailing, tokens [default: trailing].
    #[arg(long, value_name = "RULE")]
    whitespace: Option<String>,
    /// Where test code runs: split, shared [default: split].
    #[arg(long, value_name = "WHERE")]
    isolation: Option<String>,
    /// Skip the checks after the first failure.
    #[arg(long)]
    stop_on_failure: bool,
    /// Seed the program's randomness [default: 0].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    settings: Settings,
}

const EXAMPLES: &str = "\
Examples:
  echo 'def add(a, b): return a + b' > add.py
  cat > checks.json <<'END'
  [
    {\"id\": \"sum\", \"kind\": \"call\", \"call\": \"add(2, 3)\", \"expected\": \"5\"},
    {\"id\": \"types\", \"kind\": \"call\", \"call\": \"add(1, \\\"\\\")\", \"expected_exception\": \"TypeError\"},
    {\"id\": \"tests\", \"kind\": \"script\", \"source\": \"assert add(-1, 1) == 0\"}
  ]
  END
  touchstone check add.py --checks checks.json
  touchstone check add.py --checks checks.json --json | jq .reward";

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    // What the validator has to say of its start is for servers.
    let defaults = Layers::default().set("log.level", Some("warn"));
    let config = settle(&args.settings.layers(defaults)?)?;
    logging::start(&config.log);
    let submission = args.submission(&Limits::from(&config.limits))?;
    let result = judge(submission, &config)?;
    if args.json {
        output::print(&(serde_json::to_string_pretty(&result)? + "\n"))?;
    } else {
        output::print(&table::render(&result))?;
    }
    Ok(match result {
        ResultWire::Judged(judged) => done(judged.reward.generator == Some(1.0)),
        ResultWire::Failed(_) => our_fault(),
    })
}

fn judge(submission: Submission, config: &Config) -> anyhow::Result<ResultWire> {
    let (validator, _) = validator(config)?;
    let mut results = validator
        .submit(vec![submission], Tenant("".into()))
        .map_err(refusal)?;
    let (_, result) = results
        .blocking_recv()
        .context("the validator gave no result")?;
    Ok(result.into())
}

fn refusal(rejected: Rejected) -> anyhow::Error {
    match rejected {
        Rejected::TooLarge { checks, capacity } => Usage(format!(
            "{checks} checks are too many, {capacity} is the most"
        ))
        .into(),
        rejected => anyhow::anyhow!("the checks were not accepted: {rejected:?}"),
    }
}

impl Args {
    fn submission(&self, caps: &Limits) -> anyhow::Result<Submission> {
        let reference = self.reference.as_deref().map(read).transpose()?;
        let text = |bytes| TextWire(Text::from_wtf8(bytes));
        let wire = SubmissionWire {
            id: Some(self.program.display().to_string()),
            language: Some("python".into()),
            code: Some(text(read(&self.program)?)),
            reference: reference.map(text),
            checks: Some(self.read_checks()?),
            limits: Some(Object(LimitsWire {
                time_ms: self.time_ms,
                memory_bytes: self.memory_bytes,
                output_bytes: self.output_bytes,
            })),
            compare: Some(Object(CompareWire {
                float_tolerance: self.float_tolerance,
                whitespace: self.whitespace.clone(),
            })),
            isolation: self.isolation.clone(),
            stop_on_failure: Some(self.stop_on_failure),
            seed: self.seed,
            ..SubmissionWire::default()
        };
        let mut converted = wire.convert(caps).map_err(|errors| Usage(list(&errors)))?;
        converted
            .pop()
            .context("a submission without faults is converted")
    }

    fn read_checks<const MAX: usize>(&self) -> anyhow::Result<Bounded<CheckWire, MAX>> {
        let file = self.checks.display();
        Ok(parse(&read(&self.checks)?).map_err(|error| match error {
            ParseError::NotJson(message) => Usage(format!("{file} is not JSON: {message}")),
            ParseError::Field(field) => {
                Usage(format!("{file}: checks{}: {}", field.path, field.message))
            }
        })?)
    }
}

fn list(errors: &FieldErrors) -> String {
    let lines = errors.listed().iter();
    let lines = lines.map(|error| format!("\n  {}: {}", error.path, error.message));
    format!("the submission is not right:{}", lines.collect::<String>())
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let read = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    Ok(read.map_err(|error| Usage(format!("cannot read {}: {error}", path.display())))?)
}
