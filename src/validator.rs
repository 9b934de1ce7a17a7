//! Judges submissions: schedules their checks on workers, and remembers what was run.
//!
//! * [`Validator::submit`] takes submissions or says at once why not; [`Results`] gives what became
//!   of each, as soon as it is known.
//! * [`Validator::submit_programs`] takes programs that are run for their own sake, by the same
//!   queue, workers and memory.
//! * `queue` holds what waits, `worker` takes it, `judge` decides it, `runs` and `memory` spare
//!   runs that have happened already.
//!
//! Knows nothing of HTTP, nor of how a program is run: it is given [`Executor`]s.

mod fault;
mod judge;
mod key;
mod measures;
mod memory;
mod program;
mod queue;
mod request;
mod runs;
mod spans;
mod worker;

#[doc(hidden)]
pub use fault::FaultPoint;
pub use measures::Measures;
pub use spans::SPANS;

use crate::domain::{Program, ProgramResult, Submission, SubmissionResult};
use crate::sandbox::{Execution, Run};
use fault::Faults;
use memory::Memory;
use queue::Queue;
use request::{Asked, Programs, Request, Submissions};
use runs::Bench;
use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, mpsc};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use worker::Shop;

/// Runs one program after the other, each in a fresh guest. Fails only by a fault of ours.
pub type Executor = Box<dyn FnMut(&Run) -> Result<Execution, ExecutorError> + Send>;

/// Why a program could not be run.
pub type ExecutorError = Box<dyn std::error::Error + Send + Sync>;

/// A handle on the workers and their queue; the last one takes them down.
#[derive(Clone)]
pub struct Validator {
    owner: Arc<Owner>,
    /// How long what it is given may have to wait for its turn; for ever where absent.
    patience: Option<Duration>,
}

/// How large the validator is.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Threads that judge; each runs one program at a time.
    pub workers: NonZeroUsize,
    /// Checks that are accepted and not judged yet, at most.
    pub queue_checks: usize,
    /// What executions may be remembered in; `None` remembers nothing beyond a request.
    pub cache_bytes: Option<u64>,
}

/// Whose submissions these are: what is remembered for one is not told to another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tenant(pub Arc<str>);

impl Default for Tenant {
    fn default() -> Self {
        Tenant("".into())
    }
}

/// Why submissions are not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The queue has no room for them now.
    #[error("the queue is full")]
    Full {
        /// When it may have.
        retry_after: Duration,
    },
    /// The queue never has room for as many.
    #[error("{checks} checks are more than the queue takes, which is {capacity}")]
    TooLarge {
        /// Checks of all the submissions.
        checks: usize,
        /// Checks that the queue takes.
        capacity: usize,
    },
    /// Nothing is taken any more.
    #[error("the validator is shutting down")]
    ShuttingDown,
}

/// What the validator is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Checks that were accepted and are not judged yet.
    pub queued_checks: usize,
    /// Checks that may be accepted and not judged yet.
    pub capacity: usize,
    /// Workers that are alive.
    pub workers: usize,
    /// Programs that were run.
    pub executions: u64,
    /// Programs that were not, because an identical one was.
    pub cache_hits: u64,
    /// Executors that failed, or whose worker died: each was or is being replaced.
    pub worker_restarts: u64,
    /// Executions that are remembered, about: an insertion shows a little later.
    pub cache_executions: u64,
    /// What they take, about.
    pub cache_bytes: u64,
    /// What they may take; 0 without a cache.
    pub cache_capacity_bytes: u64,
    /// Executions that were forgotten for want of room.
    pub cache_evictions: u64,
}

impl Validator {
    /// Starts the workers, each with an executor of its own, made on its thread. `digest` names
    /// the runtime: executions of one are not remembered for another.
    pub fn start(
        executors: impl Fn() -> Result<Executor, ExecutorError> + Send + Sync + 'static,
        digest: String,
        settings: Settings,
    ) -> Result<Validator, ExecutorError> {
        Self::start_workers(executors, digest, settings, Arc::new(|_| {}))
    }

    /// The same with workers that call `stumble` at every fault point, where it may panic: for
    /// tests of what becomes of their work.
    #[doc(hidden)]
    pub fn start_stumbling(
        executors: impl Fn() -> Result<Executor, ExecutorError> + Send + Sync + 'static,
        digest: String,
        settings: Settings,
        stumble: impl Fn(FaultPoint) + Send + Sync + 'static,
    ) -> Result<Validator, ExecutorError> {
        Self::start_workers(executors, digest, settings, Arc::new(stumble))
    }

    fn start_workers(
        executors: impl Fn() -> Result<Executor, ExecutorError> + Send + Sync + 'static,
        digest: String,
        settings: Settings,
        faults: Faults,
    ) -> Result<Validator, ExecutorError> {
        let workers = settings.workers.get();
        let shop = Arc::new(Shop {
            queue: Queue::new(settings.queue_checks, workers, faults.clone()),
            bench: Bench::new(digest, settings.cache_bytes.map(Memory::new)),
            executors: Box::new(executors),
            restarts: 0.into(),
            alive: tokio::sync::watch::Sender::new(0),
            able: 0.into(),
            faults,
        });
        // Closes the queue, and so ends the workers, if one of them cannot start.
        let validator = Validator {
            owner: Arc::new(Owner(shop)),
            patience: None,
        };
        let (ready, started) = mpsc::channel();
        for number in 0..workers {
            worker::start(&validator.owner.0, number, ready.clone())?;
        }
        drop(ready);
        for _ in 0..workers {
            started.recv()??;
        }
        Ok(validator)
    }

