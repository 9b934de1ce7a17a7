//! Threads that judge: each owns an executor and takes tasks until the queue is closed and empty.

use super::judge::{judge, skipped};
use super::queue::Queue;
use super::request::{Request, Task};
use super::runs::{Bench, Interrupted, Runs};
use super::{Executor, ExecutorError};
use crate::domain::{Executions, Submission, Verdict};
use crate::sandbox::THREAD_STACK_BYTES;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Instant;
use tokio::sync::watch;

/// What the workers share.
pub(super) struct Shop {
    pub queue: Queue,
    pub bench: Bench,
    pub executors: Box<dyn Fn() -> Result<Executor, ExecutorError> + Send + Sync>,
    /// Executors that were replaced after a failure.
    pub restarts: AtomicU64,
    /// Workers that have not ended.
    pub alive: watch::Sender<usize>,
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
        match (shop.executors)() {
            Ok(executor) => {
                let _ = ready.send(Ok(()));
                // Whoever starts us waits until all have spoken.
                drop(ready);
                work(&shop, executor);
            }
            Err(error) => {
                let _ = ready.send(Err(error));
            }
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

fn work(shop: &Shop, executor: Executor) {
    let mut place = Place {
        shop,
        executor: Some(executor),
    };
    while let Some((request, task)) = shop.queue.pop() {
        let since = Instant::now();
        place.perform(&request, &task);
        shop.queue.finish(task.checks.len(), since.elapsed());
    }
}

/// A worker's place; the executor is missing after one has failed, until the next is needed.
struct Place<'a> {
    shop: &'a Shop,
    executor: Option<Executor>,
}

impl Place<'_> {
    /// Judges the task's checks. All of them are answered for: with a verdict or a fault, unless
    /// nobody waits for them.
    fn perform(&mut self, request: &Request, task: &Task) {
        let submission = request.submission(task.submission);
        let mut failed = false;
        for check in task.checks.clone() {
            let left = task.checks.end - check;
            if request.is_cancelled() {
                return;
            }
            if request.is_faulty(task.submission) {
                return request.fail(task.submission, left);
            }
            if failed && submission.stop_on_failure {
                let verdict = skipped(submission, &submission.checks[check]);
                request.settle(task.submission, check, verdict, Executions::default());
                continue;
            }
            match self.check(request, submission, check) {
                Ok((verdict, executions)) => {
                    failed |= verdict.outcome.is_failure();
                    request.settle(task.submission, check, verdict, executions);
                }
                Err(Interrupted::Cancelled) => return,
                Err(Interrupted::Failed(error)) => {
                    tracing::error!(error = %error, "a check could not be judged");
                    return request.fail(task.submission, left);
                }
            }
        }
    }

    /// Judges one check. A panic is a failure like any other, and takes the executor with it.
    fn check(
        &mut self,
        request: &Request,
        submission: &Submission,
        check: usize,
    ) -> Result<(Verdict, Executions), Interrupted> {
        let mut executor = match self.executor.take() {
            Some(executor) => executor,
            None => (self.shop.executors)().map_err(Interrupted::Failed)?,
        };
        let judged = catch_unwind(AssertUnwindSafe(|| {
            let mut runs = Runs::new(&self.shop.bench, request, submission, &mut executor);
            let verdict = judge(submission, &submission.checks[check], &mut runs)?;
            Ok((verdict, runs.executions()))
        }));
        let judged =
            judged.unwrap_or_else(|_| Err(Interrupted::Failed("a worker panicked".into())));
        if let Err(Interrupted::Failed(_)) = &judged {
            self.shop.restarts.fetch_add(1, Ordering::Relaxed);
            // What has failed once may fail again while it is taken down.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(executor)));
        } else {
            self.executor = Some(executor);
        }
        judged
    }
}
