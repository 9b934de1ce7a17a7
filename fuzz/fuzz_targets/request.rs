//! The body of `POST /v1/checks`, from bytes to submissions.

#![no_main]

use libfuzzer_sys::fuzz_target;
use touchstone::api::v1::wire::{ChecksRequest, Object, ParseError, parse};
use touchstone::domain::{Limits, Submission};

/// What a request may ask for, small enough to be gone beyond.
const CAPS: Limits = Limits {
    time_ms: 60_000,
    memory_bytes: 1 << 30,
    output_bytes: 64 << 20,
};

/// The submissions of a body, or none where it is refused, which takes a reason.
fn submissions(body: &[u8]) -> Option<Vec<Submission>> {
    match parse::<Object<ChecksRequest>>(body) {
        Ok(Object(request)) => match request.convert(&CAPS) {
            Ok(submissions) => Some(submissions),
            Err(errors) => {
                assert!(errors.count() >= errors.listed().len() && !errors.listed().is_empty());
                None
            }
        },
        Err(ParseError::NotJson(reason)) => {
            assert!(!reason.is_empty());
            None
        }
        Err(ParseError::Field(field)) => {
            assert!(!field.message.is_empty());
            None
        }
    }
}

/// Nothing is left to check for whoever is given submissions.
fn check(submissions: &[Submission]) {
    assert!(!submissions.is_empty());
    for submission in submissions {
        assert!(!submission.checks.is_empty());
        let Limits {
            time_ms,
            memory_bytes,
            output_bytes,
        } = submission.limits;
        assert!((1..=CAPS.time_ms).contains(&time_ms));
        assert!((1..=CAPS.memory_bytes).contains(&memory_bytes));
        assert!((1..=CAPS.output_bytes).contains(&output_bytes));
        let tolerance = submission.compare.float_tolerance;
        assert!(tolerance.is_finite() && tolerance >= 0.0);
    }
}

/// A JSON string of any bytes, only what JSON has no other way for escaped.
fn quoted(bytes: &[u8]) -> Vec<u8> {
    let mut text = vec![b'"'];
    for byte in bytes {
        match byte {
            b'"' | b'\\' => text.extend([b'\\', *byte]),
            0..0x20 => text.extend(format!("\\u{byte:04x}").bytes()),
            _ => text.push(*byte),
        }
    }
    text.push(b'"');
    text
}

fuzz_target!(|bytes: &[u8]| {
    if let Some(submissions) = submissions(bytes) {
        check(&submissions);
    }
    // Text that a model wrote is taken, whatever it is, and is not changed.
    let text = quoted(bytes);
    let body = [
        &br#"{"submissions":[{"language":"python","code":"#[..],
        &text,
        br#","reference":"","checks":[{"kind":"critic","text":"#,
        &text,
        b"}]}]}",
    ];
    let submissions = submissions(&body.concat()).expect("a model's text is taken");
    check(&submissions);
    assert_eq!(submissions[0].code.as_bytes(), bytes);
});
