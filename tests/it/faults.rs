//! Faults of ours with real sandboxes: only what is struck notices, and the results of all others
//! are the same bytes as ever.

use crate::runtime::{CAPS, folder, judge, judge_by, program};
use serde_json::{Value, json};
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use touchstone::sandbox::{Backstop, Job, Run, Runtime, RuntimeSettings, Sandbox};
use touchstone::validator::{Executor, ExecutorError, Settings, Validator};

/// A runtime with room for one worker, so that there is little to exhaust.
fn small() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let settings = RuntimeSettings {
            sandboxes: 1,
            memory_bytes: CAPS.memory_bytes,
            reset_in_place: true,
            backstop: Backstop::default(),
        };
        Runtime::load(&folder(), settings).expect("the runtime loads")
    })
}

/// Held by a test as long as it uses that runtime: another's sandboxes would be some of the few.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The program that executors fail at.
const MARKED: &str = "print('marked')";

fn is_marked(run: &Run) -> bool {
    matches!(&run.job, Job::Main { code, .. } if code.as_bytes() == MARKED.as_bytes())
}

/// A validator of one worker, whose executors do with the marked program what `strike` says.
fn striking(strike: fn(&mut Sandbox, &Run) -> Result<(), ExecutorError>) -> Validator {
    let executors = move || {
        let mut sandbox = small().sandbox();
        Ok(Box::new(move |run: &Run| {
            if is_marked(run) {
                strike(&mut sandbox, run)?;
            }
            Ok(sandbox.run(run)?)
        }) as Executor)
    };
    let settings = Settings {
        workers: NonZeroUsize::MIN,
        queue_checks: 100,
        cache_bytes: None,
    };
    Validator::start(executors, small().digest().to_owned(), settings).expect("the worker starts")
}

fn stdio(id: &str, code: &str, expected: &str) -> Value {
    json!({"id": id, "code": code, "checks": [
        {"kind": "stdio", "expected": expected},
        {"kind": "call", "call": "1 + 1", "expected": "2"},
    ]})
}

fn batch(code: &str) -> Vec<Value> {
    vec![
        stdio(
            "before",
            "import random\nprint(random.random() < 1)",
            "True",
        ),
        stdio("struck", code, "marked"),
        stdio(
            "after",
            "x = [i * i for i in range(1000)]\nprint(sum(x))",
            "332833500",
        ),
        stdio("wrong", "print('another')", "marked"),
    ]
}

/// That the marked program gets a fault and no other result changes; and that none has one
/// afterwards.
fn check(validator: &Validator) {
    let mut expected = judge(batch("print('spared')"));
    let actual = judge_by(validator, batch(MARKED));
    let fault = json!({"id": "struck", "error": {
        "code": "engine", "message": "the engine failed", "retryable": true,
    }});
    let spared = std::mem::replace(&mut expected[1], fault);
    assert_eq!(actual, expected);
    assert_eq!(validator.stats().worker_restarts, 1);
    expected[1] = spared;
    assert_eq!(judge_by(validator, batch("print('spared')")), expected);
    assert_eq!(validator.stats().worker_restarts, 1);
}

#[test]
fn an_exhausted_pool_costs_the_check_that_meets_it() {
    let _alone = alone();
    check(&striking(|sandbox, run| {
        // Its own instance is given back, and all there are are taken.
        *sandbox = small().sandbox();
        let mut held = Vec::new();
        let error = loop {
            assert!(held.len() < 10, "the pool has no end");
            let mut other = small().sandbox();
            match other.run(&program("", "")) {
                Ok(_) => held.push(other),
                Err(error) => break error,
            }
        };
        assert!(!held.is_empty(), "{error}");
        sandbox.run(run)?;
        panic!("there was an instance left");
    }));
}

#[test]
fn a_panic_in_the_middle_of_a_run_costs_its_check() {
    let _alone = alone();
    check(&striking(|sandbox, run| {
        sandbox.run(run)?;
        panic!("on purpose");
    }));
}

#[test]
fn an_engine_error_costs_its_check() {
    let _alone = alone();
    check(&striking(|_, _| Err("the engine says no".into())));
}

#[test]
fn a_trap_is_the_programs_failure_and_nobody_elses() {
    let _alone = alone();
    let trap = "import os\nos.abort()";
    let validator = striking(|_, _| Ok(()));
    let expected = judge(batch("print('spared')"));
    let actual = judge_by(&validator, batch(trap));
    for (number, (actual, expected)) in actual.iter().zip(&expected).enumerate() {
        if number == 1 {
            assert_eq!(actual["verdicts"][0]["outcome"], "error", "{actual}");
            assert_eq!(actual["reward"]["generator"], 0.0);
        } else {
            assert_eq!(actual, expected);
        }
    }
    assert_eq!(validator.stats().worker_restarts, 0);
    assert_eq!(judge_by(&validator, batch("print('spared')")), expected);
}
