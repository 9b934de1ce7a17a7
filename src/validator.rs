//! Stand-in for the validator: answers every check with a pass, without running anything.

use crate::domain::{Executions, Fuel, Judged, Outcome, Submission, SubmissionResult, Verdict};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// A handle on the validator.
#[derive(Clone, Debug)]
pub struct Validator {
    capacity: usize,
    full: bool,
    closed: Arc<AtomicBool>,
    unanswered: Arc<AtomicUsize>,
}

/// Keeps caches apart per API key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tenant(pub Arc<str>);

/// What the validator is doing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {}

/// Why a batch was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// The queue is full now.
    Full {
        /// When there may be room.
        retry_after: Duration,
    },
    /// The batch could never fit.
    TooLarge {
        /// Checks in the batch.
        checks: usize,
        /// Checks that the queue holds.
        capacity: usize,
    },
    /// No more work is taken.
    ShuttingDown,
}

impl Validator {
    /// A stand-in that holds this many checks; `full` turns every batch away.
    pub fn fake(capacity: usize, full: bool) -> Self {
        Validator {
            capacity,
            full,
            closed: Arc::default(),
            unanswered: Arc::default(),
        }
    }

    /// Accepts a batch or says why not.
    pub fn submit(
        &self,
        submissions: Vec<Submission>,
        _tenant: Tenant,
    ) -> Result<Results, Rejected> {
        let checks = submissions.iter().map(|s| s.checks.len()).sum();
        if !self.is_accepting() {
            return Err(Rejected::ShuttingDown);
        }
        if checks > self.capacity {
            return Err(Rejected::TooLarge {
                checks,
                capacity: self.capacity,
            });
        }
        if self.full {
            return Err(Rejected::Full {
                retry_after: Duration::from_millis(1500),
            });
        }
        self.unanswered
            .fetch_add(submissions.len(), Ordering::SeqCst);
        // Backwards, so that whoever relies on the order of arrival is found out.
        let results = submissions.iter().map(pass).enumerate().rev().collect();
        Ok(Results {
            results,
            unanswered: self.unanswered.clone(),
        })
    }

    /// Whether a batch has a chance.
    pub fn is_accepting(&self) -> bool {
        !self.closed.load(Ordering::SeqCst)
    }

    /// Numbers for the operator.
    pub fn stats(&self) -> Stats {
        Stats {}
    }

    /// Results that nobody received or dropped yet; of the stand-in only.
    pub fn unanswered(&self) -> usize {
        self.unanswered.load(Ordering::SeqCst)
    }

    /// Stops accepting; resolves when all that was accepted is answered.
    pub async fn shutdown(&self) {
        self.closed.store(true, Ordering::SeqCst);
        while self.unanswered() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// The results of a batch, in the order in which they become known.
#[derive(Debug)]
pub struct Results {
    results: VecDeque<(usize, SubmissionResult)>,
    unanswered: Arc<AtomicUsize>,
}

impl Results {
    /// The next result with its submission's index.
    pub async fn recv(&mut self) -> Option<(usize, SubmissionResult)> {
        self.blocking_recv()
    }

    /// The next result with its submission's index.
    pub fn blocking_recv(&mut self) -> Option<(usize, SubmissionResult)> {
        let next = self.results.pop_front()?;
        self.unanswered.fetch_sub(1, Ordering::SeqCst);
        Some(next)
    }
}

impl Drop for Results {
    fn drop(&mut self) {
        self.unanswered
            .fetch_sub(self.results.len(), Ordering::SeqCst);
    }
}

fn pass(submission: &Submission) -> SubmissionResult {
    let verdicts = submission.checks.iter().map(|check| Verdict {
        id: check.id.clone(),
        outcome: Outcome::Pass,
        message: String::new(),
        expected: None,
        actual: None,
        stdout: String::new(),
        stderr: String::new(),
        fuel: Fuel(2_834_201),
        memory_bytes: 131_072,
        isolation: submission.isolation,
        cached: false,
        backstop: false,
        warnings: Vec::new(),
    });
    let executions = Executions {
        candidate: submission.checks.len() as u64,
        ..Executions::default()
    };
    SubmissionResult {
        id: submission.id.clone(),
        judged: Ok(Judged::new(verdicts.collect(), executions)),
    }
}
