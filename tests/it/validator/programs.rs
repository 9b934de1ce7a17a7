//! Programs that are run for their own sake take the way that checks take.

use super::{Counter, execution, value};
use std::num::NonZeroUsize;
use std::sync::Arc;
use touchstone::domain::{Ended, File, Limits, Program, ProgramResult};
use touchstone::sandbox::{Ending, Execution, Job, LimitKind, Raised, Run};
use touchstone::validator::{Executor, ExecutorError, Rejected, Settings, Tenant, Validator};

type IsIt = fn(&Ended) -> bool;
type End = dyn Fn(&Run) -> Result<Ending, ExecutorError> + Send + Sync;

fn start(
    cache_bytes: Option<u64>,
    end: impl Fn(&Run) -> Result<Ending, ExecutorError> + Send + Sync + 'static,
) -> Validator {
    let end: Arc<End> = Arc::new(end);
    let executors = move || {
        let end = end.clone();
        Ok(Box::new(move |run: &Run| ended(run, &*end)) as Executor)
    };
    let settings = Settings {
        workers: NonZeroUsize::MIN,
        queue_checks: 4,
        cache_bytes,
    };
    Validator::start(executors, "digest".into(), settings).expect("nothing here fails to start")
}

/// Gives back a file for every one that is asked for.
fn ended(run: &Run, end: &End) -> Result<Execution, ExecutorError> {
    let Job::Main { fetch, .. } = &run.job else {
        return Err("not a program".into());
    };
    let files = fetch.iter().map(|path| File {
        path: path.clone(),
        contents: b"!".to_vec(),
    });
    Ok(Execution {
        files: files.collect(),
        ending: end(run)?,
        ..execution(run, &|_, _| Ok(value(0)))?
    })
}

fn program(code: &str) -> Program {
    Program {
        code: code.into(),
        stdin: Vec::new(),
        files: Vec::new(),
        arguments: Vec::new(),
        fetch: Vec::new(),
        limits: Limits::default(),
        seed: 0,
    }
}

fn fetching(code: &str, paths: &[&str]) -> Program {
    Program {
        fetch: paths.iter().map(|path| (*path).to_owned()).collect(),
        ..program(code)
    }
}

fn results(validator: &Validator, programs: Vec<Program>) -> Vec<ProgramResult> {
    let mut results = validator
        .submit_programs(programs, Tenant::default())
        .expect("there is room");
    let mut sorted: Vec<_> = std::iter::from_fn(|| results.blocking_recv()).collect();
    sorted.sort_by_key(|(index, _)| *index);
    sorted.into_iter().map(|(_, result)| result).collect()
}

fn exited(status: i32, raised: Option<&str>) -> Ending {
    let raised = raised.map(|class| Raised {
        classes: vec![class.into()],
        message: format!("{class}: why"),
    });
    Ending::Exited { status, raised }
}

#[test]
fn endings() {
    let crash = || Ending::Crashed {
        message: "aborted".into(),
    };
    let rows: [(Ending, IsIt); 8] = [
        (exited(0, None), |ended| {
            matches!(
                ended,
                Ended::Exited {
                    status: 0,
                    exception: None
                }
            )
        }),
        (exited(3, None), |ended| {
            matches!(
                ended,
                Ended::Exited {
                    status: 3,
                    exception: None
                }
            )
        }),
        (exited(1, Some("MemoryError")), Ended::is_out_of_memory),
        (Ending::Limit(LimitKind::Time), |ended| {
            *ended == Ended::TimeLimit { backstop: false }
        }),
        (Ending::Backstop, |ended| {
            *ended == Ended::TimeLimit { backstop: true }
        }),
        (Ending::Limit(LimitKind::Memory), |ended| {
            *ended == Ended::MemoryLimit
        }),
        (Ending::Limit(LimitKind::Output), |ended| {
            *ended == Ended::OutputLimit
        }),
        (crash(), |ended| {
            *ended
                == Ended::Crashed {
                    message: "aborted".into(),
                }
        }),
    ];
    for (ending, is_it) in rows {
        let told = ending.clone();
        let validator = start(None, move |_| Ok(ending.clone()));
        let run = results(&validator, vec![program("a")])
            .remove(0)
            .expect("no fault");
        assert!(is_it(&run.ended), "{told:?}: {:?}", run.ended);
        assert_eq!(
            (run.stdout, run.fuel.0, run.memory_bytes),
            (b"a".to_vec(), 7, 9)
        );
    }
}

