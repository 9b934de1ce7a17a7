//! Programs that turn on the host or on the runner: what they gain is a failure.

use crate::runtime::{in_sandbox, judge, program};
use serde_json::{Value, json};
use touchstone::sandbox::{Ending, Job, values};

/// A program that speaks through the door in the runner's place.
fn forging(report: &str) -> String {
    format!(
        "import struct, sys\n\
         runner = sys.modules['touchstone_runner']\n\
         door = runner._call\n\
         def pack(*fields):\n\
         \x20   return b''.join(struct.pack('<I', len(f)) + f for f in fields)\n\
         runner._call = lambda request: door(b'R' + pack({report}))\n\
         sys.modules['touchstone_candidate'].call = runner._call\n\
         def add(a, b):\n\
         \x20   return a - b\n"
    )
}

fn outcome(code: &str, check: &Value) -> String {
    outcome_in("split", code, check)
}

fn outcome_in(isolation: &str, code: &str, check: &Value) -> String {
    let submissions = vec![json!({"code": code, "checks": [check], "isolation": isolation})];
    let results = judge(submissions);
    let outcome = results[0]["verdicts"][0]["outcome"].as_str();
    outcome.unwrap_or_else(|| panic!("{results:?}")).to_owned()
}

#[test]
fn a_report_that_does_not_belong_to_the_job_is_an_error() {
    let call = json!({"kind": "call", "call": "add(1, 2)", "expected": "3"});
    let stdio = json!({"kind": "stdio", "stdin": "", "expected": "3"});
    for (report, check) in [
        ("b'N', b''", &call),
        ("b'P', b''", &call),
        ("b'E', b'', b'0'", &call),
        ("b'N', b''", &stdio),
        ("b'X', b'', b'c', b'SyntaxError', b'no'", &stdio),
        ("b'nonsense'", &stdio),
    ] {
        let outcome = outcome_in("shared", &forging(report), check);
        assert_eq!(outcome, "error", "{report}");
    }
}

#[test]
fn a_check_that_is_said_not_to_compile_is_tried_without_the_program() {
    let call = json!({"kind": "call", "call": "add(1, 2)", "expected": "3"});
    let report = "b'X', b'', b'c', b'SyntaxError', b'no'";
    assert_eq!(outcome_in("shared", &forging(report), &call), "error");
}

#[test]
fn a_candidate_has_nothing_to_report() {
    let call = json!({"kind": "call", "call": "add(1, 2)", "expected": "3"});
    let script = json!({"kind": "script", "source": "assert add(1, 2) == 3"});
    for check in [&call, &script] {
        for report in [
            "b'P', b''",
            "b'N', b''",
            "b'V', b'', b'\\x01\\x83', b'3'",
            "b'X', b'', b'c', b'SyntaxError', b'no'",
            "b'Z', b'', b'no'",
        ] {
            assert_eq!(outcome(&forging(report), check), "error", "{report}");
        }
    }
}

#[test]
fn a_value_of_too_many_nodes_is_not_read() {
    // A list that claims and has more parts than a value may have.
    let mut bytes = vec![1, b'l'];
    let mut count = 3_000_000u32;
    while count >= 0x80 {
        bytes.push((count & 0x7f) as u8 | 0x80);
        count >>= 7;
    }
    bytes.push(count as u8);
    bytes.resize(bytes.len() + 3_000_000, b'N');
    assert_eq!(values::decode(&bytes), Err(values::DecodeError::TooLarge));
}

#[test]
fn a_checker_that_stumbles_over_an_output_has_found_it_wrong() {
    let check = json!({
        "kind": "stdio", "stdin": "", "expected": "5\n",
        "checker": "import sys\nassert int(open(sys.argv[2]).read()) == 5",
    });
    assert_eq!(outcome("print('five')", &check), "fail");
    assert_eq!(outcome("print(5)", &check), "pass");
}

#[test]
fn numbers_that_collide_on_purpose_are_too_much_work() {
    // Fractions that are equal modulo the prime of their hash, one of them very large.
    let code = "from fractions import Fraction\n\
                def f():\n\
                \x20   p = 2**61 - 1\n\
                \x20   large = [Fraction(1 + p * 7**100000, 1)]\n\
                \x20   return {tuple(large + [Fraction(1 + p * k, 1) for k in range(2, 2000)])}\n";
    let check = json!({"kind": "call", "call": "f()", "expected": "{1}"});
    assert_eq!(outcome(code, &check), "fail");
}

#[test]
fn files_that_lost_their_name_give_back_their_bytes() {
    let code = "import os, tempfile\n\
                for _ in range(12):\n\
                \x20   with tempfile.TemporaryFile() as file:\n\
                \x20       file.write(bytes(8 << 20))\n\
                for _ in range(12):\n\
                \x20   open('new', 'wb').write(bytes(8 << 20))\n\
                \x20   os.replace('new', 'kept')\n\
                for number in range(12):\n\
                \x20   with open(str(number), 'wb') as file:\n\
                \x20       os.ftruncate(file.fileno(), 32 << 20)\n\
                \x20       os.ftruncate(file.fileno(), 0)\n\
                try:\n\
                \x20   open('x' * 256, 'w')\n\
                except OSError:\n\
                \x20   print('too long')\n";
    let execution = in_sandbox(|sandbox| sandbox.run(&program(code, "")).expect("an execution"));
    assert_eq!(String::from_utf8_lossy(&execution.stderr), "");
    assert_eq!(execution.stdout, b"too long\n");
}

#[test]
fn texts_of_a_report_are_cut() {
    let code = forging("b'X', b'\\n'.join([b'w' * 10**5] * 100), b't', b'E', b'm' * 10**6");
    let mut run = program("", "");
    run.job = Job::Call {
        code: code.as_str().into(),
        call: "1".into(),
    };
    let execution = in_sandbox(|sandbox| sandbox.run(&run).expect("an execution"));
    let told: usize = execution.warnings.iter().map(String::len).sum();
    assert!(told < 1 << 20, "{told} bytes of warnings");
    let Ending::Raised { raised, .. } = execution.ending else {
        panic!("{:?}", execution.ending);
    };
    assert!(raised.message.len() < 10_000);
}

#[test]
fn the_outputs_of_one_answer_are_bounded() {
    let check = json!({"kind": "stdio", "stdin": "", "expected": ""});
    let code = "print('x' * ((1 << 20) - 1))";
    let results = judge(vec![json!({"code": code, "checks": vec![check; 140]})]);
    let verdicts = results[0]["verdicts"].as_array().expect("verdicts");
    let length = |verdict: &Value| verdict["stdout"].as_str().map_or(0, str::len);
    let told: usize = verdicts.iter().map(length).sum();
    assert_eq!(told, 128 << 20);
    let without = verdicts.iter().filter(|verdict| length(verdict) == 0);
    assert!(
        without
            .clone()
            .all(|verdict| verdict["warnings"].is_array())
    );
    assert_eq!(without.count(), 12);
}
