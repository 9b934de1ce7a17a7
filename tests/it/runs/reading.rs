//! What is read of runs: lists, metrics, samples.

use super::{RunFolder, metrics, sample};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;
use touchstone::api::runs::{Hosts, Runs, router};
use tower::ServiceExt;

/// The view of a folder.
pub struct View(Router);

impl View {
    pub fn of(folder: &Path) -> View {
        let runs = Runs::open(folder).expect("it can be opened");
        View(router(runs, Hosts::Loopback))
    }

    /// The status and the body of what is there.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        let request = Request::get(path).header("host", "localhost:8080");
        let request = request.body(Body::empty()).expect("a request");
        let answer = self.0.clone().oneshot(request).await.expect("an answer");
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.expect("a body");
        let body = serde_json::from_slice(&body.to_bytes()).expect("JSON");
        (status, body)
    }

    async fn found(&self, path: &str) -> Value {
        let (status, body) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// The iterations of the metrics that are answered.
    async fn iterations(&self, path: &str) -> Vec<u64> {
        iterations(&self.found(path).await)
    }
}

fn iterations(answer: &Value) -> Vec<u64> {
    let lines = answer["lines"].as_array().expect("lines");
    let iteration = |line: &Value| line["iteration"].as_u64().expect("a number");
    lines.iter().map(iteration).collect()
}

/// A run of three iterations, alone in a folder.
fn one_run() -> (TempDir, RunFolder, View) {
    let outer = tempfile::tempdir().expect("a folder");
    let run = RunFolder::new(outer.path().join("one"));
    for iteration in 0..3 {
        run.metrics(iteration);
    }
    let view = View::of(outer.path());
    (outer, run, view)
}

#[tokio::test]
async fn runs_are_found_at_each_depth() {
    let outer = tempfile::tempdir().expect("a folder");
    let root = outer.path().join("root");
    let names = |list: &Value| -> Vec<String> {
        let runs = list["runs"].as_array().expect("runs").iter();
        runs.map(|run| run["name"].as_str().expect("a name").to_owned())
            .collect()
    };
    RunFolder::new(root.join("b")).metrics(1);
    RunFolder::new(root.join("a b ü")).append("warm.jsonl", "{}\n");
    RunFolder::new(root.join("experiment/rlac-warm1-seed1")).metrics(0);
    // Models have settings too; a run's own folders, hidden ones and deeper ones are not looked at.
    RunFolder::new(root.join("model"));
    RunFolder::new(root.join("b/generator")).metrics(0);
    RunFolder::new(root.join(".hidden")).metrics(0);
    RunFolder::new(root.join("x/y/z")).metrics(0);
    let view = View::of(&root);
    let list = view.found("/runs/api/runs").await;
    assert_eq!(names(&list), ["a b ü", "b", "experiment/rlac-warm1-seed1"]);
    assert_eq!(list["left_off"], 0);
    let last = &list["runs"][1]["last"];
    assert_eq!(
        (&last["iteration"], &last["new_number"]),
        (&json!(1), &json!(3.5))
    );
    assert_eq!(list["runs"][1]["config"]["arm"], "rlac-anchored");
    assert_eq!(list["runs"][1]["ended"], Value::Null);
    assert!(list["runs"][1]["seconds_since_change"].is_number());
    for (path, name) in [
        (
            "experiment%2Frlac-warm1-seed1",
            "experiment/rlac-warm1-seed1",
        ),
        ("a%20b%20%C3%BC", "a b ü"),
    ] {
        let details = view.found(&format!("/runs/api/run/{path}")).await;
        assert_eq!(details["name"], name);
    }
    for (folder, expect) in [
        ("b", vec!["b"]),
        ("experiment", vec!["rlac-warm1-seed1"]),
        ("model", vec![]),
    ] {
        let view = View::of(&root.join(folder));
        let list = view.found("/runs/api/runs").await;
        assert_eq!(names(&list), expect, "{folder}");
        for name in expect {
            view.found(&format!("/runs/api/run/{name}/metrics")).await;
        }
    }
}

