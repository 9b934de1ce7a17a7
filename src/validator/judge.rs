//! What becomes of one check: which programs are run for it, and what their endings mean.
//!
//! Knows no threads, queues or caches: it asks [`Runs`] for executions and makes a verdict of
//! them. Everything compared here was carried out of the guests; nothing of the candidate's runs
//! while it is decided.

mod call;
mod critic;
mod ending;
mod script;
mod stdio;

use super::runs::{Answer, Interrupted, Runs};
use crate::domain::{
    Check, CheckKind, Expected, Fuel, Isolation, Outcome, Submission, Text, Verdict,
};

/// Of an expected or actual value this much is told: enough for people, and an answer stays of
/// the size of its request.
const MOST_TOLD_BYTES: usize = 64 << 10;

/// Judges one check of a submission.
pub(super) fn judge(
    submission: &Submission,
    check: &Check,
    runs: &mut Runs<'_>,
) -> Result<Verdict, Interrupted> {
    let case = Case {
        submission,
        trusted: check.trusted,
    };
    let ruling = match &check.kind {
        CheckKind::Call { call, expected } => call::judge(case, call, expected, runs),
        CheckKind::Stdio {
            stdin,
            expected,
            exit_status,
            files,
            checker,
        } => {
            let test = stdio::Test {
                stdin,
                files,
                exit_status: exit_status.unwrap_or(0),
                checker: checker.as_ref(),
            };
            stdio::judge(case, &test, expected.as_ref(), runs)
        }
        CheckKind::Script {
            source,
            entry_point,
        } => script::judge(case, source, entry_point.as_deref(), runs),
        CheckKind::Critic { text } => judge_critic(submission, text, runs),
    }?;
    Ok(ruling.verdict(submission, check))
}

/// The verdict of a check that is not run any more.
pub(super) fn skipped(submission: &Submission, check: &Check) -> Verdict {
    Ruling::of(Outcome::Skipped, "an earlier check was failed").verdict(submission, check)
}

/// A critic's test is never trusted, and it is the reference that says what it expects.
fn judge_critic(
    submission: &Submission,
    text: &Text,
    runs: &mut Runs<'_>,
) -> Result<Ruling, Interrupted> {
    let case = Case {
        submission,
        trusted: false,
    };
    if submission.reference.is_none() {
        return Ok(Ruling::invalid(
            "there is no reference to judge a critic's test by",
        ));
    }
    match critic::proposed(text) {
        Ok(critic::Proposed::Call(call)) => call::judge(case, &call, &Expected::Reference, runs),
        Ok(critic::Proposed::Stdin(stdin)) => {
            let test = stdio::Test {
                stdin: &stdin,
                files: &[],
                exit_status: 0,
                checker: None,
            };
            stdio::judge(case, &test, None, runs)
        }
        Err(message) => Ok(Ruling::invalid(message)),
    }
}

/// What every kind of check is judged with.
#[derive(Clone, Copy)]
struct Case<'a> {
    submission: &'a Submission,
    trusted: bool,
}

impl<'a> Case<'a> {
    /// The reference, where this check has to be run on it.
    fn reference(self, value_needed: bool) -> Option<&'a Text> {
        let asked = value_needed || !self.trusted;
        self.submission.reference.as_deref().filter(|_| asked)
    }
}

/// A verdict in the making.
struct Ruling {
    outcome: Outcome,
    message: String,
    expected: Option<String>,
    actual: Option<String>,
    /// The candidate's execution; none where it was not run.
    answer: Option<Answer>,
}

impl Ruling {
    fn of(outcome: Outcome, message: impl Into<String>) -> Self {
        Ruling {
            outcome,
            message: message.into(),
            expected: None,
            actual: None,
            answer: None,
        }
    }

    fn pass() -> Self {
        Ruling::of(Outcome::Pass, "")
    }

    fn invalid(message: impl Into<String>) -> Self {
        Ruling::of(Outcome::Invalid, message)
    }

    fn expecting(mut self, expected: Option<String>) -> Self {
        self.expected = expected;
        self
    }

    fn with_actual(mut self, actual: impl Into<String>) -> Self {
        self.actual = Some(actual.into());
        self
    }

    fn of_candidate(mut self, answer: Answer) -> Self {
        self.answer = Some(answer);
        self
    }

    fn verdict(self, submission: &Submission, check: &Check) -> Verdict {
        let execution = self.answer.as_ref().map(|answer| &*answer.execution);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Verdict {
            id: check.id.clone(),
            outcome: self.outcome,
            message: one_line(&self.message),
            expected: self.expected.map(told),
            actual: self.actual.map(told),
            stdout: execution.map_or_else(String::new, |e| text(&e.stdout)),
            stderr: execution.map_or_else(String::new, |e| text(&e.stderr)),
            fuel: execution.map_or(Fuel(0), |e| e.fuel),
            memory_bytes: execution.map_or(0, |e| e.memory_bytes),
            isolation: isolation(submission, check),
            cached: self.answer.as_ref().is_some_and(|answer| answer.cached),
            backstop: self.answer.as_ref().is_some_and(|answer| answer.backstop),
            warnings: execution.map_or_else(Vec::new, |e| e.warnings.clone()),
        }
    }
}

/// Where the test code of a check runs. A program's output is compared by us alone, whatever was
/// asked for.
fn isolation(submission: &Submission, check: &Check) -> Isolation {
    match check.kind {
        CheckKind::Stdio { .. } => Isolation::Split,
        CheckKind::Call { .. } | CheckKind::Script { .. } | CheckKind::Critic { .. } => {
            submission.isolation
        }
    }
}

/// What is told of a value, with a mark where it is cut.
fn told(mut text: String) -> String {
    let length = text.len();
    if length > MOST_TOLD_BYTES {
        text.truncate(text.floor_char_boundary(MOST_TOLD_BYTES));
        text += &format!("… [cut, {length} bytes in all]");
    }
    text
}

/// Messages hold what programs raised, which may be of any length and any number of lines.
fn one_line(message: &str) -> String {
    const MOST_BYTES: usize = 1000;
    let line = message.lines().next().unwrap_or_default();
    line[..line.floor_char_boundary(MOST_BYTES)].to_owned()
}
