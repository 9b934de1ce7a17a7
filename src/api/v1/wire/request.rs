//! A batch as a request says it, and the submissions that it means.

mod convert;
mod reference;

use super::{
    Bounded, CheckWire, CompareWire, IsolationName, LanguageName, LimitsWire, Object, TextWire,
};
use serde::Deserialize;
use utoipa::ToSchema;

/// The most submissions in one request, by contract.
pub const MAX_SUBMISSIONS: usize = 100_000;

/// The most checks of one submission or problem: a whole default queue.
pub const MAX_CHECKS: usize = 65_536;

/// A batch of submissions.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct ChecksRequest {
    /// What candidates for the same task share.
    #[schema(value_type = Option<Vec<ProblemWire>>)]
    pub problems: Option<Bounded<ProblemWire, MAX_SUBMISSIONS>>,
    /// The programs, each with its checks.
    #[schema(value_type = Vec<SubmissionWire>, required, min_items = 1, max_items = 100_000)]
    pub submissions: Option<Bounded<SubmissionWire, MAX_SUBMISSIONS>>,
}

/// What candidates for the same task share.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
#[schema(as = Problem)]
pub struct ProblemWire {
    /// The name that submissions give as their `problem`.
    #[schema(value_type = String, required)]
    pub id: Option<String>,
    /// A trusted solution.
    #[schema(value_type = Option<String>)]
    pub reference: Option<TextWire>,
    /// Checks that stand before the submissions' own.
    #[schema(value_type = Option<Vec<CheckWire>>)]
    pub checks: Option<Bounded<CheckWire, MAX_CHECKS>>,
    /// What executions may use where the submission does not say.
    #[schema(value_type = Option<LimitsWire>)]
    pub limits: Option<Object<LimitsWire>>,
    /// How values and outputs are compared where the submission does not say.
    #[schema(value_type = Option<CompareWire>)]
    pub compare: Option<Object<CompareWire>>,
}

/// One program with the checks it has to face.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
#[schema(as = Submission)]
pub struct SubmissionWire {
    /// Names the submission in the answer; its place in the batch where nothing is said.
    pub id: Option<String>,
    /// The id of one of the request's problems.
    pub problem: Option<String>,
    /// The program's language.
    #[schema(value_type = LanguageName, required)]
    pub language: Option<String>,
    /// The program.
    #[schema(value_type = String, required)]
    pub code: Option<TextWire>,
    /// A trusted solution; stands before the problem's.
    #[schema(value_type = Option<String>)]
    pub reference: Option<TextWire>,
    /// Checks of its own, after the problem's; of both together at least one.
    #[schema(value_type = Option<Vec<CheckWire>>)]
    pub checks: Option<Bounded<CheckWire, MAX_CHECKS>>,
    /// What each execution may use; stands before the problem's, field by field.
    #[schema(value_type = Option<LimitsWire>)]
    pub limits: Option<Object<LimitsWire>>,
    /// How values and outputs are compared; stands before the problem's, field by field.
    #[schema(value_type = Option<CompareWire>)]
    pub compare: Option<Object<CompareWire>>,
    /// Where test code runs; `split` where nothing is said.
    #[schema(value_type = Option<IsolationName>)]
    pub isolation: Option<String>,
    /// Whether the checks after the first failure are skipped.
    #[schema(default = false)]
    pub stop_on_failure: Option<bool>,
    /// Seeds the guest's randomness.
    #[schema(default = 0)]
    pub seed: Option<u64>,
}
