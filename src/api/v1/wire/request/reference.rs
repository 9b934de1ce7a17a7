//! Checks that only a reference can judge.

use crate::domain::{Check, CheckKind, Expected};
use std::sync::Arc;

/// None in the place of a check that was at fault.
pub(super) type CheckList = Vec<Option<Arc<Check>>>;

pub(super) const LACKING_REFERENCE: &str =
    "has nothing to be judged by: there is no reference either";

/// The checks that only a reference can judge, with the field that says so.
pub(super) fn lacking_reference(checks: &CheckList) -> impl Iterator<Item = (usize, &'static str)> {
    let field = |check: &Check| match check.kind {
        CheckKind::Call {
            expected: Expected::Reference,
            ..
        } => Some("expected"),
        CheckKind::Stdio {
            expected: None,
            checker: None,
            ..
        } => Some("expected"),
        CheckKind::Critic { .. } => Some("text"),
        _ => None,
    };
    let checks = checks.iter().enumerate();
    checks.filter_map(move |(index, check)| Some((index, field(check.as_deref()?)?)))
}
