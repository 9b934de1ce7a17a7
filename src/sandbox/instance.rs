//! One thread's sandbox: runs a program in a fresh interpreter and makes it fresh again.
//!
//! The state of a wasm instance is its memory, its mutable globals and its tables. The snapshot's
//! tables are constant (checked when it is built), so restoring memory and globals gives an
//! instance that equals a new one. An instance that trapped, was interrupted, grew or wrote very
//! much is dropped instead, and the next program gets one that is mapped anew.

use super::EngineError;
use super::door::{self, Door, Shut};
use super::engine::FIBER_STACK_BYTES;
use super::pages::{self, PAGE, PageMap};
use super::relay::{Handover, RelayEnd, Side};
use super::report;
use super::run::{Ending, Execution, Expectation, Job, LimitKind, Phase, Run, Test};
use super::runtime::{Runtime, TICK, at_once};
use super::snapshot::GLOBAL_PREFIX;
use super::state::{Handles, MemoryLimit, State};
use super::world::World;
use crate::domain::{Fuel, Text};
use std::ops::Range;
use std::task::{Context, Poll, Waker};
use std::thread::ThreadId;
use wasmtime::{Global, Store, Trap, TypedFunc, Val};

/// Where the instances for programs and for judges are kept.
const PROGRAM: usize = 0;
const JUDGE: usize = 1;

/// What the interpreter is told to execute. It runs the runner whatever it is told (see `boot.py`),
const COMMAND: &[u8] = b"run";

/// Beyond so many written pages (8 MiB) it costs less to map anew than to copy back, now and
/// after every later program, since a page that was once written is copied back ever after.
const RESTORED_PAGES: usize = 2048;

/// So many executions in a row have to leave a page alone before it is mapped anew, and is not
/// looked after any more until it is written again. Arbitrary: a fault costs some ten times what
/// comparing a page does.
const PATIENCE: u16 = 16;

/// What a page's patience is multiplied by each time, up to a bound: one that is written in every
/// execution and ends as it began would be mapped anew again and again otherwise.
const MORE_PATIENCE: u16 = 4;
const MOST_PATIENCE: u16 = 1 << 14;

/// Free heap inside the snapshot, as `boot.py` leaves it.
const RESERVE_BYTES: u64 = 32 << 20;

/// Runs programs, one after the other.
pub struct Sandbox {
    runtime: Runtime,
    /// For programs, and for judges: what they write lies in different places, so each finds more
    /// of it written before.
    live: [Option<Live>; 2],
    fresh: u64,
}

/// Fuel for a candidate that is told that its judge is done, to come to its own end: it need not
/// be mapped anew then. Its execution is over by then and measured.
const FAREWELL_FUEL: u64 = 2_000_000;

/// An instance that equals a new one.
struct Live {
    store: Store<State>,
    handles: Handles,
    turn: TypedFunc<(i32, i32), i32>,
    globals: Vec<(Global, Val)>,
    written: Written,
}

/// Pages that were written since the instance was mapped, as far as is known.
#[derive(Default)]
struct Written {
    /// Offsets in the memory.
    ranges: Vec<Range<usize>>,
    /// The thread that ran the instance, and its page faults when the ranges were read. While
    /// both are the same, no page can have been added.
    read_at: Option<(ThreadId, i64)>,
    /// By page of the memory.
    care: Vec<Care>,
}

/// How a written page is looked after.
#[derive(Clone, Copy)]
struct Care {
    /// Executions in a row that left it as it was.
    idle: u16,
    /// Executions after which it is mapped anew.
    patience: u16,
}

/// What is left of an execution once the guest has stopped.
struct Stopped {
    ending: Ending,
    warnings: Vec<String>,
    expected: Option<Expectation>,
    /// Whether the interpreter came to its own end, so that its instance may serve again.
    clean: bool,
}

