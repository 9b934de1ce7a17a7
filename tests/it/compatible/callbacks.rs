//! Results that are sent to whoever a submission of Judge0's interface names.

use super::send;
use crate::fake;
use crate::receiver::{Received, Receiver};
use axum::Router;
use serde_json::{Value, json};
use std::net::TcpListener;
use touchstone::api::{Api, router};
use touchstone::config::{Config, HostConfig};
use touchstone::outgoing::Destinations;
use touchstone::validator::Validator;

fn service(validator: Validator, hosts: &[&str]) -> Router {
    let host = |host: &&str| HostConfig::try_from((*host).to_owned()).expect("a host");
    let hosts: Vec<_> = hosts.iter().map(host).collect();
    let hosts = Destinations::look_up(&hosts).expect("addresses");
    let api = Api::new(validator, fake::runtime(), &Config::default());
    router(api.with_callbacks(hosts))
}

fn submission(url: &str) -> Value {
    json!({"source_code": "pass", "language_id": 71, "callback_url": url})
}

async fn next(receiver: Receiver) -> (Received, Receiver) {
    let next = tokio::task::spawn_blocking(move || (receiver.next(), receiver));
    next.await.expect("no panic")
}

#[tokio::test]
async fn a_result_is_sent_as_that_service_does() {
    let receiver = Receiver::content();
    let service = service(fake::passing(), &[&receiver.place()]);
    let url = receiver.url("/hook?secret=1#part");
    let asked = submission(&url);
    let (status, told) = send(&service, "POST", "/submissions", Some(&asked)).await;
    assert_eq!(status, 201, "{told}");
    let token = told["token"].as_str().expect("a token");
    let (received, receiver) = next(receiver).await;
    assert_eq!(received.line, "PUT /hook?secret=1");
    let media_type = "content-type: application/json\r\n";
    assert!(received.head.contains(media_type), "{}", received.head);
    let result: Value = serde_json::from_slice(&received.body).expect("JSON");
    let path = format!("/submissions/{token}?base64_encoded=true");
    let (_, asked_for) = send(&service, "GET", &path, None).await;
    assert_eq!(result, asked_for);
    assert_eq!(result["status"]["id"], 3, "{result}");
    let path = format!("/submissions/{token}?fields=callback_url");
    let (_, told) = send(&service, "GET", &path, None).await;
    assert_eq!(told["callback_url"], receiver.url("/hook?secret=1"));
    let (_, info) = send(&service, "GET", "/config_info", None).await;
    assert_eq!(
        (&info["enable_callbacks"], &info["callbacks_max_tries"]),
        (&json!(true), &json!(3))
    );
}

/// Those that are waited for, those in a batch, and those of which we failed.
#[tokio::test]
async fn every_way_to_send_a_submission() {
    let receiver = Receiver::content();
    let service = service(fake::failing(), &[&receiver.place()]);
    let asked = submission(&receiver.url("/one"));
    let (_, told) = send(&service, "POST", "/submissions?wait=true", Some(&asked)).await;
    assert_eq!(told["status"]["id"], 13, "{told}");
    let (received, receiver) = next(receiver).await;
    assert_eq!(received.line, "PUT /one");
    let plain = json!({"source_code": "pass", "language_id": 71});
    let asked = json!({"submissions": [submission(&receiver.url("/two")), plain]});
    let (status, _) = send(&service, "POST", "/submissions/batch", Some(&asked)).await;
    assert_eq!(status, 201);
    let (received, receiver) = next(receiver).await;
    assert_eq!(received.line, "PUT /two");
    let result: Value = serde_json::from_slice(&received.body).expect("JSON");
    assert_eq!(result["status"]["id"], 13, "{result}");
    assert!(receiver.rest().is_empty());
}

