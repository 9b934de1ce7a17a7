//! Executions that are remembered, and those that are on their way: identical runs happen once.

use super::key::Key;
use super::lock;
use crate::domain::File;
use crate::sandbox::{Ending, Execution};
use moka::notification::RemovalCause;
use moka::sync::Cache;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// What an entry takes beside what it holds; about what the cache's own books need for it.
const ENTRY_BYTES: usize = 512;

/// An execution, and whether the wall clock ended it.
#[derive(Clone, Debug)]
pub(super) struct Ran {
    pub execution: Arc<Execution>,
    /// The wall-clock backstop struck twice: true of this machine at this time only.
    pub backstop: bool,
}

/// A bounded cache in front of runs, of which identical ones wait for each other.
pub(super) struct Memory {
    done: Cache<Key, Arc<Execution>>,
    running: Mutex<HashMap<Key, Arc<Flight>>>,
    capacity_bytes: u64,
    evictions: Arc<AtomicU64>,
}

/// How full it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MemoryStats {
    pub executions: u64,
    pub bytes: u64,
    pub capacity_bytes: u64,
    pub evictions: u64,
}

/// A run that is on its way.
#[derive(Default)]
struct Flight {
    state: Mutex<State>,
    landed: Condvar,
}

#[derive(Default)]
enum State {
    #[default]
    Up,
    Landed(Ran),
    /// It failed, which says nothing of whoever tries next.
    Lost,
}

impl Memory {
    /// Holds about this many bytes of executions.
    pub(super) fn new(bytes: u64) -> Self {
        let weigh = |_: &Key, execution: &Arc<Execution>| {
            u32::try_from(size_bytes(execution)).unwrap_or(u32::MAX)
        };
        let evictions = Arc::<AtomicU64>::default();
        let counted = Arc::clone(&evictions);
        let evicted = move |_, _, cause| {
            if cause == RemovalCause::Size {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        };
        Memory {
            done: Cache::builder()
                .max_capacity(bytes)
                .weigher(weigh)
                .eviction_listener(evicted)
                .build(),
            running: Mutex::default(),
            capacity_bytes: bytes,
            evictions,
        }
    }

    pub(super) fn stats(&self) -> MemoryStats {
        MemoryStats {
            executions: self.done.entry_count(),
            bytes: self.done.weighted_size(),
            capacity_bytes: self.capacity_bytes,
            evictions: self.evictions.load(Ordering::Relaxed),
        }
    }

    /// The execution of that name, and whether it is somebody else's: remembered, or waited for.
    ///
    /// Waiting blocks the thread. That cannot be for ever: what is waited for is running on
    /// another thread, and whoever runs waits for nobody, but for code that is being compiled, whose
    /// compiler waits for nobody.
    pub(super) fn get_or_run<E>(
        &self,
        key: Key,
        run: impl FnOnce() -> Result<Ran, E>,
    ) -> Result<(Ran, bool), E> {
        loop {
            let flight = {
                let mut running = lock(&self.running);
                // Looked up under the lock: who lands puts it there before leaving the flights.
                if let Some(execution) = self.done.get(&key) {
                    let backstop = false;
                    return Ok((
                        Ran {
                            execution,
                            backstop,
                        },
                        true,
                    ));
                }
                match running.get(&key) {
                    Some(flight) => flight.clone(),
                    None => {
                        let flight = Arc::<Flight>::default();
                        running.insert(key, flight.clone());
                        drop(running);
                        return self.fly(key, flight, run).map(|ran| (ran, false));
                    }
                }
            };
            if let Some(ran) = flight.wait() {
                return Ok((ran, true));
            }
        }
    }

    fn fly<E>(
        &self,
        key: Key,
        flight: Arc<Flight>,
        run: impl FnOnce() -> Result<Ran, E>,
    ) -> Result<Ran, E> {
        let mut landing = Landing {
            memory: self,
            key,
            flight,
            state: State::Lost,
        };
        let ran = run()?;
        if !ran.backstop {
            self.done.insert(key, ran.execution.clone());
        }
        landing.state = State::Landed(ran.clone());
        Ok(ran)
    }
}

/// Wakes whoever waits, however the run ended: with a panic too.
struct Landing<'a> {
    memory: &'a Memory,
    key: Key,
    flight: Arc<Flight>,
    state: State,
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        lock(&self.memory.running).remove(&self.key);
        *lock(&self.flight.state) = std::mem::replace(&mut self.state, State::Lost);
        self.flight.landed.notify_all();
    }
}

impl Flight {
    fn wait(&self) -> Option<Ran> {
        let up = |state: &mut State| matches!(state, State::Up);
        let state = self.landed.wait_while(lock(&self.state), up);
        match &*state.unwrap_or_else(PoisonError::into_inner) {
            State::Landed(ran) => Some(ran.clone()),
            State::Up | State::Lost => None,
        }
    }
}

/// About what an execution takes in memory.
fn size_bytes(execution: &Execution) -> usize {
    let ending = match &execution.ending {
        Ending::Returned { value, repr } => value.size_bytes() + repr.len(),
        Ending::Compiled { code } => code.len(),
        Ending::TestsFailed { message, .. } | Ending::Crashed { message } => message.len(),
        Ending::Raised { raised, .. }
        | Ending::Exited {
            raised: Some(raised),
            ..
        } => raised.message.len() + raised.classes.iter().map(String::len).sum::<usize>(),
        _ => 0,
    };
    let warnings: usize = execution.warnings.iter().map(String::len).sum();
    let file = |file: &File| file.path.len() + file.contents.len();
    let files: usize = execution.files.iter().map(file).sum();
    let streams = execution.stdout.len() + execution.stderr.len();
    ENTRY_BYTES + streams + ending + warnings + files
}