impl Sandbox {
    pub(crate) fn new(runtime: Runtime) -> Self {
        Sandbox {
            runtime,
            live: [None, None],
            fresh: 0,
        }
    }

    /// Instances that were mapped anew, the first one included: how often restoring did not do.
    #[must_use]
    pub fn fresh_instances(&self) -> u64 {
        self.fresh
    }

    /// Whether the next program finds what it would find in an instance that never ran: every
    /// byte of the memory and every mutable global is compared. Reads the whole image, which takes
    /// some 50 ms: for tests.
    #[must_use]
    pub fn is_fresh(&mut self) -> bool {
        let pristine = self.runtime.0.pristine.memory();
        // Where there is none, the next program gets an instance that is mapped anew.
        self.live.iter_mut().flatten().all(|live| {
            let globals = live.globals.iter().all(|(global, value)| {
                let now = global.get(&mut live.store);
                format!("{now:?}") == format!("{value:?}")
            });
            globals && live.handles.memory.data(&live.store) == pristine
        })
    }

    /// Runs a program in a fresh interpreter, and its test in another where the two are split.
    ///
    /// # Errors
    /// Where we fail; whatever the program does is an [`Execution`].
    pub fn run(&mut self, run: &Run) -> Result<Execution, EngineError> {
        match &run.job {
            Job::Split { code, test } => self.run_split(run, code, test),
            _ => self.run_alone(run),
        }
    }

    fn run_alone(&mut self, run: &Run) -> Result<Execution, EngineError> {
        let mut live = self.take(PROGRAM)?;
        self.prepare(&mut live, run, report::job(run), None)?;
        let result = at_once(live.execute());
        let stopped = live.stopped(result, run, None)?;
        let mut execution = live.measured(run, stopped.ending)?;
        execution.warnings = stopped.warnings;
        execution.memory_bytes = self.put_back(PROGRAM, live, stopped.clean)?;
        bound_memory(&mut execution, run);
        Ok(execution)
    }

    fn run_split(&mut self, run: &Run, code: &Text, test: &Test) -> Result<Execution, EngineError> {
        let mut judge = self.take(JUDGE)?;
        let mut candidate = self.take(PROGRAM)?;
        let ends = RelayEnd::pair();
        let job = report::test(test, &run.compiled, run.seed);
        self.prepare(&mut judge, run, job, Some(ends[0].clone()))?;
        let job = report::program(code, &run.compiled, run.seed);
        self.prepare(&mut candidate, run, job, Some(ends[1].clone()))?;
        let (side, result, candidate_clean) = converse(&mut judge, &mut candidate, &ends)?;
        let relay = Some(&ends[0]);
        let stopped = match side {
            Side::Judge => judge.stopped(result, run, relay)?,
            Side::Candidate => candidate.stopped(result, run, relay)?,
        };
        let last = match side {
            Side::Judge => &mut judge,
            Side::Candidate => &mut candidate,
        };
        let mut execution = last.measured(run, stopped.ending)?;
        execution.warnings = stopped.warnings;
        execution.expected = stopped.expected;
        execution.memory_bytes = self.put_back(JUDGE, judge, stopped.clean)?
            + self.put_back(PROGRAM, candidate, candidate_clean)?;
        bound_memory(&mut execution, run);
        Ok(execution)
    }

    /// An instance that equals a new one.
    fn take(&mut self, place: usize) -> Result<Live, EngineError> {
        match self.live[place].take() {
            Some(live) => Ok(live),
            None => self.instantiate(),
        }
    }

    /// Takes back what the guest wrote, and keeps the instance for the next one if it equals a new
    /// one then. Tells how many bytes the guest wrote.
    fn put_back(&mut self, place: usize, mut live: Live, clean: bool) -> Result<u64, EngineError> {
        let (bytes, restorable) = self.take_back(&mut live)?;
        if let Some(top) = live.store.data().stack_top {
            // SAFETY: the guest ran on a fiber of this size and has ended, and so has its fiber.
            unsafe { pages::forget_stack(top, FIBER_STACK_BYTES) };
        }
        if clean && restorable && self.runtime.0.settings.reset_in_place {
            live.restore_globals()?;
            *live.store.data_mut() = self.runtime.idle_state();
            self.live[place] = Some(live);
        }
        Ok(bytes)
    }

