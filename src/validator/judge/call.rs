//! Checks of one expression: its value, carried out of the guest, against the expected one.

use super::ending::{describe, general, out_of_memory, reconsider, reference_failed};
use super::{Case, Ruling};
use crate::domain::value::{Comparison, Value, equal};
use crate::domain::{Expected, Outcome, Text};
use crate::sandbox::{Ending, Job, Phase};
use crate::validator::runs::{Answer, Interrupted, Runs};

/// What the call must do.
enum Wanted<'a> {
    /// Give the value that this execution gave.
    Value(Answer),
    /// Raise an exception of the class of this name.
    Exception(&'a str),
}

pub(super) fn judge(
    case: Case<'_>,
    call: &Text,
    expected: &Expected,
    runs: &mut Runs<'_>,
) -> Result<Ruling, Interrupted> {
    let job = |code: &Text| Job::Call {
        code: code.clone(),
        call: call.clone(),
    };
    let reference = match case.reference(matches!(expected, Expected::Reference)) {
        Some(reference) => Some(runs.reference(job(reference))?),
        None => None,
    };
    let wanted = match wanted(expected, reference.as_ref(), runs)? {
        Ok(wanted) => wanted,
        Err(ruling) => return Ok(ruling),
    };
    if let Some(reference) = &reference {
        let ruling = rule(case, &wanted, &reference.execution.ending, false);
        if ruling.outcome != Outcome::Pass {
            return Ok(reference_failed(&ruling.message).expecting(told(&wanted)));
        }
    }
    let answer = runs.candidate(job(&case.submission.code))?;
    let ending = &answer.execution.ending;
    let ruling = rule(case, &wanted, ending, reference.is_some());
    let ruling = reconsider(case, ending, ruling, job, runs)?;
    Ok(ruling.expecting(told(&wanted)).of_candidate(answer))
}

/// What the call must do; a ruling where the check does not say.
fn wanted<'a>(
    expected: &'a Expected,
    reference: Option<&Answer>,
    runs: &mut Runs<'_>,
) -> Result<Result<Wanted<'a>, Ruling>, Interrupted> {
    let (answer, whose) = match expected {
        // Modules are named in Python's messages, classes alone in ours.
        Expected::Exception(class) => {
            let name = class.rsplit('.').next().unwrap_or(class);
            return Ok(Ok(Wanted::Exception(name)));
        }
        Expected::Value(text) => {
            // In a guest of its own: the candidate never meets it.
            let job = Job::Call {
                code: Text::default(),
                call: text.clone(),
            };
            (Some(runs.uncounted(job)?), "the expected value")
        }
        Expected::Reference => (reference.cloned(), "the reference's value"),
    };
    let Some(answer) = answer else {
        return Ok(Err(Ruling::invalid("nothing says what is expected")));
    };
    Ok(match &answer.execution.ending {
        Ending::Returned { value, repr } => match value.opaque_class() {
            None => Ok(Wanted::Value(answer)),
            Some(class) => Err(
                Ruling::invalid(format!("{whose} is not plain data: {class}"))
                    .expecting(Some(repr.clone())),
            ),
        },
        ending if matches!(expected, Expected::Reference) => {
            Err(reference_failed(&describe(ending)))
        }
        ending => Err(Ruling::invalid(format!(
            "the expected value cannot be had: {}",
            describe(ending)
        ))),
    })
}

fn rule(case: Case<'_>, wanted: &Wanted<'_>, ending: &Ending, vouched: bool) -> Ruling {
    match (wanted, ending) {
        (Wanted::Value(expected), Ending::Returned { value, repr }) => match plain(expected) {
            Some(expected) => compare(case, expected, value).with_actual(repr),
            None => Ruling::invalid("nothing says what is expected"),
        },
        (Wanted::Exception(class), Ending::Returned { repr, .. }) => {
            Ruling::of(Outcome::Fail, format!("returned, did not raise {class}")).with_actual(repr)
        }
        (
            Wanted::Exception(class),
            Ending::Raised {
                phase: Phase::Test,
                raised,
            },
        ) => {
            let ruling = if raised.is_a(class) {
                Ruling::pass()
            } else if out_of_memory(raised) {
                general(ending, vouched)
            } else {
                Ruling::of(Outcome::Fail, &raised.message)
            };
            ruling.with_actual(&raised.message)
        }
        _ => general(ending, vouched),
    }
}

fn compare(case: Case<'_>, expected: &Value, actual: &Value) -> Ruling {
    match equal(expected, actual, case.submission.compare.float_tolerance) {
        Comparison::Equal => Ruling::pass(),
        Comparison::Unequal(difference) => Ruling::of(Outcome::Fail, difference.to_string()),
    }
}

fn plain(answer: &Answer) -> Option<&Value> {
    match &answer.execution.ending {
        Ending::Returned { value, .. } => Some(value),
        _ => None,
    }
}

/// What is expected, for people.
fn told(wanted: &Wanted<'_>) -> Option<String> {
    match wanted {
        Wanted::Exception(class) => Some((*class).to_owned()),
        Wanted::Value(answer) => match &answer.execution.ending {
            Ending::Returned { repr, .. } => Some(repr.clone()),
            _ => None,
        },
    }
}
