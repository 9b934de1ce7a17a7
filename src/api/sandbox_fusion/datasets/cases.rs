//! Test cases of contests: inputs and outputs, or calls and results.

use crate::api::called::Called;
use crate::api::error::ApiError;
use crate::api::programs::relative;
use crate::api::sandbox_fusion::answers::EvalResult;
use crate::api::sandbox_fusion::checks::{CheckCase, run_checks};
use crate::api::sandbox_fusion::extraction::find;
use crate::api::sandbox_fusion::outputs::{StdioCase, compare_outputs};
use crate::api::sandbox_fusion::plan::Plan;
use crate::api::sandbox_fusion::requests::SubmitRequest;
use crate::api::sandbox_fusion::rows::{Row, json};
use crate::domain::{File, Text};
use serde_json::Value;

/// Judges a completion by the cases of a row.
pub(in crate::api) async fn judge(
    api: &Called,
    request: &SubmitRequest,
    row: &Row,
    plan: &Plan,
) -> Result<EvalResult, ApiError> {
    let found = find(api, &request.completion.0, &request.config, None).await?;
    let code = found.answer.text().clone();
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
        let text = code.to_string_lossy();
        let checks: Result<Vec<_>, _> = list.iter().map(|case| call(&text, case)).collect();
        run_checks(api, with_imports(code.clone()), &checks?, plan).await?
    } else {
        let cases: Result<Vec<_>, _> = list.iter().map(stdio).collect();
        compare_outputs(api, &code, &cases?, plan).await?
    };
    Ok(EvalResult::new(&request.id, &found, results))
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

fn call(code: &str, case: &Value) -> Result<CheckCase, ApiError> {
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
    let source = call_script(code, name, input, output)?;
    Ok(CheckCase {
        info: Some(case.clone()),
        ..CheckCase::script(&source, None)
    })
}

/// A call of a function with JSON arguments whose result is JSON. A tuple counts as a list, since
/// JSON has none.
fn call_script(
    code: &str,
    function: &str,
    arguments: &Value,
    expected: &Value,
) -> Result<String, ApiError> {
    let is_name = |c: char| c == '_' || c.is_alphanumeric();
    if function.is_empty() || !function.chars().all(is_name) {
        return Err(ApiError::Request(format!(
            "fn_name is `{function}`, which is no name"
        )));
    }
    let callee = match code.contains("class Solution") {
        true => format!("Solution().{function}"),
        false => function.to_owned(),
    };
    // JSON's way of writing a text is one of Python's too.
    let quoted = |value: &Value| Value::String(value.to_string()).to_string();
    Ok(format!(
        "import json\n\
         _arguments = json.loads({})\n\
         _expected = json.loads({})\n\
         _result = {callee}(*_arguments)\n\
         if isinstance(_result, tuple):\n    _result = list(_result)\n\
         assert _result == _expected, f\"{{_result!r}} instead of {{_expected!r}}\"\n",
        quoted(arguments),
        quoted(expected),
    ))
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
