//! A request that was accepted: what is still to be judged of it, and who waits for the results.

use super::memory::Memory;
use super::{Tenant, lock};
use crate::domain::{Executions, Fault, FaultCode, Judged, Submission, SubmissionResult, Verdict};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc::UnboundedSender;

/// Executions that a request may remember where there is no cache: some hundreds with full
/// outputs, many thousands of ordinary ones.
const MEMORY_BYTES: u64 = 64 << 20;

/// An accepted request.
pub(super) struct Request {
    pub tenant: Tenant,
    /// Runs that its submissions share, where there is no cache.
    pub memory: Option<Memory>,
    submissions: Vec<(Submission, Mutex<Progress>)>,
    results: UnboundedSender<(usize, SubmissionResult)>,
    cancelled: AtomicBool,
}

/// Checks that one worker judges in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Task {
    pub submission: usize,
    pub checks: Range<usize>,
}

/// What is known of a submission.
struct Progress {
    verdicts: Vec<Option<Verdict>>,
    missing: usize,
    executions: Executions,
    fault: Option<Fault>,
}

impl Request {
    /// Results go out as soon as they are known; those without checks are known at once.
    pub(super) fn new(
        submissions: Vec<Submission>,
        tenant: Tenant,
        remember: bool,
        results: UnboundedSender<(usize, SubmissionResult)>,
    ) -> Self {
        let with_progress = |submission: Submission| {
            let progress = Progress::new(submission.checks.len());
            (submission, Mutex::new(progress))
        };
        let request = Request {
            tenant,
            memory: remember.then(|| Memory::new(MEMORY_BYTES)),
            submissions: submissions.into_iter().map(with_progress).collect(),
            results,
            cancelled: AtomicBool::new(false),
        };
        for (index, (submission, progress)) in request.submissions.iter().enumerate() {
            if submission.checks.is_empty() {
                request.answer(index, &mut lock(progress));
            }
        }
        request
    }

    /// The work, in the order of the submissions: a check is a task, and so is a submission that
    /// stops at its first failure, whose checks depend on each other.
    pub(super) fn tasks(&self) -> Vec<Task> {
        let mut tasks = Vec::new();
        for (submission, (of, _)) in self.submissions.iter().enumerate() {
            let count = of.checks.len();
            let step = if of.stop_on_failure { count.max(1) } else { 1 };
            tasks.extend((0..count).step_by(step).map(|first| Task {
                submission,
                checks: first..first + step,
            }));
        }
        tasks
    }

    pub(super) fn submission(&self, index: usize) -> &Submission {
        &self.submissions[index].0
    }

    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether nobody waits for it any more.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Whether a submission gets no verdicts any more, so that its other checks need no runs.
    pub(super) fn is_faulty(&self, submission: usize) -> bool {
        lock(&self.submissions[submission].1).fault.is_some()
    }

    /// Takes the verdict of one check.
    pub(super) fn settle(
        &self,
        submission: usize,
        check: usize,
        verdict: Verdict,
        executions: Executions,
    ) {
        let mut progress = lock(&self.submissions[submission].1);
        progress.verdicts[check] = Some(verdict);
        progress.executions.candidate += executions.candidate;
        progress.executions.reference += executions.reference;
        progress.executions.cached += executions.cached;
        self.count_down(submission, &mut progress, 1);
    }

    /// Takes that checks will have no verdict, for a fault of ours.
    pub(super) fn fail(&self, submission: usize, checks: usize) {
        let mut progress = lock(&self.submissions[submission].1);
        progress.fault.get_or_insert(Fault {
            code: FaultCode::Engine,
            message: "the engine failed".into(),
            retryable: true,
        });
        self.count_down(submission, &mut progress, checks);
    }

    fn count_down(&self, submission: usize, progress: &mut Progress, checks: usize) {
        progress.missing = progress.missing.saturating_sub(checks);
        if progress.missing == 0 {
            self.answer(submission, progress);
        }
    }

    fn answer(&self, index: usize, progress: &mut Progress) {
        let verdicts: Vec<_> = progress.verdicts.drain(..).flatten().collect();
        let judged = match progress.fault.clone() {
            Some(fault) => Err(fault),
            None => Ok(Judged::new(verdicts, progress.executions)),
        };
        let id = self.submissions[index].0.id.clone();
        // Whoever asked may have gone; then there is nobody to tell.
        let _ = self.results.send((index, SubmissionResult { id, judged }));
    }
}

impl Progress {
    fn new(checks: usize) -> Self {
        Progress {
            verdicts: vec![None; checks],
            missing: checks,
            executions: Executions::default(),
            fault: None,
        }
    }
}
