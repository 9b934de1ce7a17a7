//! A request that was accepted: what is still to be judged of it, and who waits for the results.

use super::fault::{FaultPoint, Faults};
use super::memory::Memory;
use super::{Tenant, lock};
use crate::domain::{Executions, Fault, Judged, Submission, SubmissionResult, Verdict};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;
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
    /// Since when it waits; for figures only.
    pub accepted: Instant,
    /// Runs that its submissions share, where there is no cache.
    pub memory: Option<Memory>,
    submissions: Vec<(Submission, Mutex<Progress>)>,
    results: UnboundedSender<(usize, SubmissionResult)>,
    cancelled: AtomicBool,
    /// Bytes of output in the verdicts so far.
    told_bytes: AtomicU64,
    faults: Faults,
}

/// Checks that one worker judges in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Task {
    pub submission: usize,
    pub checks: Range<usize>,
}

/// What is known of a submission. Each check is settled once and each submission answered once,
/// whatever panics in between: what is not settled or answered yet can be failed.
struct Progress {
    checks: Vec<Known>,
    /// Checks of which nothing is known.
    missing: usize,
    executions: Executions,
    fault: Option<Fault>,
    answered: bool,
}

/// What is known of a check.
#[derive(Clone)]
enum Known {
    Nothing,
    Verdict(Verdict),
    /// It gets no verdict.
    Failed,
}

impl Request {
    /// Results go out as soon as they are known; those without checks are known at once.
    pub(super) fn new(
        submissions: Vec<Submission>,
        tenant: Tenant,
        remember: bool,
        results: UnboundedSender<(usize, SubmissionResult)>,
        faults: Faults,
    ) -> Self {
        let with_progress = |submission: Submission| {
            let progress = Progress::new(submission.checks.len());
            (submission, Mutex::new(progress))
        };
        let request = Request {
            tenant,
            accepted: Instant::now(),
            memory: remember.then(|| Memory::new(MEMORY_BYTES)),
            submissions: submissions.into_iter().map(with_progress).collect(),
            results,
            cancelled: AtomicBool::new(false),
            told_bytes: AtomicU64::new(0),
            faults,
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

    /// Takes the verdict of one check, unless it was failed meanwhile.
    pub(super) fn settle(
        &self,
        submission: usize,
        check: usize,
        mut verdict: Verdict,
        executions: Executions,
    ) {
        self.bound(&mut verdict);
        let mut progress = lock(&self.submissions[submission].1);
        (self.faults)(FaultPoint::Settle);
        if !matches!(progress.checks[check], Known::Nothing) {
            return;
        }
        progress.checks[check] = Known::Verdict(verdict);
        progress.missing -= 1;
        progress.executions.candidate += executions.candidate;
        progress.executions.reference += executions.reference;
        progress.executions.cached += executions.cached;
        self.answer(submission, &mut progress);
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

    /// Takes that the task's checks of which nothing is known will have no verdict, for a fault of
    /// ours. Does nothing where all are settled and the submission is answered.
    pub(super) fn fail(&self, task: &Task, fault: &Fault) {
        let mut progress = lock(&self.submissions[task.submission].1);
        let mut failed = 0;
        for known in &mut progress.checks[task.checks.clone()] {
            if matches!(known, Known::Nothing) {
                *known = Known::Failed;
                failed += 1;
            }
        }
        progress.missing -= failed;
        // All verdicts without an answer: we failed while we made it.
        if failed > 0 || (progress.missing == 0 && !progress.answered) {
            progress.fault.get_or_insert_with(|| fault.clone());
            self.answer(task.submission, &mut progress);
        }
    }

    /// Gives the result, if everything is known.
    fn answer(&self, index: usize, progress: &mut Progress) {
        if progress.missing > 0 || progress.answered {
            return;
        }
        (self.faults)(FaultPoint::Answer);
        let verdicts = progress.verdicts();
        let judged = match progress.fault.clone() {
            Some(fault) => Err(fault),
            None => Ok(Judged::new(verdicts, progress.executions)),
        };
        progress.answered = true;
        let id = self.submissions[index].0.id.clone();
        // Whoever asked may have gone; then there is nobody to tell.
        let _ = self.results.send((index, SubmissionResult { id, judged }));
    }
}

impl Progress {
    fn new(checks: usize) -> Self {
        Progress {
            checks: vec![Known::Nothing; checks],
            missing: checks,
            executions: Executions::default(),
            fault: None,
            answered: false,
        }
    }

    /// Takes the verdicts out.
    fn verdicts(&mut self) -> Vec<Verdict> {
        let verdict = |known| match std::mem::replace(known, Known::Failed) {
            Known::Verdict(verdict) => Some(verdict),
            Known::Nothing | Known::Failed => None,
        };
        self.checks.iter_mut().filter_map(verdict).collect()
    }
}
