//! What an operator sees and changes: figures, and the log's level.

use super::{Answer, answer_of, batch, check, request, submission};
use crate::fake;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use touchstone::api::{Api, LogControl, Process, router};
use touchstone::config::{Config, KeyConfig, KeyDigest};
use touchstone::validator::Validator;
use tower::ServiceExt;

const KEY: &str = "ts_0123456789abcdef";

fn key(admin: bool) -> KeyConfig {
    KeyConfig {
        name: "trainer".into(),
        sha256: vec![KeyDigest::of(KEY.as_bytes())],
        admin,
        requests_per_second: None,
        concurrent_requests: Some(1),
    }
}

/// A log that takes every level but one.
pub fn log() -> LogControl {
    let level = Arc::new(Mutex::new("info".to_owned()));
    let changed = Arc::clone(&level);
    LogControl {
        level: Arc::new(move || level.lock().expect("no panic").clone()),
        change: Arc::new(move |asked| match asked {
            "a=b=c" => Err("it is none".into()),
            asked => {
                asked.clone_into(&mut changed.lock().expect("no panic"));
                Ok(())
            }
        }),
    }
}

fn service(validator: Validator, config: &Config, keys: &[KeyConfig]) -> Router {
    let api = Api::new(validator, fake::runtime(), config);
    router(api.with_operation(Process::open(), log()).with_keys(keys))
}

async fn send(router: &Router, mut request: Request<Body>, key: Option<&str>) -> Answer {
    if let Some(key) = key {
        let value = format!("Bearer {key}").parse().expect("a value");
        request.headers_mut().insert("authorization", value);
    }
    answer_of(router.clone().oneshot(request).await.expect("an answer")).await
}

/// The figures by name and labels, as they stand on the page.
async fn figures(router: &Router) -> HashMap<String, f64> {
    let answer = send(router, request(Method::GET, "/metrics"), None).await;
    let media_type = answer.header("content-type").expect("a type");
    assert!(media_type.starts_with("application/openmetrics-text"));
    let page = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(page.ends_with("# EOF\n"), "{page}");
    let figures = page.lines().filter(|line| !line.starts_with('#'));
    let figure = |line: &str| {
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        (name.to_owned(), value.parse().expect("a number"))
    };
    figures.map(figure).collect()
}

