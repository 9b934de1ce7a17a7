//! Spans that a server sends to a collector, confined and while it ends.

use super::client::{Answer, Connection};
use super::{Server, batch, busy};
use crate::receiver::{Received, Receiver};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind, status::StatusCode};
use prost::Message;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::TcpListener;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";
const KEY: &str = "ts_0123456789abcdef";

fn post(server: &Server, path: &str, headers: &str, body: &Value) -> Answer {
    let headers = format!("Content-Type: application/json\r\n{headers}");
    let connection = Connection::open(server.address);
    connection
        .send(&format!("POST {path}"), &headers, &body.to_string())
        .answer()
}

fn traceparent(flags: &str) -> String {
    format!("traceparent: 00-{TRACE}-{PARENT}-{flags}\r\n")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Everything that a collector was sent, and who it came from.
fn spans(sent: &[Received]) -> (Vec<Span>, BTreeMap<String, Value>) {
    let (mut spans, mut resource) = (Vec::new(), BTreeMap::new());
    for received in sent {
        assert_eq!(received.line, "POST /v1/traces");
        let media_type = "content-type: application/x-protobuf\r\n";
        assert!(received.head.contains(media_type), "{}", received.head);
        let request = ExportTraceServiceRequest::decode(&*received.body).expect("a request");
        for each in request.resource_spans {
            let from = each.resource.expect("a resource").attributes;
            resource.extend(from.into_iter().map(attribute));
            let scopes = each.scope_spans.into_iter();
            spans.extend(scopes.flat_map(|scope| scope.spans));
        }
    }
    (spans, resource)
}

fn attribute(pair: opentelemetry_proto::tonic::common::v1::KeyValue) -> (String, Value) {
    let value = pair.value.and_then(|value| value.value);
    let value = match value.expect("a value") {
        Any::StringValue(text) => json!(text),
        Any::IntValue(number) => json!(number),
        Any::DoubleValue(number) => json!(number),
        Any::BoolValue(yes) => json!(yes),
        other => panic!("{other:?}"),
    };
    (pair.key, value)
}

fn attributes(span: &Span) -> BTreeMap<String, Value> {
    span.attributes.iter().cloned().map(attribute).collect()
}

/// The only span of this name below a parent.
#[track_caller]
fn only<'a>(spans: &'a [Span], name: &str, parent: &str) -> &'a Span {
    let is_it = |span: &&Span| span.name == name && hex(&span.parent_span_id) == parent;
    let found: Vec<&Span> = spans.iter().filter(is_it).collect();
    assert_eq!(found.len(), 1, "{name} below {parent}: {spans:#?}");
    found[0]
}

#[test]
fn one_request_with_its_submissions_and_checks() {
    let collector = Receiver::content();
    let server = Server::start(
        &["--workers", "2"],
        &[
            ("TOUCHSTONE_TELEMETRY_OTLP_ENDPOINT", &collector.url("")),
            ("TOUCHSTONE_API_KEYS", &format!("ci:{KEY}")),
        ],
    );
    let check = |id: &str, expected: &str| json!({"id": id, "kind": "call", "call": "secret_name()", "expected": expected});
    let code = "def secret_name():\n    return 'secret-value'\n";
    let checks = json!([check("a", "'secret-value'"), check("b", "'other'")]);
    let one = json!({"id": "secret-id", "language": "python", "code": code, "checks": checks});
    let headers = format!(
        "{}Authorization: Bearer {KEY}\r\nX-Request-Id: the-id\r\n",
        traceparent("01")
    );
    let answer = post(&server, "/v1/checks", &headers, &batch([one, busy(1, 1)]));
    let document = answer.json();
    assert_eq!(answer.status, 200, "{document}");
    server.terminate();
    assert_eq!(server.ended(), Some(0));

    let sent = collector.rest();
    for each in &sent {
        let text = String::from_utf8_lossy(&each.body);
        for secret in ["secret", KEY, "Bearer"] {
            assert!(!text.contains(secret), "{secret}: {text}");
            assert!(!each.head.contains(secret), "{secret}: {}", each.head);
        }
    }
    let (spans, resource) = spans(&sent);
    assert_eq!(resource["service.name"], "touchstone");
    assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(spans.len(), 6, "{spans:#?}");
    for span in &spans {
        assert_eq!(hex(&span.trace_id), TRACE, "{span:#?}");
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano);
    }
    let request = only(&spans, "POST /v1/checks", PARENT);
    assert_eq!(request.kind, SpanKind::Server as i32);
    let told = attributes(request);
    assert_eq!(told["http.request.method"], "POST");
    assert_eq!(told["http.route"], "/v1/checks");
    assert_eq!(told["http.response.status_code"], 200);
    assert_eq!(told["touchstone.request_id"], "the-id");
    let below = |parent: &Span, name: &str| -> BTreeMap<u64, &Span> {
        let parent = hex(&parent.span_id);
        let is_it = |span: &&Span| span.name == name && hex(&span.parent_span_id) == parent;
        let found = spans.iter().filter(is_it);
        let place = |span: &Span| attributes(span)[&format!("touchstone.{name}")].as_u64();
        found
            .map(|span| (place(span).expect("a place"), span))
            .collect()
    };
    let submissions = below(request, "submission");
    assert_eq!(submissions.len(), 2, "{spans:#?}");
    let told = attributes(submissions[&0]);
    assert_eq!(told["touchstone.checks"], 2);
    assert_eq!(told["touchstone.valid"], 2);
    assert_eq!(told["touchstone.passed"], 1);
    for (index, submission) in &submissions {
        let verdicts = document["results"][*index as usize]["verdicts"]
            .as_array()
            .expect("verdicts");
        let checks = below(submission, "check");
        assert_eq!(checks.len(), verdicts.len());
        for (index, check) in checks {
            let (told, verdict) = (attributes(check), &verdicts[index as usize]);
            assert_eq!(told["touchstone.outcome"], verdict["outcome"]);
            assert_eq!(told["touchstone.fuel"], verdict["fuel"]);
            assert_eq!(told["touchstone.cached"], verdict["cached"]);
            assert!(
                told["touchstone.queue_wait_ms"]
                    .as_f64()
                    .is_some_and(|ms| ms > 0.0)
            );
            assert!(check.end_time_unix_nano <= submission.end_time_unix_nano);
        }
    }
}

