//! Every row of the table of outcomes, the rewards, and what counts as an execution.

mod programs;

use super::*;
use touchstone::domain::value::Opaque;
use touchstone::domain::{Executions, Verdict, Whitespace};
use touchstone::sandbox::LimitKind;

/// The verdict on a candidate that ends so, where the reference, if any, ends as it says.
fn verdict(check: Check, reference: Option<Ending>, candidate: Ending) -> Verdict {
    verdict_in(Isolation::Split, check, reference, candidate)
}

fn verdict_in(
    isolation: Isolation,
    check: Check,
    reference: Option<Ending>,
    candidate: Ending,
) -> Verdict {
    let with_reference = reference.is_some().then_some("reference");
    let validator = start(1, None, move |code, asked| {
        Ok(match (code, &reference) {
            ("reference", Some(reference)) => reference.clone(),
            ("checker", _) => exited(0),
            ("checker that crashes", _) => crashed_program("ValueError"),
            ("checker that refuses", _) => exited(3),
            // Expected values are evaluated beside an empty program.
            ("", _) if asked == "f()" => raised(Phase::Test, "NameError"),
            ("", _) if asked == "class Tests" => Ending::TestsFailed {
                assertions_only: false,
                message: "NameError".into(),
            },
            ("", _) => asked
                .parse()
                .map_or(raised(Phase::Check, "SyntaxError"), value),
            _ => candidate.clone(),
        })
    });
    let mut submission = submission("candidate", with_reference, vec![check]);
    submission.isolation = isolation;
    let judged = results(&validator, vec![submission]).remove(0).judged;
    judged.expect("no fault").verdicts.remove(0)
}

#[track_caller]
fn check(check: Check, reference: Option<Ending>, candidate: Ending, expect: Outcome) {
    let verdict = verdict(check, reference, candidate);
    assert_eq!(verdict.outcome, expect, "{verdict:?}");
}

#[track_caller]
fn check_shared(check: Check, reference: Option<Ending>, candidate: Ending, expect: Outcome) {
    let verdict = verdict_in(Isolation::Shared, check, reference, candidate);
    assert_eq!(verdict.outcome, expect, "{verdict:?}");
}

fn exited(status: i32) -> Ending {
    let raised = None;
    Ending::Exited { status, raised }
}

fn crashed_program(class: &str) -> Ending {
    Ending::Exited {
        status: 1,
        raised: Some(exception(class)),
    }
}

fn left() -> Ending {
    Ending::Left {
        phase: Phase::Test,
        status: 0,
    }
}

fn opaque() -> Ending {
    let class = "Pleaser".into();
    Ending::Returned {
        value: Value::of(Node::Opaque(Box::new(Opaque { class }))),
        repr: "5".into(),
    }
}

fn five() -> Check {
    call("f()", Expected::Value("5".into()))
}

/// What ends a candidate's run the same way in every kind of check.
fn common() -> Vec<(Ending, Outcome)> {
    let message = "trap".into();
    vec![
        (Ending::Limit(LimitKind::Time), Outcome::TimeLimit),
        (Ending::Limit(LimitKind::Memory), Outcome::MemoryLimit),
        (Ending::Limit(LimitKind::Output), Outcome::OutputLimit),
        (Ending::Crashed { message }, Outcome::Error),
        (Ending::Backstop, Outcome::TimeLimit),
    ]
}

#[test]
fn limits_and_crashes_are_the_same_for_all_kinds() {
    for (ending, expect) in common() {
        check(five(), None, ending.clone(), expect);
        check(script("assert f()"), None, ending.clone(), expect);
        check(check_of(stdio("", Some("x"))), None, ending.clone(), expect);
        // A reference that ends so has not passed.
        check(five(), Some(ending.clone()), value(5), Outcome::Invalid);
        check(
            script("assert f()"),
            Some(ending),
            Ending::TestsPassed,
            Outcome::Invalid,
        );
    }
}

#[test]
fn calls_are_judged_by_their_values() {
    check(five(), None, value(5), Outcome::Pass);
    check(five(), None, value(6), Outcome::Fail);
    check(five(), None, opaque(), Outcome::Fail);
    check(five(), None, left(), Outcome::Error);
    check(
        five(),
        None,
        raised(Phase::Program, "SyntaxError"),
        Outcome::Error,
    );
    check(
        five(),
        None,
        raised(Phase::Test, "ValueError"),
        Outcome::Error,
    );
    check(
        five(),
        None,
        raised(Phase::Test, "AssertionError"),
        Outcome::Error,
    );
    check(
        five(),
        None,
        raised(Phase::Test, "MemoryError"),
        Outcome::MemoryLimit,
    );
    check(
        call("f(", Expected::Value("5".into())),
        None,
        raised(Phase::Check, "SyntaxError"),
        Outcome::Invalid,
    );
    check(five(), None, Ending::TestsPassed, Outcome::Error);
    let broken = call("f()", Expected::Value("five".into()));
    check(broken, None, value(5), Outcome::Invalid);
}

