//! How many executions several runs of an arm take to a level of pass@1.

use super::bounds::Bounds;
use super::run::{Meter, Run, origin_name};
use super::text::{count, count_bounds, counted, list};

/// Runs of one arm, and one level.
pub struct Reached<'a> {
    /// The geometric mean; a censored run enters it as the lower bound that is known of it.
    pub mean: Option<Bounds>,
    /// How many runs the mean is of.
    pub runs: usize,
    /// Runs that did not reach the level, each with the executions that it made without.
    pub censored: Vec<(&'a Run, f64)>,
    /// Runs that were never evaluated, which the mean leaves out.
    pub unknown: Vec<&'a Run>,
}

impl<'a> Reached<'a> {
    /// Asks the runs.
    pub fn of(runs: &[&'a Run], level: f64, meter: Meter) -> Self {
        let (mut known, mut censored, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
        for run in runs {
            match run.reach(level, meter) {
                None => unknown.push(*run),
                Some(bounds) => {
                    known.push(bounds);
                    if !bounds.is_exact() {
                        censored.push((*run, bounds.low));
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
        let (mean, runs) = (self.short(), counted(self.runs, "run"));
        match self.censored_runs() {
            None => format!("{mean} ({runs})"),
            Some(censored) => format!("{mean} ({runs}; censored: {censored})"),
        }
    }

    /// Names the censored runs, with what each made without reaching the level; none if there is
    /// none.
    pub fn censored_runs(&self) -> Option<String> {
        let (first, _) = self.censored.first()?;
        let made = || self.censored.iter().map(|(_, executions)| *executions);
        Some(match self.all_are_censored() {
            true => format!(
                "all {} of {}, > {} to > {}",
                self.runs,
                first.arm,
                count(made().fold(f64::INFINITY, f64::min)),
                count(made().fold(0.0, f64::max)),
            ),
            false => {
                let name = |(run, executions): &(&Run, f64)| {
                    format!("{} > {}", run.name(), count(*executions))
                };
                list(&self.censored.iter().map(name).collect::<Vec<_>>())
            }
        })
    }

    /// The same without arm and executions, for a table.
    pub fn censored_origins(&self) -> String {
        match self.censored.is_empty() {
            true => "none".to_owned(),
            false if self.all_are_censored() => format!("all {}", self.runs),
            false => {
                let origins = self.censored.iter();
                let names = origins.map(|(run, _)| origin_name(run.origin()));
                list(&names.collect::<Vec<_>>())
            }
        }
    }

    fn all_are_censored(&self) -> bool {
        self.censored.len() == self.runs && self.runs > 1
    }
}
