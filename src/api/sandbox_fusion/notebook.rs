//! `/run_jupyter`: cells in one interpreter.
//!
//! One program, the driver, runs the cells and writes down what came of each in a file, which is read
//! back however it ended. All of it is the cells' own doing: nothing is decided by it.

use super::SandboxFusionError;
use super::files::{Fetched, fetched, files, paths, told_files};
use super::wire::{CommandResult, CommandStatus, RunStatus, check_seconds};
use crate::api::called::Called;
use crate::api::documents;
use crate::api::error::ApiError;
use crate::api::programs::{self, BASE64, limits};
use crate::api::v1::wire::{FieldErrors, Path, TextWire};
use crate::domain::{Ended, Limits, Program, ProgramRun, Text};
use axum::Json;
use axum::extract::Request;
use base64::Engine;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Runs the cells.
const DRIVER: &str = include_str!("driver.py");

/// Where the driver writes what came of them, a line each.
const REPORT: &str = ".cells.jsonl";

/// Cells to be run in one interpreter.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(expecting = "an object")]
#[schema(example = json!({"cells": ["a = 1", "print(a)", "a + 1"]}))]
pub struct RunJupyterRequest {
    /// The cells.
    #[schema(value_type = Vec<String>)]
    pub cells: Vec<TextWire>,
    /// Guest time of each in seconds; 0 for no limit of its own.
    #[serde(default)]
    #[schema(default = 0.0)]
    pub cell_timeout: f64,
    /// Guest time of all in seconds, at most what the server allows.
    #[serde(default = "forty_five")]
    #[schema(default = 45.0)]
    pub total_timeout: f64,
    /// `python3`; others are refused.
    #[serde(default = "python3")]
    #[schema(default = "python3")]
    pub kernel: String,
    /// Relative paths and what is in the files, in base64; null for none.
    #[serde(default)]
    pub files: BTreeMap<String, Option<String>>,
    /// Files to read back.
    #[serde(default)]
    pub fetch_files: Vec<String>,
}

fn forty_five() -> f64 {
    45.0
}

fn python3() -> String {
    "python3".into()
}

/// What came of the cells.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RunJupyterResponse {
    /// Whether all of them were run, whatever they raised.
    pub status: RunStatus,
    /// Why the service failed; empty otherwise.
    pub message: String,
    /// The interpreter's own end.
    pub driver: Option<CommandResult>,
    /// Those that were run to their end.
    pub cells: Vec<CellResult>,
    /// The pod of the service, where it is told.
    pub executor_pod_name: Option<String>,
    /// The files that were asked for and are there, in base64.
    pub files: BTreeMap<String, String>,
}

/// What came of a cell.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CellResult {
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
    /// What it showed, each by media type.
    #[schema(value_type = Vec<Object>)]
    pub display: Vec<BTreeMap<String, String>>,
    /// What it raised.
    pub error: Vec<CellError>,
}

/// An exception that ended a cell.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CellError {
    /// The class.
    pub ename: String,
    /// The text.
    pub evalue: String,
    /// Its lines.
    pub traceback: Vec<String>,
}

/// A line of the driver's report.
#[derive(Deserialize)]
struct Line {
    cell: CellResult,
    /// Guest seconds.
    seconds: f64,
}

