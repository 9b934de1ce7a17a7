//! Queue, workers, cache: who runs what, how often, and what happens when something breaks.

use super::*;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use touchstone::domain::{Fault, FaultCode};
use touchstone::validator::{Rejected, Results};

fn passing(code: &str, checks: usize) -> Submission {
    let checks = (0..checks).map(|n| script(&format!("{n}"))).collect();
    submission(code, None, checks)
}

fn submit(validator: &Validator, submissions: Vec<Submission>) -> Results {
    let results = validator.submit(submissions, Tenant::default());
    results.expect("there is room")
}

/// A gate in front of runs: says when one has come, and lets it through when told.
struct Gate {
    came: Receiver<String>,
    open: Sender<()>,
}

impl Gate {
    /// The gate, and what a run does there.
    fn new() -> (Gate, impl Fn(&str) + Send + Sync) {
        let (coming, came) = channel();
        let (open, opened) = channel();
        let (coming, opened) = (Mutex::new(coming), Mutex::new(opened));
        let pass = move |who: &str| {
            let sent = coming.lock().expect("no panic here").send(who.to_owned());
            sent.expect("the test waits");
            // A test that is over lets everything through.
            let _ = opened.lock().expect("no panic here").recv();
        };
        (Gate { came, open }, pass)
    }

    fn next(&self) -> String {
        self.came.recv().expect("a run comes")
    }

    fn open(&self) {
        self.open.send(()).expect("a run waits");
    }
}

fn fault() -> Fault {
    Fault {
        code: FaultCode::Engine,
        message: "the engine failed".into(),
        retryable: true,
    }
}

#[test]
fn identical_runs_happen_once() {
    let runs = Counter::default();
    let counted = runs.clone();
    let validator = start(4, Some(1 << 20), move |_, _| {
        counted.up();
        Ok(Ending::TestsPassed)
    });
    let all = results(&validator, (0..20).map(|_| passing("same", 1)).collect());
    assert!(all.iter().all(|result| outcomes(result) == [Outcome::Pass]));
    assert_eq!(runs.get(), 1);
    assert_eq!(validator.stats().executions, 1);
    assert_eq!(validator.stats().cache_hits, 19);
}

#[test]
fn a_run_is_joined_while_it_is_on_its_way() {
    let (gate, pass) = Gate::new();
    let validator = start(2, Some(1 << 20), move |code, _| {
        pass(code);
        Ok(Ending::TestsPassed)
    });
    let mut pending = submit(&validator, vec![passing("same", 1), passing("same", 1)]);
    gate.next();
    gate.open();
    while pending.blocking_recv().is_some() {}
    assert!(gate.came.try_recv().is_err(), "it ran twice");
}

#[test]
fn what_differs_is_run_apart() {
    let runs = Counter::default();
    let counted = runs.clone();
    let validator = start(1, Some(1 << 20), move |_, _| {
        counted.up();
        Ok(Ending::TestsPassed)
    });
    let mut seeded = passing("same", 1);
    seeded.seed = 1;
    let mut limited = passing("same", 1);
    limited.limits.time_ms = 1;
    results(&validator, vec![passing("same", 1), seeded, limited]);
    assert_eq!(runs.get(), 3);
    let other = validator.submit(vec![passing("same", 1)], Tenant("other".into()));
    other.expect("there is room").blocking_recv();
    assert_eq!(runs.get(), 4, "tenants share nothing");
}

#[test]
fn without_a_cache_a_request_still_shares_its_reference() {
    let (references, candidates) = (Counter::default(), Counter::default());
    let counted = (references.clone(), candidates.clone());
    let validator = start(3, None, move |code, _| {
        match code {
            "reference" => counted.0.up(),
            _ => counted.1.up(),
        };
        Ok(value(5))
    });
    let batch = || {
        let one = |_| {
            submission(
                "c",
                Some("reference"),
                vec![call("f()", Expected::Reference)],
            )
        };
        (0..5).map(one).collect()
    };
    results(&validator, batch());
    assert_eq!((references.get(), candidates.get()), (1, 5));
    results(&validator, batch());
    assert_eq!((references.get(), candidates.get()), (2, 10));
}

#[test]
fn an_engine_error_is_a_fault_without_reward() {
    let validator = start(1, Some(1 << 20), |code, _| match code {
        "broken" => Err("the engine says no".into()),
        _ => Ok(Ending::TestsPassed),
    });
    let all = results(&validator, vec![passing("broken", 3), passing("sound", 2)]);
    assert_eq!(all[0].judged, Err(fault()));
    assert_eq!(outcomes(&all[1]), [Outcome::Pass, Outcome::Pass]);
    assert_eq!(
        validator.stats().executions,
        3,
        "a faulty submission is given up"
    );
}

