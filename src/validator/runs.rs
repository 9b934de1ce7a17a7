//! Executions for a judge: remembered, shared or run; counted either way.

use super::key::Key;
use super::measures::Measures;
use super::memory::{Memory, Ran};
use super::request::Request;
use super::{Executor, ExecutorError};
use crate::domain::{Executions, Submission};
use crate::sandbox::{Ending, Execution, Job, Run};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

/// What a judge is given for a run.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub execution: Arc<Execution>,
    /// From the cache, or of an identical run.
    pub cached: bool,
    /// The wall-clock backstop struck twice.
    pub backstop: bool,
}

/// Why a check gets no verdict.
#[derive(Debug)]
pub(super) enum Interrupted {
    /// Nobody waits for it any more.
    Cancelled,
    /// We failed.
    Failed(ExecutorError),
}

/// What all workers run programs with.
pub(super) struct Bench {
    /// Names the runtime in keys.
    pub digest: String,
    /// None where nothing is to be remembered beyond a request.
    pub cache: Option<Memory>,
    /// Held while a program runs: by all together, or by one alone.
    pub floor: RwLock<()>,
    /// Programs that were run.
    pub executions: AtomicU64,
    /// Programs that were not, because an identical one was.
    pub cache_hits: AtomicU64,
    pub measures: Measures,
}

impl Bench {
    pub(super) fn new(digest: String, cache: Option<Memory>) -> Self {
        Bench {
            digest,
            cache,
            floor: RwLock::new(()),
            executions: AtomicU64::new(0),
            cache_hits: AtomicU64::new(0),
            measures: Measures::new(),
        }
    }
}

/// Runs programs for one check.
pub(super) struct Runs<'a> {
    bench: &'a Bench,
    request: &'a Request,
    submission: &'a Submission,
    executor: &'a mut Executor,
    executions: Executions,
}

impl<'a> Runs<'a> {
    pub(super) fn new(
        bench: &'a Bench,
        request: &'a Request,
        submission: &'a Submission,
        executor: &'a mut Executor,
    ) -> Self {
        Runs {
            bench,
            request,
            submission,
            executor,
            executions: Executions::default(),
        }
    }

    /// What was run so far.
    pub(super) fn executions(&self) -> Executions {
        self.executions
    }

    /// Runs the candidate.
    pub(super) fn candidate(&mut self, job: Job) -> Result<Answer, Interrupted> {
        let answer = self.answer(job, self.bench.cache.as_ref())?;
        self.executions.candidate += 1;
        self.executions.cached += u64::from(answer.cached);
        Ok(answer)
    }

    /// Runs the reference.
    pub(super) fn reference(&mut self, job: Job) -> Result<Answer, Interrupted> {
        let answer = self.uncounted(job)?;
        self.executions.reference += 1;
        self.executions.cached += u64::from(answer.cached);
        Ok(answer)
    }

    /// Runs what is neither: expected values and checkers.
    pub(super) fn uncounted(&mut self, job: Job) -> Result<Answer, Interrupted> {
        // Candidates of one problem share its reference's runs, cache or not.
        let memory = self.bench.cache.as_ref();
        self.answer(job, memory.or(self.request.memory.as_ref()))
    }

    fn answer(&mut self, job: Job, memory: Option<&Memory>) -> Result<Answer, Interrupted> {
        if self.request.is_cancelled() {
            return Err(Interrupted::Cancelled);
        }
        let run = Run {
            job,
            limits: self.submission.limits,
            seed: self.submission.seed,
        };
        let (ran, cached) = match memory {
            Some(memory) => {
                let key = Key::of(&self.bench.digest, &self.request.tenant, &run);
                memory.get_or_run(key, || self.run(&run))?
            }
            None => (self.run(&run)?, false),
        };
        if cached {
            self.bench.cache_hits.fetch_add(1, Ordering::Relaxed);
        }
        Ok(Answer {
            execution: ran.execution,
            cached,
            backstop: ran.backstop,
        })
    }

    /// Runs a program; alone once more, if the wall clock ended it beside others.
    fn run(&mut self, run: &Run) -> Result<Ran, Interrupted> {
        let execution = {
            let _beside_others = self
                .bench
                .floor
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            self.execute(run)?
        };
        let (execution, backstop) = if execution.ending == Ending::Backstop {
            let _alone = self
                .bench
                .floor
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            let again = self.execute(run)?;
            let backstop = again.ending == Ending::Backstop;
            (again, backstop)
        } else {
            (execution, false)
        };
        Ok(Ran {
            execution: Arc::new(execution),
            backstop,
        })
    }

    fn execute(&mut self, run: &Run) -> Result<Execution, Interrupted> {
        self.bench.executions.fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        let execution = (self.executor)(run).map_err(Interrupted::Failed)?;
        let measures = &self.bench.measures;
        measures.executed(started.elapsed(), execution.fuel);
        Ok(execution)
    }
}
