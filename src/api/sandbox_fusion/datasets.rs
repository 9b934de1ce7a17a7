//! The data-set routes: completions judged for rows that the request brings along.

use super::SandboxFusionError;
use super::cases::{
    ScriptCase, StdioCase, call_script, check_scripts, compare_outputs, stdio_info,
};
use super::extraction::find;
use super::rows::{
    EvalResult, Metrics, MetricsRequest, Prompt, RowRequest, RowsRequest, SubmitRequest,
    TestConfig, json, string,
};
use crate::api::body;
use crate::api::called::Called;
use crate::api::documents;
use crate::api::error::ApiError;
use crate::api::programs::relative;
use crate::domain::{File, Text};
use crate::eval::extract::Hints;
use crate::eval::samples::Answer;
use axum::Json;
use axum::extract::Request;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

type Row = Map<String, Value>;

/// What rows of a data set look like, and how completions are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A prompt that ends in the middle of a function, and a `check(candidate)`.
    HumanEval,
    /// A task and asserts.
    Asserts,
    /// Inputs and outputs, or calls and results.
    Cases,
}

/// The data sets whose rows are known by name.
const DATASETS: [(&str, Kind); 7] = [
    ("humaneval_python", Kind::HumanEval),
    ("shadow_humaneval_python", Kind::HumanEval),
    ("EvoEval", Kind::HumanEval),
    ("mbpp", Kind::Asserts),
    ("mhpp", Kind::Asserts),
    ("code_contests", Kind::Cases),
    ("common_oj", Kind::Cases),
];

/// Classes of data sets, as `dataset_type` names them.
const CLASSES: [(&str, Kind); 4] = [
    ("HumanEvalDataset", Kind::HumanEval),
    ("MBPPDataset", Kind::Asserts),
    ("MHPPDataset", Kind::Asserts),
    ("CommonOJDataset", Kind::Cases),
];

fn kind(dataset: &str, config: &TestConfig) -> Result<Kind, ApiError> {
    let by_name = DATASETS.iter().find(|(name, _)| *name == dataset);
    let class = config.dataset_type.as_deref();
    let by_class = class.and_then(|class| CLASSES.iter().find(|(name, _)| *name == class));
    by_name.or(by_class).map(|(_, kind)| *kind).ok_or_else(|| {
        let classes: Vec<_> = CLASSES.iter().map(|(name, _)| *name).collect();
        ApiError::NoDataset(match class {
            None => format!(
                "no eval class found for dataset {dataset}: send config.dataset_type, one of {}",
                classes.join(", ")
            ),
            Some(class) => format!(
                "eval class {class} not found: there are {}",
                classes.join(", ")
            ),
        })
    })
}

async fn read<T: DeserializeOwned + Send + 'static>(
    api: &Called,
    request: Request,
) -> Result<T, ApiError> {
    let bytes = body::read(request, &api.0.server).await?;
    documents::read(bytes, Ok).await
}

/// The data sets whose rows are known by name.
#[utoipa::path(get, path = "/list_datasets", tag = "sandboxfusion", responses(
    (status = 200, description = "Their names.", body = Vec<String>),
))]
pub(in crate::api) async fn list_datasets() -> Json<Vec<&'static str>> {
    Json(DATASETS.iter().map(|(name, _)| *name).collect())
}

/// The ids of rows that the request brings.
#[utoipa::path(post, path = "/list_ids", tag = "sandboxfusion", request_body = RowsRequest,
    responses(
        (status = 200, description = "Their ids.", body = Vec<Value>),
        (status = "4XX", description = "The request cannot be used.", body = SandboxFusionError),
        (status = 500, description = "The server failed.", body = SandboxFusionError),
    ))]
