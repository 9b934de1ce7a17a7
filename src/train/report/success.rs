//! The criteria of success, as they were fixed before the experiment.
//!
//! A criterion is met, not met, or cannot be told. The last is an honest answer, never a lenient
//! one: runs that are missing, that go on, or that were censored where it matters lead to it, and
//! they are named.

mod criteria;
mod pairs;

use super::Experiment;
use super::run::Run;
use super::text::counted;
use std::collections::BTreeSet;

/// The arms that the criteria are about.
const JUDGED: [&str; 2] = ["rlac-anchored", "rlac"];

/// Means count over at least so many seeds, and so many models to begin from.
const SEEDS: usize = 3;
const WARM_STARTS: usize = 2;

/// The criteria of one arm.
pub struct Judged {
    /// The arm.
    pub arm: &'static str,
    /// In the order in which they were fixed.
    pub criteria: Vec<Criterion>,
}

/// Something that was to come out.
pub struct Criterion {
    /// What it says.
    pub statement: &'static str,
    /// What must hold for it, all of it.
    parts: Vec<Part>,
}

/// One comparison.
struct Part {
    /// The numbers that are compared.
    figures: String,
    /// Whether it holds by these numbers; none where they leave it open.
    holds: Option<bool>,
    /// Why the numbers are not enough. There is one wherever `holds` is none.
    doubts: Vec<String>,
    /// Whether the criterion counts this part at all.
    counts: bool,
}

/// What is said of a criterion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// It holds.
    Met,
    /// It does not.
    NotMet,
    /// The runs do not say.
    CannotBeTold,
}

impl Verdict {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Met => "met",
            Verdict::NotMet => "not met",
            Verdict::CannotBeTold => "cannot be told",
        }
    }
}

/// Judges the arms that are there or are to be there; all of them where there is none.
pub fn judge(experiment: &Experiment) -> Vec<Judged> {
    let expected = |arm: &&str| !experiment.of(arm).is_empty() || experiment.missing(arm).is_some();
    let some = JUDGED.iter().any(expected);
    JUDGED
        .into_iter()
        .filter(|arm| !some || expected(arm))
        .map(|arm| Judged {
            arm,
            criteria: criteria::of(experiment, arm),
        })
        .collect()
}

impl Judged {
    /// What the criteria say together.
    pub fn conclusion(&self) -> String {
        let all = self.criteria.len();
        let count = |verdict| {
            let criteria = self.criteria.iter();
            criteria.filter(|one| one.verdict() == verdict).count()
        };
        match (count(Verdict::Met), count(Verdict::NotMet)) {
            (met, _) if met == all => {
                format!("reproduced at this scale: all {all} criteria are met")
            }
            (_, failed) if failed > 0 => {
                format!("not reproduced at this scale: {failed} of {all} criteria not met")
            }
            (met, _) => format!("cannot be told yet: {met} of {all} criteria met, none failed"),
        }
    }

    /// The verdict of all criteria together.
    pub fn verdict(&self) -> Verdict {
        all_of(self.criteria.iter().map(Criterion::verdict))
    }
}

impl Criterion {
    /// Whether it is met.
    pub fn verdict(&self) -> Verdict {
        match self.counted() {
            parts if parts.is_empty() => Verdict::CannotBeTold,
            parts => all_of(parts.into_iter().map(Part::verdict)),
        }
    }

    /// The numbers, one text for each comparison.
    pub fn figures(&self) -> Vec<&str> {
        self.parts.iter().map(|part| &*part.figures).collect()
    }

    /// Why the verdict cannot be told, and what it would be by the numbers that there are. Empty for
    /// other verdicts.
    pub fn reasons(&self) -> Vec<String> {
        if self.verdict() != Verdict::CannotBeTold {
            return Vec::new();
        }
        let counted = self.counted();
        let parts = match counted.is_empty() {
            true => self.parts.iter().collect(),
            false => counted,
        };
        let mut reasons: Vec<String> = Vec::new();
        for doubt in parts.iter().flat_map(|part| &part.doubts) {
            if !reasons.contains(doubt) {
                reasons.push(doubt.clone());
            }
        }
        reasons.extend(self.would_be().map(str::to_owned));
        reasons
    }

    fn counted(&self) -> Vec<&Part> {
        self.parts.iter().filter(|part| part.counts).collect()
    }

    /// What the verdict would be if the runs that there are were all.
    fn would_be(&self) -> Option<&'static str> {
        let holds: Option<Vec<bool>> = self.counted().iter().map(|part| part.holds).collect();
        match holds? {
            holds if holds.is_empty() => None,
            holds if holds.iter().all(|holds| *holds) => Some("by these figures it would be met"),
            _ => Some("by these figures it would not be met"),
        }
    }
}

impl Part {
    fn new(figures: String, holds: Option<bool>, doubts: Vec<String>) -> Self {
        let mut doubts = doubts;
        if holds.is_none() && doubts.is_empty() {
            doubts.push("the censored runs leave it open".to_owned());
        }
        Part {
            figures,
            holds,
            doubts,
            counts: true,
        }
    }

    fn verdict(&self) -> Verdict {
        match self.holds {
            Some(holds) if self.doubts.is_empty() => match holds {
                true => Verdict::Met,
                false => Verdict::NotMet,
            },
            _ => Verdict::CannotBeTold,
        }
    }
}

/// Met if all are, not met if one is not.
fn all_of(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    verdicts.fold(Verdict::Met, |all, one| match (all, one) {
        (Verdict::NotMet, _) | (_, Verdict::NotMet) => Verdict::NotMet,
        (Verdict::CannotBeTold, _) | (_, Verdict::CannotBeTold) => Verdict::CannotBeTold,
        (Verdict::Met, Verdict::Met) => Verdict::Met,
    })
}

/// Why these runs are not those that the criteria were fixed for.
fn doubts(experiment: &Experiment, arms: &[&str], runs: &[&Run]) -> Vec<String> {
    let mut doubts = Vec::new();
    for arm in arms {
        if experiment.of(arm).is_empty() {
            doubts.push(format!("there is no run of {arm}"));
        } else if let Some(missing) = experiment.missing(arm) {
            doubts.push(format!("missing: {missing}"));
        }
    }
    if !doubts.is_empty() {
        return doubts;
    }
    let seeds: BTreeSet<u64> = runs.iter().map(|run| run.seed).collect();
    let warm_starts: BTreeSet<u64> = runs.iter().map(|run| run.warm_start).collect();
    if seeds.len() < SEEDS || warm_starts.len() < WARM_STARTS {
        doubts.push(format!(
            "{} and {} of {}, where at least {SEEDS} and {WARM_STARTS} were fixed beforehand",
            counted(seeds.len(), "seed"),
            counted(warm_starts.len(), "warm start"),
            arms.join(" and "),
        ));
    }
    doubts
}
