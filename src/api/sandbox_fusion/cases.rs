//! Tests of data sets, put to the validator: outputs by running the program and comparing what it
//! printed, functions and scripts by checks, whose test code runs apart from the program.

use super::rows::{TestConfig, TestResult};
use super::wire::{CommandResult, CommandStatus, RunCodeResponse, RunStatus};
use crate::api::called::Called;
use crate::api::error::ApiError;
use crate::api::programs::{self, Failed, limits, text};
use crate::domain::{
    Check, CheckKind, Compare, Ended, Fault, FaultCode, File, Isolation, Limits, Outcome, Program,
    ProgramRun, Submission, Text, Verdict,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Guest seconds of a test where nothing is said, as in that service.
const RUN_SECONDS: f64 = 20.0;

/// Where a special judge finds what the program was given, what is expected and what it printed.
const JUDGE_FILES: [&str; 3] = ["stdin.txt", "stdout.txt", "answer.txt"];

/// What a program reads and what it should write.
pub(in crate::api) struct StdioCase {
    pub stdin: String,
    pub files: Vec<File>,
    pub stdout: String,
    /// Files that it should write.
    pub written: Vec<(String, String)>,
    pub info: Value,
}

/// Test code.
pub(in crate::api) struct ScriptCase {
    pub source: String,
    pub entry_point: Option<String>,
    pub info: Option<Value>,
}

/// What an execution may use.
pub(in crate::api) fn limits_of(api: &Called, config: &TestConfig) -> Result<Limits, ApiError> {
    let seconds = config.run_timeout.unwrap_or(RUN_SECONDS);
    let compiling = config.compile_timeout.unwrap_or(RUN_SECONDS);
    for (name, seconds) in [("run_timeout", seconds), ("compile_timeout", compiling)] {
        if !(seconds.is_finite() && seconds > 0.0) {
            let why = format!("config.{name} must be a positive number of seconds");
            return Err(ApiError::Request(why));
        }
    }
    Ok(limits(&api.0.caps, seconds, None))
}

/// Runs a program on inputs and compares its outputs, until the first failure unless all are asked
/// for: twice as many at a time as before, so that few are run in vain.
pub(in crate::api) async fn compare_outputs(
    api: &Called,
    code: &Text,
    cases: &[StdioCase],
    config: &TestConfig,
) -> Result<Vec<TestResult>, ApiError> {
    let limits = limits_of(api, config)?;
    let judge = config
        .extra("special_judge_program")
        .and_then(Value::as_str);
    let all = config.runs_all_cases();
    let mut tests: Vec<TestResult> = Vec::new();
    let mut together = if all { cases.len().max(1) } else { 1 };
    while tests.len() < cases.len() {
        let begun = tests.len();
        let wave = &cases[begun..cases.len().min(begun + together)];
        let programs = wave.iter().map(|case| case.program(code, limits)).collect();
        let results = programs::run_all(api, programs).await?;
        for (case, result) in wave.iter().zip(results) {
            let run = super::tell(result.map_err(Failed::Fault))?;
            let passed = match &run {
                Ok(run) => case.passes(api, run, judge, limits).await?,
                Err(_) => false,
            };
            tests.push(TestResult {
                passed,
                exec_info: RunCodeResponse::new(run, &Vec::new(), super::pod(api)),
                test_info: Some(case.info.clone()),
            });
            if !passed && !all {
                return Ok(tests);
            }
        }
        together *= 2;
    }
    Ok(tests)
}

impl StdioCase {
    fn program(&self, code: &Text, limits: Limits) -> Program {
        Program {
            code: code.clone(),
            stdin: self.stdin.clone().into_bytes(),
            files: self.files.clone(),
            arguments: Vec::new(),
            fetch: self.written.iter().map(|(path, _)| path.clone()).collect(),
            limits,
            seed: 0,
        }
    }

    async fn passes(
        &self,
        api: &Called,
        run: &ProgramRun,
        judge: Option<&str>,
        limits: Limits,
    ) -> Result<bool, ApiError> {
        if !matches!(run.ended, Ended::Exited { status: 0, .. }) {
            return Ok(false);
        }
        let printed = text(&run.stdout);
        let written = self.written.iter().all(|(path, expected)| {
            let file = run.files.iter().find(|file| file.path == *path);
            file.is_some_and(|file| alike(expected, &text(&file.contents)))
        });
        match judge {
            _ if written && alike(&self.stdout, &printed) => Ok(true),
            Some(judge) => self.judged(api, judge, &run.stdout, limits).await,
            None => Ok(false),
        }
    }

    /// Asks the special judge, which is as trusted as the request.
    async fn judged(
        &self,
        api: &Called,
        judge: &str,
        printed: &[u8],
        limits: Limits,
    ) -> Result<bool, ApiError> {
        let contents = [self.stdin.as_bytes(), self.stdout.as_bytes(), printed];
        let files = JUDGE_FILES
            .iter()
            .zip(contents)
            .map(|(path, contents)| File {
                path: (*path).to_owned(),
                contents: contents.to_vec(),
            });
        let program = Program {
            code: judge.into(),
            stdin: Vec::new(),
            files: files.collect(),
            arguments: JUDGE_FILES.map(str::to_owned).to_vec(),
            fetch: Vec::new(),
            limits,
            seed: 0,
        };
        let run = super::tell(programs::run(api, program).await)?;
        let run = run.map_err(|_| ApiError::Internal)?;
        Ok(matches!(run.ended, Ended::Exited { status: 0, .. }))
    }
}

/// Whether outputs are equal as that service has it: as many lines, blanks around them and the case
/// of letters aside, and numbers equal to five digits where a line is one.
pub(in crate::api) fn alike(expected: &str, printed: &str) -> bool {
    let (expected, printed) = (lines(expected), lines(printed));
    let mut pairs = expected.iter().zip(&printed);
    expected.len() == printed.len() && pairs.all(|(a, b)| a == b || close(a, b))
}

fn lines(output: &str) -> Vec<String> {
    let lines = output.trim().split('\n');
    lines.map(|line| line.trim().to_lowercase()).collect()
}

fn close(expected: &str, printed: &str) -> bool {
    match (expected.parse::<f64>(), printed.parse::<f64>()) {
        (Ok(expected), Ok(printed)) => {
            (printed - expected).abs() / expected.abs().max(1e-10) < 1e-5
        }
        _ => false,
    }
}

/// Puts test code to a program, until the first failure unless all is asked for. The tests run
/// apart from the program unless the request says `"isolation": "shared"`.
pub(in crate::api) async fn check_scripts(
    api: &Called,
    code: Text,
    cases: Vec<ScriptCase>,
    config: &TestConfig,
) -> Result<Vec<TestResult>, ApiError> {
    let shared = config.extra("isolation").and_then(Value::as_str) == Some("shared");
    let checks = cases.iter().enumerate().map(|(index, case)| {
        Arc::new(Check {
            id: index.to_string(),
            kind: CheckKind::Script {
                source: case.source.as_str().into(),
                entry_point: case.entry_point.clone(),
            },
            trusted: true,
        })
    });
    let submission = Submission {
        id: String::new(),
        problem: None,
        code,
        reference: None,
        checks: checks.collect(),
        limits: limits_of(api, config)?,
        compare: Compare::default(),
        isolation: if shared {
            Isolation::Shared
        } else {
            Isolation::Split
        },
        stop_on_failure: !config.runs_all_cases(),
        seed: 0,
    };
    let mut results = api
        .validator()
        .submit(vec![submission], api.tenant.clone())?;
    let result = results.recv().await.map(|(_, result)| result.judged);
    let judged = match result {
        Some(Ok(judged)) => judged.verdicts,
        Some(Err(fault)) => {
            drop(super::tell(Err(Failed::Fault(fault.clone())))?);
            return Ok(vec![faulty(api, &fault)]);
        }
        None => return Err(ApiError::Internal),
    };
    let run = judged.into_iter().zip(cases);
    let told = run.filter(|(verdict, _)| verdict.outcome != Outcome::Skipped);
    Ok(told
        .map(|(verdict, case)| TestResult {
            passed: verdict.outcome == Outcome::Pass,
            exec_info: exec_info(api, verdict),
            test_info: case.info,
        })
        .collect())
}

fn faulty(api: &Called, fault: &Fault) -> TestResult {
    debug_assert_ne!(fault.code, FaultCode::Shutdown, "told as an error");
    TestResult {
        passed: false,
        exec_info: RunCodeResponse::new(Err(fault.message.clone()), &Vec::new(), super::pod(api)),
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
            return RunCodeResponse::new(Err(why), &Vec::new(), super::pod(api));
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

/// A call of a function with JSON arguments whose result is JSON. A tuple counts as a list, since
/// JSON has none.
pub(in crate::api) fn call_script(
    code: &str,
    function: &str,
    arguments: &Value,
    expected: &Value,
) -> Result<String, ApiError> {
    let is_name = |c: char| c == '_' || c.is_alphanumeric();
    if function.is_empty() || !function.chars().all(is_name) {
        return Err(ApiError::Request(format!(
            "fn_name is `{function}`, which is no name"
        )));
    }
    let callee = match code.contains("class Solution") {
        true => format!("Solution().{function}"),
        false => function.to_owned(),
    };
    // JSON's way of writing a text is one of Python's too.
    let quoted = |value: &Value| Value::String(value.to_string()).to_string();
    Ok(format!(
        "import json\n\
         _arguments = json.loads({})\n\
         _expected = json.loads({})\n\
         _result = {callee}(*_arguments)\n\
         if isinstance(_result, tuple):\n    _result = list(_result)\n\
         assert _result == _expected, f\"{{_result!r}} instead of {{_expected!r}}\"\n",
        quoted(arguments),
        quoted(expected),
    ))
}

/// What a case of outputs looks like in an answer.
pub(in crate::api) fn stdio_info(stdin: &str, stdout: &str) -> Value {
    json!({"input": {"stdin": stdin}, "output": {"stdout": stdout}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs() {
        for (expected, printed, expect) in [
            ("YES\n", "yes", true),
            ("1 2\n3\n", " 1 2 \n 3", true),
            ("1  2", "1 2", false),
            ("0.333333", "0.3333331", true),
            ("0.3333", "0.3334", false),
            ("1000000", "1000001", true),
            ("1\n2", "1", false),
            ("1", "1\n2", false),
            ("", "\n\n", true),
            ("nan", "nan", true),
            ("1 0.5", "1 0.500001", false),
        ] {
            assert_eq!(alike(expected, printed), expect, "{expected:?} {printed:?}");
        }
    }
}