    fn instantiate(&mut self) -> Result<Live, EngineError> {
        self.fresh += 1;
        let inner = &self.runtime.0;
        let mut store = Store::new(&inner.engine, self.runtime.idle_state());
        store.limiter(|state| &mut state.memory_limit);
        store.set_fuel(u64::MAX).map_err(EngineError::run)?;
        store.set_epoch_deadline(u64::MAX / 2);
        Live::new(store, &inner.module).map_err(EngineError::run)
    }

    fn prepare(
        &self,
        live: &mut Live,
        run: &Run,
        job: Vec<u8>,
        relay: Option<RelayEnd>,
    ) -> Result<(), EngineError> {
        let inner = &self.runtime.0;
        let budget = run.budget().0;
        let mut world = World::new(inner.library.clone(), run.seed, run.limits.output_bytes);
        if let Job::Main { stdin, files, .. } = &run.job {
            world.stdin.clone_from(stdin);
            world.place(files);
        }
        // What is free inside the snapshot is used before the memory grows, and counts as well.
        let growth = run.limits.memory_bytes.saturating_sub(RESERVE_BYTES);
        // What a call's judge reads from its clock would differ between two correct programs.
        let calls = matches!(
            &run.job,
            Job::Split {
                test: Test::Call { .. },
                ..
            }
        );
        let judges = relay
            .as_ref()
            .is_some_and(|relay| relay.side == Side::Judge);
        *live.store.data_mut() = State {
            world,
            door: Door::with_job(job, relay),
            budget,
            clock_stands: calls && judges,
            exited: None,
            output_full: false,
            memory_limit: MemoryLimit {
                baseline: inner.pristine.memory().len(),
                growth: usize::try_from(growth).unwrap_or(usize::MAX),
                others: 0,
                refused: false,
            },
            stack_top: None,
            handles: Some(live.handles.clone()),
        };
        live.store.set_fuel(budget).map_err(EngineError::run)?;
        let backstop = inner.settings.backstop;
        let wall_ms = u128::from(run.limits.time_ms) * u128::from(backstop.factor)
            + backstop.extra.as_millis();
        let ticks = u64::try_from(wall_ms / TICK.as_millis()).unwrap_or(u64::MAX / 2);
        live.store.set_epoch_deadline(ticks.clamp(1, u64::MAX / 2));
        Ok(())
    }

    /// Measures what the program wrote and copies the snapshot back over it. Tells the bytes and
    /// whether the memory equals the snapshot again.
    fn take_back(&self, live: &mut Live) -> Result<(u64, bool), EngineError> {
        let pristine = self.runtime.0.pristine.memory();
        let memory = live.handles.memory.data_mut(&mut live.store);
        let grown = memory.len() - pristine.len();
        let memory = &mut memory[..pristine.len()];
        match &self.runtime.0.pages {
            Some(pages) => live
                .written
                .update(pages, memory)
                .map_err(EngineError::pages)?,
            // Not known: look at all of it.
            None => live.written.ranges = std::iter::once(0..memory.len()).collect(),
        }
        let changed = live.written.restore(memory, pristine);
        let restorable =
            self.runtime.0.pages.is_some() && grown == 0 && live.written.pages() <= RESTORED_PAGES;
        if restorable {
            live.written.forget_idle(memory);
        }
        Ok(((changed * PAGE + grown) as u64, restorable))
    }
}

impl Care {
    fn is_over(self) -> bool {
        self.idle >= self.patience
    }

    fn begin_anew(&mut self) {
        self.idle = 0;
        self.patience = self
            .patience
            .saturating_mul(MORE_PATIENCE)
            .min(MOST_PATIENCE);
    }
}

