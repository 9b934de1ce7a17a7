//! Checks by test code.

use super::ending::{general, out_of_memory, reconsider, reference_failed};
use super::{Case, Ruling};
use crate::domain::{Isolation, Outcome, Text};
use crate::sandbox::{Ending, Job, Phase, Raised, Test};
use crate::validator::runs::{Interrupted, Runs};

pub(super) fn judge(
    case: Case<'_>,
    source: &Text,
    entry_point: Option<&str>,
    runs: &mut Runs<'_>,
) -> Result<Ruling, Interrupted> {
    let job = |code: &Text| match case.submission.isolation {
        Isolation::Split => Job::Split {
            code: code.clone(),
            test: Test::Script {
                source: source.clone(),
                entry_point: entry_point.map(str::to_owned),
            },
        },
        Isolation::Shared => Job::Script {
            code: code.clone(),
            source: source.clone(),
            entry_point: entry_point.map(str::to_owned),
        },
    };
    let reference = case.reference(false);
    if let Some(reference) = reference {
        let answer = runs.reference(job(reference))?;
        let ending = &answer.execution.ending;
        let ruling = rule(ending, false);
        if ruling.outcome != Outcome::Pass {
            return Ok(reference_failed(ending, &ruling.message));
        }
    }
    let answer = runs.candidate(job(&case.submission.code))?;
    let ending = &answer.execution.ending;
    let ruling = rule(ending, reference.is_some());
    let ruling = reconsider(case, ending, ruling, job, runs)?;
    Ok(ruling.of_candidate(answer))
}

/// A test's own finding: a failed assert, or pytest's word for an exception that did not come.
fn is_assertion(raised: &Raised) -> bool {
    raised.is_a("AssertionError") || raised.is_a("Failed")
}

fn rule(ending: &Ending, vouched: bool) -> Ruling {
    match ending {
        Ending::TestsPassed => Ruling::pass(),
        Ending::TestsFailed {
            assertions_only: true,
            message,
        } => Ruling::of(Outcome::Fail, message),
        Ending::Raised {
            phase: Phase::Test,
            raised,
        } if is_assertion(raised) && !out_of_memory(raised) => {
            Ruling::of(Outcome::Fail, &raised.message)
        }
        _ => general(ending, vouched),
    }
}
