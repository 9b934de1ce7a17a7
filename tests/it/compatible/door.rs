//! What a client of another service is told at the door, and by the router: in that service's form.

use crate::fake;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use touchstone::api::{Api, router};
use touchstone::config::{Config, KeyConfig, KeyDigest};
use touchstone::validator::Validator;
use tower::ServiceExt;

const KEY: &str = "ts_0123456789abcdef";

/// A route of each interface, what is sent there, and where in a body the error's text stands.
const INTERFACES: [(&str, &str, &str); 6] = [
    (
        "/run_code",
        r#"{"code": "", "language": "python"}"#,
        "/detail",
    ),
    ("/run_jupyter", r#"{"cells": ["1"]}"#, "/detail"),
    ("/submit", "{}", "/detail"),
    ("/common_evaluate_batch", "{}", "/detail"),
    (
        "/api/v2/execute",
        r#"{"language": "python", "version": "*", "files": [{"content": ""}]}"#,
        "/message",
    ),
    (
        "/submissions?wait=true",
        r#"{"source_code": "pass", "language_id": 71}"#,
        "/error",
    ),
];

fn key(limit: impl FnOnce(&mut KeyConfig)) -> KeyConfig {
    let mut key = KeyConfig {
        name: "a".into(),
        sha256: vec![KeyDigest::of(KEY.as_bytes())],
        admin: false,
        requests_per_second: None,
        concurrent_requests: None,
    };
    limit(&mut key);
    key
}

fn service(validator: Validator, key: KeyConfig) -> Router {
    let api = Api::new(validator, fake::runtime(), &Config::default());
    router(api.with_keys(&[key]))
}

fn request(method: Method, path: &str, body: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(Body::from(body.to_owned()))
        .expect("a request")
}

fn with_key(mut request: Request<Body>, key: &str) -> Request<Body> {
    let value = format!("Bearer {key}").parse().expect("a value");
    request.headers_mut().insert("authorization", value);
    request
}

async fn send(service: &Router, request: Request<Body>) -> (u16, HeaderMap, Value) {
    let response = service.clone().oneshot(request).await.expect("an answer");
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    let body = serde_json::from_slice(&body).expect("JSON");
    (head.status.as_u16(), head.headers, body)
}

/// That an answer has this status, and its text in the interface's one field.
#[track_caller]
fn told(path: &str, answer: &(u16, HeaderMap, Value), status: u16, pointer: &str, says: &str) {
    let (came, headers, body) = answer;
    assert_eq!(*came, status, "{path}: {body}");
    assert_eq!(headers["content-type"], "application/json", "{path}");
    let text = body.pointer(pointer).and_then(Value::as_str);
    assert!(
        text.is_some_and(|text| text.contains(says)),
        "{path}: {body}"
    );
    assert_eq!(
        body.as_object().map(serde_json::Map::len),
        Some(1),
        "{body}"
    );
}

#[tokio::test]
async fn no_key_and_an_unknown_one() {
    let service = service(fake::passing(), key(|_| {}));
    for (path, body, pointer) in INTERFACES {
        let none = send(&service, request(Method::POST, path, body)).await;
        told(path, &none, 401, pointer, "Bearer KEY");
        assert_eq!(none.1["www-authenticate"], r#"Bearer realm="touchstone""#);
        let unknown = with_key(request(Method::POST, path, body), "ts_nobodys");
        let unknown = send(&service, unknown).await;
        told(path, &unknown, 401, pointer, "not known");
    }
}

/// verl's client asks again on 504, and takes every other error for a failed program.
#[tokio::test]
async fn a_key_that_has_sent_enough() {
    for (path, body, pointer) in INTERFACES {
        let expect = match pointer {
            "/detail" => 504,
            _ => 429,
        };
        let slow = key(|key| key.requests_per_second = Some(0.001));
        let service = service(fake::passing(), slow);
        let ask = || with_key(request(Method::POST, path, body), KEY);
        let (first, ..) = send(&service, ask()).await;
        assert!(![401, 429, 504].contains(&first), "{path}: {first}");
        for _ in 0..2 {
            let refused = send(&service, ask()).await;
            told(
                path,
                &refused,
                expect,
                pointer,
                "as many requests as it may",
            );
            let seconds = refused.1["retry-after"].to_str().expect("text").parse();
            let seconds: u32 = seconds.expect("whole seconds");
            assert!((900..=1000).contains(&seconds), "{path}: {seconds}");
        }
    }
}

#[tokio::test]
async fn a_key_with_too_many_unanswered() {
    let narrow = key(|key| key.concurrent_requests = Some(1));
    let service = service(fake::stuck(), narrow);
    // It holds the only place until its body is dropped.
    let check = json!({"kind": "script", "source": "", "trusted": true});
    let batch = json!({"submissions": [{"language": "python", "code": "", "checks": [check]}]});
    let mut holding = with_key(request(Method::POST, "/v1/checks", &batch.to_string()), KEY);
    let lines = "application/x-ndjson".parse().expect("a value");
    holding.headers_mut().insert("accept", lines);
    let held = service.clone().oneshot(holding).await.expect("an answer");
    assert_eq!(held.status(), 200);
    for (path, body, pointer) in INTERFACES {
        let expect = match pointer {
            "/detail" => 504,
            _ => 429,
        };
        let refused = with_key(request(Method::POST, path, body), KEY);
        let refused = send(&service, refused).await;
        told(path, &refused, expect, pointer, "unanswered as it may");
        assert_eq!(refused.1["retry-after"], "1", "{path}");
    }
    drop(held);
}

#[tokio::test]
async fn another_host_and_another_method() {
    let api = Api::new(fake::passing(), fake::runtime(), &Config::default());
    let service = router(api);
    for (path, body, pointer) in INTERFACES {
        let mut elsewhere = request(Method::POST, path, body);
        let host = "example.org".parse().expect("a value");
        elsewhere.headers_mut().insert("host", host);
        let elsewhere = send(&service, elsewhere).await;
        told(path, &elsewhere, 421, pointer, "localhost");
        let wrong = send(&service, request(Method::DELETE, path, "")).await;
        told(path, &wrong, 405, pointer, "does not take that method");
        let allowed = wrong.1["allow"].to_str().expect("text");
        assert!(allowed.contains("POST"), "{path}: {allowed}");
        let text = request(Method::POST, path, "{");
        let text = send(&service, text).await;
        told(path, &text, 400, pointer, "not JSON");
    }
}

/// Our own form stays where no other service is spoken to, known routes or not.
#[tokio::test]
async fn elsewhere_it_is_a_problem_document() {
    let service = service(fake::passing(), key(|_| {}));
    for path in ["/v1/checks", "/v1/runtimes", "/nowhere", "/run_code/"] {
        let (status, headers, body) = send(&service, request(Method::POST, path, "")).await;
        assert_eq!((status, &body["status"]), (401, &json!(401)), "{path}");
        assert_eq!(headers["content-type"], "application/problem+json");
    }
}
