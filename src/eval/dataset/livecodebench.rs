//! LiveCodeBench's code generation: contest tasks that read and print, and functions as on LeetCode.
//!
//! Its own files, and the rules of judging; `contest` reads its tests where others keep them.

mod contest;

pub use contest::contest;

use super::field::{Anything, Id, embedded, embedded_text};
use super::json::Json;
use super::task::{Shape, Suite, Task, trusted};
use super::{Entry, Unsupported, literal, pickle, prelude, stdio};
use crate::domain::{Check, CheckKind, Expected, Text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::io::Read;
use std::sync::Arc;

/// Outputs are equal line by line, as stripped text or as decimal numbers: no rule of ours is that.
const CHECKER: &str = include_str!("python/livecodebench_checker.py");

/// What the private tests of one task may unpack to. The largest known have some hundred megabytes;
/// more would be a file that is made to fill memory.
const MOST_PRIVATE_BYTES: u64 = 1 << 30;

#[derive(Deserialize)]
struct Row<'a> {
    question_id: Id,
    question_content: String,
    #[serde(default)]
    starter_code: String,
    #[serde(borrow)]
    public_test_cases: &'a RawValue,
    #[serde(borrow)]
    private_test_cases: Option<&'a RawValue>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    func_name: Option<String>,
}

#[derive(Deserialize)]
struct Case {
    input: Anything,
    output: Anything,
    testtype: Kind,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Stdin,
    Functional,
}

pub(super) fn entry(json: &Json<'_>) -> Result<Entry, String> {
    let row: Row<'_> = json.parse()?;
    let metadata = row.metadata.map(|field| embedded(field, "metadata"));
    let function = metadata
        .transpose()?
        .and_then(|metadata: Metadata| metadata.func_name);
    let public = embedded(row.public_test_cases, "public_test_cases")?;
    let private = row.private_test_cases.map(private_cases).transpose()?;
    let cases = [("public", public), ("private", private.unwrap_or_default())];
    if cases.iter().all(|(_, cases)| cases.is_empty()) {
        return Ok(Entry::Unsupported(Unsupported {
            id: row.question_id.0,
            reason: "has no tests".to_owned(),
        }));
    }
    let mut suites = Vec::new();
    for (name, cases) in cases {
        suites.push(Suite::new(name, checks(name, cases, function.as_deref())?));
    }
    suites.retain(|suite| !suite.checks.is_empty());
    let prompt = prompt(row.question_content, &row.starter_code);
    let shape = shape(function.as_deref());
    Ok(Entry::from(Task {
        entry_point: function,
        ..Task::new(row.question_id.0, prompt, shape, suites)
    }))
}

fn prompt(mut question: String, starter_code: &str) -> String {
    if !starter_code.is_empty() {
        question.push_str("\n\nThe program has to begin like this:\n\n");
        question.push_str(starter_code);
        question.push('\n');
    }
    question
}

fn shape(function: Option<&str>) -> Shape {
    Shape::Whole {
        before: Cow::Borrowed(prelude::LIVE_CODE_BENCH),
        after: function.map_or(Cow::Borrowed(""), |name| prelude::adapter(name).into()),
    }
}

/// A JSON list in a string, or such a string pickled, packed and written in base64.
fn private_cases(field: &RawValue) -> Result<Vec<Case>, String> {
    const NAME: &str = "private_test_cases";
    let text = embedded_text(field, NAME)?;
    match text.filter(|text| !text.trim_start().starts_with(['[', '{'])) {
        None => embedded(field, NAME),
        Some(packed) => unpacked(&packed).map_err(|message| format!("`{NAME}`: {message}")),
    }
}

fn unpacked(packed: &str) -> Result<Vec<Case>, String> {
    if packed.trim().is_empty() {
        return Ok(Vec::new());
    }
    let pickled = pickled(packed, MOST_PRIVATE_BYTES)?;
    Json::from_str(pickle::string(&pickled)?).parse()
}

/// The pickle that was packed and written in base64, where it has so many bytes at most.
fn pickled(packed: &str, most: u64) -> Result<Vec<u8>, String> {
    let compressed = STANDARD
        .decode(packed.trim())
        .map_err(|_| "neither JSON nor base64".to_owned())?;
    let mut pickled = Vec::new();
    ZlibDecoder::new(compressed.as_slice())
        .take(most + 1)
        .read_to_end(&mut pickled)
        .map_err(|error| format!("cannot be unpacked: {error}"))?;
    if pickled.len() as u64 > most {
        return Err(format!("unpacks to more than {} MiB", most >> 20));
    }
    Ok(pickled)
}

fn checks(
    suite: &str,
    cases: Vec<Case>,
    function: Option<&str>,
) -> Result<Vec<Arc<Check>>, String> {
    let kind = if function.is_some() {
        Kind::Functional
    } else {
        Kind::Stdin
    };
    if cases.iter().any(|case| case.testtype != kind) {
        return Err(
            "functional tests go with `func_name` in `metadata`, others without".to_owned(),
        );
    }
    match function {
        None => {
            let cases = cases.into_iter().map(|case| (case.input.0, case.output.0));
            Ok(stdio::checks(suite, cases, CHECKER))
        }
        Some(function) if !prelude::is_name(function) => {
            Err(format!("`func_name` is no name: {function:?}"))
        }
        Some(_) => cases
            .iter()
            .enumerate()
            .map(|(number, case)| call(suite, number, case))
            .collect(),
    }
}

/// Arguments stand on lines of their own, in JSON, and so does the output.
fn call(suite: &str, number: usize, case: &Case) -> Result<Arc<Check>, String> {
    let faulty = |message| format!("{suite} test {number}: {message}");
    let input = case.input.0.to_string_lossy();
    let arguments: Result<Vec<_>, _> = input.split('\n').map(literal::value).collect();
    let arguments = arguments.map_err(faulty)?.join(", ");
    let expected = literal::value(&case.output.0.to_string_lossy()).map_err(faulty)?;
    let kind = CheckKind::Call {
        call: Text::from(format!("{}({arguments})", prelude::ADAPTER)),
        expected: Expected::Value(Text::from(expected)),
    };
    Ok(trusted(format!("{suite}/{number}"), kind))
}
