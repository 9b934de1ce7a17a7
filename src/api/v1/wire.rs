//! The JSON of `/v1` and its one conversion each way.
//!
//! Owns every field name, every default and every rule about what a request may say. Knows
//! nothing of HTTP, so that the command line reads the same checks from a file.
//!
//! Text that a model wrote never refuses a request, so these types keep clear of everything that
//! makes serde go through `String` or buffer a value (`untagged`, `flatten`, internal tags): a
//! lone surrogate would be refused on that way.

mod bounded;
mod check;
mod choice;
mod compare;
mod errors;
mod files;
mod limits;
mod object;
mod parse;
mod request;
mod result;
mod text;

pub use bounded::Bounded;
pub use check::CheckWire;
pub use choice::{IsolationName, KindName, LanguageName, WhitespaceName};
pub use compare::CompareWire;
pub use errors::{FieldError, FieldErrors, Path};
pub use files::FilesWire;
pub use limits::LimitsWire;
pub use object::Object;
pub use parse::{ParseError, parse};
pub use request::{ChecksRequest, ProblemWire, SubmissionWire};
pub use result::{
    ChecksResponse, ExecutionsWire, FailedWire, FaultCodeName, FaultWire, JudgedWire, OutcomeName,
    ResultWire, RewardWire, VerdictWire,
};
pub use text::TextWire;
