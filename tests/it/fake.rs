//! Validators for tests of what stands around one: real ones, whose executors run nothing.

use std::num::NonZeroUsize;
use std::sync::Arc;
use touchstone::domain::value::Value;
use touchstone::domain::{
    Check, CheckKind, Compare, Fuel, Isolation, Limits, RuntimeInfo, Submission,
};
use touchstone::sandbox::{Ending, Execution, Expectation, Job, Run, Test, values};
use touchstone::validator::{Executor, Settings, Tenant, Validator};

/// What the value encoder in the guest sends for None.
const NONE: &[u8] = b"\x01N";

fn start(queue_checks: usize, executor: fn(&Run) -> Execution) -> Validator {
    let settings = Settings {
        workers: NonZeroUsize::MIN,
        queue_checks,
        cache_bytes: None,
    };
    let executors = move || Ok(Box::new(move |run: &Run| Ok(executor(run))) as Executor);
    Validator::start(executors, "digest".into(), settings).expect("a validator")
}

/// An execution in which nothing goes wrong.
fn fine(run: &Run) -> Execution {
    let ending = match &run.job {
        Job::Compile { .. } => Ending::Compiled { code: [].into() },
        Job::Main { .. } => Ending::Exited {
            status: 0,
            raised: None,
        },
        Job::Call { .. }
        | Job::Split {
            test: Test::Call { .. },
            ..
        } => Ending::Returned {
            value: none(),
            repr: "None".into(),
        },
        Job::Script { .. } | Job::Split { .. } => Ending::TestsPassed,
    };
    let expected = Expectation {
        value: none(),
        repr: "None".into(),
    };
    Execution {
        ending,
        stdout: Vec::new(),
        stderr: Vec::new(),
        fuel: Fuel(1),
        memory_bytes: 0,
        warnings: Vec::new(),
        expected: Some(expected),
        files: Vec::new(),
    }
}

fn none() -> Value {
    values::decode(NONE).expect("a value")
}

/// An execution that never ends.
fn endless(_: &Run) -> Execution {
    loop {
        std::thread::park();
    }
}

/// Passes everything.
pub fn passing() -> Validator {
    start(100_000, fine)
}

/// Passes everything, and remembers what it ran.
pub fn remembering() -> Validator {
    let settings = Settings {
        workers: NonZeroUsize::MIN,
        queue_checks: 1000,
        cache_bytes: Some(1 << 20),
    };
    let executors = || Ok(Box::new(|run: &Run| Ok(fine(run))) as Executor);
    Validator::start(executors, "digest".into(), settings).expect("a validator")
}

/// Passes batches of at most this many checks.
pub fn with_capacity(checks: usize) -> Validator {
    start(checks, fine)
}

/// Turns every batch of more than one check away: all places but one are taken for good.
pub fn full() -> Validator {
    let validator = start(4, endless);
    let check = Arc::new(Check {
        id: "0".into(),
        kind: CheckKind::Script {
            source: "".into(),
            entry_point: None,
        },
        trusted: true,
    });
    let submission = Submission {
        id: "0".into(),
        problem: None,
        code: "".into(),
        reference: None,
        checks: vec![check; 3],
        limits: Limits::default(),
        compare: Compare::default(),
        isolation: Isolation::default(),
        stop_on_failure: false,
        seed: 0,
    };
    let results = validator
        .submit(vec![submission], Tenant::default())
        .expect("room");
    // Dropping it would cancel the work and make room.
    std::mem::forget(results);
    validator
}

/// Fails at everything it is given.
pub fn failing() -> Validator {
    let settings = Settings {
        workers: NonZeroUsize::MIN,
        queue_checks: 100,
        cache_bytes: None,
    };
    let executors = || Ok(Box::new(|_: &Run| Err("broken".into())) as Executor);
    Validator::start(executors, "digest".into(), settings).expect("a validator")
}

/// Takes everything and answers nothing.
pub fn stuck() -> Validator {
    start(100_000, endless)
}

/// Takes no work any more.
pub async fn closed() -> Validator {
    let validator = passing();
    validator.shutdown().await;
    validator
}

pub fn runtime() -> RuntimeInfo {
    RuntimeInfo {
        name: "python".into(),
        version: "3.14.0".into(),
        digest: "sha256:0123".into(),
        packages: vec![("numpy".into(), "2.0".into())],
    }
}
