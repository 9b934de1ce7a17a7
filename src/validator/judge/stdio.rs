//! Checks of a whole program: what it prints for what it reads.

use super::ending::{describe, general, reference_failed};
use super::{Case, Ruling};
use crate::domain::{File, Outcome, Text, outputs_equal};
use crate::sandbox::{Ending, Execution, Job};
use crate::validator::runs::{Interrupted, Runs};

/// Where the checker finds what it judges, in the order of its arguments.
const CHECKER_FILES: [&str; 3] = ["input", "output", "answer"];

/// What the program is given, and what decides.
pub(super) struct Test<'a> {
    pub stdin: &'a Text,
    pub files: &'a [File],
    pub exit_status: i32,
    pub checker: Option<&'a Text>,
}

impl Test<'_> {
    fn job(&self, code: &Text) -> Job {
        Job::Main {
            code: code.clone(),
            stdin: self.stdin.as_bytes().to_vec(),
            files: self.files.to_vec(),
            arguments: Vec::new(),
            fetch: Vec::new(),
        }
    }
}

pub(super) fn judge(
    case: Case<'_>,
    test: &Test<'_>,
    expected: Option<&Text>,
    runs: &mut Runs<'_>,
) -> Result<Ruling, Interrupted> {
    let reference = match case.reference(expected.is_none()) {
        Some(reference) => Some(runs.reference(test.job(reference))?),
        None => None,
    };
    let printed = reference.as_ref().map(|answer| &*answer.execution.stdout);
    let answer = match expected.map(Text::as_bytes).or(printed) {
        Some(answer) => answer,
        // A checker may know by itself what is right.
        None if test.checker.is_some() => b"",
        None => return Ok(Ruling::invalid("nothing says what is expected")),
    };
    let told = Some(String::from_utf8_lossy(answer).into_owned());
    if let Some(reference) = &reference {
        let ruling = rule(case, test, answer, &reference.execution, false, runs)?;
        if ruling.outcome != Outcome::Pass {
            let ending = &reference.execution.ending;
            return Ok(reference_failed(ending, &ruling.message).expecting(told));
        }
    }
    let candidate = runs.candidate(test.job(&case.submission.code))?;
    let vouched = case.trusted || reference.is_some();
    let ruling = rule(case, test, answer, &candidate.execution, vouched, runs)?;
    Ok(ruling.expecting(told).of_candidate(candidate))
}

fn rule(
    case: Case<'_>,
    test: &Test<'_>,
    answer: &[u8],
    execution: &Execution,
    vouched: bool,
    runs: &mut Runs<'_>,
) -> Result<Ruling, Interrupted> {
    let printed = String::from_utf8_lossy(&execution.stdout);
    let ruling = match &execution.ending {
        Ending::Exited { status, .. } if *status == test.exit_status => match test.checker {
            Some(checker) => check(checker, test, answer, execution, vouched, runs)?,
            None if outputs_equal(answer, &execution.stdout, &case.submission.compare) => {
                Ruling::pass()
            }
            None => Ruling::of(Outcome::Fail, "the outputs differ"),
        },
        // It ended well where it should not have.
        Ending::Exited { status: 0, .. } => Ruling::of(Outcome::Fail, "exit status 0"),
        ending => general(ending, vouched),
    };
    Ok(ruling.with_actual(printed))
}

/// Asks the checker. One that is sound and comes to grief over an output has found it wrong:
/// otherwise a program could print what breaks the checker, and dodge its failure.
fn check(
    checker: &Text,
    test: &Test<'_>,
    answer: &[u8],
    execution: &Execution,
    vouched: bool,
    runs: &mut Runs<'_>,
) -> Result<Ruling, Interrupted> {
    let checked = runs.uncounted(checking(checker, test, answer, &execution.stdout))?;
    let ending = &checked.execution.ending;
    let said = format!("the checker: {}", describe(ending));
    Ok(match ending {
        Ending::Exited { status: 0, .. } => Ruling::pass(),
        Ending::Exited { raised: None, .. } => Ruling::of(Outcome::Fail, said),
        _ if vouched || is_sound(checker, test, answer, runs)? => Ruling::of(Outcome::Fail, said),
        _ => Ruling::invalid(said),
    })
}

/// Whether the checker comes to a decision over the expected answer itself. One that is given none
/// knows by itself what is right, and is taken at its word.
fn is_sound(
    checker: &Text,
    test: &Test<'_>,
    answer: &[u8],
    runs: &mut Runs<'_>,
) -> Result<bool, Interrupted> {
    if answer.is_empty() {
        return Ok(true);
    }
    let checked = runs.uncounted(checking(checker, test, answer, answer))?;
    let ending = &checked.execution.ending;
    Ok(matches!(ending, Ending::Exited { raised: None, .. }))
}

/// The checker with what it judges.
fn checking(checker: &Text, test: &Test<'_>, answer: &[u8], output: &[u8]) -> Job {
    let contents = [test.stdin.as_bytes(), output, answer];
    let files = CHECKER_FILES.iter().zip(contents);
    Job::Main {
        code: checker.clone(),
        stdin: Vec::new(),
        files: files
            .map(|(path, contents)| File {
                path: (*path).to_owned(),
                contents: contents.to_vec(),
            })
            .collect(),
        arguments: CHECKER_FILES.map(str::to_owned).to_vec(),
        fetch: Vec::new(),
    }
}
