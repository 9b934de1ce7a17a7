//! Threads that judge: each owns an executor and takes tasks until the queue is closed and empty.
//!
//! Nothing that fails or panics ends a worker: what it was at gets a fault, and it goes on with a
//! new executor. While none can be made, it leaves the work to the others.

use super::fault::{self, FaultPoint, Faults};
use super::judge::{judge, skipped};
use super::program;
use super::queue::Queue;
use super::request::{Asked, Programs, Request, Submissions, Task};
use super::runs::{Bench, Interrupted, Runs};
use super::spans;
use super::{Executor, ExecutorError};
use crate::domain::{Executions, Limits};
use crate::sandbox::THREAD_STACK_BYTES;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;
use tokio::sync::watch;

/// How long a worker that cannot go on rests before it tries again: twice as long each time, from
/// what nobody notices to what costs nothing. Arbitrary beyond that.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What the workers share.
pub(super) struct Shop {
    pub queue: Queue,
    pub bench: Bench,
    pub executors: Box<dyn Fn() -> Result<Executor, ExecutorError> + Send + Sync>,
    /// Executors that failed, or whose worker died.
    pub restarts: AtomicU64,
    /// Workers that have not ended.
    pub alive: watch::Sender<usize>,
    /// Workers that have an executor.
    pub able: AtomicUsize,
    pub faults: Faults,
}

/// Starts a worker; it says on `ready` whether it has an executor.
pub(super) fn start(
    shop: &Arc<Shop>,
    number: usize,
    ready: Sender<Result<(), ExecutorError>>,
) -> std::io::Result<()> {
    let shop = shop.clone();
    shop.alive.send_modify(|alive| *alive += 1);
    let leaving = Leaving(shop.clone());
    let main = move || {
        let _leaving = leaving;
        let mut place = Place {
            shop: &shop,
            executor: None,
        };
        let equipped = place.equip();
        let works = equipped.is_ok();
        let _ = ready.send(equipped);
        // Whoever starts us waits until all have spoken.
        drop(ready);
        if works {
            place.work();
        }
    };
    let builder = thread::Builder::new().name(format!("worker-{number}"));
    builder.stack_size(THREAD_STACK_BYTES).spawn(main).map(drop)
}

/// Counts the worker out, however it ends.
struct Leaving(Arc<Shop>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.alive.send_modify(|alive| *alive -= 1);
    }
}

/// A worker's place; the executor is missing after one has failed, until another can be made.
struct Place<'a> {
    shop: &'a Shop,
    executor: Option<Executor>,
}

