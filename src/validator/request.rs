//! A request that was accepted: what is still to be judged of it, and who waits for the results.

use super::memory::Memory;
use super::{Tenant, lock};
use crate::domain::{Executions, Fault, FaultCode, Judged, Submission, SubmissionResult, Verdict};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::mpsc::UnboundedSender;

/// Most bytes of output in the verdicts of one request. An answer is held in memory whole, also
/// where every check of a large batch prints as much as it may and most of them come from the
/// cache, which costs their sender nothing.
const MOST_TOLD_BYTES: u64 = 128 << 20;

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
    /// Bytes of output in the verdicts so far.
    told_bytes: AtomicU64,
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
            told_bytes: AtomicU64::new(0),
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
        mut verdict: Verdict,
        executions: Executions,
    ) {
        self.bound(&mut verdict);
        let mut progress = lock(&self.submissions[submission].1);
        progress.verdicts[check] = Some(verdict);
        progress.executions.candidate += executions.candidate;
        progress.executions.reference += executions.reference;
        progress.executions.cached += executions.cached;
        self.count_down(submission, &mut progress, 1);
    }

    /// Leaves the outputs out of a verdict, where those of the request are very many already.
    fn bound(&self, verdict: &mut Verdict) {
        let size = (verdict.stdout.len() + verdict.stderr.len()) as u64;
        let before = self.told_bytes.fetch_add(size, Ordering::Relaxed);
        if size > 0 && before.saturating_add(size) > MOST_TOLD_BYTES {
            verdict.stdout.clear();
            verdict.stderr.clear();
            let text = "stdout and stderr are left out: those of this request exceed 128 MiB";
            verdict.warnings.push(text.to_owned());
        }
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