impl Written {
    /// Asks the kernel, unless nothing can have changed.
    fn update(&mut self, pages: &PageMap, memory: &[u8]) -> std::io::Result<()> {
        let thread = std::thread::current().id();
        // Before the pages are read: what is written afterwards counts as new.
        let now = pages::thread_faults().map(|faults| (thread, faults));
        if now.is_some() && now == self.read_at {
            return Ok(());
        }
        let start = memory.as_ptr() as usize;
        self.ranges = pages
            .written(start, start + memory.len())?
            .into_iter()
            .map(|range| range.start - start..range.end - start)
            .collect();
        self.read_at = now;
        Ok(())
    }

    fn pages(&self) -> usize {
        self.ranges.iter().map(|range| range.len() / PAGE).sum()
    }

    /// Copies back the pages that differ, and counts them.
    fn restore(&mut self, memory: &mut [u8], pristine: &[u8]) -> usize {
        let fresh = Care {
            idle: 0,
            patience: PATIENCE,
        };
        self.care.resize(pristine.len() / PAGE, fresh);
        let mut changed = 0;
        for range in &self.ranges {
            let pages = memory[range.clone()].chunks_mut(PAGE);
            let originals = pristine[range.clone()].chunks(PAGE);
            let care = &mut self.care[range.start / PAGE..range.end / PAGE];
            for ((page, original), care) in pages.zip(originals).zip(care) {
                if page == original {
                    care.idle = care.idle.saturating_add(1);
                } else {
                    page.copy_from_slice(original);
                    care.idle = 0;
                    changed += 1;
                }
            }
        }
        changed
    }

    /// Gives pages back that have not been changed for long: a program that wrote much would make
    /// every later one pay for it otherwise.
    fn forget_idle(&mut self, memory: &mut [u8]) {
        let mut any = false;
        for range in &self.ranges {
            let mut at = range.start;
            while at < range.end {
                let start = at;
                while at < range.end && self.care[at / PAGE].is_over() {
                    self.care[at / PAGE].begin_anew();
                    at += PAGE;
                }
                if at > start {
                    // If the kernel refuses, the pages are looked after as before.
                    any |= pages::map_anew(&mut memory[start..at]);
                } else {
                    at += PAGE;
                }
            }
        }
        if any {
            self.read_at = None;
        }
    }
}

impl Live {
    fn new(
        mut store: Store<State>,
        module: &wasmtime::InstancePre<State>,
    ) -> wasmtime::Result<Live> {
        let instance = at_once(module.instantiate_async(&mut store))?;
        let memory = instance
            .get_memory(&mut store, "memory")
            .ok_or_else(|| wasmtime::Error::msg("the runtime exports no memory"))?;
        let host_alloc = instance.get_typed_func(&mut store, "host_alloc")?;
        let turn = instance.get_typed_func(&mut store, "turn")?;
        let exported: Vec<Global> = instance
            .exports(&mut store)
            .filter(|export| export.name().starts_with(GLOBAL_PREFIX))
            .filter_map(wasmtime::Export::into_global)
            .collect();
        let globals = exported
            .into_iter()
            .map(|global| (global, global.get(&mut store)))
            .collect();
        Ok(Live {
            store,
            handles: Handles { memory, host_alloc },
            turn,
            globals,
            written: Written::default(),
        })
    }

    /// Takes over what the judge handed over before this guest began.
    fn begin(&mut self, relay: &RelayEnd) -> Result<(), EngineError> {
        if let Some(handover) = relay.take() {
            let told = door::take_over(&mut self.store, handover).map_err(EngineError::run)?;
            self.store.data_mut().door.told = Some(told);
        }
        Ok(())
    }

