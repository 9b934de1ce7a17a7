//! Faults of ours, provoked: each costs what it strikes, and nothing that was accepted is lost.

use super::*;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::channel;
use std::sync::{Mutex, PoisonError};
use touchstone::domain::{Fault, FaultCode};
use touchstone::validator::FaultPoint;

fn passing(code: &str, checks: usize) -> Submission {
    let checks = (0..checks).map(|n| script(&format!("{n}"))).collect();
    submission(code, None, checks)
}

fn batch(codes: &[&str]) -> Vec<Submission> {
    codes.iter().map(|code| passing(code, 1)).collect()
}

fn settings(workers: usize) -> Settings {
    Settings {
        workers: NonZeroUsize::new(workers).expect("some workers"),
        queue_checks: 1000,
        cache_bytes: None,
    }
}

fn engine_fault() -> Fault {
    Fault {
        code: FaultCode::Engine,
        message: "the engine failed".into(),
        retryable: true,
    }
}

fn is_fault(result: &SubmissionResult) -> bool {
    match &result.judged {
        Ok(judged) => {
            let passed = judged.verdicts.iter().all(|v| v.outcome == Outcome::Pass);
            assert!(passed, "{judged:?}");
            false
        }
        Err(fault) => {
            assert_eq!(*fault, engine_fault());
            true
        }
    }
}

/// The codes of those that were not judged; the others have passed.
fn struck(validator: &Validator, codes: &[&str]) -> Vec<String> {
    let all = results(validator, batch(codes));
    assert_eq!(all.len(), codes.len());
    let faults = all.into_iter().filter(is_fault);
    faults.map(|result| result.id).collect()
}

/// Ends it, and looks whether anything is left.
fn shut_down(validator: &Validator) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(validator.shutdown());
    let stats = validator.stats();
    assert_eq!((stats.workers, stats.queued_checks), (0, 0));
}

/// A validator of one worker that dies the next time that it comes to this point after it has run
/// the program "marked".
fn dying_at(point: FaultPoint) -> Validator {
    let armed = Arc::new(AtomicBool::new(false));
    let arm = armed.clone();
    let executors = move || {
        let arm = arm.clone();
        Ok(Box::new(move |run: &Run| {
            execution(run, &|code, _| {
                arm.fetch_or(code == "marked", Ordering::SeqCst);
                Ok(Ending::TestsPassed)
            })
        }) as Executor)
    };
    let stumble = move |at| {
        if at == point && armed.swap(false, Ordering::SeqCst) {
            panic!("on purpose");
        }
    };
    Validator::start_stumbling(executors, "digest".into(), settings(1), stumble).expect("it starts")
}

#[test]
fn a_worker_that_dies_is_replaced() {
    let codes = ["first", "marked", "next", "last"];
    for (point, expect) in [
        (FaultPoint::Settle, &["marked"][..]),
        (FaultPoint::Answer, &["marked"]),
        (FaultPoint::Begin, &["next"]),
        (FaultPoint::Wait, &[]),
    ] {
        let validator = dying_at(point);
        for times in 1..=3 {
            assert_eq!(struck(&validator, &codes), expect, "{point:?}");
            let later = struck(&validator, &["later", "and later"]);
            assert_eq!(later, [""; 0], "{point:?}");
            let stats = validator.stats();
            assert_eq!((stats.workers, stats.worker_restarts), (1, times));
        }
        shut_down(&validator);
    }
}

#[test]
fn a_submission_of_several_checks_is_struck_as_a_whole() {
    for point in [FaultPoint::Settle, FaultPoint::Answer, FaultPoint::Begin] {
        for stop_on_failure in [false, true] {
            let validator = dying_at(point);
            let mut marked = passing("marked", 5);
            marked.stop_on_failure = stop_on_failure;
            let all = results(&validator, vec![passing("first", 2), marked]);
            let faults: Vec<_> = all.iter().map(is_fault).collect();
            // A worker that is given one task dies before it begins with the next, if there is one.
            let none_follows = stop_on_failure && point == FaultPoint::Begin;
            assert_eq!(faults, [false, !none_follows], "{point:?}");
            shut_down(&validator);
        }
    }
}

#[test]
fn an_answer_that_cannot_be_made_keeps_nobody_waiting() {
    let armed = Arc::new(AtomicBool::new(true));
    let arm = armed.clone();
    let executors =
        || Ok(Box::new(|run: &Run| execution(run, &|_, _| Ok(Ending::TestsPassed))) as Executor);
    let stumble = move |at| {
        let strikes = at == FaultPoint::Answer && arm.load(Ordering::SeqCst);
        assert!(!strikes, "on purpose");
    };
    let validator = Validator::start_stumbling(executors, "digest".into(), settings(1), stumble)
        .expect("it starts");
    let none = results(&validator, batch(&["a", "b"]));
    assert_eq!(none, []);
    armed.store(false, Ordering::SeqCst);
    assert_eq!(struck(&validator, &["c"]), [""; 0]);
    shut_down(&validator);
}

