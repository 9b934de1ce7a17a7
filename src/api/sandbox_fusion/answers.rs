//! What the data-set routes answer: prompts, results, counts.

use super::extraction::Found;
use super::requests::CountedResult;
use super::wire::RunCodeResponse;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What a model is asked.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Prompt {
    /// The row.
    #[schema(value_type = Value)]
    pub id: Value,
    /// The text.
    pub prompt: String,
    /// What the row says of it beside.
    #[schema(value_type = Object)]
    pub labels: Value,
}

/// What became of a test.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TestResult {
    /// Whether the program passed it.
    pub passed: bool,
    /// Its run.
    pub exec_info: RunCodeResponse,
    /// The test.
    #[schema(value_type = Option<Value>)]
    pub test_info: Option<Value>,
}

impl TestResult {
    /// A test that was not run, since those before it had used the time of all.
    pub fn out_of_time(pod: Option<String>) -> Self {
        TestResult {
            passed: false,
            exec_info: RunCodeResponse::failed("Total Timeout".to_owned(), pod),
            test_info: None,
        }
    }
}

/// What became of a completion.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EvalResult {
    /// The row.
    #[schema(value_type = Value)]
    pub id: Value,
    /// Whether every test was passed.
    pub accepted: bool,
    /// The program that was found in it.
    pub extracted_code: String,
    /// What was run, where that is one program.
    pub full_code: Option<String>,
    /// The tests, where they are one script.
    pub test_code: Option<String>,
    /// Each test that was run.
    pub tests: Vec<TestResult>,
    /// How the program was found: `fenced`, `incomplete_fenced`, `heuristic`, `empty`.
    pub extracted_type: Option<String>,
    /// Always null.
    #[schema(value_type = Option<Value>)]
    pub extra: Option<Value>,
}

impl EvalResult {
    /// A result from its tests; one without any is not accepted.
    pub fn new(id: &Value, found: &Found, tests: Vec<TestResult>) -> Self {
        EvalResult {
            id: id.clone(),
            accepted: !tests.is_empty() && tests.iter().all(|test| test.passed),
            extracted_code: found.answer.text().to_string_lossy().into_owned(),
            full_code: None,
            test_code: None,
            tests,
            extracted_type: Some(found.kind.to_owned()),
            extra: None,
        }
    }
}

/// Counts.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Metrics {
    /// Results.
    pub total: usize,
    /// Those accepted.
    pub accepted: usize,
    /// Rows.
    pub problems: usize,
    /// The mean over the rows of the part of their results that is accepted; null without any.
    #[serde(rename = "pass@1")]
    pub pass_at_1: Option<f64>,
}

impl Metrics {
    /// Counts results.
    pub fn of(results: &[CountedResult]) -> Self {
        let mut problems: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for result in results {
            let (accepted, total) = problems.entry(result.id.to_string()).or_default();
            *accepted += usize::from(result.accepted);
            *total += 1;
        }
        let parts = problems
            .values()
            .map(|(accepted, total)| *accepted as f64 / *total as f64);
        let sum: f64 = parts.sum();
        Metrics {
            total: results.len(),
            accepted: results.iter().filter(|result| result.accepted).count(),
            problems: problems.len(),
            pass_at_1: (!problems.is_empty()).then(|| sum / problems.len() as f64),
        }
    }
}
