//! How results are sent, and when there are none.

use super::{Answer, batch, check, post, send, send_to};
use crate::fake;
use axum::http::HeaderValue;
use serde_json::{Value, json};
use touchstone::config::Config;

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

#[tokio::test]
async fn fields_stand_in_the_order_of_the_contract() {
    let answer = post(check(r#"{"kind": "script", "source": "", "id": "t1"}"#)).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    insta::assert_snapshot!(String::from_utf8_lossy(&answer.body));
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
    assert_eq!(answer.header("retry-after"), Some("2"));
}

#[tokio::test]
async fn a_closed_queue_takes_nothing() {
    let answer = send_to(fake::closed().await, &Config::default(), batch(three())).await;
    answer.problem(503, "shutting-down");
}