#[test]
fn a_panic_is_a_fault_and_the_executor_is_replaced() {
    let made = Counter::default();
    let counted = made.clone();
    let executors = move || {
        counted.up();
        Ok(Box::new(|run: &Run| {
            execution(run, &|code, _| match code {
                "panics" => panic!("on purpose"),
                _ => Ok(Ending::TestsPassed),
            })
        }) as Executor)
    };
    let settings = Settings {
        workers: NonZeroUsize::MIN,
        queue_checks: 100,
        cache_bytes: Some(1 << 20),
    };
    let validator = Validator::start(executors, "digest".into(), settings).expect("it starts");
    let submissions = vec![
        passing("sound", 1),
        passing("panics", 2),
        passing("other", 2),
    ];
    let all = results(&validator, submissions);
    assert_eq!(outcomes(&all[0]), [Outcome::Pass]);
    assert_eq!(all[1].judged, Err(fault()));
    assert_eq!(outcomes(&all[2]), [Outcome::Pass, Outcome::Pass]);
    assert_eq!((validator.stats().worker_restarts, made.get()), (1, 2));
    assert_eq!(validator.stats().workers, 1);
}

#[test]
fn who_waits_for_a_run_that_fails_runs_it_again() {
    let runs = Counter::default();
    let counted = runs.clone();
    let validator = start(2, Some(1 << 20), move |_, _| match counted.up() {
        0 => panic!("on purpose"),
        _ => Ok(Ending::TestsPassed),
    });
    let all = results(&validator, vec![passing("same", 1), passing("same", 1)]);
    let faults = all.iter().filter(|result| result.judged.is_err()).count();
    assert_eq!((faults, runs.get()), (1, 2));
}

#[test]
fn a_validator_without_executors_does_not_start() {
    let settings = Settings {
        workers: NonZeroUsize::MIN,
        queue_checks: 1,
        cache_bytes: None,
    };
    let started = Validator::start(|| Err("no runtime".into()), String::new(), settings);
    assert_eq!(
        started.err().expect("no executor").to_string(),
        "no runtime"
    );
}

#[test]
fn checks_after_a_failure_are_skipped_where_asked() {
    let validator = start(4, None, |_, asked| {
        Ok(match asked {
            "1" => raised(Phase::Check, "SyntaxError"),
            "2" => raised(Phase::Test, "AssertionError"),
            _ => Ending::TestsPassed,
        })
    });
    let mut stops = passing("c", 5);
    stops.stop_on_failure = true;
    let result = results(&validator, vec![stops]).remove(0);
    use Outcome::{Fail, Invalid, Pass, Skipped};
    assert_eq!(outcomes(&result), [Pass, Invalid, Fail, Skipped, Skipped]);
    let judged = result.judged.expect("no fault");
    assert_eq!(
        judged.reward.critic,
        [Some(0.0), Some(0.0), Some(1.0), None, None]
    );
    assert_eq!(judged.executions.candidate, 3);
}

#[test]
fn dropped_results_cancel_what_is_left() {
    let (gate, pass) = Gate::new();
    let validator = start(1, None, move |code, _| {
        pass(code);
        Ok(Ending::TestsPassed)
    });
    let dropped = submit(&validator, vec![passing("dropped", 9)]);
    gate.next();
    drop(dropped);
    let mut kept = submit(&validator, vec![passing("kept", 1)]);
    gate.open();
    assert_eq!(
        gate.next(),
        "kept",
        "the rest of what was dropped is not run"
    );
    gate.open();
    assert!(kept.blocking_recv().is_some() && kept.blocking_recv().is_none());
    assert_eq!(validator.stats().executions, 2);
}

/// Nothing was measured yet, and 10 ms is guessed for each turn before one's own.
#[test]
fn who_would_wait_too_long_is_turned_away() {
    let (gate, pass) = Gate::new();
    let validator = start(1, None, move |code, _| {
        pass(code);
        Ok(Ending::TestsPassed)
    });
    let impatient = validator.patient(Duration::from_millis(25));
    let send = |to: &Validator| to.submit(vec![passing("c", 1)], Tenant::default());
    let mut taken = vec![send(&impatient).expect("nobody is before it")];
    gate.next();
    for _ in 0..3 {
        taken.push(send(&impatient).expect("it waits for 20 ms at most"));
    }
    let retry_after = Duration::from_millis(5);
    assert_eq!(send(&impatient).err(), Some(Rejected::Full { retry_after }));
    // Who has time is taken, and makes it longer for the others.
    taken.push(send(&validator).expect("there is room"));
    let retry_after = Duration::from_millis(15);
    assert_eq!(send(&impatient).err(), Some(Rejected::Full { retry_after }));
    // A large batch waits for its first turn alone.
    let large = validator.patient(Duration::from_millis(45));
    let batch = large.submit(vec![passing("large", 60)], Tenant::default());
    taken.push(batch.expect("it waits for 40 ms"));
    assert_eq!(validator.stats().queued_checks, 65);
    for _ in 1..65 {
        gate.open();
        gate.next();
    }
    gate.open();
    for mut results in taken {
        assert!(
            results
                .blocking_recv()
                .is_some_and(|(_, it)| it.judged.is_ok())
        );
    }
}

