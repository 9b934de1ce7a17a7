//! What Piston answers: what a program printed, and how it ended.

use super::runtimes::PistonRuntime;
use crate::api::programs::{last_words, text};
use crate::domain::{Ended, ProgramRun};
use serde::Serialize;
use utoipa::ToSchema;

/// What came of a program.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ExecuteResponse {
    /// Its language.
    pub language: String,
    /// The interpreter's version.
    pub version: String,
    /// Its only stage: nothing is compiled.
    pub run: Stage,
}

/// What came of a stage.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Stage {
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
    /// Both, stdout first.
    pub output: String,
    /// The exit status, null where it was stopped.
    pub code: Option<i32>,
    /// What stopped it.
    pub signal: Option<String>,
    /// Why, for people.
    pub message: Option<String>,
    /// `RE` exit status other than 0, `SG` stopped, `TO` time, `OL` and `EL` output.
    pub status: Option<String>,
    /// Guest time in milliseconds.
    pub cpu_time: u64,
    /// The same.
    pub wall_time: u64,
    /// Memory in bytes, beyond the interpreter's own.
    pub memory: u64,
}

impl ExecuteResponse {
    /// The answer to a run.
    pub fn new(runtime: PistonRuntime, run: &ProgramRun, output_bytes: u64) -> Self {
        ExecuteResponse {
            language: runtime.language,
            version: runtime.version,
            run: Stage::of(run, output_bytes),
        }
    }
}

/// What a stage's `code`, `signal`, `status` and `message` say.
type Said = (
    Option<i32>,
    Option<&'static str>,
    Option<&'static str>,
    Option<String>,
);

impl Stage {
    fn of(run: &ProgramRun, output_bytes: u64) -> Self {
        let stdout = text(&run.stdout);
        let stderr = text(&run.stderr) + &last_words(&run.ended).unwrap_or_default();
        let (code, signal, status, message) = said(run, output_bytes);
        let time = run.fuel.as_ms().ceil() as u64;
        Stage {
            output: stdout.clone() + &stderr,
            stdout,
            stderr,
            code,
            signal: signal.map(str::to_owned),
            message,
            status: status.map(str::to_owned),
            cpu_time: time,
            wall_time: time,
            memory: run.memory_bytes,
        }
    }
}

fn said(run: &ProgramRun, output_bytes: u64) -> Said {
    let killed = |status, message: &str| {
        let message = Some(message.to_owned());
        (None, Some("SIGKILL"), Some(status), message)
    };
    match &run.ended {
        Ended::Exited { status: 0, .. } => (Some(0), None, None, None),
        Ended::Exited { status, .. } => {
            let message = match run.ended.is_out_of_memory() {
                true => "Memory limit exceeded".to_owned(),
                false => format!("Exited with error status {status}"),
            };
            (Some(*status), None, Some("RE"), Some(message))
        }
        Ended::TimeLimit { .. } => killed("TO", "Time limit exceeded"),
        Ended::MemoryLimit => killed("SG", "Memory limit exceeded"),
        Ended::OutputLimit if run.stdout.len() as u64 >= output_bytes => {
            killed("OL", "stdout length exceeded")
        }
        Ended::OutputLimit => killed("EL", "stderr length exceeded"),
        Ended::Crashed { message } => (None, Some("SIGABRT"), Some("SG"), Some(message.clone())),
    }
}
