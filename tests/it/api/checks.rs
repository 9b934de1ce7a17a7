//! What a check may say.

use super::{accepted, check, refused, submission};

const HERE: &str = "submissions[0].checks[0]";

/// That this check is refused for one field of its own.
async fn wrong(json: &str, field: &str, message: &str) {
    let path = format!("{HERE}{field}");
    refused(check(json), &[(&path, message)]).await;
}

#[tokio::test]
async fn every_kind_of_check() {
    for json in [
        r#"{"kind": "call", "call": "f()", "expected": "1"}"#,
        r#"{"kind": "call", "call": "f()", "expected_exception": "json.JSONDecodeError"}"#,
        r#"{"kind": "stdio", "stdin": "1\n", "expected": "2\n", "exit_status": 3}"#,
        r#"{"kind": "stdio", "expected": ""}"#,
        r#"{"kind": "stdio", "checker": "exit(0)", "files": {"a/b.txt": "aGk="}}"#,
        r#"{"kind": "script", "source": "assert f()", "entry_point": "f", "trusted": true}"#,
        r#"{"kind": "script", "source": "", "id": null}"#,
    ] {
        accepted(check(json)).await;
    }
}

#[tokio::test]
async fn text_of_a_model_never_refuses() {
    for text in [r"\ud800", r"\ude00\ud83d", r"\u0000", r"\u001b[2J", "é", ""] {
        for json in [
            format!(r#"{{"kind": "call", "call": "{text}", "expected": "{text}"}}"#),
            format!(r#"{{"kind": "stdio", "stdin": "{text}", "checker": "{text}"}}"#),
            format!(r#"{{"kind": "script", "source": "{text}"}}"#),
        ] {
            accepted(check(&json)).await;
        }
        let critic = format!(
            r#""code": "{text}", "reference": "{text}", "language": "python",
               "checks": [{{"kind": "critic", "text": "{text}"}}]"#
        );
        accepted(format!(r#"{{"submissions": [{{{critic}}}]}}"#)).await;
    }
}

#[tokio::test]
async fn kinds() {
    wrong("{}", ".kind", "is required").await;
    wrong(r#"{"kind": "fuzz"}"#, ".kind", "`fuzz`, must be `call` or").await;
    wrong(r#"{"kind": 1}"#, ".kind", "invalid type").await;
    wrong(r#"{"kind": "script"}"#, ".source", "is required").await;
    wrong(
        r#"{"kind": "script", "source": 1}"#,
        ".source",
        "expected a string",
    )
    .await;
    wrong(
        r#"{"kind": "script", "source": [1]}"#,
        ".source",
        "expected a string",
    )
    .await;
}

#[tokio::test]
async fn unknown_fields() {
    let json = r#"{"kind": "script", "source": "", "sources": ""}"#;
    wrong(json, ".sources", "unknown field").await;
    let json = r#"{"kind": "script", "source": "", "source": ""}"#;
    wrong(json, "", "duplicate field `source`").await;
}

#[tokio::test]
async fn fields_of_other_kinds() {
    let json = r#"{"kind": "call", "call": "f()", "expected": "1", "stdin": "", "text": ""}"#;
    let (stdin, text) = (format!("{HERE}.stdin"), format!("{HERE}.text"));
    let message = "does not belong to a `call` check";
    refused(check(json), &[(&stdin, message), (&text, message)]).await;
    let json = r#"{"kind": "script", "source": "", "expected": ""}"#;
    wrong(json, ".expected", "does not belong to a `script` check").await;
}

#[tokio::test]
async fn something_must_judge() {
    let message = "there is no reference";
    wrong(r#"{"kind": "call", "call": "f()"}"#, ".expected", message).await;
    wrong(
        r#"{"kind": "stdio", "exit_status": 1}"#,
        ".expected",
        message,
    )
    .await;
    wrong(r#"{"kind": "critic", "text": ""}"#, ".text", message).await;
    let json = r#"{"kind": "call", "call": "f()", "expected": "1", "expected_exception": "E"}"#;
    wrong(json, ".expected_exception", "beside `expected`").await;
    let checks = r#"[{"kind": "call", "call": "f()"}, {"kind": "stdio"}]"#;
    accepted(submission(&format!(
        r#""reference": "", "checks": {checks}"#
    )))
    .await;
}

#[tokio::test]
async fn entry_points() {
    for name in ["f g", "", "1f", "f()", "a.b"] {
        let json = format!(r#"{{"kind": "script", "source": "", "entry_point": "{name}"}}"#);
        wrong(&json, ".entry_point", "identifier").await;
    }
    for name in ["f", "_1", "größe"] {
        let json = format!(r#"{{"kind": "script", "source": "", "entry_point": "{name}"}}"#);
        accepted(check(&json)).await;
    }
}

#[tokio::test]
async fn exit_statuses() {
    for status in ["-1", "256", "9000000000"] {
        let json = format!(r#"{{"kind": "stdio", "expected": "", "exit_status": {status}}}"#);
        wrong(&json, ".exit_status", "from 0 to 255").await;
    }
}

#[tokio::test]
async fn files() {
    let stdio = |files| format!(r#"{{"kind": "stdio", "expected": "", "files": {{{files}}}}}"#);
    wrong(&stdio(r#""a": "%%""#), ".files.a", "is not base64").await;
    wrong(
        &stdio(r#""/etc/passwd": """#),
        ".files./etc/passwd",
        "relative path",
    )
    .await;
    wrong(&stdio(r#""../x": """#), ".files.../x", "relative path").await;
    wrong(
        &stdio(r#""a": "", "a/b": """#),
        ".files.a/b",
        "that is a file",
    )
    .await;
    wrong(&stdio(r#""a": 1"#), ".files.a", "invalid type").await;
}
