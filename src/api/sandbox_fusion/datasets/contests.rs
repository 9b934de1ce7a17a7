//! LiveCodeBench's tests, packed as that service keeps them.
//!
//! They are unpacked and judged by the rules of evaluations, a test at a time, each in an interpreter of
//! its own.

use crate::api::called::Called;
use crate::api::error::ApiError;
use crate::api::sandbox_fusion::answers::EvalResult;
use crate::api::sandbox_fusion::checks::{CheckCase, run_checks};
use crate::api::sandbox_fusion::extraction::find;
use crate::api::sandbox_fusion::plan::Plan;
use crate::api::sandbox_fusion::requests::SubmitRequest;
use crate::api::sandbox_fusion::rows::Row;
use crate::eval::dataset::{Suites, Task, contest};
use serde_json::Value;

/// Judges a completion by the tests of a row.
pub(super) async fn judge(
    api: &Called,
    request: &SubmitRequest,
    row: &Row,
    plan: &Plan,
) -> Result<EvalResult, ApiError> {
    let task = task(api, row).await?;
    let Suites::Ready(suites) = &task.suites else {
        return Err(ApiError::Internal);
    };
    let checks = suites.iter().flat_map(|suite| &suite.checks);
    let cases: Vec<CheckCase> = checks
        .map(|check| CheckCase {
            kind: check.kind.clone(),
            info: None,
        })
        .collect();
    let found = find(api, &request.completion.0, &request.config, None).await?;
    let program = task.program(&found.answer);
    let results = run_checks(api, program, &cases, plan).await?;
    let mut result = EvalResult::new(&request.id, &found, results);
    result.full_code = Some(result.extracted_code.clone());
    Ok(result)
}

/// The task of a row. Tests may unpack to as much as a body may have, so that a small request cannot
/// fill the memory; that takes a while, for which a thread of its own is spent.
async fn task(api: &Called, row: &Row) -> Result<Task, ApiError> {
    let tests = match row.get("test") {
        Some(Value::String(text)) => text.clone(),
        Some(tests @ Value::Object(_)) => tests.to_string(),
        _ => return Err(wrong("must be tests, as JSON or packed")),
    };
    let most = api.0.server.max_body_bytes as u64;
    let unpacked = tokio::task::spawn_blocking(move || contest(&tests, most)).await;
    match unpacked {
        Ok(task) => task.map_err(|why| wrong(&format!("cannot be used: {why}"))),
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn wrong(why: &str) -> ApiError {
    ApiError::Request(format!("config.provided_data.test {why}"))
}
