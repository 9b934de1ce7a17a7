//! What became of checks, and what generator and critic earn from it.

use super::{Fuel, Isolation};

/// What became of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The candidate passed.
    Pass,
    /// Wrong value, wrong output, a failed assertion, another exception than the expected one.
    Fail,
    /// The candidate raised, did not compile, lacks the function or exited non-zero.
    Error,
    /// It used up its guest time.
    TimeLimit,
    /// It used up its memory.
    MemoryLimit,
    /// It wrote more than it may.
    OutputLimit,
    /// The check itself is no good.
    Invalid,
    /// Not run, after a failure with `stop_on_failure`.
    Skipped,
}

impl Outcome {
    /// Whether the check says something of the candidate.
    pub fn is_valid(self) -> bool {
        !matches!(self, Outcome::Invalid | Outcome::Skipped)
    }

    /// Whether the candidate failed a valid check.
    pub fn is_failure(self) -> bool {
        self.is_valid() && self != Outcome::Pass
    }
}

/// What became of one check, with what people and programs want to know of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The check's id.
    pub id: String,
    /// What became of it.
    pub outcome: Outcome,
    /// One line of why, empty for a pass.
    pub message: String,
    /// What was expected: the value's `repr` or the output; `None` where nothing is compared.
    pub expected: Option<String>,
    /// What came.
    pub actual: Option<String>,
    /// The candidate's stdout; what is not UTF-8 is replaced.
    pub stdout: String,
    /// The candidate's stderr.
    pub stderr: String,
    /// What the candidate's execution used.
    pub fuel: Fuel,
    /// Memory that it added to the runtime's own.
    pub memory_bytes: u64,
    /// Where the test code ran.
    pub isolation: Isolation,
    /// Whether the candidate's execution was answered from the cache.
    pub cached: bool,
    /// The wall-clock backstop struck twice.
    pub backstop: bool,
    /// Known differences from native Python that the execution met.
    pub warnings: Vec<String>,
}

/// What became of one submission: verdicts and reward, or a fault of ours and no reward.
#[derive(Clone, Debug, PartialEq)]
pub struct SubmissionResult {
    /// The submission's id.
    pub id: String,
    /// One verdict a check, in the order of the checks; or the fault that kept us from judging.
    pub judged: Result<Judged, Fault>,
}

/// The verdicts of one submission and what follows from them.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// In the order of the checks.
    pub verdicts: Vec<Verdict>,
    /// Checks that were passed.
    pub passed: usize,
    /// Checks that were valid.
    pub valid: usize,
    /// What both players earn.
    pub reward: Reward,
    /// What it cost.
    pub executions: Executions,
}

impl Judged {
    /// Counts and rewards follow from the verdicts.
    pub fn new(verdicts: Vec<Verdict>, executions: Executions) -> Self {
        let passed = verdicts
            .iter()
            .filter(|verdict| verdict.outcome == Outcome::Pass)
            .count();
        let valid = verdicts
            .iter()
            .filter(|verdict| verdict.outcome.is_valid())
            .count();
        let reward = Reward::of(&verdicts);
        Judged {
            verdicts,
            passed,
            valid,
            reward,
            executions,
        }
    }
}

/// RLAC's zero-sum game (arXiv 2511.01758): the generator wins where the critic does not.
#[derive(Clone, Debug, PartialEq)]
pub struct Reward {
    /// 1 if every valid check passed, 0 if one failed, `None` if no check was valid.
    pub generator: Option<f64>,
    /// For each check 1 if it was valid and the candidate failed it, else 0; `None` if skipped.
    pub critic: Vec<Option<f64>>,
}

impl Reward {
    /// The rewards that these verdicts earn.
    pub fn of(verdicts: &[Verdict]) -> Self {
        let failed = verdicts.iter().any(|v| v.outcome.is_failure());
        let valid = verdicts.iter().any(|v| v.outcome.is_valid());
        Reward {
            generator: valid.then_some(if failed { 0.0 } else { 1.0 }),
            critic: verdicts
                .iter()
                .map(|verdict| match verdict.outcome {
                    Outcome::Skipped => None,
                    outcome => Some(if outcome.is_failure() { 1.0 } else { 0.0 }),
                })
                .collect(),
        }
    }
}

/// How many programs were run on a check's input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Executions {
    /// Runs of the candidate.
    pub candidate: u64,
    /// Runs of the reference.
    pub reference: u64,
    /// Of both, those answered from the cache or shared with an identical run.
    pub cached: u64,
}

/// We failed, not the program: no reward follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// For programs.
    pub code: FaultCode,
    /// For people; says nothing of our insides.
    pub message: String,
    /// Whether sending it again may help.
    pub retryable: bool,
}

/// What kept us from judging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultCode {
    /// The engine failed or a worker died.
    Engine,
    /// We are shutting down.
    Shutdown,
}
