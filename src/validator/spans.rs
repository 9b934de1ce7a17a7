//! Spans of what is judged, for whoever traces requests. Where nobody does, each costs a look at a flag.
//!
//! Owns what is told of a submission, a check or a program: places in the request, outcomes, fuel and
//! waiting; nothing that a client or a program wrote. They belong to the span in which they were
//! submitted.

use super::measures::name;
use crate::domain::{Ended, Judged, ProgramRun, Verdict};
use std::time::Duration;
use tracing::Span;
use tracing::field::Empty;

/// The target of spans, by which those are chosen that are sent, and left out of the log.
pub const SPANS: &str = "touchstone::spans";

/// From being accepted to being answered.
pub(super) fn submission(index: usize, checks: usize) -> Span {
    tracing::info_span!(
        target: SPANS,
        "submission",
        touchstone.submission = number(index),
        touchstone.checks = number(checks),
        touchstone.valid = Empty,
        touchstone.passed = Empty,
        otel.status_code = Empty,
    )
}

/// A submission is answered; without a result where we failed.
pub(super) fn answered(span: &Span, judged: Option<&Judged>) {
    match judged {
        Some(judged) => {
            span.record("touchstone.valid", number(judged.valid));
            span.record("touchstone.passed", number(judged.passed));
        }
        None => {
            span.record("otel.status_code", "ERROR");
        }
    }
}

/// From being taken up by a worker to the verdict.
pub(super) fn check(submission: &Span, index: usize, waited: Duration) -> Span {
    tracing::info_span!(
        target: SPANS,
        parent: submission,
        "check",
        touchstone.check = number(index),
        touchstone.queue_wait_ms = waited.as_secs_f64() * 1e3,
        touchstone.outcome = Empty,
        touchstone.fuel = Empty,
        touchstone.cached = Empty,
    )
}

/// A check has its verdict.
pub(super) fn judged(span: &Span, verdict: &Verdict) {
    span.record("touchstone.outcome", name(verdict.outcome));
    span.record("touchstone.fuel", number(verdict.fuel.0));
    span.record("touchstone.cached", verdict.cached);
}

/// From being accepted to being answered.
pub(super) fn program(index: usize) -> Span {
    tracing::info_span!(
        target: SPANS,
        "program",
        touchstone.program = number(index),
        touchstone.queue_wait_ms = Empty,
        touchstone.outcome = Empty,
        touchstone.fuel = Empty,
        touchstone.cached = Empty,
        otel.status_code = Empty,
    )
}

/// A worker takes a program up.
pub(super) fn begun(span: &Span, waited: Duration) {
    span.record("touchstone.queue_wait_ms", waited.as_secs_f64() * 1e3);
}

/// A program is answered; without a result where we failed.
pub(super) fn ran(span: &Span, run: Option<&ProgramRun>) {
    let Some(run) = run else {
        span.record("otel.status_code", "ERROR");
        return;
    };
    let outcome = match &run.ended {
        Ended::Exited { status: 0, .. } => "exited",
        Ended::Exited { .. } => "failed",
        Ended::TimeLimit { .. } => "time_limit",
        Ended::MemoryLimit => "memory_limit",
        Ended::OutputLimit => "output_limit",
        Ended::Crashed { .. } => "crashed",
    };
    span.record("touchstone.outcome", outcome);
    span.record("touchstone.fuel", number(run.fuel.0));
    span.record("touchstone.cached", run.cached);
}

/// As traces have numbers; unsigned ones would be texts.
fn number(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}
