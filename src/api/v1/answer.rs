//! Results as a response: one document, or a line each as soon as it is known.

use super::wire::ResultWire;
use crate::api::error::ApiError;
use crate::domain::SubmissionResult;
use crate::validator::Results;
use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};

const LINES: &str = "application/x-ndjson";

/// Results that are known at the same time are sent together, at most this many: a system call
/// for each would cost more than its line. Arbitrary beyond that.
const LINES_TOGETHER: usize = 64;

/// How results are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// One JSON document in the order of the submissions.
    Document,
    /// One line each, in the order in which they become known.
    Lines,
}

impl Format {
    /// Lines where the client names them; all others get a document, whatever they accept.
    pub fn asked_for(headers: &HeaderMap) -> Self {
        let accepted = headers.get_all(ACCEPT).iter();
        let named = accepted
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|range| {
                let mut parts = range.split(';').map(str::trim);
                parts
                    .next()
                    .is_some_and(|name| name.eq_ignore_ascii_case(LINES))
                    && !parts.any(|parameter| parameter == "q=0")
            });
        if named {
            Format::Lines
        } else {
            Format::Document
        }
    }
}

/// Sends `count` results. Whoever drops the response cancels what is not known yet.
pub(super) async fn respond(
    results: Results,
    count: usize,
    format: Format,
) -> Result<Response, ApiError> {
    match format {
        Format::Document => document(results, count).await,
        Format::Lines => {
            let body = Body::from_stream(lines(results, count));
            Ok(([(CONTENT_TYPE, LINES)], body).into_response())
        }
    }
}

async fn document(mut results: Results, count: usize) -> Result<Response, ApiError> {
    let mut items = vec![Vec::new(); count];
    // Each is written as it comes, so that a large batch is not written all at once at the end.
    while let Some((index, result)) = results.recv().await {
        items[index] = json(result)?;
    }
    if items.iter().any(Vec::is_empty) {
        return Err(missing_results());
    }
    let mut body = br#"{"results":["#.to_vec();
    body.reserve_exact(items.iter().map(|item| item.len() + 1).sum::<usize>() + 1);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&item);
    }
    body.extend_from_slice(b"]}");
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

/// A fault breaks the stream off, so that the client does not take it for complete.
fn lines(results: Results, count: usize) -> impl Stream<Item = Result<Bytes, ApiError>> {
    let each = stream::try_unfold((results, count), async |(mut results, missing)| {
        let Some((_, result)) = results.recv().await else {
            return if missing > 0 {
                Err(missing_results())
            } else {
                Ok(None)
            };
        };
        let mut line = json(result)?;
        line.push(b'\n');
        Ok(Some((line, (results, missing - 1))))
    });
    each.ready_chunks(LINES_TOGETHER).map(|lines| {
        let lines: Vec<Vec<u8>> = lines.into_iter().collect::<Result<_, _>>()?;
        Ok(Bytes::from(lines.concat()))
    })
}

fn json(result: SubmissionResult) -> Result<Vec<u8>, ApiError> {
    serde_json::to_vec(&ResultWire::from(result)).map_err(|error| {
        tracing::error!(%error, "a result cannot be written");
        ApiError::Internal
    })
}

fn missing_results() -> ApiError {
    tracing::error!("the validator left submissions without a result");
    ApiError::Internal
}
