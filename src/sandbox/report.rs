//! Jobs as the runner in the guest reads them, and its reports as we read them.
//!
//! With `sandbox/runner.py` the only speaker of this format: fields with their lengths before
//! them. A report is hostile input; one that does not decode is the program's own doing.

use super::run::{Compiled, Ending, Expectation, Job, Phase, Place, Raised, Run, Test};
use super::values;
use crate::domain::Text;
use std::sync::Arc;

/// Most lines of a list, and most characters of a line: what the runner sends is well below.
const LINES: usize = 64;
const LINE_CHARS: usize = 4096;

/// What a report says.
pub(crate) struct Report {
    pub ending: Ending,
    pub warnings: Vec<String>,
    pub expected: Option<Expectation>,
}

/// Writes the job of a run in one guest: a letter for its kind, then its fields. A text that has
/// code is followed by it, by nothing otherwise.
pub(crate) fn job(run: &Run) -> Vec<u8> {
    let (seed, compiled) = (run.seed, &run.compiled);
    match &run.job {
        Job::Compile { source, place } => {
            let place: &[u8] = match place {
                Place::Program => b"p",
                Place::Test => b"t",
            };
            write(b"K", seed, &[place, source.as_bytes()])
        }
        Job::Main {
            code, arguments, ..
        } => {
            let mut fields = vec![code.as_bytes(), code_of(&compiled.program)];
            fields.extend(arguments.iter().map(|argument| argument.as_bytes()));
            write(b"M", seed, &fields)
        }
        Job::Call { code, call } => {
            let ready = code_of(&compiled.program);
            write(b"C", seed, &[code.as_bytes(), ready, call.as_bytes()])
        }
        Job::Script {
            code,
            source,
            entry_point,
        } => {
            let entry_point = entry_point.as_deref().unwrap_or_default();
            let fields = [
                code.as_bytes(),
                code_of(&compiled.program),
                source.as_bytes(),
                code_of(&compiled.test),
                entry_point.as_bytes(),
            ];
            write(b"S", seed, &fields)
        }
        Job::Split { code, .. } => program(code, compiled, seed),
    }
}

fn code_of(compiled: &Option<Arc<[u8]>>) -> &[u8] {
    compiled.as_deref().unwrap_or_default()
}

/// Writes the job of a guest that serves a judge.
pub(crate) fn program(code: &Text, compiled: &Compiled, seed: u64) -> Vec<u8> {
    write(b"P", seed, &[code.as_bytes(), code_of(&compiled.program)])
}

/// Writes a judge's job.
pub(crate) fn test(test: &Test, compiled: &Compiled, seed: u64) -> Vec<u8> {
    match test {
        Test::Call { call, expected } => {
            let mut fields = vec![call.as_bytes()];
            fields.extend(expected.as_ref().map(Text::as_bytes));
            write(b"E", seed, &fields)
        }
        Test::Script {
            source,
            entry_point,
        } => {
            let entry_point = entry_point.as_deref().unwrap_or_default();
            let ready = code_of(&compiled.test);
            let fields = [source.as_bytes(), ready, entry_point.as_bytes()];
            write(b"T", seed, &fields)
        }
    }
}

fn write(kind: &[u8], seed: u64, fields: &[&[u8]]) -> Vec<u8> {
    let seed = seed.to_string();
    let size = fields.iter().map(|field| field.len() + 4).sum::<usize>();
    let mut bytes = Vec::with_capacity(size + 32);
    for field in [kind, seed.as_bytes()].iter().chain(fields) {
        // Requests are bounded far below 4 GiB.
        bytes.extend_from_slice(&(field.len() as u32).to_le_bytes());
        bytes.extend_from_slice(field);
    }
    bytes
}

/// Reads a report. `None` where it is not one.
pub(crate) fn report(bytes: &[u8], job: &Job) -> Option<Report> {
    let fields = fields(bytes)?;
    let (kind, warnings, mut rest) = match fields.as_slice() {
        [kind, warnings, rest @ ..] => (*kind, lines(warnings), rest),
        _ => return None,
    };
    let mut expected = None;
    if let (b"V" | b"X" | b"L", true) = (kind, expects(job)) {
        let [others @ .., value, repr] = rest else {
            return None;
        };
        rest = others;
        expected = Some(Expectation {
            value: values::decode(value).ok()?,
            repr: text(repr),
        });
    }
    let ending = match (kind, rest) {
        (b"K", [code]) => Ending::Compiled {
            code: (*code).into(),
        },
        (b"E", [status]) => Ending::Exited {
            status: number(status)?,
            raised: None,
        },
        (b"E", [status, classes, message]) => Ending::Exited {
            status: number(status)?,
            raised: Some(raised(classes, message)),
        },
        (b"V", [value, repr]) => Ending::Returned {
            value: values::decode(value).ok()?,
            repr: text(repr),
        },
        (b"P", []) => Ending::TestsPassed,
        (b"N", []) => Ending::NoTests,
        (b"F", [assertions_only, message]) => Ending::TestsFailed {
            assertions_only: *assertions_only == b"1",
            message: clip(&text(message)),
        },
        (b"X", [place, classes, message]) => Ending::Raised {
            phase: phase(place)?,
            raised: raised(classes, message),
        },
        (b"L", [place, status]) => Ending::Left {
            phase: phase(place)?,
            status: number(status)?,
        },
        (b"Z", [message]) => Ending::NoExpectation {
            message: clip(&text(message)),
        },
        _ => return None,
    };
    Some(Report {
        ending,
        warnings,
        expected,
    })
}

/// Whether reports of this job carry an expected value.
fn expects(job: &Job) -> bool {
    matches!(
        job,
        Job::Split {
            test: Test::Call {
                expected: Some(_),
                ..
            },
            ..
        }
    )
}

fn fields(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (field, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        fields.push(field);
        bytes = rest;
        // The longest report has five.
        if fields.len() > 8 {
            return None;
        }
    }
    Some(fields)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn lines(bytes: &[u8]) -> Vec<String> {
    text(bytes).lines().take(LINES).map(clip).collect()
}

/// The runner keeps its texts short; what is longer is the program's own doing.
fn clip(line: &str) -> String {
    line.chars().take(LINE_CHARS).collect()
}

fn number(bytes: &[u8]) -> Option<i32> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

fn raised(classes: &[u8], message: &[u8]) -> Raised {
    Raised {
        classes: text(classes).lines().take(LINES).map(clip).collect(),
        message: clip(&text(message)),
    }
}

fn phase(bytes: &[u8]) -> Option<Phase> {
    match bytes {
        b"p" => Some(Phase::Program),
        b"c" => Some(Phase::Check),
        b"t" => Some(Phase::Test),
        _ => None,
    }
}
