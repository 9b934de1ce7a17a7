//! Executions for a judge: remembered, shared or run; counted either way.

use super::key::Key;
use super::measures::Measures;
use super::memory::{Memory, Ran};
use super::request::Request;
use super::{Executor, ExecutorError};
use crate::domain::{Executions, Fuel, Limits, Text};
use crate::sandbox::{Compiled, Ending, Execution, Job, Place, Run, Test};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

/// Shorter texts are compiled where they run: a guest of its own costs as much as compiling about so
/// many bytes does, and code is what a program with several checks, or a test with several programs,
/// would compile again and again.
const COMPILED_BYTES: usize = 200;

/// What a judge is given for a run.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub execution: Arc<Execution>,
    /// From the cache, or of an identical run.
    pub cached: bool,
    /// The wall-clock backstop struck twice.
    pub backstop: bool,
}

/// Code, and what compiling it took.
type Charged = (Arc<[u8]>, Fuel);

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

/// Runs programs for one check, or for their own sake.
pub(super) struct Runs<'a> {
    bench: &'a Bench,
    request: &'a Request,
    limits: Limits,
    seed: u64,
    executor: &'a mut Executor,
    executions: Executions,
}

impl<'a> Runs<'a> {
    pub(super) fn new(
        bench: &'a Bench,
        request: &'a Request,
        (limits, seed): (Limits, u64),
        executor: &'a mut Executor,
    ) -> Self {
        Runs {
            bench,
            request,
            limits,
            seed,
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
        let mut run = Run {
            job,
            limits: self.limits,
            seed: self.seed,
            compiled: Compiled::default(),
        };
        let (ran, cached) = match memory {
            Some(memory) => {
                let key = Key::of(&self.bench.digest, &self.request.tenant, &run);
                memory.get_or_run(key, || {
                    run.compiled = self.compiled(&run.job)?;
                    self.run(&run)
                })?
            }
            None => {
                run.compiled = self.compiled(&run.job)?;
                (self.run(&run)?, false)
            }
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

    /// Code of a job's texts. Whether a text is compiled beforehand depends on the text alone, and what
    /// it takes is charged to every run that uses it: so nothing in a verdict tells how often it was.
    fn compiled(&mut self, job: &Job) -> Result<Compiled, Interrupted> {
        let (program, test) = match job {
            Job::Compile { .. } => (None, None),
            Job::Main { code, .. } | Job::Call { code, .. } => (Some(code), None),
            Job::Script { code, source, .. } => (Some(code), Some(source)),
            Job::Split { code, test } => match test {
                Test::Call { .. } => (Some(code), None),
                Test::Script { source, .. } => (Some(code), Some(source)),
            },
        };
        let mut compiled = Compiled::default();
        for (text, place) in [(program, Place::Program), (test, Place::Test)] {
            let Some(text) = text else { continue };
            let Some((code, fuel)) = self.code(text, place)? else {
                continue;
            };
            compiled.fuel.0 += fuel.0;
            match place {
                Place::Program => compiled.program = Some(code),
                Place::Test => compiled.test = Some(code),
            }
        }
        // What runs out of time while it compiles does so in its own guest.
        Ok(match compiled.fuel < self.limits.fuel() {
            true => compiled,
            false => Compiled::default(),
        })
    }

    /// The code of a text, and what compiling it took; none where its own guest has to compile it,
    /// because it is short, does not compile or has something to say while it is compiled.
    fn code(&mut self, text: &Text, place: Place) -> Result<Option<Charged>, Interrupted> {
        if text.as_bytes().len() < COMPILED_BYTES {
            return Ok(None);
        }
        let run = Run {
            job: Job::Compile {
                source: text.clone(),
                place,
            },
            limits: self.limits,
            seed: 0,
            compiled: Compiled::default(),
        };
        let memory = self.bench.cache.as_ref();
        let ran = match memory.or(self.request.memory.as_ref()) {
            Some(memory) => {
                let key = Key::of(&self.bench.digest, &self.request.tenant, &run);
                memory.get_or_run(key, || self.run(&run))?.0
            }
            None => self.run(&run)?,
        };
        let Execution {
            ending,
            stdout,
            stderr,
            fuel,
            warnings,
            ..
        } = &*ran.execution;
        Ok(match ending {
            Ending::Compiled { code }
                if stdout.is_empty() && stderr.is_empty() && warnings.is_empty() =>
            {
                Some((code.clone(), *fuel))
            }
            _ => None,
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
        // Compiling runs no program.
        if !matches!(run.job, Job::Compile { .. }) {
            self.bench.executions.fetch_add(1, Ordering::Relaxed);
        }
        let started = Instant::now();
        let execution = (self.executor)(run).map_err(Interrupted::Failed)?;
        if !matches!(run.job, Job::Compile { .. }) {
            let measures = &self.bench.measures;
            measures.executed(started.elapsed(), execution.fuel);
        }
        Ok(execution)
    }
}
