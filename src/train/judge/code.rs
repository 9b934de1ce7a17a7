//! Programs, judged by a validator: the one of this process, or a server's.

use super::remote;
use super::{Case, Exam, Judge, Ruling, Unavailable, Verdict};
use crate::client::Server;
use crate::domain::{
    Check, CheckKind, Compare, Expected, Isolation, Limits, Outcome, Submission, SubmissionResult,
    Text,
};
use crate::validator::{Rejected, Tenant, Validator};
use std::sync::Arc;
use std::time::Duration;

/// Runs every program with each test in a fresh sandbox.
pub struct Code {
    validator: Place,
    limits: CodeLimits,
}

enum Place {
    Here(Validator),
    There(Server),
}

/// Guest time of executions, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CodeLimits {
    /// Of a program on one test.
    pub test_ms: u64,
    /// Of a program on all inputs of an exam.
    pub exam_ms: u64,
}

impl Default for CodeLimits {
    fn default() -> Self {
        CodeLimits {
            test_ms: 10_000,
            exam_ms: 60_000,
        }
    }
}

impl Code {
    /// Judges with a validator of this process.
    pub fn new(validator: Validator, limits: CodeLimits) -> Self {
        Code {
            validator: Place::Here(validator),
            limits,
        }
    }

    /// Judges with a server.
    pub fn remote(server: Server, limits: CodeLimits) -> Self {
        Code {
            validator: Place::There(server),
            limits,
        }
    }

    fn run(&self, submissions: Vec<Submission>) -> Result<Vec<SubmissionResult>, Unavailable> {
        let validator = match &self.validator {
            Place::Here(validator) => validator,
            Place::There(server) => return remote::judge(server, &submissions),
        };
        let mut results = judged(validator, submissions.clone())?;
        // A fault that passes costs a repetition of what it struck, and no verdict.
        for _ in 0..REPETITIONS {
            let struck: Vec<usize> = (0..results.len())
                .filter(|at| will_pass(&results[*at]))
                .collect();
            if struck.is_empty() {
                break;
            }
            let again = struck.iter().map(|at| submissions[*at].clone()).collect();
            for (at, result) in struck.into_iter().zip(judged(validator, again)?) {
                results[at] = result;
            }
        }
        Ok(results)
    }
}

/// How often a submission that a passing fault struck is judged again.
const REPETITIONS: usize = 3;

fn will_pass(result: &SubmissionResult) -> bool {
    result.judged.as_ref().is_err_and(|fault| fault.retryable)
}

/// The results of all submissions, in their order, once the queue has had room for them.
fn judged(
    validator: &Validator,
    submissions: Vec<Submission>,
) -> Result<Vec<SubmissionResult>, Unavailable> {
    let count = submissions.len();
    let mut results = loop {
        match validator.submit(submissions.clone(), Tenant::default()) {
            Ok(results) => break results,
            // Another lane has filled it.
            Err(Rejected::Full { retry_after }) => std::thread::sleep(retry_after.min(FULL_WAIT)),
            Err(rejected @ Rejected::TooLarge { .. }) => {
                return Err(Unavailable::Forever(format!(
                    "{rejected}; raise validator.queue_checks, or train with fewer prompts at a time"
                )));
            }
            Err(Rejected::ShuttingDown) => {
                return Err(Unavailable::Now(Rejected::ShuttingDown.to_string()));
            }
        }
    };
    let mut sorted: Vec<Option<SubmissionResult>> = (0..count).map(|_| None).collect();
    while let Some((at, result)) = results.blocking_recv() {
        sorted[at] = Some(result);
    }
    let all: Option<Vec<_>> = sorted.into_iter().collect();
    all.ok_or_else(|| Unavailable::Now(Rejected::ShuttingDown.to_string()))
}

/// What the queue holds is judged in less: a program takes milliseconds.
const FULL_WAIT: Duration = Duration::from_millis(20);

impl Judge for Code {
    fn judge(&self, cases: &[Case]) -> Result<Vec<Vec<Ruling>>, Unavailable> {
        let submissions = cases.iter().map(|case| submission(case, self.limits));
        let results = self.run(submissions.collect())?;
        let pairs = results.iter().zip(cases);
        Ok(pairs
            .map(|(result, case)| rulings(result, case.tests.len()))
            .collect())
    }

    fn examine(
        &self,
        answers: &[(Arc<str>, Arc<str>, Exam)],
    ) -> Result<Vec<Option<bool>>, Unavailable> {
        let submissions = answers
            .iter()
            .map(|(reference, answer, exam)| examination(reference, answer, exam, self.limits));
        let results = self.run(submissions.collect())?;
        let pairs = results.iter().zip(answers);
        Ok(pairs
            .map(|(result, (_, _, exam))| passed(result, exam))
            .collect())
    }
}

