//! The words of the product as plain data: submission, check, verdict, reward, program.
//!
//! Owns what a check is and what became of it. Knows neither JSON, HTTP nor the sandbox, does no
//! I/O and depends on no other module.

mod limits;
mod output;
mod program;
mod runtime;
mod submission;
mod text;
pub mod value;
mod verdict;

pub use limits::{Fuel, Limits};
pub use output::outputs_equal;
pub use program::{Ended, Exception, Program, ProgramResult, ProgramRun};
pub use runtime::RuntimeInfo;
pub use submission::{
    Check, CheckKind, Compare, Expected, File, Isolation, Problem, Submission, Whitespace,
};
pub use text::Text;
pub use verdict::{
    Executions, Fault, FaultCode, Judged, Outcome, Reward, SubmissionResult, Verdict,
};