pub(in crate::api) async fn list_ids(
    api: Called,
    request: Request,
) -> Result<Json<Vec<Value>>, ApiError> {
    let request: RowsRequest = read(&api, request).await?;
    kind(&request.dataset, &request.config)?;
    let rows = request.config.rows()?;
    let rows = rows.into_iter().skip(request.offset).take(request.limit);
    Ok(Json(rows.map(|row| id(row, &Value::Null)).collect()))
}

/// What models are asked, for rows that the request brings.
#[utoipa::path(post, path = "/get_prompts", tag = "sandboxfusion", request_body = RowsRequest,
    responses(
        (status = 200, description = "A prompt a row.", body = Vec<Prompt>),
        (status = "4XX", description = "The request cannot be used.", body = SandboxFusionError),
        (status = 500, description = "The server failed.", body = SandboxFusionError),
    ))]
pub(in crate::api) async fn get_prompts(
    api: Called,
    request: Request,
) -> Result<Json<Vec<Prompt>>, ApiError> {
    let request: RowsRequest = read(&api, request).await?;
    let kind = kind(&request.dataset, &request.config)?;
    let rows = request.config.rows()?;
    let rows = rows.into_iter().skip(request.offset).take(request.limit);
    let prompts: Result<_, _> = rows.map(|row| prompt(kind, row, &Value::Null)).collect();
    Ok(Json(prompts?))
}

/// What a model is asked, for one row.
#[utoipa::path(post, path = "/get_prompt_by_id", tag = "sandboxfusion", request_body = RowRequest,
    responses(
        (status = 200, description = "The prompt.", body = Prompt),
        (status = "4XX", description = "The request cannot be used.", body = SandboxFusionError),
        (status = 500, description = "The server failed.", body = SandboxFusionError),
    ))]
pub(in crate::api) async fn get_prompt_by_id(
    api: Called,
    request: Request,
) -> Result<Json<Prompt>, ApiError> {
    let request: RowRequest = read(&api, request).await?;
    let kind = kind(&request.dataset, &request.config)?;
    Ok(Json(prompt(
        kind,
        request.config.row(&request.id)?,
        &request.id,
    )?))
}

/// Judges a completion for a row that the request brings.
#[utoipa::path(post, path = "/submit", tag = "sandboxfusion", request_body = SubmitRequest,
    responses(
        (status = 200, description = "What became of it.", body = EvalResult),
        (status = "4XX", description = "The request cannot be used.", body = SandboxFusionError),
        (status = 500, description = "The server failed.", body = SandboxFusionError),
        (status = 504, description = "The queue is full or closed, or the key has sent enough for now: ask again.",
            body = SandboxFusionError),
    ))]
pub(in crate::api) async fn submit(
    api: Called,
    request: Request,
) -> Result<Json<EvalResult>, ApiError> {
    let request: SubmitRequest = read(&api, request).await?;
    let kind = kind(&request.dataset, &request.config)?;
    request.config.check_language()?;
    let row = request.config.row(&request.id)?;
    let judged = match kind {
        Kind::HumanEval => human_eval(&api, &request, row).await,
        Kind::Asserts => asserts(&api, &request, row).await,
        Kind::Cases => cases(&api, &request, row).await,
    };
    Ok(Json(judged?))
}

/// Counts results.
#[utoipa::path(post, path = "/get_metrics", tag = "sandboxfusion", request_body = MetricsRequest,
    responses(
        (status = 200, description = "The counts.", body = Metrics),
        (status = "4XX", description = "The request cannot be used.", body = SandboxFusionError),
        (status = 500, description = "The server failed.", body = SandboxFusionError),
    ))]
pub(in crate::api) async fn get_metrics(
    api: Called,
    request: Request,
) -> Result<Json<Metrics>, ApiError> {
    let request: MetricsRequest = read(&api, request).await?;
    kind(&request.dataset, &request.config)?;
    let mut problems: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for result in &request.results {
        let (accepted, total) = problems.entry(result.id.to_string()).or_default();
        *accepted += usize::from(result.accepted);
        *total += 1;
    }
    let parts = problems
        .values()
        .map(|(accepted, total)| *accepted as f64 / *total as f64);
    let sum: f64 = parts.sum();
    Ok(Json(Metrics {
        total: request.results.len(),
        accepted: request
            .results
            .iter()
            .filter(|result| result.accepted)
            .count(),
        problems: problems.len(),
        pass_at_1: (!problems.is_empty()).then(|| sum / problems.len() as f64),
    }))
}

