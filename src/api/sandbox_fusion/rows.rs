//! The JSON of the data-set routes, and the rows that requests bring along.

use super::wire::RunCodeResponse;
use crate::api::error::ApiError;
use crate::api::v1::wire::TextWire;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// How completions are judged.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(expecting = "an object")]
pub struct TestConfig {
    /// The class of data set, where the data set is not one that is listed.
    #[serde(default)]
    pub dataset_type: Option<String>,
    /// `python`, where something is said.
    #[serde(default)]
    pub language: Option<String>,
    /// Checked and without effect: nothing is compiled.
    #[serde(default)]
    pub compile_timeout: Option<f64>,
    /// Guest time of a test in seconds.
    #[serde(default)]
    pub run_timeout: Option<f64>,
    /// Python that finds the program, by `submit_code_blocks`.
    #[serde(default)]
    pub custom_extract_logic: Option<String>,
    /// The row, or rows: there is no data base behind these routes.
    #[serde(default)]
    #[schema(value_type = Option<Value>)]
    pub provided_data: Option<Value>,
    /// `run_all_cases`, `total_timeout`, `special_judge_program`, `isolation`.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub extra: Option<Map<String, Value>>,
}

/// A completion to be judged.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(expecting = "an object")]
pub struct SubmitRequest {
    /// The data set.
    #[serde(default)]
    pub dataset: String,
    /// The row; a number or a name.
    #[serde(default = "zero")]
    #[schema(value_type = Value)]
    pub id: Value,
    /// What a model wrote.
    #[schema(value_type = String)]
    pub completion: TextWire,
    /// How it is judged.
    #[schema(value_type = TestConfig)]
    pub config: TestConfig,
}

fn zero() -> Value {
    Value::from(0)
}

/// Asks for rows.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(expecting = "an object")]
pub struct RowsRequest {
    /// The data set.
    pub dataset: String,
    /// The rows are in its `provided_data`.
    #[serde(default)]
    pub config: TestConfig,
    /// How many are passed over.
    #[serde(default)]
    pub offset: usize,
    /// How many are told, at most.
    #[serde(default = "million")]
    #[schema(default = 1_000_000)]
    pub limit: usize,
}

fn million() -> usize {
    1_000_000
}

/// Asks for a row.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(expecting = "an object")]
pub struct RowRequest {
    /// The data set.
    pub dataset: String,
    /// The row; a number or a name.
    #[schema(value_type = Value)]
    pub id: Value,
    /// The row is in its `provided_data`.
    #[serde(default)]
    pub config: TestConfig,
}

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

/// Results to be counted.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(expecting = "an object")]
pub struct MetricsRequest {
    /// The data set.
    pub dataset: String,
    /// Its type, where it is not one that is listed.
    #[serde(default)]
    pub config: TestConfig,
    /// As `/submit` gave them.
    pub results: Vec<CountedResult>,
}

/// Of a result this counts.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(expecting = "an object")]
pub struct CountedResult {
    /// The row.
    #[schema(value_type = Value)]
    pub id: Value,
    /// Whether every test was passed.
    pub accepted: bool,
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

impl TestConfig {
    /// A setting of `extra`.
    pub fn extra(&self, name: &str) -> Option<&Value> {
        self.extra.as_ref()?.get(name)
    }

    /// Whether tests are run after one was failed.
    pub fn runs_all_cases(&self) -> bool {
        self.extra("run_all_cases")
            .and_then(Value::as_bool)
            .unwrap_or(false)
    }

    /// That a language which is named is one that there is.
    pub fn check_language(&self) -> Result<(), ApiError> {
        match self.language.as_deref() {
            None | Some("python" | "python3") => Ok(()),
            Some(other) => Err(ApiError::Request(format!(
                "config.language is `{other}`, must be `python`"
            ))),
        }
    }

    /// The rows that the request brings.
    pub fn rows(&self) -> Result<Vec<&Map<String, Value>>, ApiError> {
        let rows = match &self.provided_data {
            Some(Value::Object(row)) => vec![Some(row)],
            Some(Value::Array(rows)) => rows.iter().map(Value::as_object).collect(),
            _ => return Err(ApiError::NoDataset(NO_ROWS.into())),
        };
        let rows: Option<Vec<_>> = rows.into_iter().collect();
        rows.ok_or_else(|| ApiError::Request("config.provided_data holds what is no row".into()))
    }

    /// The row of a request: the only one, or the one of that id.
    pub fn row(&self, id: &Value) -> Result<&Map<String, Value>, ApiError> {
        let rows = self.rows()?;
        if let (Some(Value::Object(_)), [row]) = (&self.provided_data, rows.as_slice()) {
            return Ok(row);
        }
        let row = rows.into_iter().find(|row| row.get("id") == Some(id));
        row.ok_or_else(|| {
            ApiError::Request(format!("config.provided_data has no row of the id {id}"))
        })
    }
}

const NO_ROWS: &str = "there is no data base here: send the row, or rows, in config.provided_data";

/// A field as text.
pub fn string<'a>(row: &'a Map<String, Value>, name: &str) -> Result<&'a str, ApiError> {
    let found = row.get(name).and_then(Value::as_str);
    found.ok_or_else(|| ApiError::Request(format!("config.provided_data.{name} must be a text")))
}

/// A field that is JSON, or a text that holds JSON.
pub fn json(row: &Map<String, Value>, name: &str) -> Value {
    match row.get(name) {
        Some(Value::String(text)) => {
            serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()))
        }
        Some(value) => value.clone(),
        None => Value::Null,
    }
}

impl EvalResult {
    /// A result from its tests; one without any is not accepted.
    pub fn new(id: Value, extracted_code: String, kind: &str, tests: Vec<TestResult>) -> Self {
        EvalResult {
            id,
            accepted: !tests.is_empty() && tests.iter().all(|test| test.passed),
            extracted_code,
            full_code: None,
            test_code: None,
            tests,
            extracted_type: Some(kind.to_owned()),
            extra: None,
        }
    }
}
