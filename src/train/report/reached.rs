//! How many executions several runs take to a level of pass@1.

use super::bounds::Bounds;
use super::run::{Meter, Run};
use super::text::{count_bounds, counted, list};

/// Several runs and one level.
pub struct Reached {
    /// The geometric mean; a censored run enters it as the lower bound that is known of it.
    pub mean: Option<Bounds>,
    /// How many runs the mean is of.
    pub runs: usize,
    /// Runs that did not reach the level, each with the executions that it made without.
    pub censored: Vec<String>,
    /// Runs that were never evaluated, which the mean leaves out.
    pub unknown: Vec<String>,
}

impl Reached {
    /// Asks the runs.
    pub fn of(runs: &[&Run], level: f64, meter: Meter) -> Self {
        let (mut known, mut censored, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
        for run in runs {
            match run.reach(level, meter) {
                None => unknown.push(run.name()),
                Some(bounds) => {
                    known.push(bounds);
                    if !bounds.is_exact() {
                        censored.push(format!("{} {}", run.name(), count_bounds(bounds)));
                    }
                }
            }
        }
        Reached {
            mean: Bounds::geometric_mean(&known),
            runs: known.len(),
            censored,
            unknown,
        }
    }

    /// The mean alone.
    pub fn short(&self) -> String {
        self.mean.map_or_else(|| "–".to_owned(), count_bounds)
    }

    /// The mean, of how many runs it is, and which of them are censored.
    pub fn described(&self) -> String {
        let mut text = format!("{} ({}", self.short(), counted(self.runs, "run"));
        if !self.censored.is_empty() {
            let (count, names) = (self.censored.len(), list(&self.censored));
            text += &format!(", {count} of them censored and counted as what they made: {names}");
        }
        text + ")"
    }

    /// Why the mean is not that of all runs.
    pub fn doubts(&self) -> Vec<String> {
        match self.unknown.is_empty() {
            true => Vec::new(),
            false => vec![format!("not evaluated yet: {}", list(&self.unknown))],
        }
    }
}
