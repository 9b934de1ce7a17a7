//! Every program finds the same Python, whatever ran before it: outcomes, output, fuel and memory
//! are the same bytes.

use crate::runtime::{mapping_anew, on_large_stack, program, programs_in, read, report, runtime};
use touchstone::domain::Limits;
use touchstone::sandbox::{Execution, Job, Run, Runtime, Sandbox};

/// Programs that change what they can reach, each under a line with its name.
const NASTY: &str = include_str!("fresh/nasty.txt");

/// Looks at what programs could have left behind.
const PROBE: &str = include_str!("fresh/probe.py");

/// Endless programs end here, so that the whole corpus takes seconds.
const LIMITS: Limits = Limits {
    time_ms: 60,
    memory_bytes: 96 << 20,
    output_bytes: 1 << 20,
};

fn limited(code: &str, stdin: &str) -> Run {
    Run {
        limits: LIMITS,
        ..program(code, stdin)
    }
}

/// What importing and using a large library takes.
const LARGE_TIME_MS: u64 = 800;

/// Names and runs: the nasty programs, as programs and as the code of calls and scripts, and
/// everything in the fixtures.
fn corpus() -> Vec<(String, Run)> {
    let mut corpus = Vec::new();
    for part in NASTY.split("#### ").skip(1) {
        let (name, code) = part.split_once('\n').expect("a name on a line");
        let mut run = limited(code, "");
        if code.contains("scipy") || code.contains("sympy") {
            run.limits.time_ms = LARGE_TIME_MS;
        }
        corpus.push((name.to_owned(), run));
        // Each kind of job in turn, so that all follow all.
        let job = if corpus.len() % 2 == 0 {
            Job::Call {
                code: code.into(),
                call: "[1, 2.5, 'x']".into(),
            }
        } else {
            Job::Script {
                code: code.into(),
                source: "assert 1 + 1 == 2".into(),
                entry_point: None,
            }
        };
        let run = Run {
            job,
            ..limited("", "")
        };
        corpus.push((format!("{name}, beside a test"), run));
    }
    for folder in ["programs", "differential", "divergences"] {
        for name in programs_in(folder) {
            let code = read(format!("fixtures/{folder}/{name}.py"));
            corpus.push((name, limited(&code, "3\n1 2\n3 4\n")));
        }
    }
    corpus
}

fn probe() -> Run {
    program(PROBE, "left over\n")
}

fn execute(sandbox: &mut Sandbox, run: &Run) -> Execution {
    sandbox.run(run).expect("no fault of ours")
}

fn fresh(runtime: &Runtime, run: &Run) -> Execution {
    execute(&mut runtime.sandbox(), run)
}

/// Where two executions differ, for people.
fn difference(name: &str, expected: &Execution, actual: &Execution) -> Option<String> {
    if expected == actual {
        return None;
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (expected_out, actual_out) = (text(&expected.stdout), text(&actual.stdout));
    let lines = expected_out.lines().zip(actual_out.lines());
    let line = lines.into_iter().find(|(a, b)| a != b);
    let cut = |text: &str| text.chars().take(2000).collect::<String>();
    Some(format!(
        "{name}: fuel {} and {}, memory {} and {}, ending {} and {}, first line that differs {}",
        expected.fuel.0,
        actual.fuel.0,
        expected.memory_bytes,
        actual.memory_bytes,
        cut(&format!("{:?}", expected.ending)),
        cut(&format!("{:?}", actual.ending)),
        cut(&format!("{line:?}")),
    ))
}

/// Runs the corpus in one sandbox, each program followed by the probe; gives the executions of
/// the corpus.
fn check_probe_after_each(runtime: &Runtime) -> Vec<Execution> {
    on_large_stack(|| {
        let probe = probe();
        let expected = fresh(runtime, &probe);
        let mut sandbox = runtime.sandbox();
        let mut mistakes = Vec::new();
        let mut executions = Vec::new();
        for (name, run) in corpus() {
            executions.push(execute(&mut sandbox, &run));
            let actual = execute(&mut sandbox, &probe);
            mistakes.extend(difference(&name, &expected, &actual));
        }
        report(&mistakes);
        executions
    })
}

#[test]
fn the_probe_sees_what_there_is() {
    let execution = on_large_stack(|| fresh(runtime(), &probe()));
    let errors = String::from_utf8_lossy(&execution.stderr);
    assert_eq!(errors.lines().count(), 1, "{errors}");
}

#[test]
fn nothing_is_left_behind_and_resetting_shows_nowhere() {
    // Both ways at once: they are compared with each other, and use both cores.
    let (reset, anew) = std::thread::scope(|scope| {
        let reset = scope.spawn(|| check_probe_after_each(runtime()));
        let anew = check_probe_after_each(mapping_anew());
        (reset.join().expect("a result"), anew)
    });
    let corpus = corpus();
    assert!(corpus.len() >= 200, "{}", corpus.len());
    let names = corpus.iter().map(|(name, _)| name);
    let pairs = names.zip(reset.iter().zip(&anew));
    let mistakes: Vec<_> = pairs
        .filter_map(|(name, (reset, anew))| difference(name, anew, reset))
        .collect();
    report(&mistakes);
}

#[test]
fn a_thousand_repetitions_on_two_threads_are_one_execution() {
    let code = "import random, json, collections\n\
                d = {str(i): [i, random.random()] for i in range(300)}\n\
                print(json.dumps(d), collections.Counter('abc'), id(d), hash('abc'))\n";
    let run = limited(code, "");
    let expected = on_large_stack(|| fresh(mapping_anew(), &run));
    let repeat = || {
        on_large_stack(|| {
            let mut sandbox = runtime().sandbox();
            for number in 0..500 {
                let actual = execute(&mut sandbox, &run);
                let different = difference(&number.to_string(), &expected, &actual);
                report(&Vec::from_iter(different));
            }
            // Otherwise this would not test what it is to test. An instance is replaced now and
            // then, once pages that nobody changes have been looked at often enough.
            let replaced = sandbox.fresh_instances();
            assert!(replaced < 50, "{replaced} instances for 500 executions");
        });
    };
    std::thread::scope(|scope| {
        scope.spawn(repeat);
        repeat();
    });
}

#[test]
fn the_order_of_programs_does_not_show() {
    let corpus: Vec<_> = corpus().into_iter().step_by(7).collect();
    on_large_stack(|| {
        let mut sandbox = runtime().sandbox();
        let forth: Vec<_> = corpus
            .iter()
            .map(|(_, run)| execute(&mut sandbox, run))
            .collect();
        let back: Vec<_> = corpus
            .iter()
            .rev()
            .map(|(_, run)| execute(&mut sandbox, run))
            .collect();
        let pairs = corpus.iter().zip(forth.iter().zip(back.iter().rev()));
        let mistakes: Vec<_> = pairs
            .filter_map(|((name, _), (forth, back))| difference(name, forth, back))
            .collect();
        report(&mistakes);
    });
}
