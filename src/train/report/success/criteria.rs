//! Each criterion by itself.

use super::{Criterion, Part, doubts};
use crate::train::report::Experiment;
use crate::train::report::bounds::{Bounds, geometric_mean};
use crate::train::report::reached::Reached;
use crate::train::report::run::{Meter, Run};
use crate::train::report::text::{counted, list, or_nothing, ratio, share};

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
                        critic's stays within 0.8–1.2 times.",
            parts: vec![
                hard_bugs(experiment, arm, |growth| {
                    Bounds::exactly(growth).is_at_least(3.0)
                }),
                hard_bugs(experiment, STATIC, |growth| {
                    Some((0.8..=1.2).contains(&growth))
                }),
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
    let figures = format!("{arm}: 0.80 at {}", reached.described());
    let holds = reached.mean.and_then(|mean| mean.is_below(60e3));
    let mut doubts = doubts(experiment, &[arm], &runs);
    doubts.extend(reached.doubts());
    Part::new(figures, holds, doubts)
}

fn random_is_low(experiment: &Experiment) -> Part {
    const EXECUTIONS: f64 = 120e3;
    let runs = experiment.of(RANDOM);
    let after = |run: &Run| run.pass_at_1_after(EXECUTIONS);
    let (values, without) = measured(&runs, after);
    let mean = geometric_mean(values.iter().copied());
    let figures = format!(
        "{RANDOM}: pass@1 {} at 120 K ({})",
        or_nothing(mean, share),
        counted(values.len(), "run"),
    );
    let mut doubts = doubts(experiment, &[RANDOM], &runs);
    if !without.is_empty() {
        doubts.push(format!(
            "no evaluation at 120 K executions yet: {}",
            list(&without)
        ));
    }
    Part::new(figures, mean.map(|mean| mean < 0.60), doubts)
}

fn against_static(experiment: &Experiment, arm: &str, level: f64) -> Part {
    let pairs = Pairs::of(experiment, arm, STATIC);
    let compared = pairs.reached(level, Meter::Raw);
    let holds = compared.ratio.and_then(|ratio| ratio.is_at_most(0.6));
    Part::new(compared.figures, holds, compared.doubts)
}

fn against_fixed(experiment: &Experiment, arm: &str, level: f64, meter: Meter) -> Part {
    let pairs = Pairs::of(experiment, arm, FIXED);
    let compared = pairs.reached(level, meter);
    let holds = compared.ratio.and_then(|ratio| ratio.is_below(1.0));
    let mut part = Part::new(compared.figures, holds, compared.doubts);
    // "As far as both reach it." An arm of ours that does not reach what the other does is no such
    // excuse, and a comparison that holds whatever the censored runs would have done counts too.
    let others_end_before = compared.nobody_else && compared.all_ended;
    if holds.is_none() && others_end_before {
        part.figures += "; left out, as fixed-16 does not reach it";
        part.counts = false;
    }
    part
}

fn hard_bugs(experiment: &Experiment, arm: &str, is_right: fn(f64) -> Option<bool>) -> Part {
    let runs = experiment.of(arm);
    let (values, without) = measured(&runs, Run::hard_detection_growth);
    let mean = geometric_mean(values.iter().copied());
    let figures = format!(
        "{arm}: {} times its start ({})",
        or_nothing(mean, |mean| format!("{mean:.2}")),
        counted(values.len(), "run"),
    );
    let mut doubts = doubts(experiment, &[arm], &runs);
    if !without.is_empty() {
        doubts.push(format!(
            "detection of hard bugs not measured, or 0 at the start: {}",
            list(&without)
        ));
    }
    let going_on: Vec<String> = runs
        .iter()
        .filter(|run| !run.is_finished())
        .map(|run| run.name())
        .collect();
    if !going_on.is_empty() {
        doubts.push(format!(
            "not ended, so that the last evaluation is not known: {}",
            list(&going_on)
        ));
    }
    Part::new(figures, mean.and_then(is_right), doubts)
}

