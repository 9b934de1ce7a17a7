//! What clients of other services get when there is no room, or when we fail.

use super::{send, service};
use crate::fake;
use serde_json::{Value, json};
use touchstone::domain::{Limits, Program};
use touchstone::validator::Tenant;

fn program() -> Program {
    Program {
        code: "pass".into(),
        stdin: Vec::new(),
        files: Vec::new(),
        arguments: Vec::new(),
        fetch: Vec::new(),
        limits: Limits::default(),
        seed: 0,
    }
}

fn run_code() -> Value {
    json!({"code": "pass", "language": "python"})
}

fn cases(count: usize) -> Value {
    let input = vec!["1"; count];
    json!({"completion": "print(1)", "config": {
        "language": "python",
        "provided_data": {"test_cases": {"type": "stdin_stdout", "input": input, "output": input}},
        "extra": {"run_all_cases": true},
    }})
}

/// verl asks again on 504 alone; ScaleBox's clients are relatives.
#[tokio::test]
async fn a_full_queue() {
    let validator = fake::full();
    // Its last place; dropping the results would make room again.
    let held = validator.submit_programs(vec![program()], Tenant::default());
    let service = service(validator);
    let execute = json!({"language": "python", "version": "*", "files": [{"content": ""}]});
    let submission = json!({"source_code": "pass", "language_id": 71});
    for (path, body, expect) in [
        ("/run_code", run_code(), 504),
        ("/run_jupyter", json!({"cells": ["1"]}), 504),
        ("/common_evaluate_batch", cases(1), 504),
        ("/api/v2/execute", execute, 429),
        ("/submissions?wait=true", submission, 503),
    ] {
        let (status, answer) = send(&service, "POST", path, Some(&body)).await;
        assert_eq!(status, expect, "{path}: {answer}");
    }
    drop(held);
}

#[tokio::test]
async fn more_than_the_queue_ever_takes() {
    let service = service(fake::with_capacity(2));
    let (status, answer) = send(&service, "POST", "/common_evaluate_batch", Some(&cases(3))).await;
    assert_eq!(status, 413, "{answer}");
}

#[tokio::test]
async fn a_closed_queue() {
    let service = service(fake::closed().await);
    let (status, _) = send(&service, "POST", "/run_code", Some(&run_code())).await;
    assert_eq!(status, 504);
}

/// A fault of ours is told in an answer, as that service does, and is no failure of the program.
#[tokio::test]
async fn a_fault() {
    let service = service(fake::failing());
    let (status, answer) = send(&service, "POST", "/run_code", Some(&run_code())).await;
    assert_eq!((status, &answer["status"]), (200, &json!("SandboxError")));
    assert_eq!(answer["run_result"], Value::Null);
    let submission = json!({"source_code": "pass", "language_id": 71});
    let (status, answer) = send(&service, "POST", "/submissions?wait=1", Some(&submission)).await;
    assert_eq!((status, &answer["status"]["id"]), (201, &json!(13)));
    let execute = json!({"language": "py", "version": "3.x", "files": [{"content": ""}]});
    let (status, _) = send(&service, "POST", "/api/v2/execute", Some(&execute)).await;
    assert_eq!(status, 500);
}

/// A document of very many small items would take many times its size.
#[tokio::test]
async fn too_many_items() {
    let service = service(fake::passing());
    let body = json!({"code": "", "language": "python", "fetch_files": vec!["a"; 1_000_002]});
    let (status, answer) = send(&service, "POST", "/run_code", Some(&body)).await;
    assert_eq!(status, 422, "{answer}");
    let text = json!({"code": ",".repeat(1_000_002), "language": "python"});
    let (status, _) = send(&service, "POST", "/run_code", Some(&text)).await;
    assert_eq!(status, 200);
}
