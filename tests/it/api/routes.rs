//! The small routes, and what is no route.

use super::{request, send, send_to};
use crate::fake;
use axum::http::Method;
use touchstone::config::Config;

#[tokio::test]
async fn health() {
    let answer = send(request(Method::GET, "/healthz")).await;
    assert_eq!(
        (answer.status.as_u16(), &*answer.body),
        (200, br#"{"status":"ok"}"# as &[u8])
    );
    let answer = send(request(Method::GET, "/readyz")).await;
    assert_eq!(
        (answer.status.as_u16(), &*answer.body),
        (200, br#"{"status":"ready"}"# as &[u8])
    );
}

#[tokio::test]
async fn a_closed_queue_is_not_ready() {
    let ready = request(Method::GET, "/readyz");
    let answer = send_to(fake::closed().await, &Config::default(), ready).await;
    answer.problem(503, "not-ready");
}

#[tokio::test]
async fn runtimes() {
    let answer = send(request(Method::GET, "/v1/runtimes")).await;
    insta::assert_snapshot!(String::from_utf8_lossy(&answer.body));
}

/// The page, and all that it loads, whatever a model's text may hold.
#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere() {
    let page = send(request(Method::GET, "/")).await;
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"));
    assert!(!policy.contains("unsafe"), "{policy}");
    let text = String::from_utf8_lossy(&page.body);
    for elsewhere in ["http:", "https:", "<script>", "style=", "@import"] {
        assert!(!text.contains(elsewhere), "{elsewhere}");
    }
    let named = text.split('"').filter(|part| part.starts_with("assets/"));
    let mut files: Vec<String> = named.map(|path| format!("/{path}")).collect();
    let mut read = 0;
    while let Some(path) = files.get(read).cloned() {
        read += 1;
        let file = send(request(Method::GET, &path)).await;
        assert_eq!(file.status, 200, "{path}");
        assert_eq!(file.header("content-security-policy"), Some(policy));
        assert_eq!(file.header("x-content-type-options"), Some("nosniff"));
        let text = String::from_utf8_lossy(&file.body);
        let imported = text.split("from \"./").skip(1);
        for name in imported.filter_map(|rest| rest.split('"').next()) {
            let path = format!("/assets/{name}");
            if !files.contains(&path) {
                files.push(path);
            }
        }
        for risky in ["innerHTML", "outerHTML", "insertAdjacentHTML", "eval("] {
            assert!(!text.contains(risky), "{path}: {risky}");
        }
    }
    assert_eq!(files.len(), 10, "{files:?}");
    let unknown = send(request(Method::GET, "/assets/index.html")).await;
    unknown.problem(404, "not-found");
}

#[tokio::test]
async fn no_such_route() {
    for path in ["/nowhere", "/v1", "/v1/checks/", "/V1/checks"] {
        send(request(Method::GET, path))
            .await
            .problem(404, "not-found");
    }
}

#[tokio::test]
async fn no_such_method() {
    let answer = send(request(Method::GET, "/v1/checks")).await;
    answer.problem(405, "method-not-allowed");
    assert_eq!(answer.header("allow"), Some("POST"));
}

#[tokio::test]
async fn requests_have_ids() {
    let answer = send(request(Method::GET, "/healthz")).await;
    assert_eq!(answer.header("x-request-id").map(str::len), Some(36));
    let mut named = request(Method::GET, "/nowhere");
    named
        .headers_mut()
        .insert("x-request-id", "mine".parse().expect("a value"));
    assert_eq!(send(named).await.header("x-request-id"), Some("mine"));
}
