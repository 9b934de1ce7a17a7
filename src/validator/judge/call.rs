//! Checks of one expression: its value, carried out of the guest, against the expected one.

use super::ending::{describe, general, out_of_memory, reconsider, reference_failed};
use super::{Case, Ruling};
use crate::domain::value::{Comparison, Value, equal};
use crate::domain::{Expected, Isolation, Outcome, Text};
use crate::sandbox::{Ending, Execution, Expectation, Job, Phase, Test};
use crate::validator::runs::{Answer, Interrupted, Runs};

/// What the call must do.
enum Wanted<'a> {
    /// Give the value that this execution gave.
    Value(Answer),
    /// Give the value of this expression, which the call's own judge evaluates beforehand.
    Own(&'a Text),
    /// Raise an exception of the class of this name.
    Exception(&'a str),
}

pub(super) fn judge(
    case: Case<'_>,
    call: &Text,
    expected: &Expected,
    runs: &mut Runs<'_>,
) -> Result<Ruling, Interrupted> {
    let isolation = case.submission.isolation;
    let job = |code: &Text| match isolation {
        Isolation::Split => Job::Split {
            code: code.clone(),
            test: Test::Call {
                call: call.clone(),
                expected: match expected {
                    Expected::Value(text) => Some(text.clone()),
                    Expected::Exception(_) | Expected::Reference => None,
                },
            },
        },
        Isolation::Shared => Job::Call {
            code: code.clone(),
            call: call.clone(),
        },
    };
    let reference = match case.reference(matches!(expected, Expected::Reference)) {
        Some(reference) => Some(runs.reference(job(reference))?),
        None => None,
    };
    let wanted = match wanted(expected, isolation, reference.as_ref(), runs)? {
        Ok(wanted) => wanted,
        Err(ruling) => return Ok(ruling),
    };
    if let Some(reference) = &reference {
        let execution = &*reference.execution;
        let ruling = rule(case, &wanted, execution, false);
        if ruling.outcome != Outcome::Pass {
            let told = told(&wanted, execution, runs)?;
            return Ok(reference_failed(&execution.ending, &ruling.message).expecting(told));
        }
    }
    let answer = runs.candidate(job(&case.submission.code))?;
    let execution = &*answer.execution;
    let ruling = rule(case, &wanted, execution, reference.is_some());
    let ruling = match isolation {
        // A judge finds out by itself whether the check is any good, before it meets the program.
        Isolation::Split => ruling,
        Isolation::Shared => reconsider(case, &execution.ending, ruling, job, runs)?,
    };
    let told = told(&wanted, execution, runs)?;
    Ok(ruling.expecting(told).of_candidate(answer))
}

/// What the call must do; a ruling where the check does not say.
fn wanted<'a>(
    expected: &'a Expected,
    isolation: Isolation,
    reference: Option<&Answer>,
    runs: &mut Runs<'_>,
) -> Result<Result<Wanted<'a>, Ruling>, Interrupted> {
    let (answer, whose) = match expected {
        // Modules are named in Python's messages, classes alone in ours.
        Expected::Exception(class) => {
            let name = class.rsplit('.').next().unwrap_or(class);
            return Ok(Ok(Wanted::Exception(name)));
        }
        Expected::Value(text) if isolation == Isolation::Split => return Ok(Ok(Wanted::Own(text))),
        Expected::Value(text) => (Some(runs.uncounted(alone(text))?), EXPECTED_VALUE),
        Expected::Reference => (reference.cloned(), "the reference's value"),
    };
    let Some(answer) = answer else {
        return Ok(Err(Ruling::invalid("nothing says what is expected")));
    };
    Ok(match &answer.execution.ending {
        Ending::Returned { value, repr } => match plain(value, repr, whose) {
            Ok(()) => Ok(Wanted::Value(answer)),
            Err(ruling) => Err(ruling),
        },
        ending if matches!(expected, Expected::Reference) => {
            Err(reference_failed(ending, &describe(ending)))
        }
        ending => Err(Ruling::invalid(format!(
            "the expected value cannot be had: {}",
            describe(ending)
        ))),
    })
}

/// What a value is called that a check says itself.
const EXPECTED_VALUE: &str = "the expected value";

/// An expression in a guest of its own: the candidate never meets it.
fn alone(expression: &Text) -> Job {
    Job::Call {
        code: Text::default(),
        call: expression.clone(),
    }
}

/// Refuses an expected value that nothing can be compared with.
fn plain(value: &Value, repr: &str, whose: &str) -> Result<(), Ruling> {
    match value.opaque_class() {
        None => Ok(()),
        Some(class) => Err(
            Ruling::invalid(format!("{whose} is not plain data: {class}"))
                .expecting(Some(repr.to_owned())),
        ),
    }
}

fn rule(case: Case<'_>, wanted: &Wanted<'_>, execution: &Execution, vouched: bool) -> Ruling {
    let ending = &execution.ending;
    if let (Wanted::Own(_), Some(expected)) = (wanted, &execution.expected)
        && let Err(ruling) = plain(&expected.value, &expected.repr, EXPECTED_VALUE)
    {
        return ruling;
    }
    match (wanted, ending) {
        (Wanted::Exception(class), Ending::Returned { repr, .. }) => {
            Ruling::of(Outcome::Fail, format!("returned, did not raise {class}")).with_actual(repr)
        }
        (_, Ending::Returned { value, repr }) => match expectation(wanted, execution) {
            Some((expected, _)) => compare(case, expected, value).with_actual(repr),
            None => Ruling::invalid("nothing says what is expected"),
        },
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

/// The expected value and its `repr`, beside this execution.
fn expectation<'a>(
    wanted: &'a Wanted<'_>,
    execution: &'a Execution,
) -> Option<(&'a Value, &'a str)> {
    match wanted {
        Wanted::Exception(_) => None,
        Wanted::Own(_) => {
            let Expectation { value, repr } = execution.expected.as_ref()?;
            Some((value, repr))
        }
        Wanted::Value(answer) => match &answer.execution.ending {
            Ending::Returned { value, repr } => Some((value, repr)),
            _ => None,
        },
    }
}

/// What is expected, for people.
fn told(
    wanted: &Wanted<'_>,
    execution: &Execution,
    runs: &mut Runs<'_>,
) -> Result<Option<String>, Interrupted> {
    if let Wanted::Exception(class) = wanted {
        return Ok(Some((*class).to_owned()));
    }
    if let Some((_, repr)) = expectation(wanted, execution) {
        return Ok(Some(repr.to_owned()));
    }
    let (Wanted::Own(expression), false) = (
        wanted,
        matches!(execution.ending, Ending::NoExpectation { .. }),
    ) else {
        return Ok(None);
    };
    // The judge was stopped together with the candidate, and what it expected is lost.
    let answer = runs.uncounted(alone(expression))?;
    Ok(match &answer.execution.ending {
        Ending::Returned { repr, .. } => Some(repr.clone()),
        _ => None,
    })
}
