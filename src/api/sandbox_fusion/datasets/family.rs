//! Families of data sets: whose rows look alike and are judged alike.

use super::{cases, contests, functions, prompts};
use crate::api::called::Called;
use crate::api::error::ApiError;
use crate::api::sandbox_fusion::answers::{EvalResult, Prompt};
use crate::api::sandbox_fusion::plan::{Defaults, Plan};
use crate::api::sandbox_fusion::requests::{SubmitRequest, TestConfig};
use crate::api::sandbox_fusion::rows::Row;
use serde_json::Value;

/// What rows of a data set look like, and how completions are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// A prompt that ends in the middle of a function, and a `check(candidate)`.
    HumanEval,
    /// A task and asserts.
    Mbpp,
    /// The same, where the task is a function's head with its docstring.
    Mhpp,
    /// Inputs and outputs, or calls and results.
    CommonOj,
    /// The same, packed as LiveCodeBench's are.
    LiveCodeBench,
}

/// The data sets whose rows are known by name.
const DATASETS: [(&str, Family); 8] = [
    ("humaneval_python", Family::HumanEval),
    ("shadow_humaneval_python", Family::HumanEval),
    ("EvoEval", Family::HumanEval),
    ("mbpp", Family::Mbpp),
    ("mhpp", Family::Mhpp),
    ("code_contests", Family::CommonOj),
    ("common_oj", Family::CommonOj),
    ("live_code_bench_v1", Family::LiveCodeBench),
];

/// Classes of data sets, as `dataset_type` names them.
const CLASSES: [(&str, Family); 5] = [
    ("HumanEvalDataset", Family::HumanEval),
    ("MBPPDataset", Family::Mbpp),
    ("MHPPDataset", Family::Mhpp),
    ("CommonOJDataset", Family::CommonOj),
    ("LiveCodeBenchDataset", Family::LiveCodeBench),
];

impl Family {
    /// The names of the data sets that are known.
    pub fn names() -> impl Iterator<Item = &'static str> {
        DATASETS.iter().map(|(name, _)| *name)
    }

    /// The one of a data set, or of the class that the request names.
    pub fn of(dataset: &str, config: &TestConfig) -> Result<Self, ApiError> {
        let by_name = DATASETS.iter().find(|(name, _)| *name == dataset);
        let class = config.dataset_type.as_deref();
        let by_class = class.and_then(|class| CLASSES.iter().find(|(name, _)| *name == class));
        let found = by_name.or(by_class).map(|(_, family)| *family);
        found.ok_or_else(|| {
            let classes: Vec<_> = CLASSES.iter().map(|(name, _)| *name).collect();
            ApiError::NoDataset(match class {
                None => format!(
                    "no eval class found for dataset {dataset}: send config.dataset_type, one of {}",
                    classes.join(", ")
                ),
                Some(class) => format!(
                    "eval class {class} not found: there are {}",
                    classes.join(", ")
                ),
            })
        })
    }

    /// What a model is asked.
    pub fn prompt(self, row: &Row, asked: &Value) -> Result<Prompt, ApiError> {
        match self {
            Family::Mbpp => prompts::with_a_test(row, asked),
            Family::Mhpp => prompts::with_an_example(row, asked),
            Family::HumanEval | Family::CommonOj | Family::LiveCodeBench => {
                prompts::as_it_is(row, asked)
            }
        }
    }

    /// What becomes of a completion.
    pub async fn judge(
        self,
        api: &Called,
        request: &SubmitRequest,
        row: &Row,
    ) -> Result<EvalResult, ApiError> {
        let defaults = match self {
            Family::LiveCodeBench => Defaults::LIVE_CODE_BENCH,
            _ => Defaults::SANDBOX_FUSION,
        };
        let plan = Plan::new(&request.config, &api.0.caps, defaults)?;
        match self {
            Family::HumanEval => functions::human_eval(api, request, row, &plan).await,
            Family::Mbpp | Family::Mhpp => functions::asserts(api, request, row, &plan).await,
            Family::CommonOj => cases::judge(api, request, row, &plan).await,
            Family::LiveCodeBench => contests::judge(api, request, row, &plan).await,
        }
    }
}
