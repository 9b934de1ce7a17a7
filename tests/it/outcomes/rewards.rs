//! Rewards, and what counts as an execution.

use super::*;
use crate::runtime::judge_text;

#[test]
fn the_contracts_example() {
    let request = json!({
        "problems": [{
            "id": "task-17",
            "reference": "def add(a, b):\n    return a + b\n",
            "checks": [{"id": "base", "kind": "script", "source": "assert add(1, 2) == 3", "trusted": true}]
        }],
        "submissions": [{
            "id": "task-17/candidate-3",
            "problem": "task-17",
            "language": "python",
            "code": "def add(a, b):\n    return a - b\n",
            "checks": [
                {"id": "t1", "kind": "call", "call": "add(2, 3)", "expected": "5"},
                {"id": "t2", "kind": "call", "call": "add(-1, 0)"},
                {"id": "t3", "kind": "critic", "text": "<think>zero?</think><testcase> CALL: add(0, 0) </testcase>"}
            ],
            "limits": {"time_ms": 10000, "memory_bytes": 268435456, "output_bytes": 1048576},
            "compare": {"float_tolerance": 0.0, "whitespace": "trailing"},
            "isolation": "split",
            "stop_on_failure": false,
            "seed": 0
        }]
    });
    let result = judge_text(&request.to_string()).remove(0);
    let of = |field: &str| {
        let verdicts = result["verdicts"].as_array().expect("verdicts");
        verdicts
            .iter()
            .map(|verdict| verdict[field].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(result["id"], "task-17/candidate-3");
    assert_eq!(of("id"), ["base", "t1", "t2", "t3"]);
    assert_eq!(of("outcome"), ["fail", "fail", "pass", "pass"]);
    assert_eq!(of("message")[0], "AssertionError");
    assert_eq!(of("expected")[1..], ["5", "-1", "0"]);
    assert_eq!(of("actual")[1..], ["-1", "-1", "0"]);
    assert_eq!(
        (&result["passed"], &result["valid"]),
        (&json!(2), &json!(4))
    );
    assert_eq!(
        result["reward"],
        json!({"generator": 0.0, "critic": [1.0, 1.0, 0.0, 0.0]})
    );
    assert_eq!(
        result["executions"],
        json!({"candidate": 4, "reference": 3, "cached": 0})
    );
}

/// That checks of a candidate that adds give these outcomes and rewards.
#[track_caller]
fn rewards(
    checks: Value,
    stop_on_failure: bool,
    outcomes: &[&str],
    generator: Value,
    critic: Value,
) {
    let result = judge(vec![json!({
        "code": "def add(a, b):\n    return a + b\n", "checks": checks, "stop_on_failure": stop_on_failure,
    })])
    .remove(0);
    let verdicts = result["verdicts"].as_array().expect("verdicts");
    let actual: Vec<_> = verdicts
        .iter()
        .map(|verdict| verdict["outcome"].as_str())
        .collect();
    let expected: Vec<_> = outcomes.iter().map(|outcome| Some(*outcome)).collect();
    assert_eq!(actual, expected, "{result}");
    assert_eq!(
        result["reward"],
        json!({"generator": generator, "critic": critic})
    );
    let count = |of: fn(&&str) -> bool| outcomes.iter().copied().filter(of).count();
    assert_eq!(result["passed"], count(|outcome| *outcome == "pass"));
    assert_eq!(
        result["valid"],
        count(|outcome| !matches!(*outcome, "invalid" | "skipped"))
    );
}

#[test]
fn a_zero_sum_game() {
    let right = || call("add(1, 2)", "3");
    let wrong = || call("add(1, 2)", "4");
    let broken = || call("add(", "4");
    rewards(
        json!([right(), right()]),
        false,
        &["pass", "pass"],
        json!(1.0),
        json!([0.0, 0.0]),
    );
    rewards(
        json!([right(), wrong(), broken()]),
        false,
        &["pass", "fail", "invalid"],
        json!(0.0),
        json!([0.0, 1.0, 0.0]),
    );
    rewards(
        json!([broken()]),
        false,
        &["invalid"],
        json!(null),
        json!([0.0]),
    );
    rewards(
        json!([right(), broken()]),
        false,
        &["pass", "invalid"],
        json!(1.0),
        json!([0.0, 0.0]),
    );
    rewards(
        json!([right(), broken(), wrong(), right(), broken()]),
        true,
        &["pass", "invalid", "fail", "skipped", "skipped"],
        json!(0.0),
        json!([0.0, 0.0, 1.0, null, null]),
    );
    for failing in [
        call("add(1)", "4"),
        call("[0] * 10**9", "4"),
        script("import time\ntime.sleep(1e9)\nassert 1"),
        script("while True: print('x' * 10**6)\nassert 1"),
    ] {
        let result = judge(vec![
            json!({"code": "def add(a, b): pass", "checks": [failing]}),
        ])
        .remove(0);
        assert_eq!(
            result["reward"],
            json!({"generator": 0.0, "critic": [1.0]}),
            "{result}"
        );
    }
}

#[test]
fn what_is_skipped_was_not_run() {
    let result = judge(vec![json!({
        "code": "", "checks": [script("assert False"), script("assert True")], "stop_on_failure": true,
    })])
    .remove(0);
    let skipped = &result["verdicts"][1];
    assert_eq!(skipped["outcome"], "skipped");
    assert_eq!(skipped["message"], "an earlier check was failed");
    assert_eq!(
        (&skipped["fuel"], &skipped["stdout"]),
        (&json!(0), &json!(""))
    );
    assert_eq!(
        result["executions"],
        json!({"candidate": 1, "reference": 0, "cached": 0})
    );
}
