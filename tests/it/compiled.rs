//! Texts that are compiled once and executed in many guests: what comes out is the same, whoever
//! compiles them and however often.

use crate::runtime::{
    exit_status, in_sandbox, judge, judge_by, printed, program, programs_in, read, report, runtime,
};
use serde_json::{Value, json};
use std::num::NonZeroUsize;
use std::sync::Arc;
use touchstone::domain::Limits;
use touchstone::sandbox::{Compiled, Ending, Execution, Job, Place, Run, Sandbox};
use touchstone::validator::{Executor, Settings, Validator};

/// Long enough to be compiled apart.
const LONG: &str = r#"
import math

class Circle:
    """A circle."""

    def __init__(self, radius: float = 1.0) -> None:
        self.radius = radius

    def area(self):
        return math.pi * self.radius ** 2

def areas(radii):
    return [round(Circle(radius).area(), 3) for radius in radii]

if __name__ == "__main__":
    print(*areas(map(float, input().split())))
"#;

const TESTS: &str = r#"
def check(candidate):
    assert candidate([]) == [], "nothing has no area"
    assert candidate([1, 2]) == [3.142, 12.566]
    for radius in range(10):
        assert len(candidate([radius] * 3)) == 3, f"three of {radius}"
        assert candidate([radius])[0] >= 3 * radius ** 2
"#;

fn checks() -> Vec<Value> {
    vec![
        json!({"id": "call", "kind": "call", "call": "areas([1, 2])", "expected": "[3.142, 12.566]"}),
        json!({"id": "wrong", "kind": "call", "call": "areas([1])", "expected": "[3]"}),
        json!({"id": "stdio", "kind": "stdio", "stdin": "1 2\n", "expected": "3.142 12.566\n"}),
        json!({"id": "script", "kind": "script", "source": TESTS, "entry_point": "areas"}),
        json!({"id": "raises", "kind": "call", "call": "areas(None)", "expected": "[]"}),
    ]
}

fn remembering() -> Validator {
    let settings = Settings {
        workers: NonZeroUsize::MIN,
        queue_checks: 1000,
        cache_bytes: Some(64 << 20),
    };
    let executors = || {
        let mut sandbox = runtime().sandbox();
        Ok(Box::new(move |run: &Run| Ok(sandbox.run(run)?)) as Executor)
    };
    Validator::start(executors, runtime().digest().to_owned(), settings).expect("it starts")
}

fn verdicts(results: &[Value]) -> Vec<Value> {
    let each = results.iter().flat_map(|result| {
        let verdicts = result["verdicts"].as_array();
        verdicts.unwrap_or_else(|| panic!("{result}")).clone()
    });
    each.map(|mut verdict| {
        verdict["cached"].take();
        verdict
    })
    .collect()
}

#[test]
fn verdicts_do_not_tell_how_often_a_text_was_compiled() {
    let for_isolation = |isolation: &str| {
        let together = json!({"code": LONG, "checks": checks(), "isolation": isolation});
        let alone = checks()
            .into_iter()
            .map(|check| json!({"code": LONG, "checks": [check], "isolation": isolation}));
        let expect = verdicts(&judge(vec![together.clone()]));
        for one in alone.clone() {
            let id = one["checks"][0]["id"].clone();
            let same = expect.iter().find(|verdict| verdict["id"] == id);
            assert_eq!(verdicts(&judge(vec![one])).first(), same);
        }
        let cached = remembering();
        for _ in 0..2 {
            assert_eq!(verdicts(&judge_by(&cached, vec![together.clone()])), expect);
            assert_eq!(
                verdicts(&judge_by(&cached, alone.clone().collect())),
                expect
            );
        }
        let outcomes: Vec<Value> = expect.iter().map(|one| one["outcome"].clone()).collect();
        assert_eq!(outcomes, ["pass", "fail", "pass", "pass", "error"]);
    };
    for_isolation("split");
    for_isolation("shared");
}

fn compile(sandbox: &mut Sandbox, text: &str, place: Place) -> Execution {
    let run = Run {
        job: Job::Compile {
            source: text.into(),
            place,
        },
        limits: Limits::default(),
        seed: 0,
        compiled: Compiled::default(),
    };
    sandbox.run(&run).expect("no fault of ours")
}

fn code(execution: &Execution) -> Option<Arc<[u8]>> {
    match &execution.ending {
        Ending::Compiled { code } if execution.stderr.is_empty() => Some(code.clone()),
        _ => None,
    }
}

