//! What becomes of a program that is run for its own sake.

use super::runs::{Answer, Interrupted, Runs};
use crate::domain::{Ended, Exception, Program, ProgramRun};
use crate::sandbox::{Ending, Job, LimitKind};

/// Runs it as `__main__`.
pub(super) fn run(program: &Program, runs: &mut Runs<'_>) -> Result<ProgramRun, Interrupted> {
    let job = Job::Main {
        code: program.code.clone(),
        stdin: program.stdin.clone(),
        files: program.files.clone(),
        arguments: program.arguments.clone(),
        fetch: program.fetch.clone(),
    };
    Ok(told(&runs.candidate(job)?))
}

fn told(answer: &Answer) -> ProgramRun {
    let execution = &answer.execution;
    ProgramRun {
        ended: ended(&execution.ending, answer.backstop),
        stdout: execution.stdout.clone(),
        stderr: execution.stderr.clone(),
        fuel: execution.fuel,
        memory_bytes: execution.memory_bytes,
        files: execution.files.clone(),
        cached: answer.cached,
        warnings: execution.warnings.clone(),
    }
}

fn ended(ending: &Ending, backstop: bool) -> Ended {
    match ending {
        Ending::Exited { status, raised } => Ended::Exited {
            status: *status,
            exception: raised.as_ref().map(|raised| Exception {
                classes: raised.classes.clone(),
                message: raised.message.clone(),
            }),
        },
        Ending::Limit(LimitKind::Time) | Ending::Backstop => Ended::TimeLimit { backstop },
        Ending::Limit(LimitKind::Memory) => Ended::MemoryLimit,
        Ending::Limit(LimitKind::Output) => Ended::OutputLimit,
        Ending::Crashed { message } => Ended::Crashed {
            message: message.clone(),
        },
        // The sandbox takes care that a whole program ends otherwise; see `belongs` there.
        other => Ended::Crashed {
            message: format!("an ending of another kind of job: {other:?}"),
        },
    }
}
