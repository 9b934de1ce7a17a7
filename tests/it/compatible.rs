//! The APIs of other services, through the router and over the real runtime: recorded requests with
//! their answers in `fixtures/compatible/`.
//!
//! With `TOUCHSTONE_TEST_RECORD` set the answers are written anew, to be read before they are kept.

mod callbacks;
mod door;
mod refusals;

use crate::{fake, runtime};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use serde_json::{Map, Value, json};
use std::path::Path;
use touchstone::api::{Api, router};
use touchstone::config::Config;
use touchstone::validator::Validator;
use tower::ServiceExt;

/// What differs from run to run, or with every other runtime, and is only there or not.
const VARYING: [&str; 9] = [
    "execution_time",
    "cpu_time",
    "wall_time",
    "memory",
    "time",
    "token",
    "created_at",
    "finished_at",
    "maintainer",
];

fn service(validator: Validator) -> Router {
    let mut config = Config::default();
    config.server.pod_name = Some("pod-1".into());
    router(Api::new(validator, fake::runtime(), &config))
}

/// Sends a request; gives the status and the body, a text where it is not JSON.
async fn send(service: &Router, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
    let request = Request::builder().method(method).uri(path);
    let request = match body {
        Some(body) => request
            .header("content-type", "application/json")
            .body(Body::from(body.to_string())),
        None => request.body(Body::empty()),
    };
    let request = request.expect("a request");
    let response = service.clone().oneshot(request).await.expect("an answer");
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.expect("a whole body");
    let bytes = bytes.to_bytes();
    let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
    (
        status,
        serde_json::from_slice(&bytes).unwrap_or_else(|_| text()),
    )
}

/// With a mark in place of what varies, where there is something.
fn masked(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mask = |(name, value): (String, Value)| {
                let value = match VARYING.contains(&name.as_str()) && !value.is_null() {
                    true => json!("…"),
                    false => masked(value),
                };
                (name, value)
            };
            Value::Object(fields.into_iter().map(mask).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(masked).collect()),
        Value::String(text) => Value::String(without_duration(text)),
        other => other,
    }
}

/// The same without the time that pytest's last line tells, which is another with every runtime.
fn without_duration(text: String) -> String {
    let Some((before, after)) = text.rsplit_once(" in ") else {
        return text;
    };
    let is_number = |c: char| c == '.' || c.is_ascii_digit();
    let rest = after.trim_start_matches(is_number);
    match rest.len() < after.len() && rest.starts_with('s') {
        true => format!("{before} in …{rest}"),
        false => text,
    }
}

/// The first token in an answer.
fn token(value: &Value) -> Option<String> {
    match value {
        Value::Object(fields) => match fields.get("token") {
            Some(Value::String(token)) => Some(token.clone()),
            _ => fields.values().find_map(token),
        },
        Value::Array(items) => items.iter().find_map(token),
        _ => None,
    }
}

/// Whether a submission in an answer still waits.
fn waits(value: &Value) -> bool {
    match value {
        Value::Object(fields) => {
            let id = fields
                .get("status")
                .and_then(|status| status["id"].as_u64());
            matches!(id, Some(1 | 2)) || fields.values().any(waits)
        }
        Value::Array(items) => items.iter().any(waits),
        _ => false,
    }
}

/// Sends what a file of fixtures says, in its order; `{token}` in a path is the last token given.
async fn replay(name: &str) {
    let path = Path::new("fixtures/compatible")
        .join(name)
        .with_extension("json");
    let mut pairs: Vec<Map<String, Value>> =
        serde_json::from_str(&runtime::read(&path)).expect("a list of pairs");
    assert!(pairs.len() >= 10, "{name}");
    let service = service(runtime::validator_of(2));
    let (mut mistakes, mut last) = (Vec::new(), String::new());
    for pair in &mut pairs {
        let field = |name: &str| pair[name].as_str().expect("a text").to_owned();
        let (what, method) = (field("name"), field("method"));
        let path = field("path").replace("{token}", &last);
        let (mut status, mut body) = send(&service, &method, &path, pair.get("body")).await;
        while method == "GET" && waits(&body) {
            tokio::task::yield_now().await;
            (status, body) = send(&service, &method, &path, pair.get("body")).await;
        }
        last = token(&body).unwrap_or(last);
        let answer = json!({"status": status, "body": masked(body)});
        if pair.get("answer") != Some(&answer) {
            let expected = pair.get("answer").unwrap_or(&Value::Null);
            mistakes.push(format!(
                "{what}\n  expected {expected}\n  got      {answer}"
            ));
            pair.insert("answer".into(), answer);
        }
    }
    if std::env::var_os("TOUCHSTONE_TEST_RECORD").is_some() {
        let text = serde_json::to_string_pretty(&pairs).expect("plain data") + "\n";
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        std::fs::write(path, text).expect("it can be written");
    }
    runtime::report(&mistakes);
}

#[tokio::test(flavor = "multi_thread")]
async fn sandbox_fusion() {
    replay("run_code").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn notebooks() {
    replay("run_jupyter").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn datasets() {
    replay("datasets").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scalebox() {
    replay("scalebox").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn piston() {
    replay("piston").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn judge0() {
    replay("judge0").await;
}