/// The programs of all fixtures, with code that another guest compiled.
#[test]
fn code_does_what_its_text_does() {
    let mut compiled = 0;
    let mistakes: Vec<String> = in_sandbox(|sandbox| {
        let mut mistakes = Vec::new();
        for folder in ["programs", "differential", "divergences"] {
            for name in programs_in(folder) {
                let text = read(format!("fixtures/{folder}/{name}.py"));
                let apart = compile(sandbox, &text, Place::Program);
                let Some(code) = code(&apart) else { continue };
                compiled += 1;
                let plain = program(&text, "3\n1 2\n");
                let mut run = plain.clone();
                run.compiled.program = Some(code);
                run.compiled.fuel = apart.fuel;
                let expect = sandbox.run(&plain).expect("no fault of ours");
                let came = sandbox.run(&run).expect("no fault of ours");
                let told = |execution: &Execution| {
                    let error = String::from_utf8_lossy(&execution.stderr).into_owned();
                    (exit_status(execution), printed(execution), error)
                };
                // What programs say of clocks, addresses and memory differs with what was compiled
                // in their guest; it must not differ in kind.
                if exit_status(&expect) != exit_status(&came)
                    || without_numbers(&told(&expect).1) != without_numbers(&told(&came).1)
                {
                    mistakes.push(format!("{name}: {:?}\n{:?}", told(&expect), told(&came)));
                }
            }
        }
        mistakes
    });
    report(&mistakes);
    assert!(compiled > 50, "{compiled}");
}

fn without_numbers(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_hexdigit()).collect()
}

#[test]
fn running_code_is_charged_for_compiling_it() {
    in_sandbox(|sandbox| {
        let apart = compile(sandbox, LONG, Place::Program);
        let mut run = program(LONG, "1\n");
        run.compiled.program = code(&apart);
        let free = sandbox.run(&run).expect("no fault of ours");
        run.compiled.fuel = apart.fuel;
        let charged = sandbox.run(&run).expect("no fault of ours");
        assert_eq!(printed(&charged), "3.142\n");
        assert_eq!(charged.fuel.0, free.fuel.0 + apart.fuel.0);
        // Of a program that does little, compiling is what costs.
        assert!(apart.fuel > free.fuel, "{:?} {:?}", apart.fuel, free.fuel);
        // And what it was charged for is not there to be used.
        run.limits.time_ms = charged.fuel.as_ms() as u64;
        let short = sandbox.run(&run).expect("no fault of ours");
        assert!(
            matches!(short.ending, Ending::Limit(_)),
            "{:?}",
            short.ending
        );
    });
}

/// A line that is too much, beside what makes a text long.
fn long(line: &str) -> String {
    format!("{line}\n{LONG}")
}

#[test]
fn what_does_not_compile_says_why_where_it_runs() {
    let verdict = |code: String, check: Value| {
        let results = judge(vec![json!({"code": code, "checks": [check]})]);
        results[0]["verdicts"][0].clone()
    };
    let stdio = json!({"kind": "stdio", "stdin": "1\n", "expected": "3.142\n"});
    let call = json!({"kind": "call", "call": "areas([1])", "expected": "[3.142]"});
    let broken = verdict(long("x = = 1"), call.clone());
    assert_eq!(broken["outcome"], "error");
    let message = broken["message"].as_str().expect("text");
    assert!(message.contains("SyntaxError: invalid syntax"), "{message}");
    let broken = verdict(long("x = = 1"), stdio.clone());
    let stderr = broken["stderr"].as_str().expect("text");
    assert!(stderr.contains("line 1\n    x = = 1"), "{stderr}");
    // A warning of the compiler's is the program's to print, once.
    let warned = verdict(long("x = '\\d'"), stdio.clone());
    assert_eq!(warned["outcome"], "pass", "{warned}");
    let stderr = warned["stderr"].as_str().expect("text");
    assert_eq!(stderr.matches("SyntaxWarning").count(), 1, "{stderr}");
    // A traceback shows the text.
    let raised = verdict(long("raise KeyError('missing')"), stdio);
    let stderr = raised["stderr"].as_str().expect("text");
    assert!(
        stderr.contains("line 1, in <module>\n    raise KeyError('missing')"),
        "{stderr}"
    );
    // A test that does not compile is no good, and says so.
    let source = format!("{TESTS}\n    assert candidate(\n");
    let script = json!({"kind": "script", "source": source, "entry_point": "areas"});
    let invalid = verdict(LONG.to_owned(), script);
    assert_eq!(invalid["outcome"], "invalid", "{invalid}");
    for (line, outcome) in [
        // Deeper than the parser, the compiler or the form of code goes.
        (
            format!("x = {}1{}", "(".repeat(5000), ")".repeat(5000)),
            "error",
        ),
        (format!("x = {}1{}", "[".repeat(50), "]".repeat(50)), "pass"),
        (format!("x = {}", "-".repeat(20_000) + "1"), "error"),
        (format!("x = {:?}", "a".repeat(100_000)), "pass"),
        ("x = '\\ud800'".to_owned(), "pass"),
        ("from __future__ import annotations".to_owned(), "pass"),
    ] {
        let came = verdict(long(&line), call.clone());
        assert_eq!(came["outcome"], outcome, "{line:.60}: {came:.400}");
    }
}

/// Nothing of a text is executed while it is compiled.
#[test]
fn compiling_executes_nothing() {
    in_sandbox(|sandbox| {
        let text = "print('ran')\nraise SystemExit(3)\n".repeat(20);
        let apart = compile(sandbox, &text, Place::Program);
        assert!(code(&apart).is_some(), "{:?}", apart.ending);
        assert!(apart.stdout.is_empty());
        assert!(sandbox.is_fresh());
    });
}
