//! A request that was accepted: what is still to be done of it, and who waits for the results.

mod programs;
mod submissions;

pub(super) use programs::Programs;
pub(super) use submissions::Submissions;

use super::Tenant;
use super::memory::Memory;
use crate::domain::Fault;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Executions that a request may remember where there is no cache: some hundreds with full
/// outputs, many thousands of ordinary ones.
const MEMORY_BYTES: u64 = 64 << 20;

/// An accepted request.
pub(super) struct Request {
    pub tenant: Tenant,
    /// Since when it waits; for figures only.
    pub accepted: Instant,
    /// Runs that its submissions share, where there is no cache.
    pub memory: Option<Memory>,
    pub asked: Asked,
    cancelled: AtomicBool,
}

/// What a request is for.
pub(super) enum Asked {
    /// Verdicts.
    Verdicts(Submissions),
    /// What programs print.
    Runs(Programs),
}

/// What one worker does in order: checks of a submission, or a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Task {
    /// Which submission or program.
    pub item: usize,
    /// Of a submission; a program counts as one.
    pub checks: Range<usize>,
}

impl Request {
    pub(super) fn new(asked: Asked, tenant: Tenant, remember: bool) -> Self {
        Request {
            tenant,
            accepted: Instant::now(),
            memory: remember.then(|| Memory::new(MEMORY_BYTES)),
            asked,
            cancelled: AtomicBool::new(false),
        }
    }

    /// The work, in the order in which it was asked for.
    pub(super) fn tasks(&self) -> Vec<Task> {
        match &self.asked {
            Asked::Verdicts(submissions) => submissions.tasks(),
            Asked::Runs(programs) => programs.tasks(),
        }
    }

    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether nobody waits for it any more.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Takes that what is not known of the task will not be, for a fault of ours. Does nothing
    /// where all of it is known.
    pub(super) fn fail(&self, task: &Task, fault: &Fault) {
        match &self.asked {
            Asked::Verdicts(submissions) => submissions.fail(task, fault),
            Asked::Runs(programs) => programs.answer(task.item, Err(fault.clone())),
        }
    }
}
