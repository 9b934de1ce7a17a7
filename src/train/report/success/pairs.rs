//! Two arms, run by run.

use super::doubts;
use crate::train::report::Experiment;
use crate::train::report::bounds::Bounds;
use crate::train::report::reached::Reached;
use crate::train::report::run::{Meter, Run};
use crate::train::report::text::{counted, ratio};

/// Runs of an arm beside those of another one with the same warm start and seed.
pub struct Pairs<'a> {
    experiment: &'a Experiment,
    /// Each run with its partner.
    pub pairs: Vec<(&'a Run, &'a Run)>,
    /// The other arm.
    other: &'a str,
    /// Why they are not those that the criteria were fixed for.
    pub doubts: Vec<String>,
}

/// Executions of two arms to a level.
pub struct Compared {
    /// The numbers in words.
    pub figures: String,
    /// Ours in terms of the other's.
    pub ratio: Option<Bounds>,
    /// Why the numbers are not enough.
    pub doubts: Vec<String>,
    /// Whether no run of the other arm reached the level, or can still reach it.
    pub other_never_reaches_it: bool,
}

impl<'a> Pairs<'a> {
    /// Finds the pairs of two arms.
    pub fn of(experiment: &'a Experiment, arm: &str, other: &'a str) -> Self {
        let pairs = experiment.pairs(arm, other);
        let ours: Vec<&Run> = pairs.iter().map(|pair| pair.0).collect();
        let both = !experiment.of(arm).is_empty() && !experiment.of(other).is_empty();
        let doubts = match pairs.is_empty() && both {
            true => vec![format!(
                "no runs of {arm} and {other} share warm start and seed"
            )],
            false => doubts(experiment, &[arm, other], &ours),
        };
        Pairs {
            experiment,
            pairs,
            other,
            doubts,
        }
    }

    /// Compares the executions that they take to a level.
    pub fn reached(&self, level: f64, meter: Meter) -> Compared {
        let (ours, theirs): (Vec<&Run>, Vec<&Run>) = self.pairs.iter().copied().unzip();
        let ours = Reached::of(&ours, level, meter);
        let theirs = Reached::of(&theirs, level, meter);
        let times = ours.mean.zip(theirs.mean);
        let times = times.map(|(ours, theirs)| ours.over(theirs));
        let mut doubts = self.doubts.clone();
        let unknown = [ours.unknown.clone(), theirs.unknown.clone()].concat();
        let unknown = self.experiment.names(&unknown);
        doubts.extend(unknown.map(|names| format!("not evaluated yet: {names}")));
        let ended = self.pairs.iter().all(|(_, theirs)| theirs.is_finished());
        Compared {
            figures: self.figures(level, meter, times, [&ours, &theirs]),
            ratio: times,
            doubts,
            other_never_reaches_it: ended
                && theirs.runs > 0
                && theirs.censored.len() == self.pairs.len(),
        }
    }

    fn figures(
        &self,
        level: f64,
        meter: Meter,
        times: Option<Bounds>,
        [ours, theirs]: [&Reached; 2],
    ) -> String {
        let to = format!("to {level:.2}, {}", meter.name());
        let Some(times) = times else {
            return format!("{to}: nothing to compare");
        };
        let mut text = format!(
            "{to}: {} of {}'s, {} against {} ({}",
            ratio(times),
            self.other,
            ours.short(),
            theirs.short(),
            counted(self.pairs.len(), "pair"),
        );
        for censored in [ours, theirs]
            .into_iter()
            .filter_map(Reached::censored_runs)
        {
            text += &format!("; censored: {censored}");
        }
        text + ")"
    }
}
