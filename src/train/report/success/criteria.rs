//! Each criterion by itself.

use super::pairs::Pairs;
use super::{Criterion, Part, doubts};
use crate::train::report::Experiment;
use crate::train::report::bounds::geometric_mean;
use crate::train::report::reached::Reached;
use crate::train::report::run::{Meter, Run};
use crate::train::report::text::{counted, or_nothing, share};

const STATIC: &str = "static";
const RANDOM: &str = "random-16";
const FIXED: &str = "fixed-16";

/// The levels of pass@1 at which executions are compared.
const LEVELS: [f64; 2] = [0.75, 0.80];

/// All of an arm, in the order in which they were fixed.
pub fn of(experiment: &Experiment, arm: &str) -> Vec<Criterion> {
    vec![
        Criterion {
            statement: "Reaches pass@1 0.80 before 60 K executions, while random-16 is below 0.60 at 120 K.",
            parts: vec![in_time(experiment, arm), random_is_low(experiment)],
        },
        Criterion {
            statement: "Takes at most 0.6 of the static critic's executions to 0.75 and to 0.80.",
            parts: LEVELS
                .map(|level| against_static(experiment, arm, level))
                .into(),
        },
        Criterion {
            statement: "Takes fewer executions than fixed-16 to 0.75 and to 0.80, as far as both reach it, on both \
                        meters: raw, and with duplicates counted once.",
            parts: LEVELS
                .into_iter()
                .flat_map(|level| {
                    Meter::ALL.map(|meter| against_fixed(experiment, arm, level, meter))
                })
                .collect(),
        },
        Criterion {
            statement: "Detection on the fixed set of hard bugs ends at 3 times its start or more, while the static \
                        critic's stays within 0.8 to 1.2 times.",
            parts: vec![
                hard_bugs(experiment, arm, |growth| growth >= 3.0),
                hard_bugs(experiment, STATIC, |growth| (0.8..=1.2).contains(&growth)),
            ],
        },
        Criterion {
            statement: "On-policy detection at pass@1 0.75 is at least 1.5 times the static critic's.",
            parts: vec![detection_on_policy(experiment, arm)],
        },
    ]
}

fn in_time(experiment: &Experiment, arm: &str) -> Part {
    let runs = experiment.of(arm);
    let reached = Reached::of(&runs, 0.80, Meter::Raw);
    let mut doubts = doubts(experiment, &[arm], &runs);
    let unknown = experiment.names(&reached.unknown);
    doubts.extend(unknown.map(|names| format!("not evaluated yet: {names}")));
    Part::new(
        format!("{arm}: 0.80 at {}", reached.described()),
        reached.mean.and_then(|mean| mean.is_below(60e3)),
        doubts,
    )
}

fn random_is_low(experiment: &Experiment) -> Part {
    const EXECUTIONS: f64 = 120e3;
    let runs = experiment.of(RANDOM);
    let (values, without) = measured(&runs, |run| run.pass_at_1_after(EXECUTIONS));
    let mean = geometric_mean(values.iter().copied());
    let mut doubts = doubts(experiment, &[RANDOM], &runs);
    let without = experiment.names(&without);
    doubts.extend(without.map(|names| format!("no evaluation at 120 K executions: {names}")));
    Part::new(
        format!(
            "{RANDOM}: pass@1 {} at 120 K ({})",
            or_nothing(mean, share),
            counted(values.len(), "run"),
        ),
        mean.map(|mean| mean < 0.60),
        doubts,
    )
}

fn against_static(experiment: &Experiment, arm: &str, level: f64) -> Part {
    let compared = Pairs::of(experiment, arm, STATIC).reached(level, Meter::Raw);
    let holds = compared.ratio.and_then(|ratio| ratio.is_at_most(0.6));
    Part::new(compared.figures, holds, compared.doubts)
}

fn against_fixed(experiment: &Experiment, arm: &str, level: f64, meter: Meter) -> Part {
    let compared = Pairs::of(experiment, arm, FIXED).reached(level, meter);
    let holds = compared.ratio.and_then(|ratio| ratio.is_below(1.0));
    let mut part = Part::new(compared.figures, holds, compared.doubts);
    // "As far as both reach it." An arm of ours that does not reach what the other one does has no
    // such excuse, and what holds whatever the censored runs would have done is counted.
    if holds.is_none() && compared.other_never_reaches_it {
        part.figures += "; left out, as fixed-16 does not reach it";
        part.counts = false;
    }
    part
}

fn hard_bugs(experiment: &Experiment, arm: &str, is_right: fn(f64) -> bool) -> Part {
    let runs = experiment.of(arm);
    let (values, without) = measured(&runs, Run::hard_detection_growth);
    let mean = geometric_mean(values.iter().copied());
    let mut doubts = doubts(experiment, &[arm], &runs);
    let without = experiment.names(&without);
    doubts.extend(without.map(|names| format!("not measured, or 0 at the start: {names}")));
    let going_on = runs.iter().copied().filter(|run| !run.is_finished());
    let going_on = experiment.names(&going_on.collect::<Vec<_>>());
    doubts.extend(going_on.map(|names| format!("not ended: {names}")));
    Part::new(
        format!(
            "{arm}: {} times its start ({})",
            or_nothing(mean, |mean| format!("{mean:.2}")),
            counted(values.len(), "run"),
        ),
        mean.map(is_right),
        doubts,
    )
}

fn detection_on_policy(experiment: &Experiment, arm: &str) -> Part {
    let pairs = Pairs::of(experiment, arm, STATIC);
    let (mut ours, mut theirs, mut without) = (Vec::new(), Vec::new(), Vec::new());
    for (our, their) in &pairs.pairs {
        match (our.detection_at(0.75), their.detection_at(0.75)) {
            (Some(a), Some(b)) => {
                ours.push(a);
                theirs.push(b);
            }
            (a, b) => {
                without.extend(a.is_none().then_some(*our));
                without.extend(b.is_none().then_some(*their));
            }
        }
    }
    let count = counted(ours.len(), "pair");
    let means = geometric_mean(ours.into_iter()).zip(geometric_mean(theirs.into_iter()));
    let mut doubts = pairs.doubts;
    let without = experiment.names(&without);
    let why = "0.75 not reached, or no detection measured there";
    doubts.extend(without.map(|names| format!("{why}: {names}")));
    let figures = match means {
        None => "at 0.75: nothing to compare".to_owned(),
        Some((ours, theirs)) => format!(
            "at 0.75: {:.2} times {STATIC}'s, {} against {} ({count})",
            ours / theirs,
            share(ours),
            share(theirs),
        ),
    };
    let holds = means.map(|(ours, theirs)| ours / theirs >= 1.5);
    Part::new(figures, holds, doubts)
}

/// A number of each run, and the runs that have none.
fn measured<'a>(runs: &[&'a Run], of: impl Fn(&Run) -> Option<f64>) -> (Vec<f64>, Vec<&'a Run>) {
    let mut values = Vec::new();
    let mut without = Vec::new();
    for run in runs {
        match of(run) {
            Some(value) => values.push(value),
            None => without.push(*run),
        }
    }
    (values, without)
}
