//! The command itself: a server with real sandboxes, and `check`.

mod access;
mod callbacks;
mod client;
#[cfg(target_os = "linux")]
mod confined;
mod examples;
mod page;
mod runs;
mod traces;

use crate::runtime::folder;
use client::{Answer, Connection};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use tempfile::NamedTempFile;

fn touchstone(arguments: &[&str], settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_touchstone"));
    command
        .args(arguments)
        .env_clear()
        .env("TOUCHSTONE_VALIDATOR_RUNTIME", folder())
        .envs(settings.iter().copied());
    command
}

/// A server on a port of its own, killed when the test ends.
struct Server {
    process: Child,
    log: std::io::Lines<BufReader<ChildStderr>>,
    address: SocketAddr,
}

impl Server {
    fn start(arguments: &[&str], settings: &[(&str, &str)]) -> Server {
        let mut process = touchstone(
            &["serve", "--listen", "127.0.0.1:0", "--log-format", "json"],
            settings,
        )
        .args(arguments)
        .stderr(Stdio::piped())
        .spawn()
        .expect("the server starts");
        let stderr = process.stderr.take().expect("a pipe");
        let mut server = Server {
            process,
            log: BufReader::new(stderr).lines(),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        let line = server.log_line(|line| line["address"].is_string());
        let address = line["address"].as_str().expect("text");
        server.address = address.parse().expect("an address");
        server
    }

    /// Waits for a line of the log.
    fn log_line(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.log.next().expect("the log goes on").expect("text");
            let line: Value = serde_json::from_str(&line).expect("JSON");
            if is_it(&line) {
                return line;
            }
        }
    }

    fn get(&self, path: &str) -> Answer {
        Connection::open(self.address)
            .send(&format!("GET {path}"), "", "")
            .answer()
    }

    fn post(&self, body: &Value) -> Answer {
        self.stream(body, "application/json").answer()
    }

    /// Sends a batch and reads nothing yet.
    fn stream(&self, body: &Value, accept: &str) -> Connection {
        let headers = format!("Content-Type: application/json\r\nAccept: {accept}\r\n");
        Connection::open(self.address).send("POST /v1/checks", &headers, &body.to_string())
    }

    fn terminate(&self) {
        let id = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("it is there");
    }

    /// The exit status; the log is read to its end, so that nothing waits for us.
    fn ended(mut self) -> Option<i32> {
        self.log.by_ref().for_each(drop);
        self.process.wait().expect("a status").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const LINES: &str = "application/x-ndjson";

/// A submission whose program computes for about so many milliseconds of guest time.
fn busy(id: usize, milliseconds: u64) -> Value {
    let code = format!(
        "import time\nend = time.perf_counter() + {milliseconds} / 1000\nwhile time.perf_counter() < end: pass\nprint({id})"
    );
    json!({"id": id.to_string(), "language": "python", "code": code,
           "checks": [{"kind": "stdio", "expected": id.to_string()}], "limits": {"time_ms": 60_000}})
}

fn batch(submissions: impl IntoIterator<Item = Value>) -> Value {
    json!({"submissions": submissions.into_iter().collect::<Vec<_>>()})
}

fn lines(answer: &Answer) -> Vec<Value> {
    let text = std::str::from_utf8(&answer.body).expect("UTF-8");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[test]
fn a_batch_as_a_document_and_as_lines() {
    let server = Server::start(&["--workers", "2"], &[]);
    let ready = server.get("/readyz");
    assert_eq!(
        (ready.status, ready.json()),
        (200, json!({"status": "ready"}))
    );
    let request = batch((0..20).map(|id| busy(id, 1)));
    let answer = server.post(&request);
    assert_eq!(answer.status, 200);
    let document = answer.json();
    let results = document["results"].as_array().expect("results");
    for (id, result) in results.iter().enumerate() {
        assert_eq!(result["id"], id.to_string());
        assert_eq!(result["verdicts"][0]["outcome"], "pass", "{result}");
    }
    let answer = server.stream(&request, LINES).answer();
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some(LINES))
    );
    let mut streamed = lines(&answer);
    streamed.sort_by_key(|result| result["id"].as_str().and_then(|id| id.parse::<u32>().ok()));
    assert_eq!(streamed.len(), 20);
    for (line, result) in streamed.iter().zip(results) {
        let (line, result) = (&line["verdicts"][0], &result["verdicts"][0]);
        assert_eq!(
            (&line["fuel"], &line["stdout"]),
            (&result["fuel"], &result["stdout"])
        );
        assert_eq!(
            (&result["cached"], &line["cached"]),
            (&json!(false), &json!(true))
        );
    }
    let runtimes = server.get("/v1/runtimes").json().to_string();
    assert!(runtimes.contains("numpy"), "{runtimes}");
}

#[test]
fn without_a_cache_nothing_is_cached() {
    let server = Server::start(&["--no-cache", "--workers", "1"], &[]);
    let request = batch([busy(0, 1), busy(0, 1)]);
    for _ in 0..2 {
        let document = server.post(&request).json();
        for result in document["results"].as_array().expect("results") {
            assert_eq!(result["verdicts"][0]["cached"], false);
            assert_eq!(result["executions"]["cached"], 0);
        }
    }
}

#[test]
fn what_was_accepted_is_answered_after_sigterm() {
    let server = Server::start(&["--workers", "2"], &[]);
    let mut connection = server.stream(&batch((0..60).map(|id| busy(id, 20))), LINES);
    let first = connection.line();
    server.terminate();
    let answer = connection.answer();
    assert_eq!(answer.status, 200);
    let mut ids: Vec<_> = lines(&answer)
        .iter()
        .map(|result| {
            assert_eq!(result["verdicts"][0]["outcome"], "pass", "{result}");
            result["id"]
                .as_str()
                .expect("text")
                .parse::<usize>()
                .expect("a number")
        })
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, Vec::from_iter(0..60), "the first line was {first}");
    assert_eq!(server.ended(), Some(0));
}