#[tokio::test]
async fn a_run_that_just_begins_and_one_that_ended() {
    let (_outer, run, view) = one_run();
    run.append(
        "warm.jsonl",
        "{\"player\": \"critic\", \"step\": 20}\n{\"pl",
    );
    run.write("ended.json", r#"{"why": "executions"}"#);
    run.write("config.json", r#"{"arm": "#);
    let details = view.found("/runs/api/run/one").await;
    assert_eq!(details["warm"], json!([{"player": "critic", "step": 20}]));
    assert_eq!(details["ended"], json!({"why": "executions"}));
    // It is being written.
    assert_eq!(details["config"], Value::Null);
    assert_eq!(details["iterations"], json!([]));
    let samples = view.found("/runs/api/run/one/samples").await;
    assert_eq!(
        (&samples["iteration"], &samples["samples"]),
        (&Value::Null, &json!([]))
    );
}

#[tokio::test]
async fn metrics_after_an_iteration() {
    let (_outer, run, view) = one_run();
    let all = view.found("/runs/api/run/one/metrics").await;
    assert_eq!(iterations(&all), [0, 1, 2]);
    assert_eq!(all["more"], false);
    let expect: Value = serde_json::from_str(&metrics(1, 0.5)).expect("JSON");
    assert_eq!(all["lines"][1], expect);
    assert_eq!(
        view.iterations("/runs/api/run/one/metrics?after=1").await,
        [2]
    );
    assert_eq!(
        view.iterations("/runs/api/run/one/metrics?after=2").await,
        [0; 0]
    );
    // A line that is being written is left for the next time.
    let line = metrics(3, 0.5);
    let (begin, end) = line.split_at(40);
    run.append("metrics.jsonl", begin);
    assert_eq!(
        view.iterations("/runs/api/run/one/metrics?after=1").await,
        [2]
    );
    run.append("metrics.jsonl", end);
    assert_eq!(
        view.iterations("/runs/api/run/one/metrics?after=1").await,
        [2, 3]
    );
}

/// Fields that are absent, null, unknown or of another kind are the page's to deal with.
#[tokio::test]
async fn lines_are_handed_on_as_they_stand() {
    let (_outer, run, view) = one_run();
    let line = r#"{"z": 1, "iteration": 3, "b": 1e-300, "a": 0.10, "c": {"d": [null]}, "x": 12345678901234567890123}"#;
    run.append("metrics.jsonl", &format!("{line}\n"));
    run.append("metrics.jsonl", "not a line\n{\"iteration\": \"4\"}\n");
    let request = Request::get("/runs/api/run/one/metrics?after=2").header("host", "localhost");
    let request = request.body(Body::empty()).expect("a request");
    let answer = view.0.clone().oneshot(request).await.expect("an answer");
    let body = answer
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    let body = String::from_utf8_lossy(&body);
    assert!(body.contains(&format!("\"lines\":[{line}]")), "{body}");
}

#[tokio::test]
async fn a_run_that_is_resumed_from_an_earlier_iteration() {
    let (_outer, run, view) = one_run();
    for iteration in 1..3 {
        run.sample(&sample(iteration, "in_range/1", Some(1), Some(true)));
    }
    let before = view.found("/runs/api/run/one/metrics").await;
    let generation = before["generation"].as_str().expect("text").to_owned();
    let path = format!("/runs/api/run/one/metrics?after=1&generation={generation}");
    assert_eq!(view.iterations(&path).await, [2]);
    // Samples are cut too, and have the same bytes again up to where they are read next.
    let samples = std::fs::read_to_string(run.path().join("samples.jsonl")).expect("text");
    run.write(
        "metrics.jsonl",
        &(metrics(0, 0.5) + &metrics(1, 0.75) + &metrics(2, 0.75)),
    );
    run.write("samples.jsonl", &samples);
    run.sample(&sample(2, "in_range/2", Some(0), None));
    let after = view.found(&path).await;
    assert_ne!(after["generation"], generation);
    // Everything anew, since what the client has from before is of another story.
    assert_eq!(iterations(&after), [0, 1, 2]);
    assert_eq!(after["lines"][1]["train_pass_rate"], 0.75);
    let samples = view.found("/runs/api/run/one/samples?iteration=2").await;
    assert_eq!(
        (&samples["total"], &samples["generation"]),
        (&json!(2), &after["generation"])
    );
    // Shorter than before.
    run.write("metrics.jsonl", &metrics(0, 0.5));
    run.write("samples.jsonl", "");
    assert_eq!(
        view.iterations("/runs/api/run/one/metrics?after=0").await,
        [0; 0]
    );
    let samples = view.found("/runs/api/run/one/samples").await;
    assert_eq!(samples["newest"], Value::Null);
}

#[tokio::test]
async fn metrics_that_are_too_much_for_one_answer() {
    let (_outer, run, view) = one_run();
    let long = "x".repeat(1 << 20);
    for iteration in 3..12 {
        let line = json!({"iteration": iteration, "text": long});
        run.append("metrics.jsonl", &format!("{line}\n"));
    }
    let (mut found, mut answers) = (Vec::new(), 0);
    let mut path = "/runs/api/run/one/metrics".to_owned();
    loop {
        let answer = view.found(&path).await;
        found.extend(iterations(&answer));
        answers += 1;
        path = format!(
            "/runs/api/run/one/metrics?after={}",
            found.last().expect("lines")
        );
        if answer["more"] == false {
            break;
        }
    }
    assert_eq!(found, Vec::from_iter(0..12));
    assert!(answers > 1);
}

#[tokio::test]
async fn samples_by_iteration_and_kind() {
    let (_outer, run, view) = one_run();
    let samples = [
        (1, "in_range/1", Some(1), Some(true)),
        (2, "in_range/1", Some(1), Some(true)),
        (2, "in_range/2", Some(1), Some(false)),
        (2, "clamp/1", Some(0), Some(false)),
        (2, "clamp/2", Some(0), Some(true)),
        (2, "clamp/3", None, None),
        (3, "in_range/3", Some(0), None),
    ];
    for (iteration, question, label, correct) in samples {
        run.sample(&sample(iteration, question, label, correct));
    }
    // Without any field but the one that says where it belongs.
    run.append(
        "samples.jsonl",
        "{\"iteration\": 3}\n{\"iteration\": 3, \"label\"",
    );
    for (query, expect) in [
        ("", vec!["in_range/3", "null"]),
        ("iteration=1", vec!["in_range/1"]),
        (
            "iteration=2",
            vec!["in_range/1", "in_range/2", "clamp/1", "clamp/2", "clamp/3"],
        ),
        (
            "iteration=2&family=clamp",
            vec!["clamp/1", "clamp/2", "clamp/3"],
        ),
        ("iteration=2&family=nobody", vec![]),
        ("iteration=2&show=passed", vec!["in_range/1", "in_range/2"]),
        ("iteration=2&show=failed", vec!["clamp/1", "clamp/2"]),
        ("iteration=2&show=unlabelled", vec!["clamp/3"]),
        ("iteration=2&show=passed-but-wrong", vec!["in_range/2"]),
        ("iteration=2&show=failed-but-right", vec!["clamp/2"]),
        ("iteration=2&show=right", vec!["in_range/1", "clamp/2"]),
        ("iteration=2&show=wrong", vec!["in_range/2", "clamp/1"]),
        ("iteration=2&family=clamp&show=wrong", vec!["clamp/1"]),
        (
            "iteration=2&offset=1&limit=2",
            vec!["in_range/2", "clamp/1"],
        ),
        ("iteration=2&offset=9", vec![]),
        ("iteration=9", vec![]),
    ] {
        let answer = view
            .found(&format!("/runs/api/run/one/samples?{query}"))
            .await;
        let found = answer["samples"].as_array().expect("samples").iter();
        let found: Vec<&str> = found
            .map(|sample| sample["question"].as_str().unwrap_or("null"))
            .collect();
        assert_eq!(found, expect, "{query}");
    }
    let answer = view
        .found("/runs/api/run/one/samples?iteration=2&show=wrong&limit=1")
        .await;
    assert_eq!(
        answer["samples"][0],
        sample(2, "in_range/2", Some(1), Some(false))
    );
    assert_eq!(answer["families"], json!({"clamp": 3, "in_range": 2}));
    let kinds = json!({"all": 5, "passed": 2, "failed": 2, "unlabelled": 1, "passed-but-wrong": 1,
                       "failed-but-right": 1, "right": 2, "wrong": 2});
    assert_eq!(answer["kinds"], kinds);
    assert_eq!(
        (&answer["total"], &answer["iteration"], &answer["newest"]),
        (&json!(2), &json!(2), &json!(3))
    );
    let details = view.found("/runs/api/run/one").await;
    assert_eq!(details["iterations"], json!([1, 2, 3]));
}

/// An answer is bounded, whatever stands in the file.
#[tokio::test]
async fn samples_that_are_too_many_or_too_long() {
    let (_outer, run, view) = one_run();
    let many: String = (0..300)
        .map(|number| format!("{}\n", sample(1, &format!("a/{number}"), None, None)))
        .collect();
    run.append("samples.jsonl", &many);
    let mut long = sample(2, "a/1", None, None);
    long["answer"] = "x".repeat(3 << 20).into();
    (0..3).for_each(|_| run.sample(&long));
    for (query, given, total) in [("iteration=1&limit=1000", 200, 300), ("iteration=2", 1, 3)] {
        let answer = view
            .found(&format!("/runs/api/run/one/samples?{query}"))
            .await;
        let samples = answer["samples"].as_array().expect("samples");
        assert_eq!(
            (samples.len(), &answer["total"]),
            (given, &json!(total)),
            "{query}"
        );
    }
    let next = view
        .found("/runs/api/run/one/samples?iteration=2&offset=2")
        .await;
    assert_eq!(next["samples"][0]["question"], "a/1");
}

/// What a model writes need not be Unicode.
#[tokio::test]
async fn half_a_surrogate_pair_does_no_harm() {
    let (_outer, run, view) = one_run();
    let line =
        r#"{"iteration": 1, "family": "a", "answer": "\ud800", "tests": [{"test": "\udfff"}]}"#;
    run.append("samples.jsonl", &format!("{line}\n"));
    let path = "/runs/api/run/one/samples?family=a&limit=1";
    let request = Request::get(path).header("host", "localhost");
    let request = request.body(Body::empty()).expect("a request");
    let answer = view.0.clone().oneshot(request).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let body = answer
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    assert!(String::from_utf8_lossy(&body).contains(line));
}
