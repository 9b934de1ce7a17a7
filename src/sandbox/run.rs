//! What goes into a sandbox and what comes out of it.

use crate::domain::value::Value;
use crate::domain::{File, Fuel, Limits, Text};
use std::sync::Arc;

/// One program to execute: all that decides what comes out, beside the runtime itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Run {
    /// What is executed.
    pub job: Job,
    /// What it may use.
    pub limits: Limits,
    /// Seeds the guest's randomness.
    pub seed: u64,
    /// Code of the job's texts, as far as they were compiled beforehand.
    pub compiled: Compiled,
}

impl Run {
    /// The fuel that is left to it after compiling.
    pub(super) fn budget(&self) -> Fuel {
        Fuel(self.limits.fuel().0.saturating_sub(self.compiled.fuel.0))
    }
}

/// Code of texts that a [`Job::Compile`] gave, so that the same text need not be compiled in every
/// guest that runs it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Compiled {
    /// Of the program.
    pub program: Option<Arc<[u8]>>,
    /// Of the test code.
    pub test: Option<Arc<[u8]>>,
    /// What compiling took; the run is charged for it, as if it had compiled the texts itself.
    pub fuel: Fuel,
}

/// What is executed, in one fresh guest or, split, in two.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Job {
    /// A text is compiled, and nothing of it executed.
    Compile {
        /// The text.
        source: Text,
        /// What it is.
        place: Place,
    },
    /// The program as `__main__`.
    Main {
        /// The program.
        code: Text,
        /// What it reads.
        stdin: Vec<u8>,
        /// Files in its working directory.
        files: Vec<File>,
        /// `sys.argv[1:]`.
        arguments: Vec<String>,
        /// Files to read back once it has stopped: relative paths, without `..`.
        fetch: Vec<String>,
    },
    /// The program as a module, then an expression over its names.
    Call {
        /// The program; empty where the expression stands for itself, as an expected value does.
        code: Text,
        /// The expression.
        call: Text,
    },
    /// The program as a module, then test code in the same namespace.
    Script {
        /// The program.
        code: Text,
        /// The test code.
        source: Text,
        /// The name that the script's `check(candidate)` is called with.
        entry_point: Option<String>,
    },
    /// The program as a module in one guest, the test in another, the judge: they share nothing
    /// but the messages that the host carries.
    Split {
        /// The program.
        code: Text,
        /// What the judge does with it.
        test: Test,
    },
}

/// What a text that is compiled is: tracebacks name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The program.
    Program,
    /// Test code.
    Test,
}

/// What a judge does with a program in another guest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    /// Evaluates an expression over the program's names.
    Call {
        /// The expression.
        call: Text,
        /// An expression of the value that is expected, evaluated before the program is loaded.
        expected: Option<Text>,
    },
    /// Executes test code that sees the program's names.
    Script {
        /// The test code.
        source: Text,
        /// The name that the script's `check(candidate)` is called with.
        entry_point: Option<String>,
    },
}

/// What came of a [`Run`]: a pure function of it and of the runtime.
#[derive(Clone, Debug, PartialEq)]
pub struct Execution {
    /// How it ended.
    pub ending: Ending,
    /// What it wrote to stdout, at most `limits.output_bytes`.
    pub stdout: Vec<u8>,
    /// What it wrote to stderr, at most `limits.output_bytes`.
    pub stderr: Vec<u8>,
    /// What it used.
    pub fuel: Fuel,
    /// Memory that it wrote to or allocated beyond the runtime's own.
    pub memory_bytes: u64,
    /// Known differences from native Python that it met.
    pub warnings: Vec<String>,
    /// What [`Test::Call`] expects, where that was asked for and could be evaluated.
    pub expected: Option<Expectation>,
    /// Those of the files that [`Job::Main`] asks for that are there, however it ended.
    pub files: Vec<File>,
}

/// A value that a call is expected to give.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// Its plain data.
    pub value: Value,
    /// Its `repr`, cut where very long.
    pub repr: String,
}

/// How an execution ended. A guest that fails is a value, not an error.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// `Compile` gave this code, in the form that [`Compiled`] takes.
    Compiled {
        /// Written by a guest that executed nothing of the text.
        code: Arc<[u8]>,
    },
    /// `Main` ended with this exit status; `raised` where an exception ended it (status 1).
    Exited {
        /// 0 to 255, as a shell would see it.
        status: i32,
        /// The uncaught exception, none for a plain end or `sys.exit`.
        raised: Option<Raised>,
    },
    /// `Call` gave a value.
    Returned {
        /// Its plain data.
        value: Value,
        /// Its `repr`, cut where very long. Written by the guest: for people only.
        repr: String,
    },
    /// `Script` ran to its end and no test failed.
    TestsPassed,
    /// `Script` ran to its end without running a test.
    NoTests,
    /// A `unittest` failed or had an error; asserts that fail are [`Ending::Raised`].
    TestsFailed {
        /// Whether every problem was an assertion's, none another exception's.
        assertions_only: bool,
        /// The first problem in one line.
        message: String,
    },
    /// An exception ended a `Call` or a `Script`.
    Raised {
        /// Where it was raised.
        phase: Phase,
        /// What was raised.
        raised: Raised,
    },
    /// The guest left by itself in a `Call` or `Script`: `sys.exit`, `os._exit`.
    Left {
        /// Where it left.
        phase: Phase,
        /// With what exit status.
        status: i32,
    },
    /// A split test does what only code in the program's own interpreter can.
    Unsplittable {
        /// What it does, in one line.
        reason: String,
    },
    /// The expected value of a split call could not be had; the program was not loaded.
    NoExpectation {
        /// Why, in one line.
        message: String,
    },
    /// A limit struck.
    Limit(LimitKind),
    /// The interpreter crashed: a wasm trap, an abort, a message out of turn.
    Crashed {
        /// In one line, the same on every machine.
        message: String,
    },
    /// The wall-clock backstop struck; says nothing of the program.
    Backstop,
}

/// Which limit ended an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitKind {
    /// Guest time.
    Time,
    /// Memory.
    Memory,
    /// Output.
    Output,
}

/// Which part of a job was running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Compiling or executing the candidate program.
    Program,
    /// Compiling the call expression or the script: the check's own text.
    Check,

    /// Evaluating the call or executing the script.
    Test,
}

/// An exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raised {
    /// The class and its bases by name, most derived first, without `object`.
    pub classes: Vec<String>,
    /// As the last line of a traceback: class and text.
    pub message: String,
}

impl Raised {
    /// Whether the class or one of its bases has this name.
    pub fn is_a(&self, class: &str) -> bool {
        self.classes.iter().any(|name| name == class)
    }
}
