//! The bounded queue of checks that wait for a worker.
//!
//! Requests take turns: each task comes from the request that has waited longest since its last
//! one, so that a request of thousands of checks does not keep one of three from its answer.

use super::request::{Request, Task};
use super::{Rejected, lock};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// What `Rejected::Full` says to a client before anything was measured. Arbitrary.
const FIRST_GUESS: Duration = Duration::from_millis(10);

/// Work for the workers.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    capacity: usize,
    workers: usize,
}

struct State {
    turns: VecDeque<Turn>,
    /// Checks that were accepted and are not judged yet.
    unfinished: usize,
    closed: bool,
    /// How long a check keeps a worker, averaged over the last dozen or so. For hints only.
    usual: Duration,
}

struct Turn {
    request: Arc<Request>,
    tasks: VecDeque<Task>,
}

impl Queue {
    pub(super) fn new(capacity: usize, workers: usize) -> Self {
        Queue {
            state: Mutex::new(State {
                turns: VecDeque::new(),
                unfinished: 0,
                closed: false,
                usual: FIRST_GUESS,
            }),
            changed: Condvar::new(),
            capacity,
            workers,
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

    /// Takes a request of so many checks, all of it or none.
    pub(super) fn push(
        &self,
        checks: usize,
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
    pub(super) fn pop(&self) -> Option<(Arc<Request>, Task)> {
        let idle = |state: &mut State| state.turns.is_empty() && !state.closed;
        let state = self.changed.wait_while(lock(&self.state), idle);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        let mut turn = state.turns.pop_front()?;
        let task = turn.tasks.pop_front()?;
        let request = turn.request.clone();
        if !turn.tasks.is_empty() {
            state.turns.push_back(turn);
        }
        Some((request, task))
    }

    /// Makes room for as many checks as were judged, which took a worker so long.
    pub(super) fn finish(&self, checks: usize, took: Duration) {
        let mut state = lock(&self.state);
        state.unfinished = state.unfinished.saturating_sub(checks);
        let each = took / u32::try_from(checks.max(1)).unwrap_or(u32::MAX);
        state.usual = (state.usual * 15 + each) / 16;
    }

    /// Drops what no worker has taken up of a request.
    pub(super) fn forget(&self, request: &Arc<Request>) {
        let mut state = lock(&self.state);
        let is_it = |turn: &Turn| Arc::ptr_eq(&turn.request, request);
        if let Some(position) = state.turns.iter().position(is_it)
            && let Some(turn) = state.turns.remove(position)
        {
            let checks: usize = turn.tasks.iter().map(|task| task.checks.len()).sum();
            state.unfinished = state.unfinished.saturating_sub(checks);
        }
    }

    /// Takes nothing more; what was accepted is still given out.
    pub(super) fn close(&self) {
        lock(&self.state).closed = true;
        self.changed.notify_all();
    }
}
