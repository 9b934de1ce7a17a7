//! Judged by a server: the same verdicts, and a wait where it is not there.

use super::support::code;
use std::net::TcpListener;
use std::sync::Arc;
use touchstone::api::{Api, serve};
use touchstone::client::Server;
use touchstone::config::Layers;
use touchstone::train::judge::code::{Code, CodeLimits};
use touchstone::train::judge::{Case, Exam, Judge};

/// A service on a port of its own, for as long as the test lives.
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    listener.set_nonblocking(true).expect("a listener");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            let config = Layers::default().settle().expect("settings");
            let api = Api::new(
                crate::runtime::validator().clone(),
                crate::runtime::runtime().information(),
                &config,
            );
            serve(listener, api, std::future::pending())
                .await
                .expect("served");
        });
    });
    format!("http://{address}")
}

fn limits() -> CodeLimits {
    CodeLimits {
        test_ms: 20,
        exam_ms: 500,
    }
}

fn case(answer: &str, tests: &[&str], stop_at_failure: bool) -> Case {
    Case {
        reference: Arc::from("def f(x):\n return abs(x)"),
        answer: Arc::from(answer),
        tests: tests.iter().map(|test| Arc::from(*test)).collect(),
        stop_at_failure,
        salt: 0,
    }
}

#[test]
fn a_server_says_the_same() {
    let tests = [
        "CALL: f(3)",
        "CALL: f(-3)",
        "CALL: f('a')",
        "CALL: f(",
        "CALL: f(0)",
    ];
    let cases = [
        case("def f(x):\n return x", &tests, false),
        case("def f(x):\n return x", &tests, true),
        case("def f(x):\n while x: pass", &tests, false),
        case("def f(x", &tests, false),
        case("def f(x):\n return max(x, -x)", &tests, false),
    ];
    let remote = Code::remote(Server::new(&server()), limits());
    let here = code().judge(&cases).expect("verdicts");
    assert_eq!(remote.judge(&cases).expect("verdicts"), here);
    let exam = Exam::Driver {
        driver: Arc::from("print(f(int(input())))"),
        inputs: Arc::from("-4\n"),
    };
    let answers: Vec<_> = cases
        .iter()
        .map(|case| (case.reference.clone(), case.answer.clone(), exam.clone()))
        .collect();
    let truths = code().examine(&answers).expect("verdicts");
    assert_eq!(
        truths,
        [
            Some(false),
            Some(false),
            Some(false),
            Some(false),
            Some(true)
        ]
    );
    assert_eq!(remote.examine(&answers).expect("verdicts"), truths);
}

#[test]
fn a_server_that_is_not_there_or_is_none_decides_nothing() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address");
    drop(free);
    let nobody = Code::remote(Server::new(&format!("http://{address}")), limits());
    let cases = [case("def f(x):\n return x", &["CALL: f(1)"], false)];
    let error = nobody
        .judge(&cases)
        .expect_err("nobody is there")
        .to_string();
    assert!(error.contains(&address.to_string()), "{error}");
    let elsewhere = Code::remote(Server::new(&format!("{}/somewhere", server())), limits());
    let error = elsewhere
        .judge(&cases)
        .expect_err("no such route")
        .to_string();
    assert!(error.contains("404"), "{error}");
}
