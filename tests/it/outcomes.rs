//! Every outcome of every kind of check, provoked in the real sandbox.

mod calls;
mod critics;
mod hostile_texts;
mod limits;
mod rewards;
mod scripts;
mod stdio;

use crate::runtime::{judge, report};
use serde_json::{Value, json};

/// A submission, and fields that its one verdict must have; a field that must be missing is null.
struct Row {
    submission: Value,
    expect: Value,
}

/// A candidate without a reference.
fn alone(code: &str, check: Value, expect: Value) -> Row {
    let submission = json!({"code": code, "checks": [check]});
    Row { submission, expect }
}

/// A candidate beside a reference.
fn beside(reference: &str, code: &str, check: Value, expect: Value) -> Row {
    let mut row = alone(code, check, expect);
    row.submission["reference"] = json!(reference);
    row
}

impl Row {
    /// The same with another field of the submission.
    fn with(mut self, field: &str, value: Value) -> Row {
        self.submission[field] = value;
        self
    }
}

/// That each verdict has the fields that its row says.
#[track_caller]
fn check(rows: Vec<Row>) {
    let (submissions, expected): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .map(|row| (row.submission, row.expect))
        .unzip();
    let results = judge(submissions.clone());
    let mut mistakes = Vec::new();
    for ((submission, expect), result) in submissions.iter().zip(&expected).zip(&results) {
        let verdict = &result["verdicts"][0];
        let fields = expect.as_object().expect("an object");
        for (field, value) in fields {
            if &verdict[field] != value {
                mistakes.push(format!(
                    "{field} is {} instead of {value}\n  for {submission:.300}\n  {verdict:.600}",
                    verdict[field]
                ));
            }
        }
    }
    report(&mistakes);
}

fn passed() -> Value {
    json!({"outcome": "pass", "message": ""})
}

fn outcome(outcome: &str, message: &str) -> Value {
    json!({"outcome": outcome, "message": message})
}

fn invalid(message: &str) -> Value {
    outcome("invalid", message)
}

/// A call with its expected value.
fn call(call: &str, expected: &str) -> Value {
    json!({"kind": "call", "call": call, "expected": expected})
}

/// A call whose value the reference says.
fn asked(call: &str) -> Value {
    json!({"kind": "call", "call": call})
}

fn raising(call: &str, class: &str) -> Value {
    json!({"kind": "call", "call": call, "expected_exception": class})
}

fn script(source: &str) -> Value {
    json!({"kind": "script", "source": source})
}

fn stdio(stdin: &str, expected: &str) -> Value {
    json!({"kind": "stdio", "stdin": stdin, "expected": expected})
}

fn critic(text: &str) -> Value {
    json!({"kind": "critic", "text": text})
}