#[test]
fn the_backstop_gets_a_second_chance() {
    let runs = Counter::default();
    let counted = runs.clone();
    let validator = start(Some(1 << 20), move |_| {
        Ok(match counted.up() {
            0 => Ending::Backstop,
            _ => exited(0, None),
        })
    });
    let run = results(&validator, vec![program("a")])
        .remove(0)
        .expect("no fault");
    assert_eq!(
        run.ended,
        Ended::Exited {
            status: 0,
            exception: None
        }
    );
    assert_eq!(runs.get(), 2);
}

/// Equal but for one thing, programs are run each; equal in all, once.
#[test]
fn what_names_a_run() {
    let runs = Counter::default();
    let counted = runs.clone();
    let validator = start(Some(1 << 20), move |_| {
        counted.up();
        Ok(exited(0, None))
    });
    let file = |path: &str| File {
        path: path.into(),
        contents: b"x".to_vec(),
    };
    let programs = [
        program("a"),
        program("b"),
        fetching("a", &["x"]),
        fetching("a", &["x", "y"]),
        fetching("a", &["xy"]),
        Program {
            files: vec![file("x")],
            ..program("a")
        },
        Program {
            arguments: vec!["x".into()],
            ..program("a")
        },
        Program {
            stdin: b"x".to_vec(),
            ..program("a")
        },
        Program {
            seed: 1,
            ..program("a")
        },
    ];
    for (count, program) in programs.iter().enumerate() {
        for cached in [false, true] {
            let run = results(&validator, vec![program.clone()])
                .remove(0)
                .expect("no fault");
            assert_eq!(run.cached, cached, "{program:?}");
            let told: Vec<&String> = run.files.iter().map(|file| &file.path).collect();
            assert_eq!(told, program.fetch.iter().collect::<Vec<_>>());
        }
        assert_eq!(runs.get(), count + 1, "{program:?}");
    }
}

#[test]
fn more_programs_than_places() {
    let validator = start(None, |_| Ok(exited(0, None)));
    let rejected = validator.submit_programs(vec![program("a"); 5], Tenant::default());
    let expect = Rejected::TooLarge {
        checks: 5,
        capacity: 4,
    };
    assert_eq!(rejected.err(), Some(expect));
    assert_eq!(results(&validator, vec![program("a"); 4]).len(), 4);
}

#[test]
fn a_fault_strikes_its_own_program() {
    let validator = start(None, |run| match &run.job {
        Job::Main { code, .. } if code.as_bytes() == b"bad" => Err("broken".into()),
        Job::Main { code, .. } if code.as_bytes() == b"worse" => panic!("on purpose"),
        _ => Ok(exited(0, None)),
    });
    let programs = ["a", "bad", "b", "worse"].map(program).to_vec();
    let faulty: Vec<bool> = results(&validator, programs)
        .iter()
        .map(Result::is_err)
        .collect();
    assert_eq!(faulty, [false, true, false, true]);
    assert_eq!(validator.stats().worker_restarts, 2);
}

#[test]
fn what_is_abandoned_gets_a_fault() {
    let (entered, begun) = std::sync::mpsc::channel();
    let validator = start(None, move |_| {
        let _ = entered.send(());
        loop {
            std::thread::park();
        }
    });
    let programs = vec![program("a"), program("b")];
    let mut results = validator
        .submit_programs(programs, Tenant::default())
        .expect("there is room");
    begun.recv().expect("one is run");
    assert_eq!(validator.abandon(), 2);
    for _ in 0..2 {
        let (_, result) = results.blocking_recv().expect("an answer");
        let code = result.expect_err("a fault").code;
        assert_eq!(code, touchstone::domain::FaultCode::Shutdown);
    }
    assert!(
        validator
            .submit_programs(vec![program("a")], Tenant::default())
            .is_err()
    );
}
