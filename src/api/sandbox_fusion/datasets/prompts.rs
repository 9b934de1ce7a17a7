//! What models are asked, in the words of that service.

use crate::api::error::ApiError;
use crate::api::sandbox_fusion::answers::Prompt;
use crate::api::sandbox_fusion::rows::{Row, asserts, id, json, string};
use serde_json::{Value, json};

/// The text of the row.
pub(super) fn as_it_is(row: &Row, asked: &Value) -> Result<Prompt, ApiError> {
    Ok(prompt(row, asked, string(row, "content")?.to_owned()))
}

/// The text, and the first assert behind it.
pub(super) fn with_a_test(row: &Row, asked: &Value) -> Result<Prompt, ApiError> {
    let content = string(row, "content")?;
    let first = asserts(row)?.into_iter().next().unwrap_or_default();
    let text = format!("{content} Your code should satisfy these tests:\n\n{first}");
    Ok(prompt(row, asked, text))
}

/// The text, and the first assert at the end of the docstring that it ends with.
pub(super) fn with_an_example(row: &Row, asked: &Value) -> Result<Prompt, ApiError> {
    let content = string(row, "content")?;
    let asserts = asserts(row)?;
    let first = asserts.first().and_then(|asserts| asserts.lines().next());
    let open = match content.rfind("\"\"\"") {
        Some(end) => &content[..end],
        None => content,
    };
    let text = format!("{open}\n    e.g. {} \"\"\"", first.unwrap_or_default());
    Ok(prompt(row, asked, text))
}

fn prompt(row: &Row, asked: &Value, prompt: String) -> Prompt {
    let labels = match json(row, "labels") {
        labels @ Value::Object(_) => labels,
        _ => json!({}),
    };
    Prompt {
        id: id(row, asked),
        prompt,
        labels,
    }
}
