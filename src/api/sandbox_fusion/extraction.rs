//! The program in a completion: by the rules of evaluations, or by Python of the request's.

use super::requests::TestConfig;
use crate::api::called::Called;
use crate::api::error::ApiError;
use crate::api::programs::{self, limits, text};
use crate::domain::{Ended, File, Program, Text};
use crate::eval::extract::{Hints, Rule, Step, extract};
use crate::eval::samples::Answer;
use serde::Deserialize;

/// Runs the request's own logic, which is trusted with nothing but its own answer.
const DRIVER: &str = include_str!("extract.py");
const LOGIC: &str = "logic.py";
const ANSWER: &str = "answer.json";

/// Guest seconds for the request's own logic: a regular expression takes thousandths of one.
const LOGIC_SECONDS: f64 = 10.0;

/// A program that was found.
pub(in crate::api) struct Found {
    /// The program, or what goes on where a prompt ends.
    pub answer: Answer,
    /// `fenced`, `incomplete_fenced`, `heuristic` or `empty`.
    pub kind: &'static str,
}

#[derive(Deserialize)]
struct Extracted {
    code: String,
}

/// Finds the program in a completion; one that goes on where a prompt ends has `hints`.
pub(in crate::api) async fn find(
    api: &Called,
    completion: &Text,
    config: &TestConfig,
    hints: Option<Hints<'_>>,
) -> Result<Found, ApiError> {
    if let Some(logic) = &config.custom_extract_logic {
        let code = by_logic(api, completion, logic).await?;
        let answer = Answer::Solution(trimmed(&code.into()));
        return Ok(found(answer, "fenced"));
    }
    let answer = match hints {
        Some(_) => Answer::Completion(completion.clone()),
        None => Answer::Solution(completion.clone()),
    };
    let extracted = extract(Rule::Auto, &answer, &hints.unwrap_or_default());
    let kind = if extracted.steps.contains(&Step::Fence) {
        "fenced"
    } else if extracted.steps.contains(&Step::UnclosedFence) {
        "incomplete_fenced"
    } else {
        "heuristic"
    };
    let code = trimmed(extracted.answer.text());
    Ok(found(extracted.answer.with(code), kind))
}

fn found(answer: Answer, kind: &'static str) -> Found {
    let kind = if answer.text().is_empty() {
        "empty"
    } else {
        kind
    };
    Found { answer, kind }
}

/// Without the empty lines at its end.
fn trimmed(code: &Text) -> Text {
    Text::from_wtf8(code.as_bytes().trim_ascii_end().to_vec())
}

async fn by_logic(api: &Called, completion: &Text, logic: &str) -> Result<String, ApiError> {
    let program = Program {
        code: Text::from(DRIVER),
        stdin: completion.as_bytes().to_vec(),
        files: vec![File {
            path: LOGIC.to_owned(),
            contents: logic.as_bytes().to_vec(),
        }],
        arguments: vec![LOGIC.to_owned(), ANSWER.to_owned()],
        fetch: vec![ANSWER.to_owned()],
        limits: limits(&api.0.caps, LOGIC_SECONDS, None),
        seed: 0,
    };
    let run = super::tell(programs::run(api, program).await)?;
    let run = run.map_err(|_| ApiError::Internal)?;
    let answer = run.files.first().map(|file| file.contents.as_slice());
    let extracted = answer.and_then(|answer| serde_json::from_slice::<Extracted>(answer).ok());
    match (&run.ended, extracted) {
        (Ended::Exited { status: 0, .. }, Some(extracted)) => Ok(extracted.code),
        (ended, _) => {
            let said = text(&run.stderr);
            let why = match ended {
                Ended::Exited { .. } => said.lines().last().unwrap_or("it gave no answer"),
                Ended::TimeLimit { .. } => "its time was over",
                _ => "it was stopped",
            };
            let why = format!("config.custom_extract_logic failed: {why}");
            Err(ApiError::Request(why))
        }
    }
}