#[test]
fn expected_exceptions_must_be_raised_by_the_call() {
    let expect = |class: &str| call("f()", Expected::Exception(class.into()));
    check(
        expect("ValueError"),
        None,
        raised(Phase::Test, "ValueError"),
        Outcome::Pass,
    );
    check(
        expect("Exception"),
        None,
        raised(Phase::Test, "ValueError"),
        Outcome::Pass,
    );
    check(
        expect("m.ValueError"),
        None,
        raised(Phase::Test, "ValueError"),
        Outcome::Pass,
    );
    check(
        expect("KeyError"),
        None,
        raised(Phase::Test, "ValueError"),
        Outcome::Fail,
    );
    check(
        expect("KeyError"),
        None,
        raised(Phase::Test, "MemoryError"),
        Outcome::MemoryLimit,
    );
    check(
        expect("KeyError"),
        None,
        raised(Phase::Program, "KeyError"),
        Outcome::Error,
    );
    check(expect("KeyError"), None, value(5), Outcome::Fail);
    check(expect("SystemExit"), None, left(), Outcome::Error);
    check(
        expect("KeyError"),
        Some(value(5)),
        raised(Phase::Test, "KeyError"),
        Outcome::Invalid,
    );
}

#[test]
fn the_reference_gives_values_and_vouches_for_checks() {
    let by_reference = || call("f()", Expected::Reference);
    check(by_reference(), Some(value(5)), value(5), Outcome::Pass);
    check(by_reference(), Some(value(5)), value(6), Outcome::Fail);
    check(by_reference(), None, value(5), Outcome::Invalid);
    check(by_reference(), Some(opaque()), opaque(), Outcome::Invalid);
    check(by_reference(), Some(left()), left(), Outcome::Invalid);
    check(five(), Some(value(6)), value(5), Outcome::Invalid);
    let trusted = Check {
        trusted: true,
        ..five()
    };
    check(trusted, Some(value(6)), value(5), Outcome::Pass);

    let broken = raised(Phase::Program, "SyntaxError");
    let verdict = verdict(five(), Some(broken), value(5));
    assert_eq!(
        verdict.message,
        "the reference does not pass: the program does not load: SyntaxError: why"
    );
}

#[test]
fn a_candidate_cannot_make_a_sound_check_invalid() {
    // It compiles beside an empty program, so it is not the check that is at fault.
    let broken = raised(Phase::Check, "SyntaxError");
    check_shared(five(), None, broken.clone(), Outcome::Error);
    let class = || script("class Tests");
    check(class(), None, broken.clone(), Outcome::Error);
    check(class(), None, Ending::NoTests, Outcome::Fail);
    let trusted = Check {
        trusted: true,
        ..script("f()")
    };
    let passed = Some(Ending::TestsPassed);
    check(trusted, passed, Ending::NoTests, Outcome::Fail);
}

#[test]
fn a_candidate_cannot_make_a_vouched_check_invalid() {
    let broken = raised(Phase::Check, "SyntaxError");
    check(five(), Some(value(5)), broken.clone(), Outcome::Error);
    let tests = || script("assert f()");
    check(tests(), Some(Ending::TestsPassed), broken, Outcome::Error);
    check(
        tests(),
        Some(Ending::TestsPassed),
        Ending::NoTests,
        Outcome::Fail,
    );
}

#[test]
fn scripts_are_judged_by_their_endings() {
    let tests = || script("assert f()");
    let failed = |assertions_only| Ending::TestsFailed {
        assertions_only,
        message: "test_f".into(),
    };
    check(tests(), None, Ending::TestsPassed, Outcome::Pass);
    check(tests(), None, failed(true), Outcome::Fail);
    check(tests(), None, failed(false), Outcome::Error);
    check(
        tests(),
        None,
        raised(Phase::Test, "AssertionError"),
        Outcome::Fail,
    );
    check(
        tests(),
        None,
        raised(Phase::Test, "ValueError"),
        Outcome::Error,
    );
    check(
        tests(),
        None,
        raised(Phase::Test, "MemoryError"),
        Outcome::MemoryLimit,
    );
    check(
        tests(),
        None,
        raised(Phase::Program, "AssertionError"),
        Outcome::Error,
    );
    check(
        tests(),
        None,
        raised(Phase::Check, "SyntaxError"),
        Outcome::Invalid,
    );
    check(tests(), None, Ending::NoTests, Outcome::Invalid);
    check(tests(), None, left(), Outcome::Error);
    let verdict = verdict(tests(), None, Ending::TestsPassed);
    assert_eq!(verdict.isolation, Isolation::Split);
    let shared = verdict_in(Isolation::Shared, tests(), None, Ending::TestsPassed);
    assert_eq!(shared.isolation, Isolation::Shared);
}