#[test]
fn what_outlasts_the_shutdown_is_answered_with_errors() {
    let shutdown = [("TOUCHSTONE_SERVER_SHUTDOWN_SECONDS", "1")];
    let server = Server::start(&["--workers", "1"], &shutdown);
    // An hour of work.
    let long = (1..60).map(|id| busy(id, 59_000));
    let mut connection = server.stream(&batch([busy(0, 1)].into_iter().chain(long)), LINES);
    let first: Value = serde_json::from_str(&connection.line()).expect("JSON");
    assert_eq!(first["verdicts"][0]["outcome"], "pass", "{first}");
    server.terminate();
    let answer = connection.answer();
    let results = lines(&answer);
    for result in results.iter().filter(|result| result["id"] != "0") {
        assert_eq!(result["error"]["code"], "shutdown", "{result}");
        assert_eq!(result["error"]["retryable"], true);
        assert_eq!(result.as_object().map(serde_json::Map::len), Some(2));
    }
    assert_eq!(results.len(), 60);
    assert_eq!(server.ended(), Some(3));
}

#[test]
fn an_idle_server_ends_at_once() {
    let server = Server::start(&["--workers", "1"], &[]);
    server.terminate();
    assert_eq!(server.ended(), Some(0));
}

#[test]
fn work_of_a_client_that_went_away_is_dropped() {
    // The other submissions take half an hour: none of what follows happens if they are not dropped.
    let capacity = [("TOUCHSTONE_VALIDATOR_QUEUE_CHECKS", "2000")];
    let mut server = Server::start(&["--workers", "2"], &capacity);
    let long = (1..2000).map(|id| busy(id, 2_000));
    let mut connection = server.stream(&batch([busy(0, 1)].into_iter().chain(long)), LINES);
    connection.line();
    assert_eq!(server.post(&batch([busy(0, 1), busy(1, 1)])).status, 429);
    drop(connection);
    server.log_line(|line| line["submissions"] == 2000);
    // What the two workers have taken up they finish.
    let answer = server.post(&batch((0..1998).map(|id| busy(id % 5, 1))));
    assert_eq!(
        answer.status,
        200,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
}

#[test]
fn a_full_queue_turns_away() {
    let server = Server::start(
        &["--workers", "1"],
        &[("TOUCHSTONE_VALIDATOR_QUEUE_CHECKS", "4")],
    );
    let mut connection = server.stream(
        &batch([
            busy(0, 1),
            busy(1, 50_000),
            busy(2, 50_000),
            busy(3, 50_000),
        ]),
        LINES,
    );
    connection.line();
    let answer = server.post(&batch([busy(4, 1), busy(5, 1)]));
    assert_eq!(
        (answer.status, answer.json()["type"].as_str()),
        (429, Some("urn:touchstone:problem:queue-full"))
    );
    let seconds = answer.header("retry-after").expect("a hint").parse::<u64>();
    assert!(
        seconds.as_ref().is_ok_and(|seconds| *seconds >= 1),
        "{seconds:?}"
    );
    let answer = server.post(&batch((0..5).map(|id| busy(id, 1))));
    assert_eq!((answer.status, answer.header("retry-after")), (413, None));
    assert_eq!(server.get("/readyz").status, 200);
}

#[test]
fn large_requests() {
    let server = Server::start(&["--workers", "2"], &[]);
    let text = "x".repeat(20 << 20);
    let program = json!({"language": "python", "code": format!("text = '{text}'"),
                         "checks": [{"kind": "call", "call": "len(text)", "expected": "20 << 20"}]});
    let document = server.post(&batch([program])).json();
    assert_eq!(
        document["results"][0]["verdicts"][0]["outcome"], "pass",
        "{document:.500}"
    );

    let submission = |number: usize| {
        json!({"id": number.to_string(), "language": "python", "code": format!("def f(): return {}", number / 4),
               "checks": [{"kind": "call", "call": "f()", "expected": (number / 4).to_string()}]})
    };
    let document = server.post(&batch((0..10_000).map(submission))).json();
    let results = document["results"].as_array().expect("results");
    assert_eq!(results.len(), 10_000);
    for (number, result) in results.iter().enumerate() {
        assert_eq!(result["id"], number.to_string());
        assert_eq!(result["passed"], 1, "{result}");
    }
}

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(text.as_bytes()).expect("it can be written");
    file
}

