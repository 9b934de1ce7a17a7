//! Who may call, how often, and what browsers are told.

use super::{Answer, answer_of, batch, check, request};
use crate::fake;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request};
use serde_json::json;
use touchstone::api::{Api, paths, router};
use touchstone::config::{Config, KeyConfig, KeyDigest};
use touchstone::validator::Validator;
use tower::ServiceExt;

const KEY: &str = "ts_0123456789abcdef";
const OTHER: &str = "ts_fedcba9876543210";

fn key(name: &str, key: &str) -> KeyConfig {
    KeyConfig {
        name: name.into(),
        sha256: vec![KeyDigest::of(key.as_bytes())],
        admin: false,
        requests_per_second: None,
        concurrent_requests: None,
    }
}

fn service(validator: Validator, config: &Config, keys: &[KeyConfig]) -> Router {
    router(Api::new(validator, fake::runtime(), config).with_keys(keys))
}

fn guarded(keys: &[KeyConfig]) -> Router {
    service(fake::passing(), &Config::default(), keys)
}

async fn send(router: &Router, request: Request<Body>) -> Answer {
    answer_of(router.clone().oneshot(request).await.expect("an answer")).await
}

fn with(mut request: Request<Body>, name: &'static str, value: &str) -> Request<Body> {
    let value = value.parse().expect("a value");
    request.headers_mut().insert(name, value);
    request
}

fn bearer(request: Request<Body>, key: &str) -> Request<Body> {
    with(request, "authorization", &format!("Bearer {key}"))
}

fn passing_check() -> Request<Body> {
    batch(check(
        r#"{"kind": "script", "source": "", "trusted": true}"#,
    ))
}

