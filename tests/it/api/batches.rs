//! What a batch, its problems and its submissions may say.

use super::{accepted, batch, post, refused, send_to, submission};
use crate::fake;
use serde_json::{Value, json};
use touchstone::config::Config;

const CHECKS: &str = r#""checks": [{"kind": "script", "source": ""}]"#;

/// That one submission with these fields beside its checks is refused for one of them.
async fn wrong(fields: &str, path: &str, message: &str) {
    let path = format!("submissions[0].{path}");
    refused(
        submission(&format!("{CHECKS}, {fields}")),
        &[(&path, message)],
    )
    .await;
}

fn ids(results: &Value) -> Vec<&str> {
    let verdicts = results["verdicts"].as_array().expect("verdicts");
    verdicts
        .iter()
        .map(|verdict| verdict["id"].as_str().expect("an id"))
        .collect()
}

#[tokio::test]
async fn something_to_do() {
    refused("{}".into(), &[("submissions", "at least one")]).await;
    refused(
        r#"{"submissions": []}"#.into(),
        &[("submissions", "at least one")],
    )
    .await;
    let message = [("submissions[0].checks", "at least one")];
    refused(submission(r#""checks": []"#), &message).await;
    refused(submission(r#""seed": 1"#), &message).await;
}

/// Serde would take the fields of a struct in their order.
#[tokio::test]
async fn lists_in_the_place_of_objects() {
    let message = "expected an object";
    refused("[null, []]".into(), &[("", message)]).await;
    refused(
        r#"{"submissions": [[]]}"#.into(),
        &[("submissions[0]", message)],
    )
    .await;
    wrong(r#""limits": [1, 1, 1]"#, "limits", message).await;
    wrong(r#""compare": 1"#, "compare", message).await;
}

#[tokio::test]
async fn required_fields_all_at_once() {
    let body = format!(r#"{{"submissions": [{{{CHECKS}}}, {{}}]}}"#);
    let expect = [
        ("submissions[0].language", "is required"),
        ("submissions[0].code", "is required"),
        ("submissions[1].language", "is required"),
        ("submissions[1].code", "is required"),
        ("submissions[1].checks", "at least one"),
    ];
    refused(body, &expect).await;
}

#[tokio::test]
async fn many_faults_are_counted_and_the_first_listed() {
    let submissions = vec![json!({"language": "perl", "code": ""}); 1000];
    let answer = post(json!({"submissions": submissions}).to_string()).await;
    let problem = answer.problem(422, "invalid-fields");
    assert_eq!(problem["detail"], "2000 fields are at fault");
    assert_eq!(problem["errors"].as_array().expect("errors").len(), 100);
}

#[tokio::test]
async fn unknown_fields() {
    let message = "unknown field";
    refused(r#"{"submission": []}"#.into(), &[("submission", message)]).await;
    wrong(r#""tests": []"#, "tests", message).await;
    wrong(r#""limits": {"time": 1}"#, "limits.time", message).await;
    wrong(r#""compare": {"case": 1}"#, "compare.case", message).await;
    let body = r#"{"problems": [{"id": "p", "code": ""}], "submissions": []}"#;
    refused(body.into(), &[("problems[0].code", message)]).await;
}

#[tokio::test]
async fn ids_are_text_of_the_client() {
    wrong(r#""id": 1"#, "id", "invalid type").await;
    // JSON all the same, so that it is no 400.
    wrong(r#""id": "\ud800""#, "id", "").await;
}

#[tokio::test]
async fn names_among_a_few() {
    wrong(r#""isolation": "none""#, "isolation", "`split` or `shared`").await;
    wrong(
        r#""compare": {"whitespace": "any"}"#,
        "compare.whitespace",
        "`tokens`",
    )
    .await;
    let body = format!(r#"{{"submissions": [{{"language": "C", "code": "", {CHECKS}}}]}}"#);
    refused(body, &[("submissions[0].language", "`python`")]).await;
}

#[tokio::test]
async fn numbers_in_range() {
    wrong(r#""seed": -1"#, "seed", "expected u64").await;
    let tolerance = "compare.float_tolerance";
    wrong(
        r#""compare": {"float_tolerance": -1e-9}"#,
        tolerance,
        "from 0 up",
    )
    .await;
    wrong(
        r#""compare": {"float_tolerance": 1e999}"#,
        tolerance,
        "out of range",
    )
    .await;
    for (field, most) in [
        ("time_ms", 60_000_u64),
        ("memory_bytes", 1 << 30),
        ("output_bytes", 64 << 20),
    ] {
        let limit = |value| format!(r#""limits": {{"{field}": {value}}}"#);
        let message = format!("from 1 to {most}");
        wrong(&limit(0), &format!("limits.{field}"), &message).await;
        wrong(&limit(most + 1), &format!("limits.{field}"), &message).await;
        accepted(submission(&format!("{CHECKS}, {}", limit(most)))).await;
    }
}

#[tokio::test]
async fn everything_that_may_be_said() {
    let request = json!({
        "problems": [{
            "id": "p", "reference": "", "limits": {"time_ms": 1}, "compare": {},
            "checks": [{"kind": "call", "call": "f()", "id": "base"}, {"kind": "stdio"}],
        }],
        "submissions": [{
            "id": "s", "problem": "p", "language": "python", "code": "", "reference": null,
            "checks": [{"kind": "critic", "text": ""}, {"kind": "stdio", "id": "base"}],
            "limits": {"time_ms": 10, "memory_bytes": 10, "output_bytes": 10},
            "compare": {"float_tolerance": 0.1, "whitespace": "exact"},
            "isolation": "shared", "stop_on_failure": true, "seed": 18446744073709551615_u64,
        }, {
            "problem": "p", "language": "python", "code": "",
        }],
    });
    let answer = accepted(request.to_string()).await;
    let results = &answer["results"];
    assert_eq!(results[0]["id"], "s");
    // The problem's checks first; without an id a check is named by its place.
    assert_eq!(ids(&results[0]), ["base", "1", "2", "base"]);
    assert_eq!(results[1]["id"], "1");
    assert_eq!(ids(&results[1]), ["base", "1"]);
    assert_eq!(results[0]["verdicts"][0]["isolation"], "shared");
    assert_eq!(results[1]["verdicts"][0]["isolation"], "split");
    // Outputs are always compared apart, whatever the request would allow.
    assert_eq!(results[0]["verdicts"][3]["isolation"], "split");
}

#[tokio::test]
async fn problems() {
    let message = "none of the problems";
    wrong(r#""problem": "p""#, "problem", message).await;
    // Not also for want of checks, which the problem may have had.
    refused(
        submission(r#""problem": "p""#),
        &[("submissions[0].problem", message)],
    )
    .await;
    let submissions = format!(r#""submissions": [{{"language": "python", "code": "", {CHECKS}}}]"#);
    let problems = |list: &str| format!(r#"{{"problems": [{list}], {submissions}}}"#);
    refused(problems("{}"), &[("problems[0].id", "is required")]).await;
    let twice = problems(r#"{"id": "p"}, {"id": "p"}"#);
    refused(twice, &[("problems[1].id", "another problem")]).await;
    let check = problems(r#"{"id": "p", "checks": [{"kind": "call", "expected": "1"}]}"#);
    refused(check, &[("problems[0].checks[0].call", "is required")]).await;
    let limit = problems(r#"{"id": "p", "limits": {"time_ms": 0}}"#);
    refused(limit, &[("problems[0].limits.time_ms", "from 1")]).await;
}

#[tokio::test]
async fn a_problem_without_reference_is_complained_of_once() {
    let submission = json!({"problem": "p", "language": "python", "code": ""});
    let mut with_reference = submission.clone();
    with_reference["reference"] = "".into();
    let problems = json!([{"id": "p", "checks": [{"kind": "call", "call": "f()"}]}]);
    let body = json!({"problems": problems, "submissions": [submission, submission]});
    refused(
        body.to_string(),
        &[("problems[0].checks[0].expected", "no reference")],
    )
    .await;
    let body = json!({"problems": problems, "submissions": [with_reference]});
    accepted(body.to_string()).await;
}

#[tokio::test]
async fn ten_thousand_submissions() {
    let check = json!({"kind": "call", "call": "f()", "expected": "1"});
    let submission = json!({"language": "python", "code": "def f(): return 1", "checks": [check]});
    let answer = accepted(json!({"submissions": vec![submission; 10_000]}).to_string()).await;
    let results = answer["results"].as_array().expect("results");
    assert_eq!(results.len(), 10_000);
    for (index, result) in results.iter().enumerate() {
        assert_eq!(result["id"], index.to_string());
    }
}

#[tokio::test]
async fn more_submissions_than_a_request_may_have() {
    let body = format!(r#"{{"submissions": [{}{{}}]}}"#, "{},".repeat(100_000));
    refused(body, &[("submissions", "more than 100000 items")]).await;
}

#[tokio::test]
async fn more_checks_than_a_request_may_have() {
    let body = submission(&format!(r#""checks": [{}{{}}]"#, "{},".repeat(65_536)));
    refused(body, &[("submissions[0].checks", "more than 65536 items")]).await;
    let submission = format!(r#"{{"checks": [{}{{}}]}}"#, "{},".repeat(65_000));
    let submissions = vec![submission; 20].join(",");
    let body = format!(r#"{{"submissions": [{submissions}]}}"#);
    refused(
        body,
        &[("submissions[15].checks", "after 1000000 submissions")],
    )
    .await;
}

#[tokio::test]
async fn a_batch_that_the_queue_can_never_hold() {
    let checks =
        r#""checks": [{"kind": "script", "source": ""}, {"kind": "script", "source": ""}]"#;
    let request = batch(submission(checks));
    let answer = send_to(fake::with_capacity(1), &Config::default(), request).await;
    let detail = answer.problem(413, "batch-too-large")["detail"].to_string();
    assert!(
        detail.contains("2 checks") && detail.contains("holds 1"),
        "{detail}"
    );
}
