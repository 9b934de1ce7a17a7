//! What the data-set routes are asked: rows, completions, and how they are judged.

use crate::api::error::ApiError;
use crate::api::v1::wire::TextWire;
use serde::Deserialize;
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
}
