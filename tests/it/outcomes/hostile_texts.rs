//! Text that a model wrote never refuses a request: the outcome says what is wrong with it.

use super::*;
use crate::runtime::judge_text;

/// As JSON writes a lone surrogate.
const SURROGATE: &str = r"\ud800";

/// A candidate and a check with a text in JSON's own spelling in one place.
fn verdict(code: &str, check: &str) -> Value {
    let request = format!(
        r#"{{"submissions": [{{"language": "python", "code": "{code}",
            "reference": "def f(x=1):\n    return x", "checks": [{check}]}}]}}"#
    );
    judge_text(&request)[0]["verdicts"][0].clone()
}

#[track_caller]
fn expect(code: &str, check: &str, outcome: &str, message: &str) {
    let verdict = verdict(code, check);
    assert_eq!(
        (&verdict["outcome"], &verdict["message"]),
        (&json!(outcome), &json!(message)),
        "{verdict}"
    );
}

const CALL: &str = r#"{"kind": "call", "call": "f()", "expected": "1"}"#;

#[test]
fn lone_surrogates() {
    let found = r"SyntaxError: Non-UTF-8 code starting with '\xed' on line 1";
    let starts = |verdict: &Value, outcome: &str, start: &str| {
        let message = verdict["message"].as_str().expect("text");
        assert!(
            verdict["outcome"] == outcome && message.starts_with(start),
            "{verdict}"
        );
    };
    let code = format!(r"def f(): return '{SURROGATE}'");
    starts(
        &verdict(&code, CALL),
        "error",
        &format!("the program does not load: {found}"),
    );
    let call = format!(r#"{{"kind": "call", "call": "f('{SURROGATE}')", "expected": "1"}}"#);
    starts(
        &verdict("", &call),
        "invalid",
        &format!("the reference does not pass: the check does not compile: {found}"),
    );
    let source = format!(r#"{{"kind": "script", "source": "assert '{SURROGATE}'"}}"#);
    starts(
        &verdict("", &source),
        "invalid",
        &format!("the reference does not pass: the check does not compile: {found}"),
    );
    let text = format!(
        r#"{{"kind": "critic", "text": "{SURROGATE}<testcase>CALL: f('{SURROGATE}')</testcase>"}}"#
    );
    starts(
        &verdict("", &text),
        "invalid",
        &format!("the reference does not pass: the check does not compile: {found}"),
    );
    let expected = format!(r#"{{"kind": "call", "call": "f()", "expected": "'{SURROGATE}'"}}"#);
    starts(
        &verdict("", &expected),
        "invalid",
        &format!("the expected value cannot be had: {found}"),
    );
    // What a program makes itself is carried as it is.
    expect(
        r"def f(): return '\\ud800'",
        r#"{"kind": "call", "call": "f()", "expected": "'\\ud800'", "trusted": true}"#,
        "pass",
        "",
    );
}

#[test]
fn surrogates_in_stdin_are_bytes() {
    let code = r"import sys\nprint(sys.stdin.buffer.read())";
    let stdin = format!(
        r#"{{"kind": "stdio", "stdin": "{SURROGATE}", "expected": "b'\\xed\\xa0\\x80'", "trusted": true}}"#
    );
    expect(code, &stdin, "pass", "");
    let pair = r#"{"kind": "stdio", "stdin": "\ud83d\ude00", "expected": "b'\\xf0\\x9f\\x98\\x80'", "trusted": true}"#;
    expect(code, pair, "pass", "");
}

#[test]
fn null_characters() {
    let null = "SyntaxError: source code string cannot contain null bytes";
    expect(
        r"x = 1\u0000",
        CALL,
        "error",
        &format!("the program does not load: {null}"),
    );
    let reference = "the reference does not pass: the check does not compile: ";
    expect(
        "",
        r#"{"kind": "call", "call": "f(\u0000)", "expected": "1"}"#,
        "invalid",
        &format!("{reference}{null}"),
    );
    expect(
        "",
        r#"{"kind": "script", "source": "assert 1\u0000"}"#,
        "invalid",
        &format!("{reference}{null}"),
    );
    expect(
        "",
        r#"{"kind": "critic", "text": "\u0000<testcase>CALL: f(\u0000)</testcase>"}"#,
        "invalid",
        &format!("{reference}{null}"),
    );
    expect(
        r"print(input().encode())",
        r#"{"kind": "stdio", "stdin": "a\u0000b", "expected": "b'a\\x00b'", "trusted": true}"#,
        "pass",
        "",
    );
}

#[test]
fn odd_sources() {
    check(vec![
        alone("\u{feff}def f(): return 1", call("f()", "1"), passed()),
        // As a file of these bytes would be read.
        alone(
            "# -*- coding: latin-1 -*-\ndef f(): return 'é'",
            call("f()", "'Ã©'"),
            passed(),
        ),
        alone("def f():\r\n    return 1\r\n", call("f()", "1"), passed()),
        alone("def f(): return 1\u{c}", call("f()", "1"), passed()),
        alone("", call("1", "1"), passed()),
        alone(
            &"(".repeat(100_000),
            call("1", "1"),
            json!({"outcome": "error"}),
        ),
        alone(
            &format!("x = {}1", "-".repeat(100_000)),
            call("1", "1"),
            json!({"outcome": "error"}),
        ),
        alone(
            "",
            call(&format!("{}1{}", "[".repeat(5000), "]".repeat(5000)), "1"),
            json!({"outcome": "invalid"}),
        ),
        alone(
            &format!("x = {}", "1 + ".repeat(50_000) + "1"),
            call("1", "1"),
            json!({"outcome": "error"}),
        ),
        alone(
            &"if 1:\n ".repeat(10),
            call("1", "1"),
            json!({"outcome": "error"}),
        ),
    ]);
}
