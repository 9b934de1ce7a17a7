//! Programs judged by what they print, or by a checker.

use super::*;

#[test]
fn programs_are_judged_by_their_output_and_status() {
    // The candidate prints its own text.
    let prints = |expected: &str| check_of(stdio("1", Some(expected)));
    check(prints("candidate\n"), None, exited(0), Outcome::Pass);
    check(prints("candid"), None, exited(0), Outcome::Fail);
    check(prints("candidate"), None, exited(1), Outcome::Error);
    check(
        prints("candidate"),
        None,
        crashed_program("ValueError"),
        Outcome::Error,
    );
    check(
        prints("candidate"),
        None,
        crashed_program("MemoryError"),
        Outcome::MemoryLimit,
    );
    check(
        check_of(stdio("1", None)),
        None,
        exited(0),
        Outcome::Invalid,
    );
    // The reference prints its own text, which the candidate does not.
    check(
        check_of(stdio("1", None)),
        Some(exited(0)),
        exited(0),
        Outcome::Fail,
    );
    check(
        check_of(stdio("1", None)),
        Some(exited(2)),
        exited(0),
        Outcome::Invalid,
    );
    check(
        prints("candidate"),
        Some(exited(0)),
        exited(0),
        Outcome::Invalid,
    );
}

fn with_status(wanted: i32) -> Check {
    let mut kind = stdio("1", Some("candidate"));
    if let CheckKind::Stdio { exit_status, .. } = &mut kind {
        *exit_status = Some(wanted);
    }
    check_of(kind)
}

#[test]
fn an_exit_status_may_be_asked_for() {
    check(with_status(3), None, exited(3), Outcome::Pass);
    check(with_status(3), None, exited(0), Outcome::Fail);
    check(with_status(3), None, exited(4), Outcome::Error);
    check(
        with_status(1),
        None,
        crashed_program("ValueError"),
        Outcome::Pass,
    );
}

fn with_checker(code: &str, expected: Option<&str>, trusted: bool) -> Check {
    let mut kind = stdio("1", expected);
    if let CheckKind::Stdio { checker, .. } = &mut kind {
        *checker = Some(code.into());
    }
    Check {
        trusted,
        ..check_of(kind)
    }
}

#[test]
fn a_checker_decides_instead_of_the_comparison() {
    check(
        with_checker("checker", Some("x"), false),
        None,
        exited(0),
        Outcome::Pass,
    );
    check(
        with_checker("checker", None, false),
        Some(exited(0)),
        exited(0),
        Outcome::Pass,
    );
    check(
        with_checker("checker", None, false),
        None,
        exited(1),
        Outcome::Error,
    );
    let refuses = "checker that refuses";
    check(
        with_checker(refuses, None, false),
        None,
        exited(0),
        Outcome::Fail,
    );
    check(
        with_checker(refuses, None, false),
        Some(exited(0)),
        exited(0),
        Outcome::Invalid,
    );
    let crashes = "checker that crashes";
    // It crashes over the expected answer too, so it is no good.
    check(
        with_checker(crashes, Some("x"), false),
        None,
        exited(0),
        Outcome::Invalid,
    );
    // Nothing tells a bad checker from one that a program made stumble: it is taken at its word.
    check(
        with_checker(crashes, None, false),
        None,
        exited(0),
        Outcome::Fail,
    );
    check(
        with_checker(crashes, None, false),
        Some(exited(0)),
        exited(0),
        Outcome::Invalid,
    );
    // The sender vouches for it: the output must have been what it could not read.
    check(
        with_checker(crashes, None, true),
        None,
        exited(0),
        Outcome::Fail,
    );
}
