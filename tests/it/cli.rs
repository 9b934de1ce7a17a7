//! The command line, as a shell sees it.

mod models;

use std::io::Write;
use std::process::{Command, Output};
use tempfile::NamedTempFile;

fn touchstone(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_touchstone"))
        .args(arguments)
        .env_clear()
        .output()
        .expect("the command runs")
}

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(text.as_bytes()).expect("it can be written");
    file
}

fn path(file: &NamedTempFile) -> &str {
    file.path().to_str().expect("a path in Unicode")
}

/// That the command ends with status 2 and says this on stderr, nothing on stdout.
fn wrong_usage(arguments: &[&str], message: &str) {
    let output = touchstone(arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    assert!(said.contains(message), "{arguments:?}: {said}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
}

#[test]
fn help_is_no_mistake() {
    for arguments in [
        &["--help"] as &[_],
        &["serve", "--help"],
        &["check", "--help"],
    ] {
        let output = touchstone(arguments);
        assert_eq!(output.status.code(), Some(0));
        assert!(String::from_utf8_lossy(&output.stdout).contains("Examples:"));
    }
}

#[test]
fn options() {
    wrong_usage(&[], "Usage:");
    wrong_usage(&["chekc"], "unrecognized subcommand");
    wrong_usage(&["serve", "--listen", "nowhere"], "--listen");
    wrong_usage(&["check", "program.py"], "--checks");
}

#[test]
fn settings() {
    let config = file("[server]\nport = 1\n");
    wrong_usage(
        &["serve", "--config", path(&config)],
        "server.port: unknown field",
    );
    let config = file("[server\n");
    wrong_usage(
        &["serve", "--config", path(&config)],
        "TOML parse error at line 1",
    );
    wrong_usage(&["serve", "--config", "/nowhere.toml"], "/nowhere.toml");
    wrong_usage(
        &["serve", "--workers", "0"],
        "validator.workers must be greater than 0",
    );
}

#[test]
fn files_of_a_check() {
    let program = file("def f(): return 1");
    let check = |checks: &str, message: &str| {
        let checks = file(checks);
        wrong_usage(
            &["check", path(&program), "--checks", path(&checks)],
            message,
        );
    };
    check("nonsense", "is not JSON");
    check("{}", "checks: invalid type");
    check("[]", "checks: must hold at least one check");
    check(
        r#"[{"kind": "call", "cal": ""}]"#,
        "checks[0].cal: unknown field",
    );
    check(
        r#"[{"kind": "call", "call": "f()"}]"#,
        "checks[0].expected: ",
    );
    wrong_usage(
        &["check", "/nowhere.py", "--checks", path(&program)],
        "/nowhere.py",
    );
    wrong_usage(
        &["check", path(&program), "--checks", "/nowhere.json"],
        "/nowhere.json",
    );
}
