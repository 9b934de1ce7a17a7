//! Programs that are run for their own sake: each is answered once.

use super::Task;
use crate::domain::{Program, ProgramResult};
use crate::validator::fault::{FaultPoint, Faults};
use crate::validator::{lock, spans};
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use tracing::Span;

/// The programs of a request.
pub(in crate::validator) struct Programs {
    /// With its span until it is answered.
    programs: Vec<(Program, Mutex<Option<Span>>)>,
    results: UnboundedSender<(usize, ProgramResult)>,
    faults: Faults,
}

impl Programs {
    pub(in crate::validator) fn new(
        programs: Vec<Program>,
        results: UnboundedSender<(usize, ProgramResult)>,
        faults: Faults,
    ) -> Self {
        let unanswered = |(index, program)| (program, Mutex::new(Some(spans::program(index))));
        Programs {
            programs: programs.into_iter().enumerate().map(unanswered).collect(),
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
        lock(&self.programs[index].1).is_none()
    }

    /// A worker takes it up.
    pub(in crate::validator) fn begin(&self, index: usize, waited: Duration) {
        if let Some(span) = &*lock(&self.programs[index].1) {
            spans::begun(span, waited);
        }
    }

    /// Gives the result, unless there was one.
    pub(in crate::validator) fn answer(&self, index: usize, result: ProgramResult) {
        let mut unanswered = lock(&self.programs[index].1);
        if unanswered.is_none() {
            return;
        }
        (self.faults)(FaultPoint::Answer);
        if let Some(span) = unanswered.take() {
            spans::ran(&span, result.as_ref().ok());
        }
        // Whoever asked may have gone; then there is nobody to tell.
        let _ = self.results.send((index, result));
    }
}