impl Place<'_> {
    /// Performs tasks until the queue is closed and empty.
    fn work(&mut self) {
        // A panic out here is none of a task's: it may well come again at once.
        while catch_unwind(AssertUnwindSafe(|| self.perform_all())).is_err() {
            tracing::error!("a worker died and is replaced");
            self.lose_executor();
            if !self.shop.queue.rest(FIRST_PAUSE) {
                return;
            }
        }
    }

    fn perform_all(&mut self) {
        while self.wait_for_executor()
            && let Some(taken) = self.shop.queue.pop()
        {
            let perform = || self.perform(&taken.request, &taken.task);
            if catch_unwind(AssertUnwindSafe(perform)).is_err() {
                tracing::error!("a worker died and is replaced");
                self.lose_executor();
            }
        }
    }

    /// Tries until there is an executor; gives false if the work ends before.
    fn wait_for_executor(&mut self) -> bool {
        let mut pause = FIRST_PAUSE;
        while let Err(error) = self.equip() {
            tracing::error!(%error, "an executor cannot be made");
            if self.shop.able.load(Ordering::Relaxed) == 0 {
                // Nobody can judge: whoever waits is told so rather than kept waiting.
                self.shop.queue.fail_waiting(&fault::engine());
            }
            if !self.shop.queue.rest(pause) {
                return false;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        true
    }

    /// Makes an executor, unless there is one.
    fn equip(&mut self) -> Result<(), ExecutorError> {
        if self.executor.is_none() {
            let made = catch_unwind(AssertUnwindSafe(|| (self.shop.executors)()));
            let made = made.unwrap_or_else(|_| Err("it panicked".into()));
            self.executor = Some(made?);
            self.shop.able.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn lose_executor(&mut self) {
        self.shop.restarts.fetch_add(1, Ordering::Relaxed);
        if let Some(executor) = self.executor.take() {
            self.shop.able.fetch_sub(1, Ordering::Relaxed);
            // What has failed once may fail again while it is taken down.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(executor)));
        }
    }

    /// Does the task, as far as that goes: what is not known then is failed when the task goes,
    /// unless nobody waits for it.
    fn perform(&mut self, request: &Request, task: &Task) {
        (self.shop.faults)(FaultPoint::Begin);
        let measures = &self.shop.bench.measures;
        let waited = request.accepted.elapsed();
        measures.waited(waited);
        match &request.asked {
            Asked::Verdicts(submissions) => self.judge(request, submissions, task, waited),
            Asked::Runs(programs) => {
                programs.begin(task.item, waited);
                self.run(request, programs, task.item);
            }
        }
    }

    /// Judges checks in order.
    fn judge(
        &mut self,
        request: &Request,
        submissions: &Submissions,
        task: &Task,
        waited: Duration,
    ) {
        let measures = &self.shop.bench.measures;
        let of = submissions.span(task.item);
        let submission = submissions.submission(task.item);
        let settings = (submission.limits, submission.seed);
        let mut failed = false;
        for check in task.checks.clone() {
            if request.is_cancelled() || submissions.is_faulty(task.item) {
                return;
            }
            let span = spans::check(&of, check, waited);
            if failed && submission.stop_on_failure {
                let verdict = skipped(submission, &submission.checks[check]);
                spans::judged(&span, &verdict);
                drop(span);
                measures.judged(verdict.outcome);
                submissions.settle(task.item, check, verdict, Executions::default());
                continue;
            }
            let judged = self.with_runs(request, settings, |runs| {
                judge(submission, &submission.checks[check], runs)
            });
            match judged {
                Ok((verdict, executions)) => {
                    failed |= verdict.outcome.is_failure();
                    measures.judged(verdict.outcome);
                    spans::judged(&span, &verdict);
                    // Before the answer, which ends the submission's.
                    drop(span);
                    submissions.settle(task.item, check, verdict, executions);
                }
                Err(Interrupted::Cancelled) => return,
                Err(Interrupted::Failed(error)) => {
                    tracing::error!(%error, "a check could not be judged");
                    return;
                }
            }
        }
    }

    /// Runs a program for its own sake.
    fn run(&mut self, request: &Request, programs: &Programs, index: usize) {
        if request.is_cancelled() || programs.is_answered(index) {
            return;
        }
        let program = programs.program(index);
        let settings = (program.limits, program.seed);
        match self.with_runs(request, settings, |runs| program::run(program, runs)) {
            Ok((run, _)) => programs.answer(index, Ok(run)),
            Err(Interrupted::Cancelled) => {}
            Err(Interrupted::Failed(error)) => {
                tracing::error!(%error, "a program could not be run")
            }
        }
    }

    /// Does what needs runs. A panic is a failure like any other, and takes the executor with it.
    fn with_runs<T>(
        &mut self,
        request: &Request,
        settings: (Limits, u64),
        work: impl FnOnce(&mut Runs<'_>) -> Result<T, Interrupted>,
    ) -> Result<(T, Executions), Interrupted> {
        let shop = self.shop;
        let Some(executor) = &mut self.executor else {
            return Err(Interrupted::Failed("there is no executor".into()));
        };
        let done = catch_unwind(AssertUnwindSafe(|| {
            let mut runs = Runs::new(&shop.bench, request, settings, executor);
            let done = work(&mut runs)?;
            Ok((done, runs.executions()))
        }));
        let done = done.unwrap_or_else(|_| Err(Interrupted::Failed("a worker panicked".into())));
        if let Err(Interrupted::Failed(_)) = &done {
            self.lose_executor();
        }
        done
    }
}
