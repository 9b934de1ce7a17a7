//! How results are sent, and when there are none.

use super::{Answer, batch, check, post, send, send_to};
use crate::fake;
use axum::http::HeaderValue;
use serde_json::{Value, json};
use touchstone::api::v1::wire::{ChecksResponse, ResultWire};
use touchstone::config::Config;
use touchstone::domain::{
    Executions, Fault, FaultCode, Fuel, Isolation, Judged, Outcome, SubmissionResult, Verdict,
};

fn three() -> String {
    let check = json!({"kind": "script", "source": ""});
    let submission = json!({"language": "python", "code": "", "checks": [check]});
    json!({"submissions": vec![submission; 3]}).to_string()
}

async fn accepting(accept: &'static str) -> Answer {
    let mut request = batch(three());
    request
        .headers_mut()
        .insert("accept", HeaderValue::from_static(accept));
    send(request).await
}

fn verdict(outcome: Outcome) -> Verdict {
    Verdict {
        id: "t1".into(),
        outcome,
        message: "a message".into(),
        expected: None,
        actual: None,
        stdout: "out\n".into(),
        stderr: String::new(),
        fuel: Fuel(2_834_201),
        memory_bytes: 131_072,
        isolation: Isolation::Split,
        cached: true,
        backstop: false,
        warnings: Vec::new(),
    }
}

fn written(judged: Result<Judged, Fault>) -> String {
    let id = "task-17/candidate-3".into();
    let result = ResultWire::from(SubmissionResult { id, judged });
    serde_json::to_string_pretty(&result).expect("plain data")
}

#[test]
fn a_judged_submission() {
    let full = Verdict {
        expected: Some("5".into()),
        actual: Some("-1".into()),
        isolation: Isolation::Shared,
        backstop: true,
        warnings: vec!["a warning".into()],
        ..verdict(Outcome::TimeLimit)
    };
    let verdicts = vec![verdict(Outcome::Pass), full, verdict(Outcome::Skipped)];
    let executions = Executions {
        candidate: 2,
        reference: 1,
        cached: 1,
    };
    insta::assert_snapshot!(written(Ok(Judged::new(verdicts, executions))));
}

#[test]
fn a_submission_without_a_valid_check_earns_nothing() {
    let verdicts = vec![verdict(Outcome::Invalid)];
    let result = written(Ok(Judged::new(verdicts, Executions::default())));
    assert!(result.contains(r#""generator": null"#), "{result}");
}

#[test]
fn a_fault_has_no_reward() {
    insta::assert_snapshot!(written(Err(Fault {
        code: FaultCode::Engine,
        message: "the engine failed".into(),
        retryable: true,
    })));
}

#[tokio::test]
async fn results_stand_in_a_document() {
    let answer = post(check(r#"{"kind": "script", "source": ""}"#)).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let document: ChecksResponse = serde_json::from_slice(&answer.body).expect("the wire type");
    assert_eq!(
        serde_json::to_vec(&document).expect("plain data"),
        answer.body
    );
}

#[tokio::test]
async fn a_document_has_the_order_of_the_submissions() {
    for accept in [
        "*/*",
        "application/json",
        "application/x-ndjson;q=0",
        "text/html",
    ] {
        let answer = accepting(accept).await;
        let results = answer.json()["results"]
            .as_array()
            .expect("results")
            .clone();
        let ids: Vec<_> = results.iter().map(|result| result["id"].clone()).collect();
        assert_eq!(ids, ["0", "1", "2"], "{accept}");
    }
}

#[tokio::test]
async fn lines_hold_one_result_each() {
    for accept in [
        "application/x-ndjson",
        "application/json, application/X-NDJSON;q=0.5",
    ] {
        let answer = accepting(accept).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
        let text = std::str::from_utf8(&answer.body).expect("text");
        assert!(text.ends_with('\n'));
        let results = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let mut ids: Vec<_> = results.map(|result| result["id"].to_string()).collect();
        ids.sort();
        assert_eq!(ids, [r#""0""#, r#""1""#, r#""2""#]);
    }
}

#[tokio::test]
async fn a_line_is_what_the_document_holds() {
    let body = check(r#"{"kind": "script", "source": ""}"#);
    let document = post(body.clone()).await.json();
    let mut request = batch(body);
    request
        .headers_mut()
        .insert("accept", HeaderValue::from_static("application/x-ndjson"));
    assert_eq!(send(request).await.json(), document["results"][0]);
}

#[tokio::test]
async fn a_full_queue_says_when_to_come_back() {
    let answer = send_to(fake::full(), &Config::default(), batch(three())).await;
    answer.problem(429, "queue-full");
    let seconds = answer.header("retry-after").map(str::parse::<u64>);
    assert!(matches!(seconds, Some(Ok(1..))), "{seconds:?}");
}

#[tokio::test]
async fn a_closed_queue_takes_nothing() {
    let answer = send_to(fake::closed().await, &Config::default(), batch(three())).await;
    answer.problem(503, "shutting-down");
}
