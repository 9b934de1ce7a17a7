//! What it costs to keep the test apart from the program.

use super::sample::{Sample, Series};
use super::{PROGRAM, in_sandbox, main_job};
use crate::config::Config;
use crate::domain::Limits;
use crate::sandbox::{Compiled, Ending, Execution, Job, Run, Test};
use anyhow::bail;
use std::time::Instant;

/// What HumanEval's benchmark checks of its first task.
const TEST: &str = "

METADATA = {
    'author': 'jt',
    'dataset': 'test'
}


def check(candidate):
    assert candidate([1.0, 2.0, 3.9, 4.0, 5.0, 2.2], 0.3) == True
    assert candidate([1.0, 2.0, 3.9, 4.0, 5.0, 2.2], 0.05) == False
    assert candidate([1.0, 2.0, 5.9, 4.0, 5.0], 0.95) == True
    assert candidate([1.0, 2.0, 5.9, 4.0, 5.0], 0.8) == False
    assert candidate([1.0, 2.0, 3.0, 4.0, 5.0, 2.0], 0.1) == True
    assert candidate([1.1, 2.2, 3.1, 4.1, 5.1], 1.0) == True
    assert candidate([1.1, 2.2, 3.1, 4.1, 5.1], 0.5) == False

";

const ENTRY_POINT: &str = "has_close_elements";

const CALL: &str = "has_close_elements([1.0, 2.0, 3.9, 4.0, 5.0, 2.2], 0.3)";

/// The program of a `stdio` check that does what the call does.
const PRINT: &str = "print(has_close_elements([1.0, 2.0, 3.9, 4.0, 5.0, 2.2], 0.3))\n";

/// One thread's sandbox: a script split and shared, a call and the program that prints its value.
pub(super) fn measure(config: &Config, runs: usize) -> anyhow::Result<Vec<Sample>> {
    /// The first runs touch pages and code for the first time.
    const WARM: usize = 20;
    let runtime = crate::cli::runtime::load(config)?;
    let cases = cases();
    let mut series: Vec<Series> = cases.iter().map(|(name, _)| Series::new(*name)).collect();
    let times = in_sandbox(&runtime, |sandbox| {
        let mut times = vec![Vec::with_capacity(runs); cases.len()];
        // In turns, so that a slow moment of the machine strikes every case alike.
        for number in 0..WARM + runs {
            for ((_, run), times) in cases.iter().zip(&mut times) {
                let started = Instant::now();
                let execution = sandbox.run(run)?;
                let time = started.elapsed().as_secs_f64() * 1e6;
                expect_success(&execution)?;
                if number >= WARM {
                    times.push(time);
                }
            }
        }
        Ok(times)
    })?;
    for (series, times) in series.iter_mut().zip(times) {
        series.extend(times);
    }
    Ok(series.into_iter().map(Series::sample).collect())
}

/// The measured program without asserts of its own.
fn program() -> &'static str {
    PROGRAM
        .split_once("\nassert")
        .map_or(PROGRAM, |(program, _)| program)
}

fn cases() -> Vec<(&'static str, Run)> {
    let run = |job| Run {
        job,
        limits: Limits::default(),
        seed: 0,
        compiled: Compiled::default(),
    };
    let split = |test| Job::Split {
        code: program().into(),
        test,
    };
    let script = Test::Script {
        source: TEST.into(),
        entry_point: Some(ENTRY_POINT.to_owned()),
    };
    let call = Test::Call {
        call: CALL.into(),
        expected: Some("True".into()),
    };
    let shared = Job::Script {
        code: program().into(),
        source: TEST.into(),
        entry_point: Some(ENTRY_POINT.to_owned()),
    };
    vec![
        ("judging/script-split", run(split(script))),
        ("judging/script-shared", run(shared)),
        ("judging/call", run(split(call))),
        (
            "judging/stdio",
            main_job(&format!("{}\n{PRINT}", program())),
        ),
    ]
}

fn expect_success(execution: &Execution) -> anyhow::Result<()> {
    match &execution.ending {
        Ending::TestsPassed | Ending::Returned { .. } | Ending::Exited { status: 0, .. } => Ok(()),
        other => bail!("a measured check ended with {other:?}"),
    }
}
