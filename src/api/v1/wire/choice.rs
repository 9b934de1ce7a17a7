//! Fields that hold one of a few names.

use super::{FieldErrors, Path};
use crate::domain::{Isolation, Whitespace};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which language a program is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Language)]
pub enum LanguageName {
    /// Python 3.
    Python,
}

impl LanguageName {
    pub(super) const NAMES: [(&str, Self); 1] = [("python", LanguageName::Python)];
}

/// What a check runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Kind)]
pub enum KindName {
    /// An expression whose value is compared: `call`, `expected` or `expected_exception`.
    Call,
    /// The program as `__main__`: `stdin`, `expected`, `exit_status`, `files`, `checker`.
    Stdio,
    /// Python test code: `source`, `entry_point`.
    Script,
    /// A critic model's raw text: `text`.
    Critic,
}

impl KindName {
    pub(super) const NAMES: [(&str, Self); 4] = [
        ("call", KindName::Call),
        ("stdio", KindName::Stdio),
        ("script", KindName::Script),
        ("critic", KindName::Critic),
    ];

    /// The kind's name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            KindName::Call => "call",
            KindName::Stdio => "stdio",
            KindName::Script => "script",
            KindName::Critic => "critic",
        }
    }
}

/// Which white space counts when outputs are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Whitespace)]
pub enum WhitespaceName {
    /// Every byte counts.
    Exact,
    /// Trailing blanks of lines and trailing newlines do not count.
    Trailing,
    /// Only the words count.
    Tokens,
}

pub(super) const WHITESPACE: [(&str, Whitespace); 3] = [
    ("exact", Whitespace::Exact),
    ("trailing", Whitespace::Trailing),
    ("tokens", Whitespace::Tokens),
];

/// Where test code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Isolation)]
pub enum IsolationName {
    /// Apart from the candidate, wherever the check's kind allows it.
    Split,
    /// In the candidate's own interpreter.
    Shared,
}

impl From<Isolation> for IsolationName {
    fn from(isolation: Isolation) -> Self {
        match isolation {
            Isolation::Split => IsolationName::Split,
            Isolation::Shared => IsolationName::Shared,
        }
    }
}

pub(super) const ISOLATION: [(&str, Isolation); 2] =
    [("split", Isolation::Split), ("shared", Isolation::Shared)];

/// Finds a name among the choices; a name that is none of them is noted.
///
/// The wire types hold such names as strings, since serde would stop at the first wrong one.
pub(super) fn choose<T: Copy>(
    name: Option<&str>,
    choices: &[(&str, T)],
    path: Path<'_>,
    errors: &mut FieldErrors,
) -> Option<T> {
    let name = name?;
    let found = choices.iter().find(|(choice, _)| *choice == name);
    if found.is_none() {
        let names: Vec<_> = choices.iter().map(|(n, _)| format!("`{n}`")).collect();
        let message = format_args!("is `{name}`, must be {}", names.join(" or ")).to_string();
        errors.add(path, message);
    }
    found.map(|(_, value)| *value)
}
