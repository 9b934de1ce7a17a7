//! Families and classes of bugs: arms as columns.

use crate::train::report::Experiment;
use crate::train::report::document::{Block, Cell, Section, Table};
use crate::train::report::run::{Line, Named, Run};
use crate::train::report::series::mean;
use crate::train::report::text::NOTHING;
use std::collections::BTreeSet;

/// Named numbers of a line.
type Measure = fn(&Line) -> Option<&Named>;

/// All of it.
pub fn section(experiment: &Experiment) -> Section {
    let tables = [
        table(experiment, "pass@1 by family", "family", |line| {
            line.families.as_ref()
        }),
        table(
            experiment,
            "Held-out answers by what is wrong with them",
            "answers",
            |line| line.bugs.as_ref(),
        ),
        table(
            experiment,
            "Detection of hard bugs by family",
            "family",
            |line| line.critic_families.as_ref(),
        ),
    ];
    let mut blocks: Vec<Block> = tables.into_iter().flatten().map(Block::Table).collect();
    if blocks.is_empty() {
        blocks.push(Block::Note("Nothing was measured yet.".to_owned()));
    }
    Section {
        title: "By family and class of bug",
        about: "Each run's last evaluation, as the mean over the runs of an arm; “before training” is the mean of \
                the first evaluations of all runs."
            .to_owned(),
        blocks,
    }
}

fn table(experiment: &Experiment, title: &str, thing: &str, of: Measure) -> Option<Table> {
    let all: Vec<&Run> = experiment.runs.iter().collect();
    let firsts = firsts(&all, of);
    let arms = experiment.arms().into_iter();
    let lasts: Vec<(&str, Vec<&Named>)> = arms
        .map(|arm| (arm, lasts(&experiment.of(arm), of)))
        .filter(|(_, measured)| !measured.is_empty())
        .collect();
    let measured = lasts.iter().flat_map(|(_, measured)| measured);
    let names: BTreeSet<&String> = measured.flat_map(|named| named.keys()).collect();
    if names.is_empty() {
        return None;
    }
    let row = |name: &&String| {
        let of_arms = lasts.iter().map(|(_, measured)| cell(measured, name));
        let start = [Cell::Text((*name).clone()), cell(&firsts, name)];
        start.into_iter().chain(of_arms).collect()
    };
    let first = [thing.to_owned(), "before training".to_owned()];
    let arms = lasts.iter().map(|(arm, _)| (*arm).to_owned());
    Some(Table {
        title: Some(title.to_owned()),
        columns: first.into_iter().chain(arms).collect(),
        rows: names.iter().map(row).collect(),
    })
}

fn firsts<'a>(runs: &[&'a Run], of: Measure) -> Vec<&'a Named> {
    let first = |run: &&'a Run| run.lines.iter().find_map(of);
    runs.iter().filter_map(first).collect()
}

fn lasts<'a>(runs: &[&'a Run], of: Measure) -> Vec<&'a Named> {
    let last = |run: &&'a Run| run.lines.iter().rev().find_map(of);
    runs.iter().filter_map(last).collect()
}

fn cell(measured: &[&Named], name: &str) -> Cell {
    let numbers = measured
        .iter()
        .filter_map(|named| named.get(name).copied().flatten());
    match mean(numbers) {
        Some(number) => Cell::Share(number),
        None => Cell::Faint(NOTHING.to_owned()),
    }
}
