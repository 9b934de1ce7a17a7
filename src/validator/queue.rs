//! The bounded queue of checks that wait for a worker.
//!
//! Requests take turns: each task comes from the request that has waited longest since its last
//! one, so that a request of thousands of checks does not keep one of three from its answer.

use super::fault::{FaultPoint, Faults};
use super::request::{Request, Task};
use super::{Rejected, fault, lock};
use crate::domain::Fault;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What `Rejected::Full` says to a client before anything was measured. Arbitrary.
const FIRST_GUESS: Duration = Duration::from_millis(10);

/// How many of the last times between tasks count. With few, the average falls low by chance again and
/// again, and that is when requests are taken, where there are many: too many of them. As many as are
/// taken up in a second or less.
const PACES: u32 = 255;

/// Work for the workers.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    capacity: usize,
    workers: usize,
    faults: Faults,
}

struct State {
    /// Requests that tasks are left of.
    turns: VecDeque<Turn>,
    /// Tasks that workers are at: one a worker at most.
    taken: Vec<(Arc<Request>, Task)>,
    /// Checks that were accepted and are not judged yet.
    unfinished: usize,
    closed: bool,
    /// How long a check keeps a worker, averaged over the last dozen or so. For hints only.
    usual: Duration,
    /// From one task's being taken up to the next one's, by whichever worker, averaged while others
    /// waited. What a task takes is not enough to tell how long those behind it wait: on a machine that
    /// has too much to do, workers wait for the processor too.
    pace: Duration,
    /// How many times are in the average.
    paces: u32,
    /// When a task was last taken up, where others were left waiting.
    taken_up: Option<Instant>,
}

struct Turn {
    request: Arc<Request>,
    tasks: VecDeque<Task>,
}

impl Turn {
    fn checks(&self) -> usize {
        self.tasks.iter().map(|task| task.checks.len()).sum()
    }

    fn fail(&self, fault: &Fault) {
        for task in &self.tasks {
            self.request.fail(task, fault);
        }
    }
}

/// A task in a worker's hands. When it goes, however the worker came to an end with it, what has
/// no verdict gets a fault, and there is room for others.
pub(super) struct Taken<'a> {
    pub request: Arc<Request>,
    pub task: Task,
    queue: &'a Queue,
    since: Instant,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        // May happen while a panic unwinds, which a second one would turn into the process's end.
        let failed = catch_unwind(AssertUnwindSafe(|| {
            self.request.fail(&self.task, &fault::engine());
        }));
        if failed.is_err() {
            tracing::error!("a submission cannot be answered");
        }
        self.queue.finish(self);
    }
}

