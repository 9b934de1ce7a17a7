//! Bodies that are no request.

use super::{accepted, batch, check, post, send, send_to};
use crate::fake;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Request};
use futures_util::stream;
use std::convert::Infallible;
use touchstone::config::Config;

fn small() -> String {
    check(r#"{"kind": "script", "source": ""}"#)
}

fn limited(max_body_bytes: usize) -> Config {
    let mut config = Config::default();
    config.server.max_body_bytes = max_body_bytes;
    config
}

#[tokio::test]
async fn not_json() {
    for body in [
        "",
        "{",
        "nonsense",
        r#"{"submissions": [NaN]}"#,
        r#"{"a": 1} 2"#,
    ] {
        post(body).await.problem(400, "not-json");
    }
    post(vec![0xff, 0xfe]).await.problem(400, "not-json");
}

#[tokio::test]
async fn other_formats() {
    for content_type in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application",
    ] {
        let mut request = batch(small());
        request
            .headers_mut()
            .insert("content-type", HeaderValue::from_static(content_type));
        send(request).await.problem(415, "unsupported-media-type");
    }
    let mut request = batch(small());
    request.headers_mut().remove("content-type");
    send(request).await.problem(415, "unsupported-media-type");
    let mut request = batch(small());
    request
        .headers_mut()
        .insert("content-encoding", HeaderValue::from_static("gzip"));
    send(request).await.problem(415, "unsupported-media-type");
}

#[tokio::test]
async fn json_by_other_names() {
    for content_type in [
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/a+json",
    ] {
        let mut request = batch(small());
        request
            .headers_mut()
            .insert("content-type", HeaderValue::from_static(content_type));
        assert_eq!(send(request).await.status, 200, "{content_type}");
    }
}

#[tokio::test]
async fn bodies_up_to_the_limit() {
    let body = small();
    let config = limited(body.len());
    let answer = send_to(fake::passing(), &config, batch(body.clone())).await;
    assert_eq!(answer.status, 200);
    let answer = send_to(fake::passing(), &config, batch(format!("{body} "))).await;
    answer.problem(413, "body-too-large");
}

#[tokio::test]
async fn bodies_of_unknown_length() {
    let chunks = std::iter::repeat_n(Ok::<_, Infallible>(Bytes::from_static(&[b' '; 100])), 100);
    let request = batch(Body::from_stream(stream::iter(chunks)));
    let answer = send_to(fake::passing(), &limited(1000), request).await;
    answer.problem(413, "body-too-large");
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends() {
    let endless = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
    let request = Request::post("/v1/checks")
        .header("content-type", "application/json")
        .header("content-length", "1001")
        .header("expect", "100-continue")
        .body(endless)
        .expect("a request");
    let answer = send_to(fake::passing(), &limited(1000), request).await;
    answer.problem(413, "body-too-large");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_finishes() {
    let endless = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
    send(batch(endless)).await.problem(408, "body-timeout");
}

#[tokio::test]
async fn a_client_that_breaks_off() {
    let broken = Body::from_stream(stream::iter([Err::<Bytes, _>("gone")]));
    send(batch(broken)).await.problem(400, "body-broken");
}

#[tokio::test]
async fn a_program_of_twenty_megabytes() {
    let source = "#".repeat(20 << 20);
    accepted(check(&format!(
        r#"{{"kind": "script", "source": "{source}"}}"#
    )))
    .await;
}

#[tokio::test]
async fn a_large_body_with_a_fault() {
    let source = "#".repeat(1 << 20);
    let body = check(&format!(
        r#"{{"kind": "script", "source": "{source}", "id": 1}}"#
    ));
    let problem = post(body).await.problem(422, "invalid-fields");
    assert_eq!(problem["errors"][0]["path"], "submissions[0].checks[0].id");
}
