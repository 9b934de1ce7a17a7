//! Jobs as the runner in the guest reads them, and its reports as we read them.
//!
//! With `sandbox/runner.py` the only speaker of this format: fields with their lengths before
//! them. A report is hostile input; one that does not decode is the program's own doing.

use super::run::{Ending, Job, Phase, Raised};
use super::values;

/// Most lines of a list, and most characters of a line: what the runner sends is well below.
const LINES: usize = 64;
const LINE_CHARS: usize = 4096;

/// What a report says.
pub(crate) struct Report {
    pub ending: Ending,
    pub warnings: Vec<String>,
}

/// Writes a job: a letter for its kind, then its fields.
pub(crate) fn job(job: &Job, seed: u64) -> Vec<u8> {
    let seed = seed.to_string();
    let mut fields: Vec<&[u8]> = vec![];
    let entry;
    match job {
        Job::Main {
            code, arguments, ..
        } => {
            fields.extend([b"M", seed.as_bytes(), code.as_bytes()]);
            fields.extend(arguments.iter().map(|argument| argument.as_bytes()));
        }
        Job::Call { code, call } => {
            fields.extend([b"C", seed.as_bytes(), code.as_bytes(), call.as_bytes()]);
        }
        Job::Script {
            code,
            source,
            entry_point,
        } => {
            entry = entry_point.clone().unwrap_or_default();
            fields.extend([
                b"S",
                seed.as_bytes(),
                code.as_bytes(),
                source.as_bytes(),
                entry.as_bytes(),
            ]);
        }
    }
    let mut bytes = Vec::with_capacity(fields.iter().map(|field| field.len() + 4).sum());
    for field in fields {
        // Requests are bounded far below 4 GiB.
        bytes.extend_from_slice(&(field.len() as u32).to_le_bytes());
        bytes.extend_from_slice(field);
    }
    bytes
}

/// Reads a report. `None` where it is not one.
pub(crate) fn report(bytes: &[u8]) -> Option<Report> {
    let fields = fields(bytes)?;
    let (kind, warnings, rest) = match fields.as_slice() {
        [kind, warnings, rest @ ..] => (*kind, lines(warnings), rest),
        _ => return None,
    };
    let ending = match (kind, rest) {
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
        _ => return None,
    };
    Some(Report { ending, warnings })
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