#[test]
fn a_critics_text_is_judged_by_the_reference() {
    let critic = |text: &str| check_of(CheckKind::Critic { text: text.into() });
    let call = || critic("<think>…</think> <testcase> CALL: f(0) </testcase>");
    check(call(), Some(value(5)), value(5), Outcome::Pass);
    check(call(), Some(value(5)), value(6), Outcome::Fail);
    check(call(), Some(left()), left(), Outcome::Invalid);
    check(call(), None, value(5), Outcome::Invalid);
    check(
        critic("no test"),
        Some(value(5)),
        value(5),
        Outcome::Invalid,
    );
    let stdin = critic("<testcase> STDIN: 1 2 </testcase>");
    check(stdin, Some(exited(0)), exited(0), Outcome::Fail);
    // Text that a model wrote cannot vouch for itself.
    let trusted = Check {
        trusted: true,
        ..call()
    };
    check(trusted, Some(left()), value(5), Outcome::Invalid);
}

#[test]
fn a_verdict_says_what_was_expected_and_what_came() {
    let verdict = verdict(five(), None, value(6));
    assert_eq!(verdict.expected.as_deref(), Some("5"));
    assert_eq!(verdict.actual.as_deref(), Some("6"));
    assert_eq!(verdict.message, "the values differ");
    assert_eq!(verdict.stdout, "candidate");
    assert_eq!((verdict.fuel, verdict.memory_bytes), (Fuel(7), 9));
    assert_eq!(verdict.isolation, Isolation::Split);
}

#[test]
fn what_is_told_of_values_is_bounded() {
    let long = Ending::Returned {
        value: Value::of(Node::Int(5)),
        repr: "é".repeat(1 << 20),
    };
    let told = verdict(five(), None, long).actual.expect("a value came");
    assert!(told.len() < 70_000 && told.ends_with("… [cut, 2097152 bytes in all]"));
}

#[test]
fn rewards_and_counts_follow_from_the_verdicts() {
    let validator = start(2, Some(1 << 20), |code, asked| {
        Ok(match (code, asked) {
            ("", asked) => value(asked.parse()?),
            ("reference", "f(0)") => left(),
            (_, "g()") => value(1),
            ("reference", _) => value(5),
            _ => value(6),
        })
    });
    let checks = || {
        vec![
            call("f(0)", Expected::Reference),
            call("f(1)", Expected::Value("5".into())),
            call("g()", Expected::Reference),
            Check {
                trusted: true,
                ..call("g()", Expected::Reference)
            },
        ]
    };
    let submission = || submission("candidate", Some("reference"), checks());
    let first = results(&validator, vec![submission()]).remove(0);
    let judged = first.judged.expect("no fault");
    assert_eq!((judged.passed, judged.valid), (2, 3));
    assert_eq!(judged.reward.generator, Some(0.0));
    let critic = [0.0, 1.0, 0.0, 0.0].map(Some);
    assert_eq!(judged.reward.critic, critic);
    // Of each the two runs of g() are one: whichever comes second joins the first.
    let executions = Executions {
        candidate: 3,
        reference: 4,
        cached: 2,
    };
    assert_eq!(judged.executions, executions);

    let again = results(&validator, vec![submission()]).remove(0);
    let judged = again.judged.expect("no fault");
    assert_eq!(
        judged.executions,
        Executions {
            cached: 7,
            ..executions
        }
    );
    assert!(judged.verdicts[1].cached && !judged.verdicts[0].cached);
}

#[test]
fn comparison_settings_reach_the_comparison() {
    let validator = start(1, None, |_, _| Ok(exited(0)));
    let mut exact = submission(
        "candidate",
        None,
        vec![check_of(stdio("", Some("candidate\n")))],
    );
    exact.compare.whitespace = Whitespace::Exact;
    let result = results(&validator, vec![exact]).remove(0);
    assert_eq!(outcomes(&result), [Outcome::Fail]);
}
