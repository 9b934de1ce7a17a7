//! Rows of data sets, as requests bring them along: which one is meant, and what stands in its fields.

use super::requests::TestConfig;
use crate::api::error::ApiError;
use serde_json::{Map, Value};

/// A row of a data set.
pub(in crate::api) type Row = Map<String, Value>;

impl TestConfig {
    /// The rows that the request brings.
    pub fn rows(&self) -> Result<Vec<&Row>, ApiError> {
        let rows = match &self.provided_data {
            Some(Value::Object(row)) => vec![Some(row)],
            Some(Value::Array(rows)) => rows.iter().map(Value::as_object).collect(),
            _ => return Err(ApiError::NoDataset(NO_ROWS.into())),
        };
        let rows: Option<Vec<_>> = rows.into_iter().collect();
        rows.ok_or_else(|| ApiError::Request("config.provided_data holds what is no row".into()))
    }

    /// The row of a request: the only one, or the one of that id.
    pub fn row(&self, id: &Value) -> Result<&Row, ApiError> {
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

/// The id of a row, or the one that was asked for.
pub fn id(row: &Row, asked: &Value) -> Value {
    row.get("id").unwrap_or(asked).clone()
}

/// The asserts of a row, as a list or one text.
pub fn asserts(row: &Row) -> Result<Vec<String>, ApiError> {
    let found = [json(row, "test"), json(row, "test_list")];
    let tests = found.into_iter().find_map(|value| match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(list) => list
            .iter()
            .map(|test| test.as_str().map(str::to_owned))
            .collect(),
        _ => None,
    });
    tests.ok_or_else(|| ApiError::Request("config.provided_data.test must be asserts".into()))
}

/// A field as text.
pub fn string<'a>(row: &'a Row, name: &str) -> Result<&'a str, ApiError> {
    let found = row.get(name).and_then(Value::as_str);
    found.ok_or_else(|| ApiError::Request(format!("config.provided_data.{name} must be a text")))
}

/// A field that is JSON, or a text that holds JSON.
pub fn json(row: &Row, name: &str) -> Value {
    match row.get(name) {
        Some(Value::String(text)) => {
            serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()))
        }
        Some(value) => value.clone(),
        None => Value::Null,
    }
}
