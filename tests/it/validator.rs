//! The validator over executors that run nothing, so that each test says what runs end like.

mod faults;
mod outcomes;
mod programs;
mod scheduling;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use touchstone::domain::value::{Node, Value};
use touchstone::domain::{
    Check, CheckKind, Compare, Expected, Fuel, Isolation, Limits, Outcome, Submission,
    SubmissionResult, Text,
};
use touchstone::sandbox::{Ending, Execution, Expectation, Job, Phase, Raised, Run, Test};
use touchstone::validator::{Executor, ExecutorError, Settings, Tenant, Validator};

/// Starts a validator whose programs end as `ending` says of their code and of what is asked of
/// them: the call, the test code or the stdin.
fn start(
    workers: usize,
    cache_bytes: Option<u64>,
    ending: impl Fn(&str, &str) -> Result<Ending, ExecutorError> + Send + Sync + 'static,
) -> Validator {
    let ending = Arc::new(ending);
    let executors = move || {
        let ending = ending.clone();
        Ok(Box::new(move |run: &Run| execution(run, &*ending)) as Executor)
    };
    let settings = Settings {
        workers: NonZeroUsize::new(workers).expect("some workers"),
        queue_checks: 100,
        cache_bytes,
    };
    Validator::start(executors, "digest".into(), settings).expect("nothing here fails to start")
}

fn execution(
    run: &Run,
    ending: &dyn Fn(&str, &str) -> Result<Ending, ExecutorError>,
) -> Result<Execution, ExecutorError> {
    let (code, asked) = match &run.job {
        // Nothing here is looked at by whoever runs it.
        Job::Compile { source, .. } => return Ok(compiled(source.as_bytes())),
        Job::Main { code, stdin, .. } => (code, String::from_utf8_lossy(stdin)),
        Job::Call { code, call } => (code, call.to_string_lossy()),
        Job::Script { code, source, .. } => (code, source.to_string_lossy()),
        Job::Split { code, test } => match test {
            Test::Call { call, .. } => (code, call.to_string_lossy()),
            Test::Script { source, .. } => (code, source.to_string_lossy()),
        },
    };
    let code = code.to_string_lossy();
    let expected = expectation(run, ending)?;
    let ending = match &expected {
        Some(Err(message)) => Ending::NoExpectation {
            message: message.clone(),
        },
        _ => ending(&code, &asked)?,
    };
    Ok(Execution {
        ending,
        // Programs of these tests print their own text.
        stdout: code.as_bytes().to_vec(),
        stderr: Vec::new(),
        fuel: Fuel(7),
        memory_bytes: 9,
        warnings: Vec::new(),
        expected: expected.and_then(Result::ok),
        files: Vec::new(),
    })
}

fn compiled(code: &[u8]) -> Execution {
    Execution {
        ending: Ending::Compiled { code: code.into() },
        stdout: Vec::new(),
        stderr: Vec::new(),
        fuel: Fuel(1),
        memory_bytes: 0,
        warnings: Vec::new(),
        expected: None,
        files: Vec::new(),
    }
}

/// What a split call expects: what its expression gives without a program.
fn expectation(
    run: &Run,
    ending: &dyn Fn(&str, &str) -> Result<Ending, ExecutorError>,
) -> Result<Option<Result<Expectation, String>>, ExecutorError> {
    let Job::Split {
        test: Test::Call {
            expected: Some(expression),
            ..
        },
        ..
    } = &run.job
    else {
        return Ok(None);
    };
    Ok(Some(match ending("", &expression.to_string_lossy())? {
        Ending::Returned { value, repr } => Ok(Expectation { value, repr }),
        Ending::Raised { raised, .. } => Err(raised.message),
        other => Err(format!("{other:?}")),
    }))
}

fn submission(code: &str, reference: Option<&str>, checks: Vec<Check>) -> Submission {
    Submission {
        id: code.into(),
        problem: None,
        code: code.into(),
        reference: reference.map(|reference| Arc::new(reference.into())),
        checks: checks.into_iter().map(Arc::new).collect(),
        limits: Limits::default(),
        compare: Compare::default(),
        isolation: Isolation::Split,
        stop_on_failure: false,
        seed: 0,
    }
}

fn check_of(kind: CheckKind) -> Check {
    Check {
        id: "check".into(),
        kind,
        trusted: false,
    }
}

fn call(call: &str, expected: Expected) -> Check {
    let call = call.into();
    check_of(CheckKind::Call { call, expected })
}

fn script(source: &str) -> Check {
    check_of(CheckKind::Script {
        source: source.into(),
        entry_point: None,
    })
}

fn stdio(stdin: &str, expected: Option<&str>) -> CheckKind {
    CheckKind::Stdio {
        stdin: stdin.into(),
        expected: expected.map(Text::from),
        exit_status: None,
        files: Vec::new(),
        checker: None,
    }
}

fn value(number: i64) -> Ending {
    Ending::Returned {
        value: Value::of(Node::Int(number)),
        repr: number.to_string(),
    }
}

fn raised(phase: Phase, class: &str) -> Ending {
    let raised = exception(class);
    Ending::Raised { phase, raised }
}

fn exception(class: &str) -> Raised {
    Raised {
        classes: vec![class.into(), "Exception".into(), "BaseException".into()],
        message: format!("{class}: why"),
    }
}

fn results(validator: &Validator, submissions: Vec<Submission>) -> Vec<SubmissionResult> {
    let mut results = validator
        .submit(submissions, Tenant::default())
        .expect("there is room");
    let mut sorted: Vec<_> = std::iter::from_fn(|| results.blocking_recv()).collect();
    sorted.sort_by_key(|(index, _)| *index);
    sorted.into_iter().map(|(_, result)| result).collect()
}

fn outcomes(result: &SubmissionResult) -> Vec<Outcome> {
    let judged = result.judged.as_ref().expect("no fault");
    judged.verdicts.iter().map(|v| v.outcome).collect()
}

#[derive(Clone, Default)]
struct Counter(Arc<AtomicUsize>);

impl Counter {
    fn up(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}