impl Queue {
    pub(super) fn new(capacity: usize, workers: usize, faults: Faults) -> Self {
        Queue {
            state: Mutex::new(State {
                turns: VecDeque::new(),
                taken: Vec::with_capacity(workers),
                unfinished: 0,
                closed: false,
                usual: FIRST_GUESS,
                pace: FIRST_GUESS / u32::try_from(workers.max(1)).unwrap_or(u32::MAX),
                paces: 0,
                taken_up: None,
            }),
            changed: Condvar::new(),
            capacity,
            workers,
            faults,
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Checks that were accepted and are not judged yet.
    pub(super) fn unfinished(&self) -> usize {
        lock(&self.state).unfinished
    }

    pub(super) fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }

    /// Takes a request of so many checks, all of it or none. One that would wait for longer than
    /// `patience` for its first turn is not taken.
    pub(super) fn push(
        &self,
        checks: usize,
        patience: Option<Duration>,
        request: impl FnOnce() -> Arc<Request>,
    ) -> Result<Arc<Request>, Rejected> {
        let mut state = lock(&self.state);
        if state.closed {
            return Err(Rejected::ShuttingDown);
        }
        let capacity = self.capacity;
        if checks > capacity {
            return Err(Rejected::TooLarge { checks, capacity });
        }
        if state.unfinished + checks > capacity {
            let excess = state.unfinished + checks - capacity;
            let rounds = excess.div_ceil(self.workers);
            let retry_after = state
                .usual
                .saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX));
            return Err(Rejected::Full { retry_after });
        }
        let wait = state.wait();
        if let Some(patience) = patience.filter(|patience| wait > *patience) {
            let retry_after = wait - patience;
            return Err(Rejected::Full { retry_after });
        }
        let request = request();
        let tasks: VecDeque<_> = request.tasks().into();
        state.unfinished += checks;
        if !tasks.is_empty() {
            let request = request.clone();
            state.turns.push_back(Turn { request, tasks });
        }
        drop(state);
        self.changed.notify_all();
        Ok(request)
    }

    /// The next task; waits for one, and gives none when the queue is closed and empty.
    pub(super) fn pop(&self) -> Option<Taken<'_>> {
        (self.faults)(FaultPoint::Wait);
        let idle = |state: &mut State| state.turns.is_empty() && !state.closed;
        let state = self.changed.wait_while(lock(&self.state), idle);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        let mut turn = state.turns.pop_front()?;
        let task = turn.tasks.pop_front()?;
        let now = Instant::now();
        let taken = Taken {
            request: turn.request.clone(),
            task: task.clone(),
            queue: self,
            since: now,
        };
        state.taken.push((turn.request.clone(), task));
        if !turn.tasks.is_empty() {
            state.turns.push_back(turn);
        } else if state.ended() {
            // For workers that rest.
            self.changed.notify_all();
        }
        state.took_up(now);
        Some(taken)
    }

    /// Makes room for as many checks as a worker has done with.
    fn finish(&self, done: &Taken<'_>) {
        let checks = done.task.checks.len();
        let mut state = lock(&self.state);
        let is_it = |(request, task): &(Arc<Request>, Task)| {
            Arc::ptr_eq(request, &done.request) && *task == done.task
        };
        if let Some(position) = state.taken.iter().position(is_it) {
            state.taken.swap_remove(position);
        }
        state.unfinished = state.unfinished.saturating_sub(checks);
        let each = done.since.elapsed() / u32::try_from(checks.max(1)).unwrap_or(u32::MAX);
        state.usual = (state.usual * 15 + each) / 16;
    }

    /// Waits for so long, or less where nothing is left to wait for: then it gives false.
    pub(super) fn rest(&self, pause: Duration) -> bool {
        let goes_on = |state: &mut State| !state.ended();
        let state = self
            .changed
            .wait_timeout_while(lock(&self.state), pause, goes_on);
        let (state, _) = state.unwrap_or_else(PoisonError::into_inner);
        !state.ended()
    }

    /// Drops what no worker has taken up of a request.
    pub(super) fn forget(&self, request: &Arc<Request>) {
        let mut state = lock(&self.state);
        let is_it = |turn: &Turn| Arc::ptr_eq(&turn.request, request);
        if let Some(position) = state.turns.iter().position(is_it)
            && let Some(turn) = state.turns.remove(position)
        {
            state.unfinished = state.unfinished.saturating_sub(turn.checks());
        }
    }

    /// Takes nothing more; what was accepted is still given out.
    pub(super) fn close(&self) {
        lock(&self.state).closed = true;
        self.changed.notify_all();
    }

    /// Fails what no worker has taken up.
    pub(super) fn fail_waiting(&self, fault: &Fault) {
        let turns = lock(&self.state).clear();
        for turn in turns {
            turn.fail(fault);
        }
    }

    /// Takes nothing more, and fails everything that has no verdict yet, what workers are at
    /// included. Tells how many checks that was at most.
    pub(super) fn abandon(&self, fault: &Fault) -> usize {
        let (unfinished, turns, taken) = {
            let mut state = lock(&self.state);
            state.closed = true;
            (state.unfinished, state.clear(), state.taken.clone())
        };
        self.changed.notify_all();
        for turn in turns {
            turn.fail(fault);
        }
        for (request, task) in taken {
            // The worker is to stop after the check that it is at.
            request.cancel();
            request.fail(&task, fault);
        }
        unfinished
    }
}

impl State {
    /// How long a request that came now would wait for its first turn. Each of those before it has one
    /// before that.
    fn wait(&self) -> Duration {
        let before = u32::try_from(self.turns.len()).unwrap_or(u32::MAX);
        self.pace.saturating_mul(before)
    }

    /// A task was taken up.
    fn took_up(&mut self, now: Instant) {
        if let Some(before) = self.taken_up {
            let known = self.paces;
            self.pace = (self.pace * known + now.duration_since(before)) / (known + 1);
            self.paces = (known + 1).min(PACES);
        }
        // While nothing waits, the time to the next one says how often there are requests.
        self.taken_up = (!self.turns.is_empty()).then_some(now);
    }

    /// Whether no task is left, and none will come.
    fn ended(&self) -> bool {
        self.closed && self.turns.is_empty()
    }

    /// Takes out what no worker has taken up.
    fn clear(&mut self) -> VecDeque<Turn> {
        let turns = std::mem::take(&mut self.turns);
        let checks = turns.iter().map(Turn::checks).sum();
        self.unfinished = self.unfinished.saturating_sub(checks);
        turns
    }
}
