//! The programs of `examples/` against a server, with the Python of this machine and its standard
//! library alone.

use super::Server;
use std::process::{Command, Output};

const KEY: &str = "ts_0123456789abcdef";

fn python(server: &Server, arguments: &[&str]) -> Output {
    let output = Command::new("python3")
        .args(["-B", "-X", "utf8"])
        .args(arguments)
        .env("TOUCHSTONE_URL", format!("http://{}", server.address))
        .env("TOUCHSTONE_API_KEY", KEY)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    output.expect("Python runs")
}

fn done(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout.clone()).expect("text")
}

#[test]
fn a_client_sends_batches_and_reads_lines() {
    let keys = ("TOUCHSTONE_API_KEYS", &*format!("ci:{KEY}"));
    let server = Server::start(&["--workers", "2"], &[keys]);
    let url = format!("http://{}", server.address);
    let client = ["examples/client.py", "--url", &url];
    let four = done(&python(&server, &client));
    for line in [
        "add/0 {'generator': 1.0, 'critic': [0.0, 0.0, 0.0]} {'small': 'pass', 'critic': 'pass', 'wrong': 'invalid'}",
        "add/1 {'generator': 0.0, 'critic': [1.0, 1.0, 0.0]} {'small': 'fail', 'critic': 'fail', 'wrong': 'invalid'}",
        "4 results, rewards ",
    ] {
        assert!(four.contains(line), "{four}");
    }
    let many = [&client[..], &["--candidates", "90", "--batch-checks", "30"]].concat();
    let many = done(&python(&server, &many));
    assert!(many.starts_with("90 results, rewards "), "{many}");
    let elsewhere = Server::start(
        &["--workers", "1"],
        &[("TOUCHSTONE_API_KEYS", "ci:another-key-0123")],
    );
    let url = format!("http://{}", elsewhere.address);
    let refused = python(&elsewhere, &["examples/client.py", "--url", &url]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("401 this API key is not known"), "{said}");
}

#[test]
fn rewards_for_trl_and_openrlhf() {
    let keys = ("TOUCHSTONE_API_KEYS", &*format!("ci:{KEY}"));
    let server = Server::start(&["--workers", "2"], &[keys]);
    done(&python(
        &server,
        &["tests/it/serving/rewards.py", "examples"],
    ));
}
