//! One thread's sandbox: runs a program in a fresh interpreter and makes it fresh again.
//!
//! The state of a wasm instance is its memory, its mutable globals and its tables. The snapshot's
//! tables are constant (checked when it is built), so restoring memory and globals gives an
//! instance that equals a new one. An instance that trapped, was interrupted, grew or wrote very
//! much is dropped instead, and the next program gets one that is mapped anew.

use super::EngineError;
use super::door::Door;
use super::pages::{self, PAGE, PageMap};
use super::report;
use super::run::{Ending, Execution, Job, LimitKind, Run};
use super::runtime::{Runtime, TICK, idle_state};
use super::snapshot::GLOBAL_PREFIX;
use super::state::{Handles, MemoryLimit, State};
use super::world::World;
use crate::domain::Fuel;
use std::ops::Range;
use std::thread::ThreadId;
use wasmtime::{Global, Store, Trap, TypedFunc, Val};

/// What the interpreter is told to execute. It runs the runner whatever it is told (see `boot.py`),
const COMMAND: &[u8] = b"run";

/// Beyond so many written pages (16 MiB) it costs less to map anew than to copy back, now and
/// after every later program, since a page that was once written is copied back ever after.
const RESTORED_PAGES: usize = 4096;

/// Pages that were looked at over time although the program had not changed them, after which the
/// instance is mapped anew: as many as cost a few times what mapping does. An instance that once
/// ran a large program would make every later one pay for it otherwise.
const IDLE_PAGES: usize = 1 << 14;

/// Free heap inside the snapshot, as `boot.py` leaves it.
const RESERVE_BYTES: u64 = 32 << 20;

/// Runs programs, one after the other.
pub struct Sandbox {
    runtime: Runtime,
    live: Option<Live>,
    fresh: u64,
}

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
    /// Pages that were looked at in vain, over all executions.
    idle: usize,
}

/// What is left of an execution once the guest has stopped.
struct Stopped {
    ending: Ending,
    warnings: Vec<String>,
    /// Whether the interpreter came to its own end, so that its instance may serve again.
    clean: bool,
}