fn id(row: &Row, otherwise: &Value) -> Value {
    row.get("id").unwrap_or(otherwise).clone()
}

fn prompt(kind: Kind, row: &Row, asked: &Value) -> Result<Prompt, ApiError> {
    let content = string(row, "content")?;
    let labels = match json(row, "labels") {
        labels @ Value::Object(_) => labels,
        _ => json!({}),
    };
    let prompt = match kind {
        Kind::Asserts => {
            let first = tests(row)?.into_iter().next().unwrap_or_default();
            format!("{content} Your code should satisfy these tests:\n\n{first}")
        }
        Kind::HumanEval | Kind::Cases => content.to_owned(),
    };
    Ok(Prompt {
        id: id(row, asked),
        prompt,
        labels,
    })
}

/// The asserts of a row, as a list or one text.
fn tests(row: &Row) -> Result<Vec<String>, ApiError> {
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

/// A function that goes on where the prompt ends, or is whole, under a `check(candidate)`.
pub(in crate::api) async fn human_eval(
    api: &Called,
    request: &SubmitRequest,
    row: &Row,
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
    let extracted = found.answer.text().to_string_lossy().into_owned();
    let program = match &found.answer {
        Answer::Completion(text) => [prompt.as_bytes(), text.as_bytes(), b"\n"].concat(),
        Answer::Solution(text) => [text.as_bytes(), b"\n"].concat(),
    };
    let program = Text::from_wtf8(program);
    let test = string(row, "test").or_else(|_| string(row, "tests"))?;
    let script = ScriptCase {
        source: test.to_owned(),
        entry_point: test.contains("def check(").then(|| entry_point.to_owned()),
        info: None,
    };
    let full = format!("{}\n{test}\n", program.to_string_lossy());
    let results = check_scripts(api, program, vec![script], &request.config).await?;
    let mut result = EvalResult::new(request.id.clone(), extracted, found.kind, results);
    result.full_code = Some(full);
    result.test_code = Some(test.to_owned());
    Ok(result)
}

async fn asserts(api: &Called, request: &SubmitRequest, row: &Row) -> Result<EvalResult, ApiError> {
    let labels = json(row, "labels");
    let setup = labels
        .get("test_setup_code")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let source = format!("{setup}\n{}\n", tests(row)?.join("\n"));
    let found = find(api, &request.completion.0, &request.config, None).await?;
    let code = found.answer.text().clone();
    let extracted = code.to_string_lossy().into_owned();
    let full = format!("{extracted}\n{source}");
    let script = ScriptCase {
        source: source.clone(),
        entry_point: None,
        info: None,
    };
    let results = check_scripts(api, code, vec![script], &request.config).await?;
    let mut result = EvalResult::new(request.id.clone(), extracted, found.kind, results);
    result.full_code = Some(full);
    result.test_code = Some(source);
    Ok(result)
}

/// Inputs and outputs, or calls and results.
pub(in crate::api) async fn cases(
    api: &Called,
    request: &SubmitRequest,
    row: &Row,
) -> Result<EvalResult, ApiError> {
    let found = find(api, &request.completion.0, &request.config, None).await?;
    let code = found.answer.text().clone();
    let extracted = code.to_string_lossy().into_owned();
    let list = match (json(row, "test_cases"), json(row, "test")) {
        (Value::Array(list), _) | (_, Value::Array(list)) => list,
        _ => return Err(ApiError::Request(NO_CASES.into())),
    };
    if list.is_empty() {
        return Err(ApiError::Request(NO_CASES.into()));
    }
    let calls = list[0].get("type").and_then(Value::as_str) == Some("function_call")
        || (list[0].get("type").is_none() && list[0].get("fn_name").is_some_and(Value::is_string));
    let results = if calls {
        let scripts: Result<Vec<_>, _> = list.iter().map(|case| call(&extracted, case)).collect();
        check_scripts(api, with_imports(code), scripts?, &request.config).await?
    } else {
        let cases: Result<Vec<_>, _> = list.iter().map(stdio).collect();
        compare_outputs(api, &code, &cases?, &request.config).await?
    };
    Ok(EvalResult::new(
        request.id.clone(),
        extracted,
        found.kind,
        results,
    ))
}

const NO_CASES: &str =
    "config.provided_data must hold test cases: `test_cases`, or `test`, a list of at least one";

/// What solutions in classes rely on without importing it.
const IMPORTS: &str = "from typing import *\nfrom collections import *\nfrom functools import *\n\
    from itertools import *\nfrom heapq import *\nfrom bisect import *\nfrom math import *\n\
    import collections, functools, itertools, heapq, bisect, math, string, re, random\n";

fn with_imports(code: Text) -> Text {
    match code.to_string_lossy().contains("class Solution") {
        true => Text::from_wtf8([IMPORTS.as_bytes(), code.as_bytes()].concat()),
        false => code,
    }
}

fn call(code: &str, case: &Value) -> Result<ScriptCase, ApiError> {
    let name = case
        .get("fn_name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let input = match case.get("input") {
        Some(input @ Value::Array(_)) => input,
        _ => {
            return Err(ApiError::Request(
                "input of a function_call must be a list".into(),
            ));
        }
    };
    // The result stands in a list of its own.
    let output = match case.get("output") {
        Some(Value::Array(list)) if list.len() == 1 => &list[0],
        Some(output) => output,
        None => return Err(ApiError::Request("a function_call has no output".into())),
    };
    Ok(ScriptCase {
        source: call_script(code, name, input, output)?,
        entry_point: None,
        info: Some(case.clone()),
    })
}

/// A case as `{"input": {"stdin"}, "output": {"stdout"}}`, or with texts for both.
fn stdio(case: &Value) -> Result<StdioCase, ApiError> {
    let (stdin, given) = stream(case.get("input"), "stdin")?;
    let (stdout, written) = stream(case.get("output"), "stdout")?;
    let place = |(path, contents): (String, String)| {
        let path =
            relative(&path).map_err(|fault| ApiError::Request(format!("`{path}` {fault}")))?;
        Ok::<_, ApiError>((path, contents))
    };
    let written: Result<Vec<_>, _> = written.into_iter().map(place).collect();
    let given: Result<Vec<_>, _> = given.into_iter().map(place).collect();
    let files = given?.into_iter().map(|(path, contents)| File {
        path,
        contents: contents.into_bytes(),
    });
    Ok(StdioCase {
        info: stdio_info(&stdin, &stdout),
        stdin,
        files: files.collect(),
        stdout,
        written: written?,
    })
}

/// The stream's text, and the files beside it.
fn stream(value: Option<&Value>, name: &str) -> Result<(String, Vec<(String, String)>), ApiError> {
    let wrong = || ApiError::Request(format!("a test case needs a text for {name}"));
    match value {
        Some(Value::String(text)) => Ok((text.clone(), Vec::new())),
        Some(Value::Object(fields)) => {
            let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(wrong);
            let others = fields.iter().filter(|(key, _)| *key != name);
            let others: Result<Vec<_>, _> = others
                .map(|(key, value)| Ok::<_, ApiError>((key.clone(), text(value)?)))
                .collect();
            let stream = fields.get(name).map_or_else(|| Ok(String::new()), text);
            Ok((stream?, others?))
        }
        _ => Err(wrong()),
    }
}