#[tokio::test]
async fn a_receiver_that_fails_is_asked_again() {
    // Gone, failing, and then there.
    let answers = [0, 503, 200];
    let receiver = Receiver::start(move |number| (answers[number.min(2)], String::new()));
    let service = service(fake::passing(), &[&receiver.place()]);
    let asked = submission(&receiver.url("/"));
    send(&service, "POST", "/submissions", Some(&asked)).await;
    let (first, receiver) = next(receiver).await;
    let (second, receiver) = next(receiver).await;
    let (third, receiver) = next(receiver).await;
    assert_eq!(first.body, second.body);
    assert_eq!(first.body, third.body);
    assert!(receiver.rest().is_empty());
}

/// What comes after is sent, so that nothing more of what was before is to come.
#[tokio::test]
async fn a_refusal_and_a_redirection_are_final() {
    let elsewhere = Receiver::content();
    let target = elsewhere.url("/");
    let receiver = Receiver::start(move |number| match number {
        0 => (404, String::new()),
        1 => (302, format!("Location: {target}\r\n")),
        _ => (200, String::new()),
    });
    let service = service(fake::passing(), &[&receiver.place(), &elsewhere.place()]);
    let mut receiver = receiver;
    for path in ["/a", "/b", "/c"] {
        let asked = submission(&receiver.url(path));
        send(&service, "POST", "/submissions?wait=1", Some(&asked)).await;
        let (received, same) = next(receiver).await;
        assert_eq!(received.line, format!("PUT {path}"));
        receiver = same;
    }
    assert!(receiver.rest().is_empty());
    assert!(elsewhere.rest().is_empty());
}

#[tokio::test]
async fn hosts_that_are_not_listed_are_refused() {
    let receiver = Receiver::content();
    let place = receiver.place();
    let port = place.rsplit_once(':').expect("a port").1;
    let none = service(fake::passing(), &[]);
    let listed = service(fake::passing(), &[&place]);
    let unlisted = "not in judge0.callback_hosts";
    for (service, url, says) in [
        (&none, receiver.url("/"), "judge0.callback_hosts names"),
        (&listed, "http://example.org/".to_owned(), unlisted),
        (&listed, "http://127.0.0.1/".to_owned(), unlisted),
        (&listed, format!("http://localhost:{port}/"), unlisted),
        (
            &listed,
            format!("http://127.0.0.1:{port}.example.org/"),
            "is no URL",
        ),
        (
            &listed,
            format!("http://{place}@example.org/"),
            "without user",
        ),
        (
            &listed,
            format!("http://user:word@{place}/"),
            "without user",
        ),
        (&listed, format!("http://example.org/?{place}"), unlisted),
        (&listed, format!("http://example.org\\@{place}/"), unlisted),
        (&listed, format!("ftp://{place}/"), "http or https"),
        (&listed, "file:///etc/passwd".to_owned(), "http or https"),
        (&listed, place.clone(), "is no URL"),
    ] {
        let asked = submission(&url);
        let (status, told) = send(service, "POST", "/submissions?wait=1", Some(&asked)).await;
        assert_eq!(status, 422, "{url}: {told}");
        let said = told["callback_url"][0].as_str().expect("a message");
        assert!(said.contains(says), "{url}: {said}");
    }
    let empty = submission("");
    let (status, _) = send(&none, "POST", "/submissions?wait=1", Some(&empty)).await;
    assert_eq!(status, 201);
    assert!(receiver.rest().is_empty());
}

/// As many as there is room for are kept until they are sent; one more is turned away.
#[tokio::test]
async fn a_slow_receiver_fills_the_queue_of_results() {
    // It takes connections, and never answers.
    let receiver = TcpListener::bind("127.0.0.1:0").expect("a port");
    let place = receiver.local_addr().expect("an address").to_string();
    let service = service(fake::passing(), &[&place]);
    let asked = submission(&format!("http://{place}/"));
    for _ in 0..1024 {
        let (status, told) = send(&service, "POST", "/submissions", Some(&asked)).await;
        assert_eq!(status, 201, "{told}");
    }
    let (status, told) = send(&service, "POST", "/submissions", Some(&asked)).await;
    assert_eq!(status, 503, "{told}");
    let plain = json!({"source_code": "pass", "language_id": 71});
    let (status, _) = send(&service, "POST", "/submissions", Some(&plain)).await;
    assert_eq!(status, 201);
}
