//! Programs that are run for their own sake: each is answered once.

use super::Task;
use crate::domain::{Program, ProgramResult};
use crate::validator::fault::{FaultPoint, Faults};
use crate::validator::lock;
use std::sync::Mutex;
use tokio::sync::mpsc::UnboundedSender;

/// The programs of a request.
pub(in crate::validator) struct Programs {
    /// With whether it is answered.
    programs: Vec<(Program, Mutex<bool>)>,
    results: UnboundedSender<(usize, ProgramResult)>,
    faults: Faults,
}

impl Programs {
    pub(in crate::validator) fn new(
        programs: Vec<Program>,
        results: UnboundedSender<(usize, ProgramResult)>,
        faults: Faults,
    ) -> Self {
        let unanswered = |program| (program, Mutex::new(false));
        Programs {
            programs: programs.into_iter().map(unanswered).collect(),
            results,
            faults,
        }
    }

    /// One a program.
    pub(super) fn tasks(&self) -> Vec<Task> {
        let task = |item| Task { item, checks: 0..1 };
        (0..self.programs.len()).map(task).collect()
    }

    pub(in crate::validator) fn program(&self, index: usize) -> &Program {
        &self.programs[index].0
    }

    /// Whether it needs no run any more.
    pub(in crate::validator) fn is_answered(&self, index: usize) -> bool {
        *lock(&self.programs[index].1)
    }

    /// Gives the result, unless there was one.
    pub(in crate::validator) fn answer(&self, index: usize, result: ProgramResult) {
        let mut answered = lock(&self.programs[index].1);
        if *answered {
            return;
        }
        (self.faults)(FaultPoint::Answer);
        *answered = true;
        // Whoever asked may have gone; then there is nobody to tell.
        let _ = self.results.send((index, result));
    }
}