impl Sandbox {
    pub(crate) fn new(runtime: Runtime) -> Self {
        Sandbox {
            runtime,
            live: None,
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
        let Some(live) = &mut self.live else {
            // The next program gets an instance that is mapped anew.
            return true;
        };
        let globals = live.globals.iter().all(|(global, value)| {
            let now = global.get(&mut live.store);
            format!("{now:?}") == format!("{value:?}")
        });
        globals && live.handles.memory.data(&live.store) == self.runtime.0.pristine.memory()
    }

    /// Runs a program in a fresh interpreter.
    ///
    /// # Errors
    /// Where we fail; whatever the program does is an [`Execution`].
    pub fn run(&mut self, run: &Run) -> Result<Execution, EngineError> {
        let mut live = match self.live.take() {
            Some(live) => live,
            None => self.instantiate()?,
        };
        let budget = run.limits.fuel().0;
        self.prepare(&mut live, run, budget)?;
        let result = live.execute();
        let stopped = live.stopped(result, &run.job)?;
        let fuel = Fuel(budget - live.store.get_fuel().map_err(EngineError::run)?.min(budget));
        let (memory_bytes, restorable) = self.take_back(&mut live)?;
        let state = live.store.data_mut();
        let mut execution = Execution {
            ending: stopped.ending,
            stdout: std::mem::take(&mut state.world.stdout),
            stderr: std::mem::take(&mut state.world.stderr),
            fuel,
            memory_bytes,
            warnings: stopped.warnings,
        };
        // The backstop says nothing of the program, nor does what it had used by then.
        if memory_bytes > run.limits.memory_bytes && execution.ending != Ending::Backstop {
            execution.ending = Ending::Limit(LimitKind::Memory);
        }
        if stopped.clean && restorable && self.runtime.0.settings.reset_in_place {
            live.restore_globals()?;
            *live.store.data_mut() = idle_state(self.runtime.0.archive.clone());
            self.live = Some(live);
        }
        Ok(execution)
    }

    fn instantiate(&mut self) -> Result<Live, EngineError> {
        self.fresh += 1;
        let inner = &self.runtime.0;
        let mut store = Store::new(&inner.engine, idle_state(inner.archive.clone()));
        store.limiter(|state| &mut state.memory_limit);
        store.set_fuel(u64::MAX).map_err(EngineError::run)?;
        store.set_epoch_deadline(u64::MAX / 2);
        Live::new(store, &inner.module).map_err(EngineError::run)
    }

    fn prepare(&self, live: &mut Live, run: &Run, budget: u64) -> Result<(), EngineError> {
        let inner = &self.runtime.0;
        let mut world = World::new(inner.archive.clone(), run.seed, run.limits.output_bytes);
        if let Job::Main { stdin, files, .. } = &run.job {
            world.stdin.clone_from(stdin);
            world.place(files);
        }
        // What is free inside the snapshot is used before the memory grows, and counts as well.
        let growth = run.limits.memory_bytes.saturating_sub(RESERVE_BYTES);
        let allowed = usize::try_from(growth).unwrap_or(usize::MAX);
        *live.store.data_mut() = State {
            world,
            door: Door::with_job(report::job(&run.job, run.seed)),
            budget,
            exited: None,
            output_full: false,
            memory_limit: MemoryLimit {
                bytes: inner.pristine.memory().len().saturating_add(allowed),
                refused: false,
            },
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
        let mut changed = 0;
        for range in &live.written.ranges {
            changed += restore(memory, pristine, range.clone());
        }
        let pages = live.written.pages();
        live.written.idle += pages - changed;
        let restorable = self.runtime.0.pages.is_some()
            && grown == 0
            && pages <= RESTORED_PAGES
            && live.written.idle <= IDLE_PAGES;
        Ok(((changed * PAGE + grown) as u64, restorable))
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
}

/// Copies back the pages of a range that differ, and counts them.
fn restore(memory: &mut [u8], pristine: &[u8], range: Range<usize>) -> usize {
    let pages = memory[range.clone()].chunks_mut(PAGE);
    let mut changed = 0;
    for (page, original) in pages.zip(pristine[range].chunks(PAGE)) {
        if page != original {
            page.copy_from_slice(original);
            changed += 1;
        }
    }
    changed
}

impl Live {
    fn new(
        mut store: Store<State>,
        module: &wasmtime::InstancePre<State>,
    ) -> wasmtime::Result<Live> {
        let instance = module.instantiate(&mut store)?;
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

    fn execute(&mut self) -> wasmtime::Result<i32> {
        let length = COMMAND.len() as i32;
        let at = self.handles.host_alloc.call(&mut self.store, length)?;
        self.handles
            .memory
            .write(&mut self.store, at as usize, COMMAND)?;
        self.turn.call(&mut self.store, (at, length))
    }

    /// Tells how the guest stopped.
    fn stopped(
        &mut self,
        result: wasmtime::Result<i32>,
        job: &Job,
    ) -> Result<Stopped, EngineError> {
        let state = self.store.data_mut();
        let ending = match result {
            Ok(_) => match state.door.report.take().map(|bytes| report::report(&bytes)) {
                Some(Some(report)) if belongs(&report.ending, job) => {
                    return Ok(Stopped {
                        ending: report.ending,
                        warnings: report.warnings,
                        clean: true,
                    });
                }
                Some(_) => crashed("the program sent a report of its own making"),
                None => crashed("the interpreter ended without a report"),
            },
            Err(_) if state.door.out_of_turn => crashed("a message out of turn"),
            Err(_) if state.output_full => Ending::Limit(LimitKind::Output),
            Err(error) => match (state.exited, error.downcast_ref::<Trap>()) {
                (Some(status), _) => Ending::Exited {
                    status: status & 0xff,
                    raised: None,
                },
                (None, Some(trap)) => trapped(*trap, state.memory_limit.refused),
                (None, None) => return Err(EngineError::run(error)),
            },
        };
        Ok(Stopped {
            ending,
            warnings: Vec::new(),
            clean: false,
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

/// Whether a job of this kind can end so. A program that speaks through the door in the runner's
/// place could otherwise say that a check is no good.
fn belongs(ending: &Ending, job: &Job) -> bool {
    match ending {
        Ending::Exited { .. } => matches!(job, Job::Main { .. }),
        Ending::Returned { .. } => matches!(job, Job::Call { .. }),
        Ending::TestsPassed | Ending::NoTests | Ending::TestsFailed { .. } => {
            matches!(job, Job::Script { .. })
        }
        Ending::Raised { .. } | Ending::Left { .. } => !matches!(job, Job::Main { .. }),
        // Never reported: these are the host's to say.
        Ending::Limit(_) | Ending::Crashed { .. } | Ending::Backstop => false,
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