fn checked(program: &str, checks: &str, more: &[&str], settings: &[(&str, &str)]) -> Output {
    let (program, checks) = (file(program), file(checks));
    let path = |file: &NamedTempFile| file.path().to_str().expect("Unicode").to_owned();
    let (program, checks) = (path(&program), path(&checks));
    let mut arguments = vec!["check", &program, "--checks", &checks];
    arguments.extend(more);
    touchstone(&arguments, settings)
        .output()
        .expect("the command runs")
}

#[test]
fn exit_statuses_of_check() {
    const ADD: &str = "def add(a, b): return a + b";
    const CHECKS: &str = r#"[{"kind": "call", "call": "add(2, 3)", "expected": "5"}]"#;
    let check = |program: &str, checks: &str, settings: &[(&str, &str)], expect: i32| {
        let output = checked(program, checks, &[], settings);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(expect),
            "{program} {checks}: {said}"
        );
    };
    check(ADD, CHECKS, &[], 0);
    check("def add(a, b): return a - b", CHECKS, &[], 1);
    check(
        "import time\ntime.sleep(99)",
        r#"[{"kind": "stdio", "expected": ""}]"#,
        &[],
        1,
    );
    check(
        ADD,
        r#"[{"kind": "call", "call": "add(", "expected": "5"}]"#,
        &[],
        1,
    );
    check(ADD, "[]", &[], 2);
    check(
        ADD,
        CHECKS,
        &[("TOUCHSTONE_VALIDATOR_RUNTIME", "/nowhere")],
        2,
    );
    let damaged = tempfile::tempdir().expect("a folder");
    std::fs::write(damaged.path().join("manifest.json"), "{}").expect("it can be written");
    let damaged = damaged.path().to_str().expect("Unicode");
    check(ADD, CHECKS, &[("TOUCHSTONE_VALIDATOR_RUNTIME", damaged)], 3);
}

#[test]
fn check_prints_the_result_object() {
    const CHECKS: &str = r#"[{"id": "a", "kind": "call", "call": "f()"}, {"id": "b", "kind": "script", "source": "assert f() == 2"}]"#;
    let reference = file("def f(): return 2");
    let reference = reference.path().to_str().expect("Unicode");
    let output = checked(
        "def f(): return 1",
        CHECKS,
        &["--json", "--reference", reference],
        &[],
    );
    let result: Value = serde_json::from_slice(&output.stdout).expect("JSON alone");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        result["reward"],
        json!({"generator": 0.0, "critic": [1.0, 1.0]})
    );
    assert_eq!(
        result["executions"],
        json!({"candidate": 2, "reference": 2, "cached": 0})
    );
    assert_eq!(result["verdicts"][0]["expected"], "2");
}
