//! The JSON of `/run_code`. Unknown fields are passed over, as that service does.

use super::files::{Fetched, fetched, files, paths, told_files};
use crate::api::programs::{among_files, driven, last_words, limits, text};
use crate::api::v1::wire::{FieldErrors, Path, TextWire};
use crate::domain::{Ended, File, Limits, Program, ProgramRun, Text};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Runs pytest over the program.
const PYTEST: &str = include_str!("run_pytest.py");

/// The exit status of a program that was stopped, as Python's `subprocess` tells signals.
const KILLED: i32 = -9;
const ABORTED: i32 = -6;

/// A program to be run.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(expecting = "an object")]
#[schema(example = json!({"code": "print(int(input()) + 1)", "language": "python", "stdin": "1"}))]
pub struct RunCodeRequest {
    /// The program.
    #[schema(value_type = String)]
    pub code: TextWire,
    /// `python`, or `pytest` for a file of tests; others are refused.
    #[schema(example = "python")]
    pub language: String,
    /// What it reads; nothing where absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub stdin: Option<TextWire>,
    /// Checked and without effect: nothing is compiled.
    #[serde(default = "ten")]
    #[schema(default = 10.0)]
    pub compile_timeout: f64,
    /// Guest time in seconds, at most what the server allows.
    #[serde(default = "ten")]
    #[schema(default = 10.0)]
    pub run_timeout: f64,
    /// Memory in MiB, at most what the server allows; -1 is as much as that.
    #[serde(default = "minus_one", rename = "memory_limit_MB")]
    #[schema(default = -1)]
    pub memory_limit_mb: i64,
    /// Relative paths and what is in the files, in base64; null for none.
    #[serde(default)]
    pub files: BTreeMap<String, Option<String>>,
    /// Files to read back, also after failures.
    #[serde(default)]
    pub fetch_files: Vec<String>,
    /// `sys.argv[1:]`, or what stands behind the file on pytest's command line.
    #[serde(default)]
    pub args: Vec<String>,
}

fn ten() -> f64 {
    10.0
}

fn minus_one() -> i64 {
    -1
}

impl RunCodeRequest {
    /// The program, and the files to be told of.
    pub fn convert(self, caps: &Limits) -> Result<(Program, Fetched), FieldErrors> {
        let mut errors = FieldErrors::default();
        let root = Path::Root;
        let language = Language::named(&self.language, root.field("language"), &mut errors);
        check_seconds(
            self.compile_timeout,
            root.field("compile_timeout"),
            &mut errors,
        );
        check_seconds(self.run_timeout, root.field("run_timeout"), &mut errors);
        if self.memory_limit_mb == 0 || self.memory_limit_mb < -1 {
            errors.add(root.field("memory_limit_MB"), "must be positive, or -1");
        }
        let files = files(self.files, root.field("files"), &mut errors);
        let fetched = fetched(self.fetch_files, root.field("fetch_files"), &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        let memory = u64::try_from(self.memory_limit_mb).ok();
        let (code, files) = language.program(self.code.0, files);
        let program = Program {
            code,
            stdin: self.stdin.unwrap_or_default().0.as_bytes().to_vec(),
            files,
            arguments: self.args,
            fetch: paths(&fetched),
            limits: limits(
                caps,
                self.run_timeout,
                memory.map(|mb| mb.saturating_mul(1 << 20)),
            ),
            seed: 0,
        };
        Ok((program, fetched))
    }
}

/// How a text is run.
#[derive(Clone, Copy)]
enum Language {
    /// As a program.
    Python,
    /// As a file of tests.
    Pytest,
}

impl Language {
    /// The one of that name; notes one that is not to be had.
    fn named(name: &str, path: Path<'_>, errors: &mut FieldErrors) -> Self {
        match name {
            "python" => {}
            "pytest" => return Language::Pytest,
            other => errors.add(
                path,
                format_args!("is `{other}`, must be `python` or `pytest`"),
            ),
        }
        Language::Python
    }

