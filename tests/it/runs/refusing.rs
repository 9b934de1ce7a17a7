//! What is refused: names that lead elsewhere, other hosts, other methods.

use super::RunFolder;
use super::reading::View;
use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::Value;
use std::os::unix::fs::symlink;
use touchstone::api::runs::{Hosts, Runs, router};
use tower::ServiceExt;

fn problem(status: u16, kind: &str, (found, body): &(u16, Value), what: &str) {
    assert_eq!(*found, status, "{what}: {body}");
    assert_eq!(
        body["type"],
        format!("urn:touchstone:problem:{kind}"),
        "{what}"
    );
    assert_eq!(body["status"], status, "{what}");
    assert!(
        body["detail"].is_string() && body["title"].is_string(),
        "{what}"
    );
}

#[tokio::test]
async fn names_that_lead_elsewhere() {
    let outer = tempfile::tempdir().expect("a folder");
    let path = |name: &str| outer.path().join(name);
    RunFolder::new(path("secret")).metrics(0);
    RunFolder::new(path("root/run")).metrics(0);
    RunFolder::new(path("root/experiment/run")).metrics(0);
    RunFolder::new(path("root/.hidden")).metrics(0);
    RunFolder::new(path("root/run/inner")).metrics(0);
    RunFolder::new(path("root/a/b/c")).metrics(0);
    symlink(path("secret"), path("root/out")).expect("a link");
    symlink("run", path("root/near")).expect("a link");
    symlink(path("secret"), path("root/experiment/out")).expect("a link");
    symlink(outer.path(), path("root/up")).expect("a link");
    // A folder of its own, with links in place of its files.
    let linked = path("root/linked");
    std::fs::create_dir(&linked).expect("a folder");
    symlink(path("secret/metrics.jsonl"), linked.join("metrics.jsonl")).expect("a link");
    let view = View::of(&path("root"));
    assert_eq!(view.get("/runs/api/run/run").await.0, 200);
    assert_eq!(view.get("/runs/api/run/experiment%2Frun").await.0, 200);
    let absolute = path("secret")
        .to_str()
        .expect("Unicode")
        .replace('/', "%2F");
    let names = [
        "unknown",
        "..",
        "%2E%2E",
        "..%2Fsecret",
        "%2e%2e%2fsecret",
        "run%2F..%2F..%2Fsecret",
        "run%2F..",
        "experiment%2F..%2Frun",
        ".",
        "%2E%2Frun",
        "run%2F",
        "%2Frun",
        "%2F%2Frun",
        "%2Fetc",
        &absolute,
        "..%5Csecret",
        "run%00",
        "run%00%2F..",
        "%FF%FE",
        ".hidden",
        "out",
        "near",
        "experiment%2Fout",
        "experiment",
        "up%2Fsecret",
        "linked",
        "run%2Finner",
        "a%2Fb%2Fc",
        "%252E%252E%252Fsecret",
        &"x".repeat(300),
    ];
    for name in names {
        for route in ["", "/metrics", "/samples"] {
            let path = format!("/runs/api/run/{name}{route}");
            problem(404, "no-such-run", &view.get(&path).await, &path);
        }
    }
    let list = view.get("/runs/api/runs").await.1;
    let listed = list["runs"].as_array().expect("runs").iter();
    let listed: Vec<&str> = listed.filter_map(|run| run["name"].as_str()).collect();
    assert_eq!(listed, ["experiment/run", "run"]);
}

/// Files of a run that are links are as if they were not there.
#[tokio::test]
async fn files_that_are_links() {
    let outer = tempfile::tempdir().expect("a folder");
    std::fs::write(
        outer.path().join("secret"),
        "{\"iteration\": 1, \"secret\": 1}\n",
    )
    .expect("a file");
    let run = RunFolder::new(outer.path().join("root/run"));
    run.metrics(0);
    std::fs::remove_file(run.path().join("config.json")).expect("it is there");
    for file in ["samples.jsonl", "warm.jsonl", "ended.json", "config.json"] {
        symlink("../../secret", run.path().join(file)).expect("a link");
    }
    let view = View::of(&outer.path().join("root"));
    for route in ["", "/metrics", "/samples", "/samples?iteration=1"] {
        let (status, body) = view.get(&format!("/runs/api/run/run{route}")).await;
        assert_eq!(status, 200, "{route}");
        assert!(!body.to_string().contains("secret"), "{route}: {body}");
    }
}

