//! Programs judged by checks, whose test code runs apart from the program.

use super::answers::TestResult;
use super::plan::Plan;
use super::wire::{CommandResult, CommandStatus, RunCodeResponse, RunStatus};
use crate::api::called::Called;
use crate::api::error::ApiError;
use crate::api::programs::Failed;
use crate::domain::{
    Check, CheckKind, Compare, Fault, FaultCode, Outcome, Submission, Text, Verdict,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A check, and what an answer says of it.
#[derive(Clone)]
pub(super) struct CheckCase {
    pub kind: CheckKind,
    pub info: Option<Value>,
}

impl CheckCase {
    /// Test code, whose `check` is given the function of that name.
    pub fn script(source: &str, entry_point: Option<&str>) -> Self {
        CheckCase {
            kind: CheckKind::Script {
                source: source.into(),
                entry_point: entry_point.map(str::to_owned),
            },
            info: None,
        }
    }
}

/// Puts a program to checks, until the first failure unless all are asked for.
pub(super) async fn run_checks(
    api: &Called,
    code: Text,
    cases: &[CheckCase],
    plan: &Plan,
) -> Result<Vec<TestResult>, ApiError> {
    let mut meter = plan.meter();
    let mut tests: Vec<TestResult> = Vec::new();
    let mut together = meter.at_once(cases.len());
    while tests.len() < cases.len() && !meter.is_spent() {
        let left = &cases[tests.len()..];
        let wave = &left[..together.min(left.len())];
        let verdicts = match verdicts(api, code.clone(), wave, plan).await? {
            Ok(verdicts) => verdicts,
            Err(fault) => return Ok(vec![faulty(api, &fault)]),
        };
        for (verdict, case) in verdicts.into_iter().zip(wave) {
            if meter.is_spent() {
                break;
            }
            meter.spend(verdict.fuel);
            let failed = verdict.outcome.is_failure();
            tests.push(TestResult {
                passed: verdict.outcome == Outcome::Pass,
                exec_info: exec_info(api, verdict),
                test_info: case.info.clone(),
            });
            if failed && !plan.all {
                return Ok(tests);
            }
        }
        together = together.saturating_mul(2);
    }
    // Whatever is not told by now found the time of all spent.
    tests.resize(cases.len(), TestResult::out_of_time(super::pod(api)));
    Ok(tests)
}

/// What becomes of some checks that are put to the validator together.
async fn verdicts(
    api: &Called,
    code: Text,
    cases: &[CheckCase],
    plan: &Plan,
) -> Result<Result<Vec<Verdict>, Fault>, ApiError> {
    let checks = cases.iter().enumerate().map(|(index, case)| {
        Arc::new(Check {
            id: index.to_string(),
            kind: case.kind.clone(),
            trusted: true,
        })
    });
    let submission = Submission {
        id: String::new(),
        problem: None,
        code,
        reference: None,
        checks: checks.collect(),
        limits: plan.limits,
        compare: Compare::default(),
        isolation: plan.isolation,
        stop_on_failure: !plan.all,
        seed: 0,
    };
    let mut results = api
        .validator()
        .submit(vec![submission], api.tenant.clone())?;
    match results.recv().await.map(|(_, result)| result.judged) {
        Some(Ok(judged)) => Ok(Ok(judged.verdicts)),
        Some(Err(fault)) => {
            drop(super::tell(Err(Failed::Fault(fault.clone())))?);
            Ok(Err(fault))
        }
        None => Err(ApiError::Internal),
    }
}

fn faulty(api: &Called, fault: &Fault) -> TestResult {
    debug_assert_ne!(fault.code, FaultCode::Shutdown, "told as an error");
    TestResult {
        passed: false,
        exec_info: RunCodeResponse::failed(fault.message.clone(), super::pod(api)),
        test_info: None,
    }
}

/// A verdict as a run: what a program gets that is judged by its own exit status.
fn exec_info(api: &Called, verdict: Verdict) -> RunCodeResponse {
    let (status, code) = match verdict.outcome {
        Outcome::Pass => (RunStatus::Success, Some(0)),
        // The test is no good: that is nobody's failure.
        Outcome::Invalid => {
            let why = format!("the test cannot be used: {}", verdict.message);
            return RunCodeResponse::failed(why, super::pod(api));
        }
        Outcome::TimeLimit => (RunStatus::Failed, None),
        _ => (RunStatus::Failed, Some(1)),
    };
    let mut stderr = verdict.stderr;
    if !verdict.message.is_empty() && !stderr.contains(&verdict.message) {
        stderr += &verdict.message;
        stderr.push('\n');
    }
    RunCodeResponse {
        status,
        message: String::new(),
        compile_result: None,
        run_result: Some(CommandResult {
            status: match code {
                Some(_) => CommandStatus::Finished,
                None => CommandStatus::TimeLimitExceeded,
            },
            execution_time: Some(verdict.fuel.as_ms() / 1000.0),
            return_code: code,
            stdout: Some(verdict.stdout),
            stderr: Some(stderr),
        }),
        executor_pod_name: super::pod(api),
        files: BTreeMap::new(),
    }
}
