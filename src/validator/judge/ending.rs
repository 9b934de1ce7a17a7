//! What the endings mean that mean the same for every kind of check.

use super::{Case, Ruling};
use crate::domain::{Outcome, Text};
use crate::sandbox::{Ending, Job, LimitKind, Phase, Raised};
use crate::validator::runs::{Interrupted, Runs};

/// The ruling on a candidate whose execution did not get to an end that this kind of check
/// compares or asserts.
///
/// `vouched` says that the check is known to be sound, because the reference passed it: then what
/// looks like the check's fault is the candidate's doing, which must not earn it an `invalid`.
pub(super) fn general(ending: &Ending, vouched: bool) -> Ruling {
    let outcome = match ending {
        Ending::Limit(LimitKind::Time) | Ending::Backstop => Outcome::TimeLimit,
        Ending::Limit(LimitKind::Memory) => Outcome::MemoryLimit,
        Ending::Limit(LimitKind::Output) => Outcome::OutputLimit,
        Ending::Raised { raised, .. } if out_of_memory(raised) => Outcome::MemoryLimit,
        Ending::Exited {
            raised: Some(raised),
            ..
        } if out_of_memory(raised) => Outcome::MemoryLimit,
        Ending::Raised {
            phase: Phase::Check,
            ..
        }
        | Ending::NoTests
        | Ending::Unsplittable { .. }
            if !vouched =>
        {
            Outcome::Invalid
        }
        Ending::NoTests => Outcome::Fail,
        // Before the candidate is loaded.
        Ending::NoExpectation { .. } => Outcome::Invalid,
        _ => Outcome::Error,
    };
    Ruling::of(outcome, describe(ending))
}

/// A second opinion on a check that looks no good where nothing vouches for it: it is, if it looks
/// so beside a program that has no designs on it, the reference or an empty one. A candidate that
/// hides the tests from whoever collects them has failed.
pub(super) fn reconsider(
    case: Case<'_>,
    ending: &Ending,
    ruling: Ruling,
    job: impl Fn(&Text) -> Job,
    runs: &mut Runs<'_>,
) -> Result<Ruling, Interrupted> {
    if ruling.outcome != Outcome::Invalid {
        return Ok(ruling);
    }
    let reference = case.submission.reference.as_deref();
    let other = runs.uncounted(job(reference.unwrap_or(&Text::default())))?;
    let no_good = match (ending, &other.execution.ending) {
        (Ending::NoTests, Ending::TestsPassed | Ending::TestsFailed { .. }) => false,
        (Ending::NoTests, Ending::NoTests) => true,
        // An empty program lets no test get far: that says nothing, unless the sender vouches.
        (Ending::NoTests, _) => !case.trusted,
        // What an empty program lacks can be met before what cannot be split.
        (Ending::Unsplittable { .. }, other) => *other != Ending::TestsPassed,
        (_, Ending::Raised { phase, .. }) => *phase == Phase::Check,
        _ => false,
    };
    Ok(if no_good {
        ruling
    } else {
        general(ending, true)
    })
}

/// The interpreter's own limit struck before ours.
pub(super) fn out_of_memory(raised: &Raised) -> bool {
    raised.is_a("MemoryError")
}

/// The ruling where the reference does not pass the check.
pub(super) fn reference_failed(ending: &Ending, why: &str) -> Ruling {
    match ending {
        // Whatever the program.
        Ending::Unsplittable { .. } | Ending::NoExpectation { .. } => {
            Ruling::invalid(describe(ending))
        }
        _ => Ruling::invalid(format!("the reference does not pass: {why}")),
    }
}

/// The ending in one line.
pub(super) fn describe(ending: &Ending) -> String {
    match ending {
        Ending::Exited {
            raised: Some(raised),
            ..
        } => raised.message.clone(),
        Ending::Exited { status, .. } => format!("exit status {status}"),
        Ending::Returned { .. } => "returned a value".into(),
        Ending::Compiled { .. } => "compiled".into(),
        Ending::TestsPassed => "the tests passed".into(),
        Ending::NoTests => "the script runs no test".into(),
        Ending::TestsFailed { message, .. } => message.clone(),
        Ending::Raised {
            phase: Phase::Program,
            raised,
        } => format!("the program does not load: {}", raised.message),
        Ending::Raised {
            phase: Phase::Check,
            raised,
        } => format!("the check does not compile: {}", raised.message),
        Ending::Raised { raised, .. } => raised.message.clone(),
        Ending::Left { status, .. } => format!("left with exit status {status}"),
        Ending::Unsplittable { reason } => format!(
            "the test cannot be run apart from the program: {reason}; ask for \"isolation\": \"shared\""
        ),
        Ending::NoExpectation { message } => {
            format!("the expected value cannot be had: {message}")
        }
        Ending::Limit(LimitKind::Time) => "out of guest time".into(),
        Ending::Limit(LimitKind::Memory) => "out of memory".into(),
        Ending::Limit(LimitKind::Output) => "too much output".into(),
        Ending::Crashed { message } => format!("the interpreter crashed: {message}"),
        Ending::Backstop => "stopped by the wall clock, alone too".into(),
    }
}
