//! What a request for a submission says. Unknown fields are passed over, as that service does.

use super::about::LANGUAGE_IDS;
use super::callback::Callbacks;
use crate::api::programs::{BASE64, limits};
use crate::api::v1::wire::{FieldErrors, Path, TextWire};
use crate::domain::{Limits, Program, Text};
use base64::Engine;
use serde::Deserialize;
use url::Url;
use utoipa::ToSchema;

/// Defaults of that service.
pub(super) const CPU_SECONDS: f64 = 5.0;
pub(super) const WALL_SECONDS: f64 = 10.0;
pub(super) const MEMORY_KB: f64 = 128_000.0;

/// The least memory that may be asked for there.
const LEAST_MEMORY_KB: f64 = 2048.0;

/// Runs of one submission, at most, as there. They are all alike here, so one is made.
const MOST_RUNS: f64 = 20.0;

/// A program to be run, and what it should print.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(expecting = "an object")]
#[schema(as = Judge0Submission)]
#[schema(example = json!({"source_code": "print(input())", "language_id": 71, "stdin": "hi"}))]
pub(in crate::api) struct SubmissionWire {
    /// The program.
    #[schema(value_type = String)]
    pub source_code: Option<TextWire>,
    /// One of those of `/languages`.
    #[schema(value_type = i64)]
    pub language_id: Option<i64>,
    /// What it reads.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub stdin: Option<TextWire>,
    /// What it should print, blanks at the ends of lines and of the whole aside.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub expected_output: Option<TextWire>,
    /// `sys.argv[1:]`, with blanks between.
    #[serde(default)]
    pub command_line_arguments: Option<String>,
    /// Guest time in seconds, at most what the server allows.
    #[serde(default)]
    #[schema(default = 5.0)]
    pub cpu_time_limit: Option<f64>,
    /// The same; the lesser counts.
    #[serde(default)]
    #[schema(default = 10.0)]
    pub wall_time_limit: Option<f64>,
    /// Memory in KB, at most what the server allows.
    #[serde(default)]
    #[schema(default = 128_000.0)]
    pub memory_limit: Option<f64>,
    /// From 1 to 20. All runs are alike, so one is made.
    #[serde(default)]
    #[schema(default = 1.0)]
    pub number_of_runs: Option<f64>,
    /// Whether what is written to stderr is told as stdout, after it.
    #[serde(default)]
    pub redirect_stderr_to_stdout: Option<bool>,
    /// Where the result is sent by PUT once it is known; refused unless its host is one of those that
    /// the server may call.
    #[serde(default)]
    pub callback_url: Option<String>,
    /// Refused.
    #[serde(default)]
    pub additional_files: Option<String>,
}

/// A submission with everything settled.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub program: Program,
    pub language_id: i64,
    /// Its text, without which nothing is compared.
    pub expected_output: Option<Text>,
    pub command_line_arguments: Option<String>,
    pub cpu_seconds: f64,
    pub wall_seconds: f64,
    pub memory_kb: f64,
    pub runs: u64,
    pub redirect: bool,
    /// Where its result is sent.
    pub callback: Option<Url>,
}

impl Asked {
    /// Bytes that it keeps.
    pub fn bytes(&self) -> usize {
        let expected = self.expected_output.as_ref().map_or(0, Text::len);
        self.program.code.len() + self.program.stdin.len() + expected
    }
}

impl SubmissionWire {
    /// The submission, with its texts decoded where they are in base64.
    pub(super) fn convert(
        self,
        base64: bool,
        caps: &Limits,
        callbacks: &Callbacks,
    ) -> Result<Asked, FieldErrors> {
        let mut errors = FieldErrors::default();
        let root = Path::Root;
        let mut text = |text: Option<TextWire>, name: &str| {
            let text = text?.0;
            if !base64 {
                return Some(text);
            }
            let decoded = unwrapped(&text);
            if decoded.is_none() {
                errors.add(root.field(name), "is not base64");
            }
            decoded
        };
        let code = text(self.source_code, "source_code");
        let stdin = text(self.stdin, "stdin").unwrap_or_default();
        let expected_output = text(self.expected_output, "expected_output");
        let language_id = self.language_id.unwrap_or(0);
        let number =
            |value: Option<f64>, default: f64, most: f64| value.unwrap_or(default.min(most));
        let most_seconds = caps.time_ms as f64 / 1000.0;
        let most_kb = caps.memory_bytes as f64 / 1024.0;
        let cpu_seconds = number(self.cpu_time_limit, CPU_SECONDS, most_seconds);
        let wall_seconds = number(self.wall_time_limit, WALL_SECONDS, most_seconds);
        let memory_kb = number(self.memory_limit, MEMORY_KB, most_kb);
        let runs = self.number_of_runs.unwrap_or(1.0);
        if code.as_ref().is_none_or(Text::is_empty) {
            errors.add(root.field("source_code"), "can't be blank");
        }
        if !LANGUAGE_IDS.contains(&language_id) {
            let message = format_args!("language with id {language_id} doesn't exist");
            errors.add(root.field("language_id"), message);
        }
        for (name, value, least, most) in [
            ("cpu_time_limit", cpu_seconds, 0.0, most_seconds),
            ("wall_time_limit", wall_seconds, 0.0, most_seconds),
            ("memory_limit", memory_kb, LEAST_MEMORY_KB, most_kb),
            ("number_of_runs", runs, 1.0, MOST_RUNS),
        ] {
            if !(value >= least && value <= most) {
                errors.add(
                    root.field(name),
                    format_args!("must be from {least} to {most}"),
                );
            }
        }
        let callback = said(&self.callback_url).and_then(|text| {
            let address = callbacks.address(text);
            address
                .map_err(|why| errors.add(root.field("callback_url"), why))
                .ok()
        });
        if said(&self.additional_files).is_some() {
            errors.add(root.field("additional_files"), ARCHIVES);
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let arguments = self.command_line_arguments.as_deref().unwrap_or_default();
        let seconds = cpu_seconds.min(wall_seconds);
        Ok(Asked {
            program: Program {
                code: code.unwrap_or_default(),
                stdin: stdin.as_bytes().to_vec(),
                files: Vec::new(),
                arguments: arguments.split_whitespace().map(str::to_owned).collect(),
                fetch: Vec::new(),
                limits: limits(caps, seconds, Some((memory_kb * 1024.0) as u64)),
                seed: 0,
            },
            language_id,
            expected_output,
            command_line_arguments: self.command_line_arguments,
            cpu_seconds,
            wall_seconds,
            memory_kb,
            runs: runs as u64,
            redirect: self.redirect_stderr_to_stdout.unwrap_or(false),
            callback,
        })
    }
}

const ARCHIVES: &str = "is not allowed: send `/run_code` where a program needs files";

fn said(value: &Option<String>) -> Option<&str> {
    value.as_deref().filter(|value| !value.is_empty())
}

/// Base64 as some encoders wrap it.
fn unwrapped(text: &Text) -> Option<Text> {
    let bytes = text.as_bytes().iter().copied();
    let digits: Vec<u8> = bytes.filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(digits).ok().map(Text::from_wtf8)
}
