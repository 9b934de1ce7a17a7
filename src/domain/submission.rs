//! A program and the checks it has to face.

use super::{Limits, Text};
use std::sync::Arc;

/// One program with its checks, limits and comparison settled: nothing is left to default.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Names the submission in the answer.
    pub id: String,
    /// What it shares with other candidates for the same task; has the same reference and is
    /// validated once for all of them.
    pub problem: Option<Arc<Problem>>,
    /// The candidate program.
    pub code: Text,
    /// A trusted solution, the submission's own or its problem's.
    pub reference: Option<Arc<Text>>,
    /// The problem's checks, then the submission's own.
    pub checks: Vec<Arc<Check>>,
    /// What each execution may use.
    pub limits: Limits,
    /// How values and outputs are compared.
    pub compare: Compare,
    /// Where test code runs.
    pub isolation: Isolation,
    /// Whether the checks after the first failure are skipped.
    pub stop_on_failure: bool,
    /// Seeds the guest's randomness.
    pub seed: u64,
}

/// What the candidates for one task share.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Problem {
    /// Names the problem in the request.
    pub id: String,
}

/// One test case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Check {
    /// Names the check in the answer.
    pub id: String,
    /// What is run and how it is judged.
    pub kind: CheckKind,
    /// Sound by the sender's word: the reference is not asked whether it passes.
    pub trusted: bool,
}

/// What a check runs, and what decides.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CheckKind {
    /// An expression whose value is compared with the expected one.
    Call {
        /// Python expression over the candidate's names.
        call: Text,
        /// What it must give.
        expected: Expected,
    },
    /// The program runs as `__main__`; its stdout is compared.
    Stdio {
        /// What the program reads.
        stdin: Text,
        /// What it must print; the reference's stdout where absent.
        expected: Option<Text>,
        /// The exit status it must have, 0 where absent.
        exit_status: Option<i32>,
        /// Files that are in the working directory beforehand.
        files: Vec<File>,
        /// A trusted Python program that decides instead of the comparison.
        checker: Option<Text>,
    },
    /// Python test code that sees the candidate's names.
    Script {
        /// The test code.
        source: Text,
        /// The candidate's function that the script's `check(candidate)` is given.
        entry_point: Option<String>,
    },
    /// A critic model's raw text; its last `<testcase>` is judged by the reference.
    Critic {
        /// The text as it came.
        text: Text,
    },
}

/// What a call must give.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expected {
    /// A Python expression of the value.
    Value(Text),
    /// An exception of the class of this name.
    Exception(String),
    /// The value that the reference gives.
    Reference,
}

/// A file for the guest's working directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct File {
    /// Relative path, without `..`.
    pub path: String,
    /// What is in it.
    pub contents: Vec<u8>,
}

/// How values and outputs are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compare {
    /// Relative and absolute tolerance wherever both sides are floats, nested too; 0 is exact.
    pub float_tolerance: f64,
    /// Which white space counts in outputs.
    pub whitespace: Whitespace,
}

impl Default for Compare {
    fn default() -> Self {
        Compare {
            float_tolerance: 0.0,
            whitespace: Whitespace::Trailing,
        }
    }
}

/// Which white space counts when outputs are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Whitespace {
    /// Every byte counts.
    Exact,
    /// Trailing blanks of lines and trailing newlines do not count.
    #[default]
    Trailing,
    /// Only the words count.
    Tokens,
}

/// Where test code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Isolation {
    /// Apart from the candidate, wherever the check's kind allows it.
    #[default]
    Split,
    /// In the candidate's own interpreter.
    Shared,
}