#[tokio::test]
async fn every_route_but_these_needs_a_key() {
    let router = guarded(&[key("a", KEY)]);
    let for_all = ["/", "/healthz", "/readyz", "/openapi.json", "/metrics"];
    for path in paths() {
        let answer = send(&router, request(Method::GET, path)).await;
        if for_all.contains(&path) {
            assert_eq!(answer.status, 200, "{path}");
        } else {
            // In the form of the service that the route is of.
            assert_eq!(answer.status, 401, "{path}");
            assert_eq!(
                answer.header("www-authenticate"),
                Some(r#"Bearer realm="touchstone""#)
            );
        }
    }
    // Nor does anybody learn what there is.
    for path in ["/nowhere", "/v1/checks/", "/metrics/", "/runs"] {
        send(&router, request(Method::GET, path))
            .await
            .problem(401, "no-key");
    }
}

#[tokio::test]
async fn metrics_take_a_key_where_they_are_to() {
    let mut config = Config::default();
    config.access.metrics_need_key = true;
    let router = service(fake::passing(), &config, &[key("a", KEY)]);
    let metrics = || request(Method::GET, "/metrics");
    send(&router, metrics()).await.problem(401, "no-key");
    assert_eq!(send(&router, bearer(metrics(), KEY)).await.status, 200);
}

#[tokio::test]
async fn keys_known_and_unknown() {
    let router = guarded(&[key("a", KEY), key("b", OTHER)]);
    for known in [KEY, OTHER] {
        let answer = send(&router, bearer(passing_check(), known)).await;
        assert_eq!(answer.status, 200);
    }
    let unknown = send(&router, bearer(passing_check(), "ts_0123456789abcdee")).await;
    unknown.problem(401, "unknown-key");
    let challenge = unknown.header("www-authenticate").expect("a challenge");
    assert_eq!(
        challenge,
        r#"Bearer realm="touchstone", error="invalid_token""#
    );
    let none = send(&router, passing_check()).await;
    let said = none.problem(401, "no-key").to_string();
    assert!(said.contains("Bearer KEY"), "{said}");
    assert_eq!(
        none.header("www-authenticate"),
        Some(r#"Bearer realm="touchstone""#)
    );
    // "anyone:ts_0123456789abcdef", for clients that take a URL and nothing else.
    let basic = "Basic YW55b25lOnRzXzAxMjM0NTY3ODlhYmNkZWY=";
    let answer = send(&router, with(passing_check(), "authorization", basic)).await;
    assert_eq!(answer.status, 200);
    let answer = send(&router, with(passing_check(), "x-auth-token", KEY)).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_browser_is_asked_for_a_key_to_look_at_runs() {
    let router = guarded(&[key("a", KEY)]);
    let answer = send(&router, request(Method::GET, "/runs")).await;
    let challenge = answer.header("www-authenticate").expect("a challenge");
    assert!(challenge.starts_with("Basic "), "{challenge}");
}

#[tokio::test]
async fn what_one_key_sent_is_not_remembered_for_another() {
    let router = service(
        fake::remembering(),
        &Config::default(),
        &[key("a", KEY), key("b", OTHER)],
    );
    let cached = async |key| {
        let answer = send(&router, bearer(passing_check(), key)).await.json();
        answer["results"][0]["verdicts"][0]["cached"].clone()
    };
    assert_eq!(cached(KEY).await, json!(false));
    assert_eq!(cached(KEY).await, json!(true));
    assert_eq!(cached(OTHER).await, json!(false));
    assert_eq!(cached(OTHER).await, json!(true));
}

#[tokio::test]
async fn a_rate_is_a_keys_own() {
    let slow = KeyConfig {
        // The next one after a thousand seconds.
        requests_per_second: Some(0.001),
        ..key("slow", KEY)
    };
    let router = guarded(&[slow, key("b", OTHER)]);
    let ask = |key| send(&router, bearer(request(Method::GET, "/v1/runtimes"), key));
    assert_eq!(ask(KEY).await.status, 200);
    for _ in 0..3 {
        let refused = ask(KEY).await;
        refused.problem(429, "rate-limited");
        let seconds = refused.header("retry-after").expect("a hint").parse();
        let seconds: u32 = seconds.expect("whole seconds");
        assert!((900..=1000).contains(&seconds), "{seconds}");
        assert_eq!(ask(OTHER).await.status, 200);
    }
    // What needs no key has no limit.
    assert_eq!(
        send(&router, request(Method::GET, "/healthz")).await.status,
        200
    );
}

#[tokio::test]
async fn the_rate_of_all_keys_is_a_setting() {
    let mut config = Config::default();
    config.access.requests_per_second = Some(0.001);
    let fast = KeyConfig {
        requests_per_second: Some(1e9),
        ..key("fast", OTHER)
    };
    let router = service(fake::passing(), &config, &[key("a", KEY), fast]);
    let ask = |key| send(&router, bearer(request(Method::GET, "/v1/runtimes"), key));
    assert_eq!(ask(KEY).await.status, 200);
    ask(KEY).await.problem(429, "rate-limited");
    for _ in 0..3 {
        assert_eq!(ask(OTHER).await.status, 200);
    }
}

/// A place is held until the answer is read to its end or given up, not until it begins.
#[tokio::test]
async fn as_many_at_a_time_as_a_key_may() {
    let narrow = KeyConfig {
        concurrent_requests: Some(2),
        ..key("narrow", KEY)
    };
    let router = service(
        fake::stuck(),
        &Config::default(),
        &[narrow, key("b", OTHER)],
    );
    let stream = |key| {
        let request = with(passing_check(), "accept", "application/x-ndjson");
        router.clone().oneshot(bearer(request, key))
    };
    let first = stream(KEY).await.expect("an answer that never ends");
    let _second = stream(KEY).await.expect("an answer that never ends");
    let refused = answer_of(stream(KEY).await.expect("an answer")).await;
    refused.problem(429, "too-many-at-once");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(stream(OTHER).await.expect("an answer").status(), 200);
    drop(first);
    assert_eq!(stream(KEY).await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn a_page_from_elsewhere_cannot_use_a_server_without_keys() {
    let check = async |config: &Config, keys: &[KeyConfig], host: &str, expect: u16| {
        let router = service(fake::passing(), config, keys);
        let ask = with(request(Method::GET, "/v1/runtimes"), "host", host);
        let answer = send(&router, bearer(ask, KEY)).await;
        assert_eq!(answer.status, expect, "{host}");
    };
    let mut config = Config::default();
    for host in ["localhost:8080", "127.0.0.1", "[::1]:8080"] {
        check(&config, &[], host, 200).await;
    }
    for host in ["example.org", "example.org:8080", "127.0.0.1.example.org"] {
        check(&config, &[], host, 421).await;
        check(&config, &[key("a", KEY)], host, 200).await;
    }
    config.access.open = true;
    check(&config, &[], "example.org", 200).await;
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().expect("text"))
}

#[tokio::test]
async fn every_answer_says_what_it_is_not_for() {
    let router = guarded(&[key("a", KEY)]);
    for (path, status) in [("/healthz", 200), ("/", 200), ("/v1/runtimes", 401)] {
        let answer = send(&router, request(Method::GET, path)).await;
        assert_eq!(answer.status, status, "{path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}: {name}");
        }
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert_eq!(answer.header("strict-transport-security"), None);
    }
}

#[tokio::test]
async fn pages_of_origins_that_are_named_may_call() {
    let preflight = |origin: &str| {
        let asked = with(request(Method::OPTIONS, "/v1/checks"), "origin", origin);
        let asked = with(asked, "access-control-request-method", "POST");
        with(
            asked,
            "access-control-request-headers",
            "authorization,content-type",
        )
    };
    let allowed =
        |answer: &Answer| header(&answer.headers, "access-control-allow-origin").map(str::to_owned);
    let off = guarded(&[]);
    let answer = send(&off, preflight("https://example.org")).await;
    assert_eq!((answer.status.as_u16(), allowed(&answer)), (405, None));

    let mut config = Config::default();
    config.access.allowed_origins = vec!["https://example.org".into()];
    let on = service(fake::passing(), &config, &[key("a", KEY)]);
    let answer = send(&on, preflight("https://example.org")).await;
    assert_eq!(
        (answer.status.as_u16(), allowed(&answer).as_deref()),
        (200, Some("https://example.org"))
    );
    let answer = send(&on, preflight("https://example.com")).await;
    assert_eq!(allowed(&answer), None);
    // It may, and it still needs a key.
    let asked = with(passing_check(), "origin", "https://example.org");
    let answer = send(&on, asked).await;
    answer.problem(401, "no-key");
    assert_eq!(allowed(&answer).as_deref(), Some("https://example.org"));
}
