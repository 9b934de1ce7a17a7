//! A program that is run for its own sake, and what came of it.

use super::{Fault, File, Fuel, Limits, Text};

/// A program that is run as it is, with nothing that judges it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Program {
    /// The program.
    pub code: Text,
    /// What it reads.
    pub stdin: Vec<u8>,
    /// Files in its working directory.
    pub files: Vec<File>,
    /// `sys.argv[1:]`.
    pub arguments: Vec<String>,
    /// Files to read back after it has ended: relative paths, without `..`.
    pub fetch: Vec<String>,
    /// What it may use.
    pub limits: Limits,
    /// Seeds its randomness.
    pub seed: u64,
}

/// What came of a program, or the fault of ours that kept it from running.
pub type ProgramResult = Result<ProgramRun, Fault>;

/// What came of a program.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgramRun {
    /// How it ended.
    pub ended: Ended,
    /// What it wrote to stdout until then.
    pub stdout: Vec<u8>,
    /// What it wrote to stderr until then.
    pub stderr: Vec<u8>,
    /// What it used.
    pub fuel: Fuel,
    /// Memory that it added to the runtime's own.
    pub memory_bytes: u64,
    /// Those of the files asked for that were there.
    pub files: Vec<File>,
    /// Whether it was answered from the cache.
    pub cached: bool,
    /// Known differences from native Python that it met.
    pub warnings: Vec<String>,
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself.
    Exited {
        /// 0 to 255, as a shell would see it.
        status: i32,
        /// The uncaught exception, none for a plain end or `sys.exit`.
        exception: Option<Exception>,
    },
    /// Its guest time was over; or the wall clock struck twice, where `backstop` says so.
    TimeLimit {
        /// Says nothing of the program then.
        backstop: bool,
    },
    /// It used up its memory.
    MemoryLimit,
    /// It wrote more than it may.
    OutputLimit,
    /// The interpreter crashed.
    Crashed {
        /// In one line, the same on every machine.
        message: String,
    },
}

/// An exception that ended a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The class and its bases by name, most derived first, without `object`.
    pub classes: Vec<String>,
    /// As the last line of a traceback: class and text.
    pub message: String,
}

impl Ended {
    /// Whether memory ran out, by our limit or the interpreter's own.
    pub fn is_out_of_memory(&self) -> bool {
        match self {
            Ended::MemoryLimit => true,
            Ended::Exited {
                exception: Some(exception),
                ..
            } => exception.classes.iter().any(|class| class == "MemoryError"),
            _ => false,
        }
    }
}
