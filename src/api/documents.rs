//! JSON of other services' clients: bounded in items, and read on a thread of its own where it is
//! long.
//!
//! Their documents hold lists and objects of any shape, of which the least item takes some thirty
//! times the two bytes that it is sent as. They are counted before anything is made of them.

use super::body;
use super::called::Called;
use super::error::ApiError;
use super::v1::wire::{FieldError, FieldErrors, Object, parse};
use axum::extract::Request;
use serde::de::DeserializeOwned;

/// The most items of lists and objects in one document: a hundred thousand tests of ten fields,
/// and about 100 MB where they are the least that can be sent.
const MAX_ITEMS: usize = 1_000_000;

/// Bodies up to this long are read where they arrive: that takes about 0.3 ms, and a change of
/// threads costs some hundredths of it. Longer ones would keep other requests waiting.
const READ_IN_PLACE_BYTES: usize = 256 << 10;

/// Reads a request's body and makes something of it.
pub(super) async fn of<T: DeserializeOwned, U: Send + 'static>(
    api: &Called,
    request: Request,
    convert: impl FnOnce(T) -> Result<U, ApiError> + Send + 'static,
) -> Result<U, ApiError> {
    let bytes = body::read(request, &api.0.server).await?;
    read(bytes, convert).await
}

/// Reads a document and makes something of it.
pub(super) async fn read<T: DeserializeOwned, U: Send + 'static>(
    bytes: Vec<u8>,
    convert: impl FnOnce(T) -> Result<U, ApiError> + Send + 'static,
) -> Result<U, ApiError> {
    let length = bytes.len();
    let work = move || {
        check_items(&bytes)?;
        convert(parse::<Object<T>>(&bytes)?.0)
    };
    if length <= READ_IN_PLACE_BYTES {
        return work();
    }
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn check_items(bytes: &[u8]) -> Result<(), FieldErrors> {
    if items(bytes) <= MAX_ITEMS {
        return Ok(());
    }
    Err(FieldErrors::from(FieldError {
        path: String::new(),
        message: format!("holds more than {MAX_ITEMS} items of lists and objects"),
    }))
}

/// Commas outside of texts: what is no JSON is refused by whoever reads it.
fn items(bytes: &[u8]) -> usize {
    let (mut count, mut in_text, mut escaped) = (0, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b',' if !in_text => count += 1,
            _ => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_counted_outside_of_texts() {
        for (json, expect) in [
            ("[]", 0),
            ("[1,2,[3,4]]", 3),
            (r#"{"a,b": "c,d", "e": 1}"#, 1),
            (r#"["\",", "\\", ","]"#, 2),
        ] {
            assert_eq!(items(json.as_bytes()), expect, "{json}");
        }
    }
}
