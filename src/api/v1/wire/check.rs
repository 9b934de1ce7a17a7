//! One check as a request says it.

use super::choice::choose;
use super::{FieldErrors, FilesWire, KindName, Path, TextWire};
use crate::domain::{Check, CheckKind, Expected, Text};
use serde::Deserialize;
use utoipa::ToSchema;

/// One test case; which fields it may have depends on its kind.
// Flat, not an enum: serde reads tagged enums through a buffer that refuses lone surrogates.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
#[schema(example = json!({"id": "t1", "kind": "call", "call": "add(2, 3)", "expected": "5"}))]
#[schema(as = Check)]
pub struct CheckWire {
    /// Names the check in the answer; its place among the verdicts where nothing is said.
    pub id: Option<String>,
    /// What the check runs.
    #[schema(value_type = KindName, required)]
    pub kind: Option<String>,
    /// The reference is not asked whether it passes this check: a benchmark's own test.
    #[schema(default = false)]
    pub trusted: Option<bool>,
    /// `call`: a Python expression over the candidate's names.
    #[schema(value_type = Option<String>)]
    pub call: Option<TextWire>,
    /// `call`: a Python expression of the value; `stdio`: the output. The reference gives it
    /// where nothing is said.
    #[schema(value_type = Option<String>)]
    pub expected: Option<TextWire>,
    /// `call`: the class of the exception that is expected instead of a value.
    pub expected_exception: Option<String>,
    /// `stdio`: what the program reads.
    #[schema(value_type = Option<String>)]
    pub stdin: Option<TextWire>,
    /// `stdio`: the exit status that the program must have, 0 where nothing is said.
    #[schema(minimum = 0, maximum = 255)]
    pub exit_status: Option<i64>,
    /// `stdio`: relative paths, and what is in the files in base64.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub files: Option<FilesWire>,
    /// `stdio`: a trusted Python program that decides instead of the comparison, by its exit
    /// status; its arguments are the paths of input, output and expected answer.
    #[schema(value_type = Option<String>)]
    pub checker: Option<TextWire>,
    /// `script`: Python test code that sees the candidate's names.
    #[schema(value_type = Option<String>)]
    pub source: Option<TextWire>,
    /// `script`: the candidate's function that the script's `check(candidate)` is given.
    pub entry_point: Option<String>,
    /// `critic`: the raw text, whose last `<testcase>` counts.
    #[schema(value_type = Option<String>)]
    pub text: Option<TextWire>,
}

impl CheckWire {
    /// The check, or none where faults were noted; `position` is its place among the verdicts.
    pub(super) fn convert(
        mut self,
        position: usize,
        path: Path<'_>,
        errors: &mut FieldErrors,
    ) -> Option<Check> {
        let kind_path = path.field("kind");
        if self.kind.is_none() {
            errors.add(kind_path, "is required");
        }
        let kind = choose(self.kind.as_deref(), &KindName::NAMES, kind_path, errors)?;
        self.refuse_fields_of_other_kinds(kind, path, errors);
        let id = self.id.take().unwrap_or_else(|| position.to_string());
        let trusted = self.trusted.unwrap_or(false);
        let kind = match kind {
            KindName::Call => self.call(path, errors),
            KindName::Stdio => Some(self.stdio(path, errors)),
            KindName::Script => self.script(path, errors),
            KindName::Critic => required(self.text, path.field("text"), errors)
                .map(|text| CheckKind::Critic { text }),
        }?;
        Some(Check { id, kind, trusted })
    }

    fn refuse_fields_of_other_kinds(
        &self,
        kind: KindName,
        path: Path<'_>,
        errors: &mut FieldErrors,
    ) {
        use KindName::{Call, Critic, Script, Stdio};
        let fields: [(&str, bool, &[KindName]); 10] = [
            ("call", self.call.is_some(), &[Call]),
            ("expected", self.expected.is_some(), &[Call, Stdio]),
            (
                "expected_exception",
                self.expected_exception.is_some(),
                &[Call],
            ),
            ("stdin", self.stdin.is_some(), &[Stdio]),
            ("exit_status", self.exit_status.is_some(), &[Stdio]),
            ("files", self.files.is_some(), &[Stdio]),
            ("checker", self.checker.is_some(), &[Stdio]),
            ("source", self.source.is_some(), &[Script]),
            ("entry_point", self.entry_point.is_some(), &[Script]),
            ("text", self.text.is_some(), &[Critic]),
        ];
        for (name, given, kinds) in fields {
            if given && !kinds.contains(&kind) {
                let message = format_args!("does not belong to a `{}` check", kind.name());
                errors.add(path.field(name), message.to_string());
            }
        }
    }

    fn call(self, path: Path<'_>, errors: &mut FieldErrors) -> Option<CheckKind> {
        let expected = match (self.expected, self.expected_exception) {
            (value, Some(class)) => {
                let path = path.field("expected_exception");
                if value.is_some() {
                    errors.add(path, "cannot stand beside `expected`");
                }
                if class.is_empty() {
                    errors.add(path, "must be the name of a class");
                }
                Expected::Exception(class)
            }
            (Some(value), None) => Expected::Value(value.0),
            (None, None) => Expected::Reference,
        };
        let call = required(self.call, path.field("call"), errors)?;
        Some(CheckKind::Call { call, expected })
    }

    fn stdio(self, path: Path<'_>, errors: &mut FieldErrors) -> CheckKind {
        let exit_status = self.exit_status.map(|status| {
            if !(0..=255).contains(&status) {
                errors.add(path.field("exit_status"), "must be from 0 to 255");
            }
            status as i32
        });
        let files = self.files.unwrap_or_default();
        CheckKind::Stdio {
            stdin: self.stdin.unwrap_or_default().0,
            expected: self.expected.map(|text| text.0),
            exit_status,
            files: files.convert(path.field("files"), errors),
            checker: self.checker.map(|text| text.0),
        }
    }

    fn script(self, path: Path<'_>, errors: &mut FieldErrors) -> Option<CheckKind> {
        if self
            .entry_point
            .as_deref()
            .is_some_and(|name| !is_identifier(name))
        {
            errors.add(path.field("entry_point"), "must be a Python identifier");
        }
        Some(CheckKind::Script {
            source: required(self.source, path.field("source"), errors)?,
            entry_point: self.entry_point,
        })
    }
}

pub(super) fn required(
    text: Option<TextWire>,
    path: Path<'_>,
    errors: &mut FieldErrors,
) -> Option<Text> {
    if text.is_none() {
        errors.add(path, "is required");
    }
    text.map(|text| text.0)
}

/// Near enough to Python's own rule to keep other text out; the interpreter has the last word.
fn is_identifier(name: &str) -> bool {
    let starts = |first: char| first == '_' || first.is_alphabetic();
    name.starts_with(starts) && name.chars().all(|c| c == '_' || c.is_alphanumeric())
}