    /// What is executed, and the files that it finds.
    fn program(self, code: Text, files: Vec<File>) -> (Text, Vec<File>) {
        match self {
            Language::Python => among_files(code, files),
            Language::Pytest => driven(PYTEST, &code, files),
        }
    }
}

/// Notes a time that is none.
pub(super) fn check_seconds(seconds: f64, path: Path<'_>, errors: &mut FieldErrors) {
    if !(seconds.is_finite() && seconds > 0.0) {
        errors.add(path, "must be a positive number of seconds");
    }
}

/// How a program fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum RunStatus {
    /// Exit status 0.
    Success,
    /// Another exit status, or a limit.
    Failed,
    /// The service failed.
    SandboxError,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum CommandStatus {
    /// By itself, or stopped by a limit other than time.
    Finished,
    /// The service failed.
    Error,
    /// Its time was over.
    TimeLimitExceeded,
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CommandResult {
    /// How it ended.
    pub status: CommandStatus,
    /// Guest time in seconds.
    pub execution_time: Option<f64>,
    /// The exit status, none after a time limit.
    pub return_code: Option<i32>,
    /// What it wrote to stdout.
    pub stdout: Option<String>,
    /// What it wrote to stderr.
    pub stderr: Option<String>,
}

/// What came of a program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunCodeResponse {
    /// How it fared.
    pub status: RunStatus,
    /// Why the service failed; empty otherwise.
    pub message: String,
    /// Always null: nothing is compiled.
    pub compile_result: Option<CommandResult>,
    /// What came of it.
    pub run_result: Option<CommandResult>,
    /// The pod of the service, where it is told.
    pub executor_pod_name: Option<String>,
    /// The files that were asked for and are there, in base64.
    pub files: BTreeMap<String, String>,
}

impl RunCodeResponse {
    /// The answer to a run, or to the message of a fault.
    pub fn new(run: Result<ProgramRun, String>, fetched: &Fetched, pod: Option<String>) -> Self {
        match run {
            Ok(run) => RunCodeResponse::of(&run, fetched, pod),
            Err(message) => RunCodeResponse::failed(message, pod),
        }
    }

    /// The answer where nothing was run, which is nobody's failure.
    pub fn failed(message: String, pod: Option<String>) -> Self {
        RunCodeResponse {
            status: RunStatus::SandboxError,
            message,
            compile_result: None,
            run_result: None,
            executor_pod_name: pod,
            files: BTreeMap::new(),
        }
    }

    fn of(run: &ProgramRun, fetched: &Fetched, pod: Option<String>) -> Self {
        let success = matches!(run.ended, Ended::Exited { status: 0, .. });
        RunCodeResponse {
            status: if success {
                RunStatus::Success
            } else {
                RunStatus::Failed
            },
            message: String::new(),
            compile_result: None,
            run_result: Some(CommandResult::of(run)),
            executor_pod_name: pod,
            files: told_files(&run.files, fetched),
        }
    }
}

impl CommandResult {
    /// What came of a program.
    pub fn of(run: &ProgramRun) -> Self {
        let (status, return_code) = match &run.ended {
            Ended::Exited { status, .. } => (CommandStatus::Finished, Some(*status)),
            Ended::TimeLimit { .. } => (CommandStatus::TimeLimitExceeded, None),
            Ended::MemoryLimit => (CommandStatus::Finished, Some(1)),
            Ended::OutputLimit => (CommandStatus::Finished, Some(KILLED)),
            Ended::Crashed { .. } => (CommandStatus::Finished, Some(ABORTED)),
        };
        let stderr = text(&run.stderr) + &last_words(&run.ended).unwrap_or_default();
        CommandResult {
            status,
            execution_time: Some(run.fuel.as_ms() / 1000.0),
            return_code,
            stdout: Some(text(&run.stdout)),
            stderr: Some(stderr),
        }
    }
}
