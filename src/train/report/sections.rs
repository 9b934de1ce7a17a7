//! What the report says, in its order.

mod charts;
mod executions;
mod families;
mod runs;

use super::document::{Block, Document, Section};
use super::text::{counted, list};
use super::{Experiment, success};
use std::collections::BTreeSet;

/// The whole report.
pub fn document(experiment: &Experiment) -> Document {
    Document {
        summary: summary(experiment),
        sections: vec![
            success(experiment),
            charts::generator(experiment),
            executions::section(experiment),
            charts::critic(experiment),
            charts::training(experiment),
            families::section(experiment),
            runs::section(experiment),
        ],
    }
}

fn summary(experiment: &Experiment) -> String {
    let ended = experiment.runs.iter().filter(|run| run.is_finished());
    let runs = counted(experiment.runs.len(), "run");
    let arms = experiment.arms();
    let mut text = format!(
        "{runs} of {}: {}. ",
        counted(arms.len(), "arm"),
        list(&arms)
    );
    let going_on = experiment.runs.len() - ended.count();
    text += &match going_on {
        0 => "All have ended.".to_owned(),
        1 => "1 has not ended.".to_owned(),
        _ => format!("{going_on} have not ended."),
    };
    let planned: BTreeSet<&str> = experiment.planned.iter().map(|one| &*one.arm).collect();
    let missing = planned.iter().filter_map(|arm| experiment.missing(arm));
    let missing: Vec<String> = missing.collect();
    if !missing.is_empty() {
        text += &format!(" Planned, and not begun: {}.", list(&missing));
    }
    text
}

fn success(experiment: &Experiment) -> Section {
    Section {
        title: "Success, by criteria fixed beforehand",
        about: "Executions and ratios are geometric means over runs. An arm is compared with another one over pairs \
                of runs that share warm start and seed. A run that ended before it reached a level is censored: it \
                enters a mean as the executions of its last evaluation, which is a lower bound, and a criterion is \
                judged only where it would come out the same whatever the run had done. Each criterion asks for at \
                least 3 seeds and 2 warm starts."
            .to_owned(),
        blocks: vec![Block::Success(success::judge(experiment))],
    }
}
