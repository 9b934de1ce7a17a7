//! ScaleBox's API: completions judged by test cases of the request, without data set and id.
//!
//! Cases of a batch stand in lists side by side. Judging is that of the data-set routes.

use super::called::Called;
use super::documents;
use super::error::ApiError;
use super::sandbox_fusion::SandboxFusionError;
use super::sandbox_fusion::answers::EvalResult;
use super::sandbox_fusion::datasets::{cases, functions};
use super::sandbox_fusion::plan::{Defaults, Plan};
use super::sandbox_fusion::requests::SubmitRequest;
use super::sandbox_fusion::rows::Row;
use axum::Json;
use axum::extract::Request;
use serde_json::{Value, json};

/// Judges a completion by test cases, each an object.
#[utoipa::path(post, path = "/common_evaluate", tag = "scalebox", request_body = SubmitRequest,
    responses(
        (status = 200, description = "What became of it.", body = EvalResult),
        (status = "4XX", description = "The request cannot be used.", body = SandboxFusionError),
        (status = 500, description = "The server failed.", body = SandboxFusionError),
        (status = 504, description = "The queue is full or closed, or the key has sent enough for now: ask again.",
            body = SandboxFusionError),
    ))]
pub(super) async fn evaluate(api: Called, request: Request) -> Result<Json<EvalResult>, ApiError> {
    let (request, plan) = read(&api, request).await?;
    let row = request.config.row(&request.id)?;
    Ok(Json(cases::judge(&api, &request, row, &plan).await?))
}

/// Judges a completion by test cases whose inputs and outputs are lists.
#[utoipa::path(post, path = "/common_evaluate_batch", tag = "scalebox",
    request_body = SubmitRequest,
    responses(
        (status = 200, description = "What became of it.", body = EvalResult),
        (status = "4XX", description = "The request cannot be used.", body = SandboxFusionError),
        (status = 500, description = "The server failed.", body = SandboxFusionError),
        (status = 504, description = "The queue is full or closed, or the key has sent enough for now: ask again.",
            body = SandboxFusionError),
    ))]
pub(super) async fn evaluate_batch(
    api: Called,
    request: Request,
) -> Result<Json<EvalResult>, ApiError> {
    let (request, plan) = read(&api, request).await?;
    let row = request.config.row(&request.id)?;
    let batch = row.get("test_cases").and_then(Value::as_object);
    let batch = batch.ok_or_else(|| wrong("test_cases must be an object of lists"))?;
    if batch.get("type").and_then(Value::as_str) == Some("assert") {
        let judged = functions::human_eval(&api, &request, batch, &plan).await?;
        return Ok(Json(judged));
    }
    let cases = one_by_one(batch)?;
    Ok(Json(cases::judge(&api, &request, &cases, &plan).await?))
}

async fn read(api: &Called, request: Request) -> Result<(SubmitRequest, Plan), ApiError> {
    let request: SubmitRequest = documents::of(api, request, Ok).await?;
    if request.config.language.is_none() {
        return Err(wrong("config.language is missing: send `python`"));
    }
    request.config.check_language()?;
    check_judge(&request)?;
    let plan = Plan::new(&request.config, &api.0.caps, Defaults::SCALE_BOX)?;
    Ok((request, plan))
}

fn check_judge(request: &SubmitRequest) -> Result<(), ApiError> {
    let language = request.config.extra("special_judge_language");
    match language.and_then(Value::as_str) {
        None | Some("python" | "python3") => Ok(()),
        Some(other) => Err(wrong(&format!(
            "config.extra.special_judge_language is `{other}`, must be `python`"
        ))),
    }
}

fn wrong(why: &str) -> ApiError {
    ApiError::Request(why.to_owned())
}

/// The cases of a batch as a list.
fn one_by_one(batch: &Row) -> Result<Row, ApiError> {
    let list = |names: [&str; 2]| {
        let found = names.iter().find_map(|name| batch.get(*name)?.as_array());
        found.ok_or_else(|| wrong(&format!("test_cases.{} must be a list", names[0])))
    };
    let (inputs, outputs) = (list(["input", "inputs"])?, list(["output", "outputs"])?);
    if inputs.len() != outputs.len() {
        return Err(wrong("test_cases has not as many outputs as inputs"));
    }
    let function = batch.get("fn_name").cloned().unwrap_or(Value::Null);
    let calls = match batch.get("type").and_then(Value::as_str) {
        None => function.is_string(),
        Some(name) => name == "function_call",
    };
    let in_text = batch.get("json_input").and_then(Value::as_bool) == Some(true);
    let kind = if calls {
        "function_call"
    } else {
        "stdin_stdout"
    };
    let cases = inputs.iter().zip(outputs).map(|(input, output)| {
        let (input, output) = match (calls && in_text, input, output) {
            (true, Value::String(input), Value::String(output)) => decoded(input, output)?,
            _ => (input.clone(), output.clone()),
        };
        Ok(json!({"type": kind, "fn_name": function, "input": input, "output": output}))
    });
    let cases: Result<Vec<Value>, ApiError> = cases.collect();
    Ok(Row::from_iter([(
        "test_cases".to_owned(),
        Value::Array(cases?),
    )]))
}

/// Arguments in lines of JSON, and a result in JSON.
fn decoded(input: &str, output: &str) -> Result<(Value, Value), ApiError> {
    let wrong = |_| wrong("test_cases.input and output must be JSON, as json_input says");
    let arguments: Result<Vec<Value>, _> = input.lines().map(serde_json::from_str).collect();
    let output: Value = serde_json::from_str(output).map_err(wrong)?;
    Ok((Value::Array(arguments.map_err(wrong)?), json!([output])))
}
