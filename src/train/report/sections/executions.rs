//! Executions to reach a pass@1: of each run, of each arm, of pairs.

use crate::train::report::Experiment;
use crate::train::report::document::{Block, Cell, Section, Table};
use crate::train::report::reached::Reached;
use crate::train::report::run::{Meter, Run};
use crate::train::report::text::{NOTHING, count_bounds, counted, ratio};
use std::iter::once;

/// The levels of pass@1 that are reported.
const LEVELS: [f64; 4] = [0.60, 0.70, 0.75, 0.80];

/// All of it.
pub fn section(experiment: &Experiment) -> Section {
    let mut blocks = vec![Block::Table(means(experiment))];
    blocks.extend(censored(experiment).map(Block::Table));
    blocks.extend(pairs(experiment).map(Block::Table));
    blocks.push(Block::Table(each(experiment)));
    Section {
        title: "Executions to reach a pass@1",
        about: "Where the line through a run's evaluations first reaches the level. “Raw” counts each execution, \
                references included; “unique” counts duplicates within an iteration once. “> 65.2 K” means not reached \
                by the last evaluation; such a run is censored, and “(1/6)” says that 1 of 6 is."
            .to_owned(),
        blocks,
    }
}

/// Both meters at all levels.
fn columns(first: &[&str]) -> Vec<String> {
    let first = first.iter().map(|name| (*name).to_owned());
    let measured = Meter::ALL
        .into_iter()
        .flat_map(|meter| LEVELS.map(|level| format!("{level:.2} {}", meter.name())));
    first.chain(measured).collect()
}

/// A cell for both meters at all levels.
fn cells(cell: impl Fn(f64, Meter) -> Cell) -> Vec<Cell> {
    let meters = Meter::ALL.into_iter();
    meters
        .flat_map(|meter| LEVELS.map(|level| cell(level, meter)))
        .collect()
}

fn means(experiment: &Experiment) -> Table {
    let row = |arm: &str| {
        let runs = experiment.of(arm);
        let cell = |level, meter| {
            let reached = Reached::of(&runs, level, meter);
            match (reached.mean, reached.censored.len()) {
                (None, _) => Cell::Faint(NOTHING.to_owned()),
                (Some(mean), 0) => Cell::Number(count_bounds(mean)),
                (Some(mean), censored) => Cell::Faint(format!(
                    "{} ({censored}/{})",
                    count_bounds(mean),
                    reached.runs
                )),
            }
        };
        let mut row = vec![
            Cell::Text(arm.to_owned()),
            Cell::Number(runs.len().to_string()),
        ];
        row.extend(cells(cell));
        row
    };
    Table {
        title: Some("Geometric means of each arm".to_owned()),
        columns: columns(&["arm", "runs"]),
        rows: experiment.arms().into_iter().map(row).collect(),
    }
}

/// Names the censored runs at each level; they are the same on both meters.
fn censored(experiment: &Experiment) -> Option<Table> {
    let row = |arm: &str| {
        let runs = experiment.of(arm);
        let reached = LEVELS.map(|level| Reached::of(&runs, level, Meter::Raw));
        let any = reached.iter().any(|reached| !reached.censored.is_empty());
        let cells = reached.iter().map(Reached::censored_origins);
        any.then(|| once(arm.to_owned()).chain(cells).map(Cell::Text).collect())
    };
    let rows: Vec<Vec<Cell>> = experiment.arms().into_iter().filter_map(row).collect();
    let levels = LEVELS.map(|level| format!("not at {level:.2}"));
    (!rows.is_empty()).then(|| Table {
        title: Some("Censored runs".to_owned()),
        columns: once("arm".to_owned()).chain(levels).collect(),
        rows,
    })
}

/// Our arms in terms of the others.
fn pairs(experiment: &Experiment) -> Option<Table> {
    let mut rows = Vec::new();
    let arms = experiment.arms();
    let is_ours = |arm: &&&str| arm.starts_with("rlac");
    for ours in arms.iter().filter(is_ours) {
        for other in arms.iter().filter(|other| *other != ours) {
            rows.extend(row_of_pairs(experiment, ours, other));
        }
    }
    (!rows.is_empty()).then(|| Table {
        title: Some("Executions of one arm in terms of another's, over pairs with the same warm start and seed".to_owned()),
        columns: columns(&["arm", "of", "pairs"]),
        rows,
    })
}

fn row_of_pairs(experiment: &Experiment, ours: &str, other: &str) -> Option<Vec<Cell>> {
    let pairs = experiment.pairs(ours, other);
    if pairs.is_empty() {
        return None;
    }
    let (mine, theirs): (Vec<&Run>, Vec<&Run>) = pairs.iter().copied().unzip();
    let cell = |level, meter| {
        let mine = Reached::of(&mine, level, meter).mean;
        let theirs = Reached::of(&theirs, level, meter).mean;
        match mine.zip(theirs).map(|(mine, theirs)| mine.over(theirs)) {
            Some(times) if times.is_exact() => Cell::Number(ratio(times)),
            Some(times) => Cell::Faint(ratio(times)),
            None => Cell::Faint(NOTHING.to_owned()),
        }
    };
    let mut row = vec![
        Cell::Text(ours.to_owned()),
        Cell::Text(other.to_owned()),
        Cell::Number(pairs.len().to_string()),
    ];
    row.extend(cells(cell));
    Some(row)
}

fn each(experiment: &Experiment) -> Table {
    let row = |run: &Run| {
        let cell = |level, meter| match run.reach(level, meter) {
            Some(bounds) if bounds.is_exact() => Cell::Number(count_bounds(bounds)),
            Some(bounds) => Cell::Faint(count_bounds(bounds)),
            None => Cell::Faint(NOTHING.to_owned()),
        };
        let mut row = vec![
            Cell::Text(run.arm.clone()),
            Cell::Number(run.warm_start.to_string()),
            Cell::Number(run.seed.to_string()),
        ];
        row.extend(cells(cell));
        row
    };
    Table {
        title: Some(format!("Each of {}", counted(experiment.runs.len(), "run"))),
        columns: columns(&["arm", "warm start", "seed"]),
        rows: experiment.runs.iter().map(row).collect(),
    }
}
