//! Reads a request's body: JSON, within bounds of size and time.

use super::error::ApiError;
use crate::config::ServerConfig;
use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use futures_util::StreamExt;

/// A client whose body is too long is read this many times the limit further, since most clients
/// see the answer only after they have sent all; beyond that the connection is dropped.
const DISCARDED_LIMITS: usize = 4;

/// The body of a request that says it is JSON.
pub(super) async fn read(request: Request, server: &ServerConfig) -> Result<Vec<u8>, ApiError> {
    read_as(request, server, is_json).await
}

/// The same for clients that may call their JSON text.
pub(super) async fn read_json_or_text(
    request: Request,
    server: &ServerConfig,
) -> Result<Vec<u8>, ApiError> {
    read_as(request, server, |name| is_json(name) || is_text(name)).await
}

async fn read_as(
    request: Request,
    server: &ServerConfig,
    accepts: fn(&str) -> bool,
) -> Result<Vec<u8>, ApiError> {
    let (head, body) = request.into_parts();
    check_media_type(&head.headers, accepts)?;
    let limit = server.max_body_bytes;
    let declared = declared_length(&head.headers).unwrap_or(0);
    if declared > limit && head.headers.contains_key(EXPECT) {
        // It asked first, and has sent nothing yet.
        return Err(ApiError::BodyTooLarge { limit });
    }
    let timeout = server.body_timeout();
    let collected = collect(body, declared.min(limit), limit);
    match tokio::time::timeout(timeout, collected).await {
        Ok(result) => result,
        Err(_) => Err(ApiError::BodyTimeout(timeout)),
    }
}

async fn collect(body: Body, declared: usize, limit: usize) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::with_capacity(declared);
    let mut length: usize = 0;
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| ApiError::BodyBroken)?;
        length = length.saturating_add(chunk.len());
        if length <= limit {
            bytes.extend_from_slice(&chunk);
        } else if length > limit.saturating_mul(1 + DISCARDED_LIMITS) {
            break;
        }
    }
    if length > limit {
        return Err(ApiError::BodyTooLarge { limit });
    }
    Ok(bytes)
}

fn declared_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn check_media_type(headers: &HeaderMap, accepts: fn(&str) -> bool) -> Result<(), ApiError> {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    if !media_type.is_some_and(accepts) {
        let detail = "send JSON, and say so: `Content-Type: application/json`";
        return Err(ApiError::UnsupportedMediaType(detail));
    }
    let coding = headers.get(CONTENT_ENCODING).map(|value| value.as_bytes());
    if coding.is_some_and(|coding| !coding.eq_ignore_ascii_case(b"identity")) {
        let detail = "send the body as it is, without `Content-Encoding`";
        return Err(ApiError::UnsupportedMediaType(detail));
    }
    Ok(())
}

fn essence(media_type: &str) -> String {
    let essence = media_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

fn is_text(media_type: &str) -> bool {
    essence(media_type) == "text/plain"
}

fn is_json(media_type: &str) -> bool {
    let essence = essence(media_type);
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}
