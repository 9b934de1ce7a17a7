//! What became of submissions, as the answer says it.

mod convert;

use super::IsolationName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The answer to a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChecksResponse {
    /// One a submission, in the order of the submissions.
    pub results: Vec<ResultWire>,
}

/// What became of one submission.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = SubmissionResult)]
pub enum ResultWire {
    /// It was judged.
    Judged(JudgedWire),
    /// We failed: no outcome, no reward.
    Failed(FailedWire),
}

/// The verdicts of one submission and what follows from them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = JudgedSubmission)]
pub struct JudgedWire {
    /// The submission's id.
    pub id: String,
    /// One a check: the problem's checks, then the submission's own.
    pub verdicts: Vec<VerdictWire>,
    /// Checks that were passed.
    pub passed: usize,
    /// Checks that were valid.
    pub valid: usize,
    /// What generator and critic earn.
    pub reward: RewardWire,
    /// What it cost.
    pub executions: ExecutionsWire,
}

/// A submission that we could not judge: a fault of ours, never one of the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = FailedSubmission)]
pub struct FailedWire {
    /// The submission's id.
    pub id: String,
    /// What kept us from judging.
    pub error: FaultWire,
}

/// What kept us from judging.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Fault)]
pub struct FaultWire {
    /// For programs.
    pub code: FaultCodeName,
    /// For people.
    pub message: String,
    /// Whether sending the submission again may help.
    pub retryable: bool,
}

/// What became of one check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Verdict)]
pub struct VerdictWire {
    /// The check's id.
    pub id: String,
    /// What became of it.
    pub outcome: OutcomeName,
    /// One line of why, empty for a pass.
    pub message: String,
    /// What was expected, where something is compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expected: Option<String>,
    /// What came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub actual: Option<String>,
    /// The candidate's stdout.
    pub stdout: String,
    /// The candidate's stderr.
    pub stderr: String,
    /// What the candidate's execution used.
    pub fuel: u64,
    /// Guest time: fuel / 10,000,000.
    pub time_ms: f64,
    /// Memory that it added to the runtime's own.
    pub memory_bytes: u64,
    /// Where the test code ran.
    pub isolation: IsolationName,
    /// Whether the candidate's execution was answered from the cache.
    pub cached: bool,
    /// The wall-clock backstop struck twice; absent otherwise.
    #[serde(default, skip_serializing_if = "is_false")]
    pub backstop: bool,
    /// Known differences from native Python that the execution met; absent where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// What generator and critic earn: RLAC's zero-sum game.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Reward)]
pub struct RewardWire {
    /// 1 if every valid check passed, 0 if one failed, null if no check was valid.
    #[schema(required)]
    pub generator: Option<f64>,
    /// For each check 1 if it was valid and the candidate failed it, else 0; null if skipped.
    pub critic: Vec<Option<f64>>,
}

/// How many programs were run on a check's input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Executions)]
pub struct ExecutionsWire {
    /// Runs of the candidate.
    pub candidate: u64,
    /// Runs of the reference.
    pub reference: u64,
    /// Of both, those answered from the cache or shared with an identical run.
    pub cached: u64,
}

/// What became of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Outcome)]
pub enum OutcomeName {
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

/// What kept us from judging.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FaultCode)]
pub enum FaultCodeName {
    /// The engine failed.
    Engine,
    /// The server is shutting down.
    Shutdown,
}
