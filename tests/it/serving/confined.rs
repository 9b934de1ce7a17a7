//! A server that has confined itself: what it still does, and on which threads it holds.

use super::{Server, batch, touchstone};
use crate::confinement::status;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;

/// Of each kind of ending one: among them those after which an instance is mapped anew.
fn endings() -> Value {
    let checks = [
        ("plain", "1 + 1", "2"),
        ("grows", "len(bytearray(100 << 20))", "100 << 20"),
        ("too large", "bytearray(1 << 30)", "0"),
        ("aborts", "__import__('os').abort()", "0"),
        ("leaves", "__import__('os')._exit(3)", "0"),
        ("endless", "[0 for _ in iter(int, 1)]", "0"),
        ("imports", "__import__('numpy').arange(3).sum().item()", "3"),
        ("plain again", "2 + 2", "4"),
    ];
    let checks = checks.map(|(id, call, expected)| {
        json!({"id": id, "kind": "call", "call": call, "expected": expected})
    });
    json!({"language": "python", "code": "", "checks": checks, "limits": {"time_ms": 50}})
}

/// The folders of a server's threads in `/proc`.
fn tasks(server: &Server) -> Vec<PathBuf> {
    let folder = format!("/proc/{}/task", server.process.id());
    let entries = std::fs::read_dir(folder).expect("it runs");
    entries
        .map(|entry| entry.expect("a thread").path())
        .collect()
}

#[test]
fn it_judges_as_without() {
    let confined = Server::start(&["--workers", "2", "--no-cache"], &[]);
    let free = Server::start(&["--workers", "2", "--no-cache", "--no-confinement"], &[]);
    let request = batch((0..4).map(|_| endings()));
    for _ in 0..3 {
        let answer = confined.post(&request);
        assert_eq!(answer.status, 200);
        let document = answer.json();
        let first = &document["results"][0]["verdicts"];
        let outcomes: Vec<&str> = first
            .as_array()
            .expect("verdicts")
            .iter()
            .filter_map(|verdict| verdict["outcome"].as_str())
            .collect();
        let expect = [
            "pass",
            "pass",
            "memory_limit",
            "error",
            "error",
            "time_limit",
            "pass",
            "pass",
        ];
        assert_eq!(outcomes, expect, "{first}");
        assert_eq!(document, free.post(&request).json());
    }
    for _ in 0..200 {
        assert_eq!(confined.get("/readyz").status, 200);
    }
    confined.terminate();
    assert_eq!(confined.ended(), Some(0));
}

#[test]
fn it_holds_for_every_thread() {
    let server = Server::start(&["--workers", "3"], &[]);
    server.post(&batch([endings()]));
    let own = PathBuf::from("/proc/self");
    let tasks = tasks(&server);
    // The main one, the epoch's, the workers, and one at least for connections.
    assert!(tasks.len() >= 6, "{tasks:?}");
    for task in tasks {
        assert_eq!(status(&task, "Seccomp"), Some(2), "{task:?}");
        assert_eq!(status(&task, "NoNewPrivs"), Some(1), "{task:?}");
        // Kernels before 5.9 do not count.
        let filters = status(&own, "Seccomp_filters").map(|filters| filters + 2);
        assert_eq!(status(&task, "Seccomp_filters"), filters, "{task:?}");
    }
}

#[test]
fn it_can_be_switched_off_and_says_so() {
    let own = PathBuf::from("/proc/self");
    for (option, setting) in [
        (Some("--no-confinement"), None),
        (None, Some(("TOUCHSTONE_SERVER_CONFINEMENT", "false"))),
    ] {
        let mut process = touchstone(
            &["serve", "--listen", "127.0.0.1:0", "--workers", "1"],
            setting.as_slice(),
        )
        .args(option)
        .stderr(Stdio::piped())
        .spawn()
        .expect("the server starts");
        let log = BufReader::new(process.stderr.take().expect("a pipe"));
        let lines: Vec<String> = log
            .lines()
            .map(|line| line.expect("text"))
            .take_while(|line| !line.contains("listening on"))
            .collect();
        let task = PathBuf::from(format!("/proc/{}", process.id()));
        let seccomp = status(&task, "Seccomp");
        process.kill().expect("it runs");
        process.wait().expect("a status");
        assert_eq!(seccomp, status(&own, "Seccomp"));
        let warned = |line: &String| line.contains("WARN") && line.contains("confinement is off");
        assert!(lines.iter().any(warned), "{lines:?}");
    }
}