    /// The same, but it turns away what would have to wait for longer until its first check is judged,
    /// as far as can be told from what others had to.
    #[must_use]
    pub fn patient(&self, patience: Duration) -> Validator {
        Validator {
            owner: Arc::clone(&self.owner),
            patience: Some(patience),
        }
    }

    /// Takes all of the submissions or none.
    pub fn submit(
        &self,
        submissions: Vec<Submission>,
        tenant: Tenant,
    ) -> Result<Results, Rejected> {
        let checks = submissions.iter().map(|s| s.checks.len()).sum();
        let missing = submissions.len();
        self.accept(checks, missing, tenant, |sender, faults| {
            Asked::Verdicts(Submissions::new(submissions, sender, faults))
        })
    }

    /// Takes all of the programs or none; each counts as a check.
    pub fn submit_programs(
        &self,
        programs: Vec<Program>,
        tenant: Tenant,
    ) -> Result<Results<ProgramResult>, Rejected> {
        let count = programs.len();
        self.accept(count, count, tenant, |sender, faults| {
            Asked::Runs(Programs::new(programs, sender, faults))
        })
    }

    fn accept<T>(
        &self,
        checks: usize,
        missing: usize,
        tenant: Tenant,
        asked: impl FnOnce(UnboundedSender<(usize, T)>, Faults) -> Asked,
    ) -> Result<Results<T>, Rejected> {
        let shop = &self.owner.0;
        let (sender, results) = tokio::sync::mpsc::unbounded_channel();
        let remember = shop.bench.cache.is_none();
        let request = shop.queue.push(checks, self.patience, || {
            let asked = asked(sender, shop.faults.clone());
            Arc::new(Request::new(asked, tenant, remember))
        })?;
        Ok(Results {
            results,
            missing,
            request: Arc::downgrade(&request),
            shop: shop.clone(),
        })
    }

    /// Whether submissions have a chance to be taken: false once it is shutting down.
    pub fn is_accepting(&self) -> bool {
        !self.owner.0.queue.is_closed()
    }

    /// What it is doing.
    pub fn stats(&self) -> Stats {
        let shop = &self.owner.0;
        let cache = shop.bench.cache.as_ref().map(Memory::stats);
        let cache = cache.unwrap_or_default();
        Stats {
            queued_checks: shop.queue.unfinished(),
            capacity: shop.queue.capacity(),
            workers: *shop.alive.borrow(),
            executions: shop.bench.executions.load(Ordering::Relaxed),
            cache_hits: shop.bench.cache_hits.load(Ordering::Relaxed),
            worker_restarts: shop.restarts.load(Ordering::Relaxed),
            cache_executions: cache.executions,
            cache_bytes: cache.bytes,
            cache_capacity_bytes: cache.capacity_bytes,
            cache_evictions: cache.evictions,
        }
    }

    /// What its workers have counted and measured.
    pub fn measures(&self) -> &Measures {
        &self.owner.0.bench.measures
    }

    /// Takes nothing more; resolves when all that was accepted is answered and the workers have
    /// ended.
    pub async fn shutdown(&self) {
        let shop = &self.owner.0;
        shop.queue.close();
        // The sender is ours, so there is always one.
        let _ = shop.alive.subscribe().wait_for(|alive| *alive == 0).await;
    }

    /// Takes nothing more, and gives every submission that is not answered yet a fault, the ones
    /// that are being run included: for when [`Validator::shutdown`] takes too long. Tells how
    /// many checks were left.
    pub fn abandon(&self) -> usize {
        self.owner.0.queue.abandon(&fault::shutdown())
    }
}

/// Held by handles, not by workers: these end when the last handle is gone.
struct Owner(Arc<Shop>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.queue.close();
    }
}

/// The results of one call of [`Validator::submit`] or [`Validator::submit_programs`], in the order
/// in which they become known. Dropping it cancels what is not known yet.
pub struct Results<T = SubmissionResult> {
    results: UnboundedReceiver<(usize, T)>,
    missing: usize,
    /// The queue and the workers hold it: without them nobody could answer, and the channel ends.
    request: Weak<Request>,
    shop: Arc<Shop>,
}

impl<T> Results<T> {
    /// The next result, with the index of its submission or program; `None` after the last.
    pub async fn recv(&mut self) -> Option<(usize, T)> {
        if self.missing == 0 {
            return None;
        }
        let result = self.results.recv().await?;
        self.missing -= 1;
        Some(result)
    }

    /// The same, for callers that are not asynchronous.
    ///
    /// # Panics
    /// Within an asynchronous runtime.
    pub fn blocking_recv(&mut self) -> Option<(usize, T)> {
        if self.missing == 0 {
            return None;
        }
        let result = self.results.blocking_recv()?;
        self.missing -= 1;
        Some(result)
    }
}

impl<T> Drop for Results<T> {
    fn drop(&mut self) {
        if self.missing > 0
            && let Some(request) = self.request.upgrade()
        {
            request.cancel();
            self.shop.queue.forget(&request);
        }
    }
}

/// A lock whose holder panicked is taken all the same: no state here is left half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
