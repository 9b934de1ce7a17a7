//! Programs judged by their outputs: run on inputs, what they printed and wrote is compared, or put to
//! a special judge where it differs.

use super::answers::TestResult;
use super::plan::{Meter, Plan};
use super::wire::RunCodeResponse;
use crate::api::called::Called;
use crate::api::error::ApiError;
use crate::api::programs::{self, Failed, text};
use crate::domain::{Ended, File, Limits, Program, ProgramRun, Text};
use serde_json::{Value, json};

/// Where a special judge finds what the program was given, what is expected and what it printed.
const JUDGE_FILES: [&str; 3] = ["stdin.txt", "stdout.txt", "answer.txt"];

/// What a program reads and what it should write.
pub(super) struct StdioCase {
    pub stdin: String,
    pub files: Vec<File>,
    pub stdout: String,
    /// Files that it should write.
    pub written: Vec<(String, String)>,
}

/// Runs a program on inputs and compares its outputs, until the first failure unless all are asked
/// for: twice as many at a time as before, so that few are run in vain.
pub(super) async fn compare_outputs(
    api: &Called,
    code: &Text,
    cases: &[StdioCase],
    plan: &Plan,
) -> Result<Vec<TestResult>, ApiError> {
    let mut meter = plan.meter();
    let mut tests: Vec<TestResult> = Vec::new();
    let mut together = match plan.all {
        true => meter.at_once(cases.len()),
        false => 1,
    };
    while tests.len() < cases.len() && !meter.is_spent() {
        let left = &cases[tests.len()..];
        let wave = &left[..together.min(left.len())];
        let programs = wave.iter().map(|case| case.program(code, plan.limits));
        let results = programs::run_all(api, programs.collect()).await?;
        for (case, result) in wave.iter().zip(results) {
            if meter.is_spent() {
                break;
            }
            let run = super::tell(result.map_err(Failed::Fault))?;
            let test = case.judge(api, run, plan, &mut meter).await?;
            let passed = test.passed;
            tests.push(test);
            if !passed && !plan.all {
                return Ok(tests);
            }
        }
        together = together.saturating_mul(2);
    }
    // Whatever is not told by now found the time of all spent.
    tests.resize(cases.len(), TestResult::out_of_time(super::pod(api)));
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

    /// The result of a run.
    async fn judge(
        &self,
        api: &Called,
        run: Result<ProgramRun, String>,
        plan: &Plan,
        meter: &mut Meter,
    ) -> Result<TestResult, ApiError> {
        let passed = match &run {
            Ok(run) => {
                meter.spend(run.fuel);
                self.passes(api, run, plan).await?
            }
            Err(_) => false,
        };
        Ok(TestResult {
            passed,
            exec_info: RunCodeResponse::new(run, &Vec::new(), super::pod(api)),
            test_info: Some(self.info()),
        })
    }

    async fn passes(&self, api: &Called, run: &ProgramRun, plan: &Plan) -> Result<bool, ApiError> {
        if !matches!(run.ended, Ended::Exited { status: 0, .. }) {
            return Ok(false);
        }
        let printed = text(&run.stdout);
        let written = self.written.iter().all(|(path, expected)| {
            let file = run.files.iter().find(|file| file.path == *path);
            file.is_some_and(|file| alike(expected, &text(&file.contents)))
        });
        match &plan.judge {
            _ if written && alike(&self.stdout, &printed) => Ok(true),
            Some(judge) => self.judged(api, judge, &run.stdout, plan.limits).await,
            None => Ok(false),
        }
    }

    /// Asks the special judge, which is as trusted as the request.
    async fn judged(
        &self,
        api: &Called,
        judge: &Text,
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
            code: judge.clone(),
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

    /// What the case looks like in an answer.
    fn info(&self) -> Value {
        json!({"input": {"stdin": self.stdin}, "output": {"stdout": self.stdout}})
    }
}

/// Whether outputs are equal as that service has it: as many lines, blanks around them and the case
/// of letters aside, and numbers equal to five digits where a line is one.
fn alike(expected: &str, printed: &str) -> bool {
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