/// What a case is to the validator.
pub(super) fn submission(case: &Case, limits: CodeLimits) -> Submission {
    let check = |(at, test): (usize, &Arc<str>)| {
        Arc::new(Check {
            id: at.to_string(),
            kind: CheckKind::Critic {
                text: Text::from(format!("<testcase> {test} </testcase>")),
            },
            trusted: false,
        })
    };
    Submission {
        checks: case.tests.iter().enumerate().map(check).collect(),
        stop_on_failure: case.stop_at_failure,
        ..program(&case.answer, &case.reference, limits.test_ms)
    }
}

/// What an exam is to the validator.
pub(super) fn examination(
    reference: &str,
    answer: &str,
    exam: &Exam,
    limits: CodeLimits,
) -> Submission {
    match exam {
        Exam::Driver { driver, inputs } => {
            let with_driver = |program: &str| format!("{program}\n{driver}");
            let check = Check {
                id: "exam".to_owned(),
                kind: CheckKind::Stdio {
                    stdin: Text::from(&**inputs),
                    expected: None,
                    exit_status: None,
                    files: Vec::new(),
                    checker: None,
                },
                trusted: false,
            };
            Submission {
                checks: vec![Arc::new(check)],
                ..program(
                    &with_driver(answer),
                    &with_driver(reference),
                    limits.exam_ms,
                )
            }
        }
        Exam::Checks(checks) => Submission {
            checks: checks.clone(),
            stop_on_failure: true,
            ..program(answer, reference, limits.test_ms)
        },
        // No program has any: whatever it does, there is nothing to say for it.
        Exam::Facts => program(answer, reference, limits.exam_ms),
    }
}

fn program(code: &str, reference: &str, time_ms: u64) -> Submission {
    Submission {
        id: String::new(),
        problem: None,
        code: Text::from(code),
        reference: (!reference.is_empty()).then(|| Arc::new(Text::from(reference))),
        checks: Vec::new(),
        limits: Limits {
            time_ms,
            ..Limits::default()
        },
        compare: Compare::default(),
        isolation: Isolation::default(),
        stop_on_failure: false,
        seed: 0,
    }
}

/// What the validator's answer says of the tests.
pub(super) fn rulings(result: &SubmissionResult, tests: usize) -> Vec<Ruling> {
    match &result.judged {
        Ok(judged) => judged
            .verdicts
            .iter()
            .map(|verdict| Ruling {
                verdict: match verdict.outcome {
                    // True of this machine at this time only: nothing that a label may depend on.
                    _ if verdict.backstop => Verdict::Skipped,
                    Outcome::Pass => Verdict::Satisfied,
                    Outcome::Invalid => Verdict::Invalid,
                    Outcome::Skipped => Verdict::Skipped,
                    _ => Verdict::Failed,
                },
                message: told(&verdict.message, &verdict.expected, &verdict.actual),
                fault: verdict.backstop,
            })
            .collect(),
        Err(fault) => {
            let ruling = Ruling {
                verdict: Verdict::Skipped,
                message: fault.message.clone(),
                fault: true,
            };
            vec![ruling; tests]
        }
    }
}

/// The message, with the values where there are some.
fn told(message: &str, expected: &Option<String>, actual: &Option<String>) -> String {
    match (expected, actual) {
        (Some(expected), Some(actual)) => format!("expected {expected}, got {actual}"),
        _ => message.to_owned(),
    }
}

/// Whether an exam was passed; `None` where that is not known: by a fault of ours, or because the
/// reference itself did not come through a driver's exam, as where there is too little time for it.
pub(super) fn passed(result: &SubmissionResult, exam: &Exam) -> Option<bool> {
    let judged = result.judged.as_ref().ok()?;
    let is_known = match exam {
        Exam::Driver { .. } => judged.valid > 0,
        Exam::Checks(_) | Exam::Facts => true,
    };
    let is_known = is_known && !judged.verdicts.iter().any(|verdict| verdict.backstop);
    is_known.then_some(judged.valid > 0 && judged.passed == judged.valid)
}

/// A call whose value the reference says, for tests of problems that are given as calls.
pub fn call(id: String, call: &str) -> Arc<Check> {
    Arc::new(Check {
        id,
        kind: CheckKind::Call {
            call: Text::from(call),
            expected: Expected::Reference,
        },
        trusted: false,
    })
}
