//! The wall clock's backstop, on a runtime whose wall clock allows next to nothing.

use crate::runtime::{CAPS, folder, on_large_stack, program};
use serde_json::json;
use std::num::NonZeroUsize;
use std::sync::OnceLock;
use std::time::Duration;
use touchstone::api::v1::wire::{ChecksRequest, Object, ResultWire, parse};
use touchstone::sandbox::{Backstop, Ending, Run, Runtime, RuntimeSettings};
use touchstone::validator::{Executor, Settings, Tenant, Validator};

const ENDLESS: &str = "while True: pass";

/// The least that the engine can tell: the next tick of its clock.
fn impatient() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let settings = RuntimeSettings {
            sandboxes: 2,
            memory_bytes: CAPS.memory_bytes,
            reset_in_place: true,
            backstop: Backstop {
                factor: 0,
                extra: Duration::ZERO,
            },
        };
        Runtime::load(&folder(), settings).expect("the runtime loads")
    })
}

#[test]
fn it_says_nothing_of_the_program() {
    let mut endless = program(ENDLESS, "");
    endless.limits.time_ms = CAPS.time_ms;
    let execution = on_large_stack(|| impatient().sandbox().run(&endless).expect("an execution"));
    assert_eq!(execution.ending, Ending::Backstop);
}

#[test]
fn a_program_that_strikes_it_twice_is_too_slow_and_never_remembered() {
    let settings = Settings {
        workers: NonZeroUsize::MIN,
        queue_checks: 100,
        cache_bytes: Some(1 << 20),
    };
    let executors = || {
        let mut sandbox = impatient().sandbox();
        Ok(Box::new(move |run: &Run| Ok(sandbox.run(run)?)) as Executor)
    };
    let validator = Validator::start(executors, "impatient".into(), settings).expect("it starts");
    let request = json!({"submissions": [{
        "language": "python", "code": ENDLESS, "limits": {"time_ms": CAPS.time_ms},
        "checks": [{"kind": "stdio", "stdin": "", "expected": ""}],
    }]});
    for _ in 0..2 {
        let parsed = parse::<Object<ChecksRequest>>(request.to_string().as_bytes());
        let submissions = parsed.expect("a request").0.convert(&CAPS);
        let mut results = validator
            .submit(submissions.expect("submissions"), Tenant::default())
            .expect("room");
        let (_, result) = results.blocking_recv().expect("a result");
        let result = serde_json::to_value(ResultWire::from(result)).expect("JSON");
        let verdict = &result["verdicts"][0];
        assert_eq!(verdict["outcome"], "time_limit", "{result}");
        assert_eq!(verdict["backstop"], true, "{result}");
        assert_eq!(verdict["cached"], false, "{result}");
    }
}
