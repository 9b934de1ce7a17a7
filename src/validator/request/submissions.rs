//! Submissions on their way to verdicts.

use super::Task;
use crate::domain::{Executions, Fault, Judged, Submission, SubmissionResult, Verdict};
use crate::validator::fault::{FaultPoint, Faults};
use crate::validator::{lock, spans};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc::UnboundedSender;
use tracing::Span;

/// Most bytes of output in the verdicts of one request. An answer is held in memory whole, also
/// where every check of a large batch prints as much as it may and most of them come from the
/// cache, which costs their sender nothing.
const MOST_TOLD_BYTES: u64 = 128 << 20;

/// The submissions of a request.
pub(in crate::validator) struct Submissions {
    submissions: Vec<(Submission, Mutex<Progress>)>,
    results: UnboundedSender<(usize, SubmissionResult)>,
    /// Bytes of output in the verdicts so far.
    told_bytes: AtomicU64,
    faults: Faults,
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
    /// Until it is answered.
    span: Span,
}

/// What is known of a check.
#[derive(Clone)]
enum Known {
    Nothing,
    Verdict(Verdict),
    /// It gets no verdict.
    Failed,
}

impl Submissions {
    /// Results go out as soon as they are known; those without checks are known at once.
    pub(in crate::validator) fn new(
        submissions: Vec<Submission>,
        results: UnboundedSender<(usize, SubmissionResult)>,
        faults: Faults,
    ) -> Self {
        let with_progress = |(index, submission): (usize, Submission)| {
            let progress = Progress::new(index, submission.checks.len());
            (submission, Mutex::new(progress))
        };
        let submissions = submissions.into_iter().enumerate();
        let all = Submissions {
            submissions: submissions.map(with_progress).collect(),
            results,
            told_bytes: AtomicU64::new(0),
            faults,
        };
        for (index, (submission, progress)) in all.submissions.iter().enumerate() {
            if submission.checks.is_empty() {
                all.answer(index, &mut lock(progress));
            }
        }
        all
    }

    /// The work, in the order of the submissions: a check is a task, and so is a submission that
    /// stops at its first failure, whose checks depend on each other.
    pub(super) fn tasks(&self) -> Vec<Task> {
        let mut tasks = Vec::new();
        for (item, (of, _)) in self.submissions.iter().enumerate() {
            let count = of.checks.len();
            let step = if of.stop_on_failure { count.max(1) } else { 1 };
            tasks.extend((0..count).step_by(step).map(|first| Task {
                item,
                checks: first..first + step,
            }));
        }
        tasks
    }

    pub(in crate::validator) fn submission(&self, index: usize) -> &Submission {
        &self.submissions[index].0
    }

    /// Its span, while it is not answered.
    pub(in crate::validator) fn span(&self, index: usize) -> Span {
        lock(&self.submissions[index].1).span.clone()
    }

    /// Whether a submission gets no verdicts any more, so that its other checks need no runs.
    pub(in crate::validator) fn is_faulty(&self, submission: usize) -> bool {
        lock(&self.submissions[submission].1).fault.is_some()
    }

    /// Takes the verdict of one check, unless it was failed meanwhile.
    pub(in crate::validator) fn settle(
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
        let mut progress = lock(&self.submissions[task.item].1);
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
            self.answer(task.item, &mut progress);
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
        let span = std::mem::replace(&mut progress.span, Span::none());
        spans::answered(&span, judged.as_ref().ok());
        let id = self.submissions[index].0.id.clone();
        // Whoever asked may have gone; then there is nobody to tell.
        let _ = self.results.send((index, SubmissionResult { id, judged }));
    }
}

impl Progress {
    fn new(index: usize, checks: usize) -> Self {
        Progress {
            checks: vec![Known::Nothing; checks],
            missing: checks,
            executions: Executions::default(),
            fault: None,
            answered: false,
            span: spans::submission(index, checks),
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