#[test]
fn nothing_accepted_is_lost() {
    // Everywhere and on all workers, again and again.
    let passes = Counter::default();
    let stumble = move |at| {
        if at != FaultPoint::Answer && passes.up() % 13 == 5 {
            panic!("on purpose");
        }
    };
    let runs = Counter::default();
    let executors = move || {
        let runs = runs.clone();
        Ok(Box::new(move |run: &Run| match runs.up() % 17 {
            3 => panic!("on purpose"),
            11 => Err("the engine says no".into()),
            _ => execution(run, &|_, _| Ok(Ending::TestsPassed)),
        }) as Executor)
    };
    let validator = Validator::start_stumbling(executors, "digest".into(), settings(4), stumble)
        .expect("it starts");
    let mut faults = 0;
    for _ in 0..10 {
        let submissions = (0..60).map(|n| {
            let mut submission = passing(&n.to_string(), 1 + n % 3);
            submission.stop_on_failure = n % 2 == 0;
            submission
        });
        let all = results(&validator, submissions.collect());
        let ids: Vec<_> = all.iter().map(|result| result.id.clone()).collect();
        assert_eq!(ids, Vec::from_iter((0..60).map(|n| n.to_string())));
        faults += all.iter().filter(|result| is_fault(result)).count();
    }
    assert!((1..600).contains(&faults), "{faults}");
    let stats = validator.stats();
    assert!(stats.workers == 4 && stats.worker_restarts > 0, "{stats:?}");
    shut_down(&validator);
}

/// A validator whose executors fail at the program "broken", and which can make more of them as
/// long as that says so of their number.
fn making(
    workers: usize,
    makes: impl Fn(usize) -> Result<(), ExecutorError> + Send + Sync + 'static,
) -> (Validator, Counter) {
    let made = Counter::default();
    let count = made.clone();
    let executors = move || {
        makes(count.up())?;
        Ok(Box::new(|run: &Run| {
            execution(run, &|code, _| match code {
                "broken" => Err("the engine says no".into()),
                _ => Ok(Ending::TestsPassed),
            })
        }) as Executor)
    };
    let validator = Validator::start(executors, "digest".into(), settings(workers));
    (validator.expect("it starts"), made)
}

#[test]
fn where_no_executor_can_be_made_everything_is_answered() {
    for panics in [false, true] {
        let (validator, made) = making(2, move |number| match number {
            0 | 1 => Ok(()),
            _ if panics => panic!("on purpose"),
            _ => Err("no more memory".into()),
        });
        // One is lost after the other, each with what it was at.
        for _ in 0..2 {
            assert_eq!(struck(&validator, &["broken"]), ["broken"]);
        }
        assert_eq!(struck(&validator, &["a", "b", "c"]), ["a", "b", "c"]);
        assert_eq!(struck(&validator, &["d"]), ["d"]);
        let stats = validator.stats();
        assert_eq!((stats.workers, stats.worker_restarts), (2, 2));
        // They rest between attempts: this many would take them half an hour.
        assert!(made.get() < 3000, "{}", made.get());
        shut_down(&validator);
    }
}

#[test]
fn an_executor_is_made_again_as_soon_as_that_is_possible() {
    let (validator, made) = making(1, |number| match number {
        1..4 => Err("no more memory".into()),
        _ => Ok(()),
    });
    assert_eq!(struck(&validator, &["broken"]), ["broken"]);
    while !struck(&validator, &["a"]).is_empty() {}
    assert_eq!(struck(&validator, &["b", "c"]), [""; 0]);
    assert_eq!((made.get(), validator.stats().worker_restarts), (5, 1));
    shut_down(&validator);
}

#[test]
fn who_has_no_executor_leaves_the_work_to_others() {
    let (validator, _) = making(2, |number| match number {
        0 | 1 => Ok(()),
        _ => Err("no more memory".into()),
    });
    let codes: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    let mut codes: Vec<_> = codes.iter().map(String::as_str).collect();
    codes.insert(7, "broken");
    assert_eq!(struck(&validator, &codes), ["broken"]);
    shut_down(&validator);
}

#[test]
fn an_executor_may_fail_while_it_is_taken_down() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }
    let made = Counter::default();
    let executors = move || {
        let bomb = (made.up() == 0).then(|| Bomb);
        Ok(Box::new(move |run: &Run| {
            let _ = &bomb;
            execution(run, &|code, _| match code {
                "broken" => panic!("on purpose"),
                _ => Ok(Ending::TestsPassed),
            })
        }) as Executor)
    };
    let validator = Validator::start(executors, "digest".into(), settings(1)).expect("it starts");
    assert_eq!(struck(&validator, &["a", "broken", "b"]), ["broken"]);
    shut_down(&validator);
}

#[test]
fn what_is_abandoned_gets_a_fault() {
    let (came, coming) = channel();
    let (open, opened) = channel::<()>();
    let gate = Mutex::new((came, opened));
    let validator = start(1, None, move |code, _| {
        let gate = gate.lock().unwrap_or_else(PoisonError::into_inner);
        gate.0.send(code.to_owned()).expect("the test waits");
        // Whoever comes after the test goes through.
        let _ = gate.1.recv();
        Ok(Ending::TestsPassed)
    });
    let submit = |code, checks| {
        let submission = passing(code, checks);
        let results = validator.submit(vec![submission], Tenant::default());
        results.expect("there is room")
    };
    let mut done = submit("done", 1);
    coming.recv().expect("a run");
    let mut begun = submit("begun", 3);
    let mut waiting = submit("waiting", 2);
    open.send(()).expect("a run waits");
    assert_eq!(coming.recv().as_deref(), Ok("begun"));
    assert_eq!(validator.abandon(), 5);
    assert!(!validator.is_accepting());
    let fault = Fault {
        code: FaultCode::Shutdown,
        message: "the service shut down before this was judged".into(),
        retryable: true,
    };
    for results in [&mut begun, &mut waiting] {
        let (_, result) = results.blocking_recv().expect("a result");
        assert_eq!(result.judged, Err(fault.clone()));
        assert_eq!(results.blocking_recv(), None);
    }
    let (_, result) = done.blocking_recv().expect("a result");
    assert_eq!(outcomes(&result), [Outcome::Pass]);
    // The verdict that comes after all is nobody's any more.
    open.send(()).expect("a run waits");
    shut_down(&validator);
    assert_eq!(validator.stats().executions, 2);
    assert_eq!(validator.abandon(), 0);
}
