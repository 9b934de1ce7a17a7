//! Functions under test code: a `check(candidate)`, or asserts.

use crate::api::called::Called;
use crate::api::error::ApiError;
use crate::api::sandbox_fusion::answers::EvalResult;
use crate::api::sandbox_fusion::checks::{CheckCase, run_checks};
use crate::api::sandbox_fusion::extraction::find;
use crate::api::sandbox_fusion::plan::Plan;
use crate::api::sandbox_fusion::requests::SubmitRequest;
use crate::api::sandbox_fusion::rows::{self, Row, json, string};
use crate::domain::Text;
use crate::eval::extract::Hints;
use crate::eval::samples::Answer;
use serde_json::Value;

/// A function that goes on where the prompt ends, or is whole, under a `check(candidate)`.
pub(in crate::api) async fn human_eval(
    api: &Called,
    request: &SubmitRequest,
    row: &Row,
    plan: &Plan,
) -> Result<EvalResult, ApiError> {
    let prompt = string(row, "content")
        .or_else(|_| string(row, "prompt"))
        .unwrap_or_default();
    let labels = json(row, "labels");
    let entry_point = labels.get("entry_point").or_else(|| row.get("entry_point"));
    let entry_point = entry_point.and_then(Value::as_str).ok_or_else(|| {
        ApiError::Request("config.provided_data.labels.entry_point must be a name".into())
    })?;
    let hints = Hints {
        entry_point: Some(entry_point),
        prompt: Some(prompt),
    };
    let found = find(api, &request.completion.0, &request.config, Some(hints)).await?;
    let program = match &found.answer {
        Answer::Completion(text) => [prompt.as_bytes(), text.as_bytes(), b"\n"].concat(),
        Answer::Solution(text) => [text.as_bytes(), b"\n"].concat(),
    };
    let program = Text::from_wtf8(program);
    let test = string(row, "test").or_else(|_| string(row, "tests"))?;
    let function = test.contains("def check(").then_some(entry_point);
    let full = format!("{}\n{test}\n", program.to_string_lossy());
    let cases = [CheckCase::script(test, function)];
    let results = run_checks(api, program, &cases, plan).await?;
    let mut result = EvalResult::new(&request.id, &found, results);
    result.full_code = Some(full);
    result.test_code = Some(test.to_owned());
    Ok(result)
}

/// A program under asserts.
pub(super) async fn asserts(
    api: &Called,
    request: &SubmitRequest,
    row: &Row,
    plan: &Plan,
) -> Result<EvalResult, ApiError> {
    let labels = json(row, "labels");
    let setup = labels
        .get("test_setup_code")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let source = format!("{setup}\n{}\n", rows::asserts(row)?.join("\n"));
    let found = find(api, &request.completion.0, &request.config, None).await?;
    let code = found.answer.text().clone();
    let cases = [CheckCase::script(&source, None)];
    let results = run_checks(api, code, &cases, plan).await?;
    let mut result = EvalResult::new(&request.id, &found, results);
    result.full_code = Some(format!("{}\n{source}", result.extracted_code));
    result.test_code = Some(source);
    Ok(result)
}
