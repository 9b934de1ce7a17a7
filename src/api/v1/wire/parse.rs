//! From bytes to wire types, with the place of what does not fit.

use super::FieldError;
use super::bounded::with_budget;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Why bytes are not the document that was asked for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Not JSON at all.
    #[error("{0}")]
    NotJson(String),
    /// JSON, but this field does not fit.
    #[error("{}: {}", .0.path, .0.message)]
    Field(FieldError),
}

/// Reads a document.
pub fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, ParseError> {
    // Tracking the path costs, and nearly all documents are right: only the others are read twice.
    with_budget(|| serde_json::from_slice(bytes)).map_err(|error| explain::<T>(bytes, error))
}

fn explain<'a, T: Deserialize<'a>>(bytes: &'a [u8], error: serde_json::Error) -> ParseError {
    // serde_json calls some fields a syntax error that are only of no use to us, such as an id
    // with a lone surrogate in it; what can be skipped over is JSON.
    if serde_json::from_slice::<IgnoredAny>(bytes).is_err() {
        return ParseError::NotJson(error.to_string());
    }
    let mut document = serde_json::Deserializer::from_slice(bytes);
    let (path, message) =
        match with_budget(|| serde_path_to_error::deserialize::<_, T>(&mut document)) {
            Err(error) => (error.path().to_string(), error.inner().to_string()),
            Ok(_) => (String::new(), error.to_string()),
        };
    ParseError::Field(FieldError {
        // The crate's word for the whole document.
        path: if path == "." { String::new() } else { path },
        message,
    })
}
