//! A result for people.

use crate::api::v1::wire::{JudgedWire, OutcomeName, ResultWire, VerdictWire};
use std::fmt::Write;

/// What is shown of a long value; the JSON has all of it.
const SHOWN_CHARACTERS: usize = 200;

/// One line a check, with what explains it indented beneath, and a line that sums it up.
pub(super) fn render(result: &ResultWire) -> String {
    match result {
        ResultWire::Judged(judged) => render_judged(judged),
        ResultWire::Failed(failed) => {
            let again = if failed.error.retryable {
                " (trying again may help)"
            } else {
                ""
            };
            format!("not judged: {}{again}\n", failed.error.message)
        }
    }
}

fn render_judged(judged: &JudgedWire) -> String {
    let ids = judged
        .verdicts
        .iter()
        .map(|verdict| verdict.id.chars().count());
    let width = ids.max().unwrap_or(0).min(40);
    let mut text = String::new();
    for verdict in &judged.verdicts {
        text += &render_verdict(verdict, width);
    }
    let reward = judged
        .reward
        .generator
        .map_or("none".into(), |reward| reward.to_string());
    let (passed, valid, all) = (judged.passed, judged.valid, judged.verdicts.len());
    text += &format!("{passed} passed of {valid} valid of {all} checks; reward {reward}\n");
    text
}

fn render_verdict(verdict: &VerdictWire, width: usize) -> String {
    let outcome = name(verdict.outcome);
    let (id, time_ms) = (shown(&verdict.id), verdict.time_ms);
    let mut text = format!("{id:width$}  {outcome:<12}  {time_ms:>9.2} ms");
    if !verdict.message.is_empty() {
        text += "  ";
        text += &shown(&verdict.message);
    }
    text.push('\n');
    // Of a pass they say nothing new.
    if verdict.outcome != OutcomeName::Pass {
        let details = [("expected", &verdict.expected), ("actual", &verdict.actual)];
        for (name, value) in details {
            if let Some(value) = value {
                let _ = writeln!(text, "{:width$}  {name:<12}  {}", "", shown(value));
            }
        }
    }
    for warning in &verdict.warnings {
        let _ = writeln!(text, "{:width$}  {:<12}  {}", "", "warning", shown(warning));
    }
    text
}

/// On one line, without what a terminal would obey: a program chose this text.
fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(SHOWN_CHARACTERS)
        .flat_map(|c| {
            let escaped = c.is_control().then(|| c.escape_default());
            let plain = (!c.is_control()).then_some(c);
            plain.into_iter().chain(escaped.into_iter().flatten())
        })
        .collect();
    if text.chars().nth(SHOWN_CHARACTERS).is_some() {
        shown.push('…');
    }
    shown
}

fn name(outcome: OutcomeName) -> &'static str {
    match outcome {
        OutcomeName::Pass => "pass",
        OutcomeName::Fail => "fail",
        OutcomeName::Error => "error",
        OutcomeName::TimeLimit => "time limit",
        OutcomeName::MemoryLimit => "memory limit",
        OutcomeName::OutputLimit => "output limit",
        OutcomeName::Invalid => "invalid",
        OutcomeName::Skipped => "skipped",
    }
}