/// Programs of other services' clients, refusals, streams, and who is not to be traced; by the variable
/// that programs of all kinds know.
#[test]
fn other_requests() {
    let collector = Receiver::content();
    let server = Server::start(
        &["--workers", "1"],
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url("/"))],
    );
    let program = json!({"code": "print(1)", "language": "python"});
    assert_eq!(post(&server, "/run_code", "", &program).status, 200);
    assert_eq!(post(&server, "/run_code", "", &json!({})).status, 422);
    let unsampled = traceparent("00");
    assert_eq!(post(&server, "/run_code", &unsampled, &program).status, 200);
    let lines = server.stream(&batch([busy(0, 1)]), "application/x-ndjson");
    assert_eq!(lines.answer().status, 200);
    assert_eq!(post(&server, "/nowhere/secret", "", &json!({})).status, 404);
    server.terminate();
    assert_eq!(server.ended(), Some(0));
    let (spans, _) = spans(&collector.rest());
    let roots: Vec<&Span> = spans
        .iter()
        .filter(|span| span.parent_span_id.is_empty())
        .collect();
    let told = |span: &Span| {
        let status = attributes(span)["http.response.status_code"].clone();
        (span.name.clone(), status)
    };
    let mut came: Vec<_> = roots.iter().map(|span| told(span)).collect();
    came.sort_by_key(|(name, status)| (name.clone(), status.as_u64()));
    let expect = [
        ("POST /run_code", 200),
        ("POST /run_code", 422),
        ("POST /v1/checks", 200),
        ("POST none", 404),
    ];
    let expect = expect.map(|(name, status)| (name.to_owned(), json!(status)));
    assert_eq!(came, expect);
    let ran = roots
        .iter()
        .find(|span| told(span) == expect[0])
        .expect("it is there");
    let program = only(&spans, "program", &hex(&ran.span_id));
    let told = attributes(program);
    assert_eq!(told["touchstone.outcome"], "exited");
    assert_eq!(told["touchstone.cached"], false);
    assert!(
        told["touchstone.fuel"]
            .as_u64()
            .is_some_and(|fuel| fuel > 0)
    );
    assert!(told["touchstone.queue_wait_ms"].is_f64());
    let failed = |span: &Span| {
        let status = span.status.as_ref().map(|status| status.code);
        status == Some(StatusCode::Error as i32)
    };
    assert!(!spans.iter().any(failed), "{spans:#?}");
}

/// Nobody there, nobody who answers, and somebody who takes nothing: the server does what it did.
#[test]
fn a_collector_that_is_away_hinders_nobody() {
    let gone = TcpListener::bind("127.0.0.1:0").expect("a port");
    let gone = gone.local_addr().expect("an address");
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let refusing = Receiver::start(|_| (500, String::new()));
    for endpoint in [
        format!("http://{gone}"),
        format!("http://{}", silent.local_addr().expect("an address")),
        refusing.url(""),
        "http://nowhere.invalid:4318".to_owned(),
    ] {
        let server = Server::start(
            &["--workers", "1"],
            &[
                ("TOUCHSTONE_TELEMETRY_OTLP_ENDPOINT", &endpoint),
                // So that something is sent while requests are answered.
                ("OTEL_BSP_SCHEDULE_DELAY", "10"),
            ],
        );
        for id in 0..50 {
            let document = server.post(&batch([busy(id, 1)])).json();
            assert_eq!(document["results"][0]["passed"], 1, "{endpoint}");
        }
        server.terminate();
        assert_eq!(server.ended(), Some(0), "{endpoint}");
    }
}

/// No thread, no port, and lines of the log as ever.
#[test]
fn without_a_collector_there_are_no_spans() {
    let mut server = Server::start(&["--workers", "1", "--log-level", "trace"], &[]);
    server.post(&batch([busy(0, 1)]));
    let line = server.log_line(|line| line["path"] == "/v1/checks");
    assert_eq!(
        (&line["span"], &line["spans"]),
        (&Value::Null, &Value::Null)
    );
    let folder = format!("/proc/{}/task", server.process.id());
    for entry in std::fs::read_dir(folder).expect("it runs") {
        let name = entry.expect("a thread").path().join("comm");
        let name = std::fs::read_to_string(name).expect("a name");
        assert!(!name.starts_with("OpenTelemetry"), "{name}");
    }
}