fn detection_on_policy(experiment: &Experiment, arm: &str) -> Part {
    let pairs = Pairs::of(experiment, arm, STATIC);
    let mut both = Vec::new();
    let mut without = Vec::new();
    for (ours, theirs) in &pairs.pairs {
        match (ours.detection_at(0.75), theirs.detection_at(0.75)) {
            (Some(a), Some(b)) => both.push((a, b)),
            (a, b) => {
                without.extend(a.is_none().then(|| ours.name()));
                without.extend(b.is_none().then(|| theirs.name()));
            }
        }
    }
    let ours = geometric_mean(both.iter().map(|pair| pair.0));
    let theirs = geometric_mean(both.iter().map(|pair| pair.1));
    let times = ours.zip(theirs).map(|(ours, theirs)| ours / theirs);
    let figures = format!(
        "{} times: {arm} {}, {STATIC} {} ({})",
        or_nothing(times, |times| format!("{times:.2}")),
        or_nothing(ours, share),
        or_nothing(theirs, share),
        counted(both.len(), "pair"),
    );
    let mut doubts = pairs.doubts;
    if !without.is_empty() {
        doubts.push(format!(
            "0.75 not reached, or no detection measured there: {}",
            list(&without)
        ));
    }
    let holds = times.and_then(|times| Bounds::exactly(times).is_at_least(1.5));
    Part::new(figures, holds, doubts)
}

/// Runs of an arm beside those of another one.
struct Pairs<'a> {
    pairs: Vec<(&'a Run, &'a Run)>,
    arm: &'a str,
    other: &'a str,
    /// Why they are not those that the criteria were fixed for.
    doubts: Vec<String>,
}

/// Executions of two arms to a level.
struct Compared {
    figures: String,
    /// Ours in terms of the other's.
    ratio: Option<Bounds>,
    doubts: Vec<String>,
    /// Whether no run of the other arm reaches the level.
    nobody_else: bool,
    /// Whether no run of the other arm can still reach it.
    all_ended: bool,
}

impl<'a> Pairs<'a> {
    fn of(experiment: &'a Experiment, arm: &'a str, other: &'a str) -> Self {
        let pairs = experiment.pairs(arm, other);
        let ours: Vec<&Run> = pairs.iter().map(|pair| pair.0).collect();
        let mut doubts = doubts(experiment, &[arm, other], &ours);
        let both = !experiment.of(arm).is_empty() && !experiment.of(other).is_empty();
        if pairs.is_empty() && both {
            doubts = vec![format!(
                "no runs of {arm} and {other} share warm start and seed"
            )];
        }
        Pairs {
            doubts,
            pairs,
            arm,
            other,
        }
    }

    fn reached(&self, level: f64, meter: Meter) -> Compared {
        let side = |of: fn(&(&'a Run, &'a Run)) -> &'a Run| {
            let runs: Vec<&Run> = self.pairs.iter().map(of).collect();
            Reached::of(&runs, level, meter)
        };
        let (ours, theirs) = (side(|pair| pair.0), side(|pair| pair.1));
        let times = ours.mean.zip(theirs.mean);
        let times = times.map(|(ours, theirs)| ours.over(theirs));
        let mut doubts = self.doubts.clone();
        doubts.extend(ours.doubts().into_iter().chain(theirs.doubts()));
        let mut censored = [ours.censored.clone(), theirs.censored.clone()].concat();
        if let Some(first) = censored.first_mut() {
            first.insert_str(0, "; censored: ");
        }
        let shown = times.map_or_else(|| "–".to_owned(), ratio);
        Compared {
            figures: format!(
                "{level:.2}, {}: {shown} of {}'s ({}: {}; {}: {}; {}{})",
                meter.name(),
                self.other,
                self.arm,
                ours.short(),
                self.other,
                theirs.short(),
                counted(self.pairs.len(), "pair"),
                list(&censored),
            ),
            ratio: times,
            doubts,
            nobody_else: theirs.censored.len() == self.pairs.len() && !self.pairs.is_empty(),
            all_ended: self.pairs.iter().all(|pair| pair.1.is_finished()),
        }
    }
}

/// A number of each run, and the names of runs that have none.
fn measured(runs: &[&Run], of: impl Fn(&Run) -> Option<f64>) -> (Vec<f64>, Vec<String>) {
    let mut values = Vec::new();
    let mut without = Vec::new();
    for run in runs {
        match of(run) {
            Some(value) => values.push(value),
            None => without.push(run.name()),
        }
    }
    (values, without)
}