#[test]
fn requests_take_turns() {
    let (gate, pass) = Gate::new();
    let validator = start(1, None, move |code, _| {
        pass(code);
        Ok(Ending::TestsPassed)
    });
    let many = submit(&validator, vec![passing("many", 5)]);
    let mut order = vec![gate.next()];
    let few = submit(&validator, vec![passing("few", 1)]);
    for _ in 0..2 {
        gate.open();
        order.push(gate.next());
    }
    assert_eq!(order, ["many", "many", "few"]);
    drop((many, few));
    gate.open();
}

#[test]
fn the_queue_is_bounded() {
    let (gate, pass) = Gate::new();
    let validator = start(1, None, move |code, _| {
        pass(code);
        Ok(Ending::TestsPassed)
    });
    let submit = |checks| validator.submit(vec![passing("c", checks)], Tenant::default());
    let too_large = Rejected::TooLarge {
        checks: 101,
        capacity: 100,
    };
    assert_eq!(submit(101).err(), Some(too_large));
    let taken = submit(60).expect("there is room");
    gate.next();
    assert!(matches!(submit(41).err(), Some(Rejected::Full { .. })));
    assert_eq!(validator.stats().queued_checks, 60);
    assert!(submit(40).is_ok());
    drop(taken);
    gate.open();
}

#[tokio::test]
async fn shutdown_answers_all_that_was_accepted() {
    let validator = start(2, None, |_, _| Ok(Ending::TestsPassed));
    let mut accepted = submit(&validator, (0..20).map(|_| passing("c", 5)).collect());
    validator.shutdown().await;
    assert!(!validator.is_accepting());
    let refused = validator.submit(vec![passing("c", 1)], Tenant::default());
    assert_eq!(refused.err(), Some(Rejected::ShuttingDown));
    let mut answered = 0;
    while let Some((_, result)) = accepted.recv().await {
        assert_eq!(outcomes(&result), [Outcome::Pass; 5]);
        answered += 1;
    }
    assert_eq!(answered, 20);
    assert_eq!(
        (validator.stats().workers, validator.stats().queued_checks),
        (0, 0)
    );
}

#[test]
fn workers_end_with_the_last_handle() {
    let (gone, ended) = channel();
    let gone = Mutex::new(gone);
    let executors = move || {
        let gone = gone.lock().expect("no panic here").clone();
        Ok(Box::new(move |_: &Run| {
            let _ = &gone;
            Err("not run".into())
        }) as Executor)
    };
    let settings = Settings {
        workers: NonZeroUsize::MIN,
        queue_checks: 1,
        cache_bytes: None,
    };
    drop(Validator::start(executors, String::new(), settings).expect("it starts"));
    // Every sender is gone: the executors and what makes them.
    let end: Result<(), _> = ended.recv();
    assert!(end.is_err());
}

#[test]
fn a_run_that_the_wall_clock_ends_is_run_again_alone() {
    let (running, slow) = (Counter::default(), Counter::default());
    let validator = start(3, Some(1 << 20), move |code, _| {
        let others = running.up();
        let ending = match (code, slow.get()) {
            ("slow", 0) => {
                slow.up();
                Ending::Backstop
            }
            ("slow", _) if others > 0 => raised(Phase::Test, "NotAlone"),
            _ => Ending::TestsPassed,
        };
        running.0.fetch_sub(1, Ordering::SeqCst);
        Ok(ending)
    });
    let mut batch: Vec<_> = (0..50).map(|n| passing(&format!("quick {n}"), 1)).collect();
    batch.insert(3, passing("slow", 1));
    let all = results(&validator, batch);
    assert!(all.iter().all(|result| outcomes(result) == [Outcome::Pass]));
    assert_eq!(validator.stats().executions, 52);
}

#[test]
fn a_run_that_the_wall_clock_ends_twice_is_not_remembered() {
    let validator = start(2, Some(1 << 20), |_, _| Ok(Ending::Backstop));
    for runs in [2, 4] {
        let result = results(&validator, vec![passing("slow", 1)]).remove(0);
        let verdict = &result.judged.as_ref().expect("no fault").verdicts[0];
        assert_eq!(verdict.outcome, Outcome::TimeLimit);
        assert!(verdict.backstop && !verdict.cached);
        assert_eq!(validator.stats().executions, runs);
    }
}

#[test]
fn a_submission_without_checks_is_answered() {
    let validator = start(1, None, |_, _| Ok(Ending::TestsPassed));
    let all = results(&validator, vec![passing("none", 0), passing("one", 1)]);
    assert_eq!(outcomes(&all[0]), []);
    assert_eq!(outcomes(&all[1]), [Outcome::Pass]);
}