#[tokio::test]
async fn figures_before_anything_happened() {
    let router = service(fake::with_capacity(7), &Config::default(), &[key(false)]);
    let figures = figures(&router).await;
    for (name, value) in [
        (r#"touchstone_checks_total{outcome="pass"}"#, 0.0),
        (r#"touchstone_checks_total{outcome="output_limit"}"#, 0.0),
        (
            r#"touchstone_key_requests_total{key="trainer",door="rate_limited"}"#,
            0.0,
        ),
        ("touchstone_queue_checks", 0.0),
        ("touchstone_queue_capacity_checks", 7.0),
        ("touchstone_workers", 1.0),
        ("touchstone_worker_restarts_total", 0.0),
        ("touchstone_guest_memory_limit_bytes", 1_073_741_824.0),
        ("touchstone_cache_capacity_bytes", 0.0),
        ("touchstone_accepting", 1.0),
        (
            r#"touchstone_runtime_info{digest="sha256:0123",version="3.14.0"}"#,
            1.0,
        ),
    ] {
        assert_eq!(figures.get(name), Some(&value), "{name}: {figures:?}");
    }
    let memory = figures.get("touchstone_process_resident_memory_bytes");
    assert!(!cfg!(target_os = "linux") || memory.is_some_and(|bytes| *bytes > 1e6));
}

#[tokio::test]
async fn figures_after_some_requests() {
    let router = service(fake::remembering(), &Config::default(), &[key(false)]);
    let three = || {
        batch(submission(
            r#""reference": "", "checks": [
                {"kind": "script", "source": "1", "trusted": true},
                {"kind": "script", "source": "2", "trusted": true},
                {"kind": "critic", "text": "nothing"}]"#,
        ))
    };
    for _ in 0..2 {
        assert_eq!(send(&router, three(), Some(KEY)).await.status, 200);
    }
    assert_eq!(send(&router, three(), None).await.status, 401);
    send(&router, request(Method::GET, "/made/up"), Some(KEY)).await;
    let figures = figures(&router).await;
    let checks = r#"route="/v1/checks""#;
    for (name, value) in [
        (
            format!(r#"touchstone_requests_total{{{checks},method="POST",status="200"}}"#),
            2.0,
        ),
        (
            format!(r#"touchstone_requests_total{{{checks},method="POST",status="401"}}"#),
            1.0,
        ),
        (
            r#"touchstone_requests_total{route="none",method="GET",status="404"}"#.into(),
            1.0,
        ),
        (format!("touchstone_request_seconds_count{{{checks}}}"), 3.0),
        (
            r#"touchstone_key_requests_total{key="trainer",door="admitted"}"#.into(),
            3.0,
        ),
        (r#"touchstone_checks_total{outcome="pass"}"#.into(), 4.0),
        (r#"touchstone_checks_total{outcome="invalid"}"#.into(), 2.0),
        ("touchstone_queue_wait_seconds_count".into(), 6.0),
        ("touchstone_executions_total".into(), 2.0),
        ("touchstone_execution_seconds_count".into(), 2.0),
        ("touchstone_execution_fuel_count".into(), 2.0),
        ("touchstone_execution_fuel_sum".into(), 2.0),
        ("touchstone_cache_hits_total".into(), 2.0),
    ] {
        assert_eq!(figures.get(&name), Some(&value), "{name}: {figures:?}");
    }
}

/// Whatever clients send, there are not more figures than routes, methods and statuses.
#[tokio::test]
async fn labels_are_few() {
    let router = service(fake::passing(), &Config::default(), &[]);
    for number in 0..50 {
        send(&router, request(Method::GET, &format!("/{number}")), None).await;
        let method = Method::from_bytes(format!("M{number}").as_bytes()).expect("a method");
        send(&router, request(method, "/healthz"), None).await;
    }
    let figures = figures(&router).await;
    let of_requests = |name: &&String| name.starts_with("touchstone_requests_total");
    let names: Vec<_> = figures.keys().filter(of_requests).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

fn change(level: &str) -> Request<Body> {
    let mut request = request(Method::PUT, "/admin/log-level");
    let media_type = "application/json".parse().expect("a value");
    request.headers_mut().insert("content-type", media_type);
    *request.body_mut() = Body::from(json!({"level": level}).to_string());
    request
}

#[tokio::test]
async fn an_administrator_changes_the_level() {
    let router = service(fake::passing(), &Config::default(), &[key(true)]);
    let ask = || request(Method::GET, "/admin/log-level");
    let level = async || send(&router, ask(), Some(KEY)).await.json();
    assert_eq!(level().await, json!({"level": "info"}));
    let answer = send(&router, change("debug"), Some(KEY)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()),
        (200, json!({"level": "debug"}))
    );
    let refused = send(&router, change("a=b=c"), Some(KEY)).await;
    let problem = refused.problem(422, "invalid-fields");
    assert_eq!(problem["errors"][0]["path"], "level");
    assert_eq!(level().await, json!({"level": "debug"}));
}

#[tokio::test]
async fn nobody_else_does() {
    let other = service(fake::passing(), &Config::default(), &[key(false)]);
    let refused = send(&other, change("trace"), Some(KEY)).await;
    refused.problem(403, "forbidden");
    let challenge = refused.header("www-authenticate").expect("a challenge");
    assert!(challenge.contains("insufficient_scope"), "{challenge}");
    send(&other, change("trace"), None)
        .await
        .problem(401, "no-key");
    // Without keys, whoever sits at this machine may, and no one beyond it.
    let here = service(fake::passing(), &Config::default(), &[]);
    assert_eq!(send(&here, change("trace"), None).await.status, 200);
    let mut config = Config::default();
    config.access.open = true;
    let open = service(fake::passing(), &config, &[]);
    send(&open, change("trace"), None)
        .await
        .problem(403, "forbidden");
}

#[tokio::test]
async fn a_service_whose_log_is_anothers_has_no_level() {
    let router = router(Api::new(
        fake::passing(),
        fake::runtime(),
        &Config::default(),
    ));
    let answer = send(&router, change("debug"), None).await;
    answer.problem(404, "not-found");
    // A check goes through all the same.
    let answer = send(
        &router,
        batch(check(r#"{"kind": "script", "source": ""}"#)),
        None,
    )
    .await;
    assert_eq!(answer.status, 200);
}