/// The folder that is served is the one that was opened, whatever takes its name later.
#[tokio::test]
async fn the_folder_stays_the_one_that_was_opened() {
    let outer = tempfile::tempdir().expect("a folder");
    let path = |name: &str| outer.path().join(name);
    RunFolder::new(path("root/run")).metrics(0);
    RunFolder::new(path("other/secret")).metrics(0);
    let view = View::of(&path("root"));
    std::fs::rename(path("root"), path("moved")).expect("it can be moved");
    symlink(path("other"), path("root")).expect("a link");
    assert_eq!(view.get("/runs/api/run/run").await.0, 200);
    assert_eq!(view.get("/runs/api/run/secret").await.0, 404);
    assert!(Runs::open(&path("nowhere")).is_err());
    std::fs::write(path("file"), "").expect("a file");
    assert!(Runs::open(&path("file")).is_err());
}

#[tokio::test]
async fn queries_that_cannot_be_used() {
    let outer = tempfile::tempdir().expect("a folder");
    RunFolder::new(outer.path().join("run")).metrics(0);
    let view = View::of(outer.path());
    for query in [
        "metrics?after=x",
        "metrics?after=-1",
        "metrics?before=1",
        "samples?iteration=x",
        "samples?show=everything",
        "samples?limit=-1",
        "samples?famly=a",
    ] {
        let answer = view.get(&format!("/runs/api/run/run/{query}")).await;
        problem(400, "invalid-query", &answer, query);
    }
    for path in [
        "/nowhere",
        "/runs/nowhere",
        "/runs/api",
        "/runs/assets/nothing.js",
        "/runs/assets/..%2Fpage.rs",
    ] {
        problem(404, "not-found", &view.get(path).await, path);
    }
}

#[tokio::test]
async fn other_hosts_and_other_methods() {
    let outer = tempfile::tempdir().expect("a folder");
    RunFolder::new(outer.path().join("run")).metrics(0);
    let status = async |hosts, method: Method, path: &str, host: Option<&str>| {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let runs = Runs::open(outer.path()).expect("it can be opened");
        let request = request.body(Body::empty()).expect("a request");
        let answer = router(runs, hosts).oneshot(request).await;
        answer.expect("an answer").status().as_u16()
    };
    const PATHS: [&str; 5] = [
        "/",
        "/runs",
        "/runs/assets/main.js",
        "/runs/api/runs",
        "/nowhere",
    ];
    for path in PATHS {
        for host in [
            None,
            Some("example.org"),
            Some("localhost.example.org:80"),
            Some("127.0.0.2"),
        ] {
            assert_eq!(
                status(Hosts::Loopback, Method::GET, path, host).await,
                421,
                "{path} {host:?}"
            );
        }
        let usual = status(Hosts::Any, Method::GET, path, Some("example.org")).await;
        assert_ne!(usual, 421, "{path}");
        for host in ["localhost", "127.0.0.1:9", "[::1]:9"] {
            assert_eq!(
                status(Hosts::Loopback, Method::GET, path, Some(host)).await,
                usual,
                "{path} {host}"
            );
        }
    }
    let line = status(
        Hosts::Loopback,
        Method::GET,
        "http://example.org/runs",
        Some("localhost"),
    );
    assert_eq!(line.await, 421);
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        for path in [
            "/runs",
            "/runs/api/runs",
            "/runs/api/run/run",
            "/runs/api/run/run/metrics",
        ] {
            let status = status(Hosts::Loopback, method.clone(), path, Some("localhost"));
            assert_eq!(status.await, 405, "{method} {path}");
        }
    }
}