    async fn execute(&mut self) -> wasmtime::Result<i32> {
        let length = COMMAND.len() as i32;
        let allocated = self.handles.host_alloc.call_async(&mut self.store, length);
        let at = allocated.await?;
        self.handles
            .memory
            .write(&mut self.store, at as usize, COMMAND)?;
        self.turn.call_async(&mut self.store, (at, length)).await
    }

    /// Tells how the guest stopped; in a split run, the one whose turn it was.
    fn stopped(
        &mut self,
        result: wasmtime::Result<i32>,
        run: &Run,
        relay: Option<&RelayEnd>,
    ) -> Result<Stopped, EngineError> {
        let state = self.store.data_mut();
        let ending = match (result, state.door.shut.take()) {
            (Ok(_), _) => {
                let report = state.door.report.take();
                match report.map(|bytes| report::report(&bytes, &run.job)) {
                    Some(Some(report)) if belongs(&report.ending, &run.job) => {
                        return Ok(Stopped {
                            ending: report.ending,
                            warnings: report.warnings,
                            expected: report.expected,
                            clean: true,
                        });
                    }
                    Some(_) => crashed("the program sent a report of its own making"),
                    None => crashed("the interpreter ended without a report"),
                }
            }
            (Err(_), Some(Shut::OutOfTurn)) => crashed("a message out of turn"),
            (Err(_), Some(Shut::Nonsense)) => crashed("a message without meaning"),
            (Err(_), Some(Shut::Unsplittable(reason))) => Ending::Unsplittable { reason },
            (Err(_), None) if state.output_full => Ending::Limit(LimitKind::Output),
            (Err(error), None) => match (state.exited, error.downcast_ref::<Trap>()) {
                (Some(status), _) => left(status & 0xff, &run.job),
                (None, Some(trap)) => trapped(*trap, state.memory_limit.refused),
                (None, None) => return Err(EngineError::run(error)),
            },
        };
        Ok(Stopped {
            ending: unfounded(ending, run, relay),
            warnings: Vec::new(),
            expected: None,
            clean: false,
        })
    }

    /// The execution as far as it is known when the guest has stopped.
    fn measured(&mut self, run: &Run, ending: Ending) -> Result<Execution, EngineError> {
        let budget = run.budget().0;
        let left = self.store.get_fuel().map_err(EngineError::run)?;
        let state = self.store.data_mut();
        Ok(Execution {
            ending,
            stdout: std::mem::take(&mut state.world.stdout),
            stderr: std::mem::take(&mut state.world.stderr),
            fuel: Fuel(run.compiled.fuel.0 + budget - left.min(budget)),
            memory_bytes: 0,
            warnings: Vec::new(),
            expected: None,
            files: match &run.job {
                Job::Main { fetch, .. } => state.world.fetch(fetch),
                _ => Vec::new(),
            },
        })
    }

    fn restore_globals(&mut self) -> Result<(), EngineError> {
        for (global, value) in &self.globals {
            global
                .set(&mut self.store, *value)
                .map_err(EngineError::run)?;
        }
        Ok(())
    }
}

/// Lets the two guests speak to one another until one of them stops. Tells which and how, and
/// whether the candidate came to its own end or never began.
fn converse(
    judge: &mut Live,
    candidate: &mut Live,
    [ours, theirs]: &[RelayEnd; 2],
) -> Result<(Side, wasmtime::Result<i32>, bool), EngineError> {
    let mut context = Context::from_waker(Waker::noop());
    let mut testing = Box::pin(judge.execute());
    // Until the judge has something to say.
    if let Poll::Ready(result) = testing.as_mut().poll(&mut context) {
        return Ok((Side::Judge, result, true));
    }
    candidate.begin(theirs)?;
    let mut serving = Box::pin(candidate.execute());
    loop {
        // A guest that waits has given the turn to the other one; nothing else is waited for.
        match ours.turn() {
            Side::Candidate => {
                if let Poll::Ready(result) = serving.as_mut().poll(&mut context) {
                    return Ok((Side::Candidate, result, false));
                }
            }
            Side::Judge => {
                if let Poll::Ready(result) = testing.as_mut().poll(&mut context) {
                    drop(testing);
                    if result.is_err() {
                        return Ok((Side::Judge, result, false));
                    }
                    let files = judge.store.data_mut().world.files.take();
                    ours.hand_over(Handover::farewell(files, FAREWELL_FUEL));
                    let farewell = serving.as_mut().poll(&mut context);
                    let clean = matches!(farewell, Poll::Ready(Ok(_)));
                    return Ok((Side::Judge, result, clean));
                }
            }
        }
    }
}

