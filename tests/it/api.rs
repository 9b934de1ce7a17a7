//! The HTTP service through its router, over validators that run nothing.

mod access;
mod answers;
mod batches;
mod bodies;
mod checks;
mod deploy;
mod openapi;
mod operation;
mod routes;
mod shutdown;

use crate::fake;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::Response;
use http_body_util::BodyExt;
use serde_json::Value;
use touchstone::api::{Api, router};
use touchstone::config::Config;
use touchstone::validator::Validator;
use tower::ServiceExt;

/// An answer, read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("text"))
    }

    /// That it is a problem document of this kind, and what it says.
    fn problem(&self, status: u16, kind: &str) -> Value {
        assert_eq!(
            self.status,
            status,
            "{}",
            String::from_utf8_lossy(&self.body)
        );
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        let document = self.json();
        assert_eq!(document["type"], format!("urn:touchstone:problem:{kind}"));
        assert_eq!(document["status"], status);
        document
    }
}

async fn send_to(validator: Validator, config: &Config, request: Request<Body>) -> Answer {
    let api = Api::new(validator, fake::runtime(), config);
    answer_of(router(api).oneshot(request).await.expect("an answer")).await
}

async fn answer_of(response: Response) -> Answer {
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    Answer {
        status: head.status,
        headers: head.headers,
        body,
    }
}

async fn send(request: Request<Body>) -> Answer {
    send_to(fake::passing(), &Config::default(), request).await
}

async fn post(body: impl Into<Body>) -> Answer {
    send(batch(body)).await
}

/// A request for checks.
fn batch(body: impl Into<Body>) -> Request<Body> {
    Request::post("/v1/checks")
        .header("content-type", "application/json")
        .body(body.into())
        .expect("a request")
}

fn request(method: Method, path: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .body(Body::empty())
        .expect("a request")
}

/// A batch of one submission with these further fields.
fn submission(fields: &str) -> String {
    format!(r#"{{"submissions": [{{"language": "python", "code": "", {fields}}}]}}"#)
}

/// A batch of one submission with this check.
fn check(check: &str) -> String {
    submission(&format!(r#""checks": [{check}]"#))
}

/// That a request is refused for exactly these fields, each with a message that holds this.
async fn refused(body: String, expect: &[(&str, &str)]) {
    let answer = post(body.clone()).await;
    let problem = answer.problem(422, "invalid-fields");
    let errors = problem["errors"].as_array().expect("errors");
    let paths: Vec<_> = errors.iter().map(|error| error["path"].as_str()).collect();
    let expected: Vec<_> = expect.iter().map(|(path, _)| Some(*path)).collect();
    assert_eq!(paths, expected, "{body}: {errors:?}");
    for (error, (_, message)) in errors.iter().zip(expect) {
        let said = error["message"].as_str().expect("a message");
        assert!(said.contains(message), "{body}: {said}");
    }
}

/// That a request is accepted.
async fn accepted(body: String) -> Value {
    let answer = post(body.clone()).await;
    let text = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status, 200, "{body}: {text}");
    answer.json()
}
