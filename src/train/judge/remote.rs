//! Programs, judged by a server: submissions go out as JSON, verdicts come back.

use super::Unavailable;
use crate::domain::{
    Check, CheckKind, Executions, Expected, Fault, FaultCode, Fuel, Isolation, Judged, Outcome,
    Submission, SubmissionResult, Verdict,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Submissions of one request: bounds its body, and what is asked again after a connection broke.
const SUBMISSIONS: usize = 256;
/// Verdicts of one answer take no more than this: a server writes at most 64 KiB of each value.
const ANSWER_BYTES: u64 = 1 << 30;
/// A server that is silent for so long is not there. One request is minutes of work at most.
const SILENCE: Duration = Duration::from_secs(600);

/// A server.
pub(super) struct Server {
    agent: ureq::Agent,
    url: String,
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<AnswerResult>,
}

#[derive(Deserialize)]
struct AnswerResult {
    #[serde(default)]
    verdicts: Vec<AnswerVerdict>,
    error: Option<AnswerFault>,
}

#[derive(Deserialize)]
struct AnswerVerdict {
    outcome: String,
    #[serde(default)]
    message: String,
    expected: Option<String>,
    actual: Option<String>,
}

#[derive(Deserialize)]
struct AnswerFault {
    message: String,
    #[serde(default)]
    retryable: bool,
}

impl Server {
    /// A server by its address, such as `http://127.0.0.1:8080`.
    pub fn new(url: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(SILENCE))
            .http_status_as_error(false)
            .build();
        Server {
            agent: ureq::Agent::new_with_config(config),
            url: format!("{}/v1/checks", url.trim_end_matches('/')),
        }
    }

    /// Judges all submissions, or none.
    pub fn run(&self, submissions: &[Submission]) -> Result<Vec<SubmissionResult>, Unavailable> {
        let mut all = Vec::new();
        for part in submissions.chunks(SUBMISSIONS) {
            all.extend(self.ask(part)?);
        }
        Ok(all)
    }

    fn ask(&self, submissions: &[Submission]) -> Result<Vec<SubmissionResult>, Unavailable> {
        let failed = |what: &dyn std::fmt::Display| Unavailable(format!("{}: {what}", self.url));
        let body = json!({ "submissions": submissions.iter().map(wire).collect::<Vec<_>>() });
        let mut answer = self
            .agent
            .post(&self.url)
            .send_json(&body)
            .map_err(|error| failed(&error))?;
        let status = answer.status();
        let text = answer
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES)
            .read_to_string()
            .map_err(|error| failed(&error))?;
        if !status.is_success() {
            let start: String = text.chars().take(300).collect();
            return Err(failed(&format_args!("{status}: {start}")));
        }
        let answer: Answer = serde_json::from_str(&text)
            .map_err(|error| failed(&format_args!("is no answer of a validator: {error}")))?;
        if answer.results.len() != submissions.len() {
            let what = format!(
                "has {} results for {} submissions",
                answer.results.len(),
                submissions.len()
            );
            return Err(failed(&what));
        }
        // A fault that passes is an absence: it is asked again.
        let passing = answer.results.iter().filter_map(|one| one.error.as_ref());
        if let Some(fault) = passing.into_iter().find(|fault| fault.retryable) {
            return Err(failed(&fault.message));
        }
        let pairs = answer.results.into_iter().zip(submissions);
        pairs
            .map(|(result, submission)| result.read(submission).map_err(|what| failed(&what)))
            .collect()
    }
}

impl AnswerResult {
    fn read(self, submission: &Submission) -> Result<SubmissionResult, String> {
        let judged = match self.error {
            Some(fault) => Err(Fault {
                code: FaultCode::Engine,
                message: fault.message,
                retryable: fault.retryable,
            }),
            None if self.verdicts.len() != submission.checks.len() => {
                return Err(format!(
                    "{} verdicts for {} checks",
                    self.verdicts.len(),
                    submission.checks.len()
                ));
            }
            None => {
                let verdicts = self.verdicts.into_iter().map(AnswerVerdict::read);
                let verdicts = verdicts.collect::<Result<Vec<_>, _>>()?;
                Ok(Judged::new(verdicts, Executions::default()))
            }
        };
        Ok(SubmissionResult {
            id: submission.id.clone(),
            judged,
        })
    }
}

impl AnswerVerdict {
    fn read(self) -> Result<Verdict, String> {
        Ok(Verdict {
            id: String::new(),
            outcome: match &*self.outcome {
                "pass" => Outcome::Pass,
                "fail" => Outcome::Fail,
                "error" => Outcome::Error,
                "time_limit" => Outcome::TimeLimit,
                "memory_limit" => Outcome::MemoryLimit,
                "output_limit" => Outcome::OutputLimit,
                "invalid" => Outcome::Invalid,
                "skipped" => Outcome::Skipped,
                other => return Err(format!("the outcome {other:?} is not known")),
            },
            message: self.message,
            expected: self.expected,
            actual: self.actual,
            stdout: String::new(),
            stderr: String::new(),
            fuel: Fuel::default(),
            memory_bytes: 0,
            isolation: Isolation::default(),
            cached: false,
            backstop: false,
            warnings: Vec::new(),
        })
    }
}

/// A submission as `/v1/checks` takes it.
fn wire(submission: &Submission) -> Value {
    let mut fields = Map::new();
    fields.insert("language".to_owned(), json!("python"));
    fields.insert("code".to_owned(), json!(submission.code.to_string_lossy()));
    if let Some(reference) = &submission.reference {
        fields.insert("reference".to_owned(), json!(reference.to_string_lossy()));
    }
    let checks: Vec<Value> = submission
        .checks
        .iter()
        .map(|check| check_wire(check))
        .collect();
    fields.insert("checks".to_owned(), json!(checks));
    fields.insert(
        "limits".to_owned(),
        json!({
            "time_ms": submission.limits.time_ms,
            "memory_bytes": submission.limits.memory_bytes,
            "output_bytes": submission.limits.output_bytes,
        }),
    );
    fields.insert(
        "stop_on_failure".to_owned(),
        json!(submission.stop_on_failure),
    );
    fields.insert("seed".to_owned(), json!(submission.seed));
    Value::Object(fields)
}

fn check_wire(check: &Check) -> Value {
    let mut value = match &check.kind {
        CheckKind::Critic { text } => {
            json!({ "kind": "critic", "text": text.to_string_lossy() })
        }
        CheckKind::Call { call, expected } => {
            let mut value = json!({ "kind": "call", "call": call.to_string_lossy() });
            match expected {
                Expected::Value(text) => value["expected"] = json!(text.to_string_lossy()),
                Expected::Exception(name) => value["expected_exception"] = json!(name),
                Expected::Reference => {}
            }
            value
        }
        CheckKind::Script {
            source,
            entry_point,
        } => {
            let mut value = json!({ "kind": "script", "source": source.to_string_lossy() });
            if let Some(name) = entry_point {
                value["entry_point"] = json!(name);
            }
            value
        }
        CheckKind::Stdio {
            stdin, expected, ..
        } => {
            let mut value = json!({ "kind": "stdio", "stdin": stdin.to_string_lossy() });
            if let Some(expected) = expected {
                value["expected"] = json!(expected.to_string_lossy());
            }
            value
        }
    };
    value["id"] = json!(check.id);
    value["trusted"] = json!(check.trusted);
    value
}