impl RunJupyterRequest {
    fn convert(self, caps: &Limits) -> Result<Notebook, FieldErrors> {
        let mut errors = FieldErrors::default();
        let root = Path::Root;
        if self.kernel != "python3" {
            errors.add(root.field("kernel"), "must be `python3`");
        }
        if !(self.cell_timeout.is_finite() && self.cell_timeout >= 0.0) {
            errors.add(root.field("cell_timeout"), "must be a number of seconds");
        }
        check_seconds(self.total_timeout, root.field("total_timeout"), &mut errors);
        let files = files(self.files, root.field("files"), &mut errors);
        let fetched = fetched(self.fetch_files, root.field("fetch_files"), &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        let count = self.cells.len();
        // One cell that goes on for ever must not have the time of all.
        let together = match self.cell_timeout {
            0.0 => self.total_timeout,
            each => self.total_timeout.min(each * count.max(1) as f64),
        };
        let encoded = self
            .cells
            .iter()
            .map(|cell| BASE64.encode(cell.0.as_bytes()));
        let mut fetch = paths(&fetched);
        fetch.push(REPORT.to_owned());
        let program = Program {
            code: Text::from(DRIVER),
            stdin: encoded.collect::<Vec<_>>().join("\n").into_bytes(),
            files,
            arguments: vec![REPORT.to_owned(), count.to_string()],
            fetch,
            limits: limits(caps, together, None),
            seed: 0,
        };
        let cell_timeout = (self.cell_timeout > 0.0).then_some(self.cell_timeout);
        Ok(Notebook {
            program,
            fetched,
            count,
            cell_timeout,
        })
    }
}

/// A notebook with everything settled.
struct Notebook {
    program: Program,
    fetched: Fetched,
    count: usize,
    cell_timeout: Option<f64>,
}

/// Runs cells in one interpreter.
#[utoipa::path(
    post, path = "/run_jupyter", tag = "sandboxfusion",
    request_body = RunJupyterRequest,
    responses(
        (status = 200, description = "What came of them.", body = RunJupyterResponse),
        (status = 400, description = "The body is not JSON.", body = SandboxFusionError),
        (status = 408, description = "The body did not arrive in time.", body = SandboxFusionError),
        (status = 413, description = "The body is too large.", body = SandboxFusionError),
        (status = 415, description = "The body is in another format.", body = SandboxFusionError),
        (status = 422, description = "Fields are missing or wrong.", body = SandboxFusionError),
        (status = 500, description = "The server failed.", body = SandboxFusionError),
        (status = 504, description = "The queue is full or closed, or the key has sent enough for now: ask again.",
            body = SandboxFusionError,
            headers(("Retry-After" = u64, description = "Seconds to wait."))),
    ),
)]
pub(in crate::api) async fn run_jupyter(
    api: Called,
    request: Request,
) -> Result<Json<RunJupyterResponse>, ApiError> {
    let caps = api.0.caps;
    let convert = move |request: RunJupyterRequest| Ok(request.convert(&caps)?);
    let mut notebook = documents::of(&api, request, convert).await?;
    let program = std::mem::replace(&mut notebook.program, nothing());
    let run = super::tell(programs::run(&api, program).await)?;
    Ok(Json(notebook.answer(run, super::pod(&api))))
}

fn nothing() -> Program {
    Program {
        code: Text::default(),
        stdin: Vec::new(),
        files: Vec::new(),
        arguments: Vec::new(),
        fetch: Vec::new(),
        limits: Limits::default(),
        seed: 0,
    }
}

impl Notebook {
    fn answer(&self, run: Result<ProgramRun, String>, pod: Option<String>) -> RunJupyterResponse {
        let run = match run {
            Ok(run) => run,
            Err(message) => {
                return RunJupyterResponse {
                    status: RunStatus::SandboxError,
                    message,
                    driver: None,
                    cells: Vec::new(),
                    executor_pod_name: pod,
                    files: BTreeMap::new(),
                };
            }
        };
        let lines = lines(&run);
        let slow = |line: &Line| self.cell_timeout.is_some_and(|most| line.seconds > most);
        let in_time = lines.iter().take_while(|line| !slow(line)).count();
        let all = in_time == self.count && matches!(run.ended, Ended::Exited { status: 0, .. });
        let mut driver = CommandResult::of(&run);
        if in_time < lines.len() {
            driver.status = CommandStatus::TimeLimitExceeded;
            driver.return_code = None;
        }
        let cells = lines.into_iter().take(in_time.min(self.count));
        RunJupyterResponse {
            status: if all {
                RunStatus::Success
            } else {
                RunStatus::Failed
            },
            message: String::new(),
            driver: Some(driver),
            cells: cells.map(|line| line.cell).collect(),
            executor_pod_name: pod,
            files: told_files(&run.files, &self.fetched),
        }
    }
}

/// The driver's report, as far as it is one: a cell may have written there too.
fn lines(run: &ProgramRun) -> Vec<Line> {
    let report = run.files.iter().find(|file| file.path == REPORT);
    let bytes = report.map_or(&[] as &[u8], |file| &file.contents);
    let lines = bytes.split(|byte| *byte == b'\n');
    lines
        .map_while(|line| serde_json::from_slice(line).ok())
        .collect()
}