/// What an ending means that came before the candidate was loaded for a call: it is the check's
/// own doing.
fn unfounded(ending: Ending, run: &Run, relay: Option<&RelayEnd>) -> Ending {
    let is_call = matches!(
        run.job,
        Job::Split {
            test: Test::Call { .. },
            ..
        }
    );
    if !is_call || relay.is_none_or(RelayEnd::candidate_began) {
        return ending;
    }
    let message = match ending {
        Ending::Limit(LimitKind::Time) => "out of guest time".to_owned(),
        Ending::Limit(LimitKind::Memory) => "out of memory".to_owned(),
        Ending::Limit(LimitKind::Output) => "too much output".to_owned(),
        Ending::Left { status, .. } => format!("left with exit status {status}"),
        Ending::Crashed { message } => message,
        other => return other,
    };
    Ending::NoExpectation { message }
}

/// The backstop says nothing of the program, nor does what it had used by then.
fn bound_memory(execution: &mut Execution, run: &Run) {
    let over = execution.memory_bytes > run.limits.memory_bytes;
    if over && execution.ending != Ending::Backstop {
        execution.ending = Ending::Limit(LimitKind::Memory);
    }
}

/// Whether a job of this kind can end so. A program that speaks through the door in the runner's
/// place could otherwise say that a check is no good.
fn belongs(ending: &Ending, job: &Job) -> bool {
    match ending {
        Ending::Compiled { .. } => matches!(job, Job::Compile { .. }),
        Ending::Exited { .. } => matches!(job, Job::Main { .. }),
        Ending::Returned { .. } => matches!(
            job,
            Job::Call { .. }
                | Job::Split {
                    test: Test::Call { .. },
                    ..
                }
        ),
        Ending::TestsPassed | Ending::NoTests | Ending::TestsFailed { .. } => matches!(
            job,
            Job::Script { .. }
                | Job::Split {
                    test: Test::Script { .. },
                    ..
                }
        ),
        Ending::Raised { .. } | Ending::Left { .. } => !matches!(job, Job::Main { .. }),
        Ending::NoExpectation { .. } => matches!(job, Job::Split { .. }),
        // Never reported: these are the host's to say.
        Ending::Unsplittable { .. }
        | Ending::Limit(_)
        | Ending::Crashed { .. }
        | Ending::Backstop => false,
    }
}

/// The ending of a guest that left without its runner's knowledge.
fn left(status: i32, job: &Job) -> Ending {
    match job {
        Job::Main { .. } => Ending::Exited {
            status,
            raised: None,
        },
        _ => Ending::Left {
            phase: Phase::Test,
            status,
        },
    }
}

fn trapped(trap: Trap, memory_refused: bool) -> Ending {
    match trap {
        Trap::OutOfFuel => Ending::Limit(LimitKind::Time),
        Trap::Interrupt => Ending::Backstop,
        // C code that cannot go on without memory aborts.
        _ if memory_refused => Ending::Limit(LimitKind::Memory),
        Trap::StackOverflow => crashed("the interpreter's stack is exhausted"),
        Trap::UnreachableCodeReached => crashed("the interpreter aborted"),
        other => crashed(&format!("the interpreter crashed: {other}")),
    }
}

fn crashed(message: &str) -> Ending {
    Ending::Crashed {
        message: message.to_owned(),
    }
}
