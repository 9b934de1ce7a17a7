//! Which samples of an iteration are wanted.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What one answer has at most, whatever is asked for: a page shows fewer.
const MOST_SAMPLES: usize = 200;

/// What one answer has at most of texts; at least one sample is given.
const MOST_BYTES: usize = 4 << 20;

/// Which samples are wanted.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Filter {
    /// The iteration; the newest where none is named.
    pub iteration: Option<u64>,
    /// Those of one family of prompts.
    pub family: Option<String>,
    /// Those of one kind.
    pub show: Show,
    /// How many to pass over.
    pub offset: usize,
    /// How many to give at most.
    pub limit: Option<usize>,
}

/// What label and truth say of a sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Show {
    #[default]
    All,
    /// It satisfied all its valid tests.
    Passed,
    /// A test failed.
    Failed,
    /// It was not judged.
    Unlabelled,
    /// It is wrong, and its tests did not find that.
    PassedButWrong,
    /// It is right, and a test says otherwise.
    FailedButRight,
    /// It is right.
    Right,
    /// It is wrong.
    Wrong,
}

impl Show {
    const EVERY: [Show; 8] = [
        Show::All,
        Show::Passed,
        Show::Failed,
        Show::Unlabelled,
        Show::PassedButWrong,
        Show::FailedButRight,
        Show::Right,
        Show::Wrong,
    ];

    fn has(self, sample: &Sample) -> bool {
        let (passed, failed) = (sample.label == Some(1), sample.label == Some(0));
        let (right, wrong) = (sample.correct == Some(true), sample.correct == Some(false));
        match self {
            Show::All => true,
            Show::Passed => passed,
            Show::Failed => failed,
            Show::Unlabelled => sample.label.is_none(),
            Show::PassedButWrong => passed && wrong,
            Show::FailedButRight => failed && right,
            Show::Right => right,
            Show::Wrong => wrong,
        }
    }
}

/// What is understood of a sample's line. Texts are left alone: what a model wrote need not be
/// Unicode.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Sample {
    family: Option<String>,
    label: Option<u64>,
    correct: Option<bool>,
}

/// What was found.
#[derive(Debug, Default, Serialize)]
pub(super) struct Found {
    /// How many samples of the iteration there are by family.
    families: BTreeMap<String, usize>,
    /// How many of the family that is asked for there are by kind.
    kinds: BTreeMap<Show, usize>,
    /// How many are wanted.
    total: usize,
    /// Those of them that were asked for, as they stand in the file.
    samples: Vec<Box<RawValue>>,
    #[serde(skip)]
    bytes: usize,
}

impl Found {
    /// Counts a sample, and keeps it where it is asked for.
    pub(super) fn take(&mut self, line: Box<RawValue>, filter: &Filter) {
        // A sample with fields of other kinds is still a sample.
        let sample: Sample = serde_json::from_str(line.get()).unwrap_or_default();
        let family = sample.family.as_deref().unwrap_or("");
        *self.families.entry(family.to_owned()).or_default() += 1;
        if filter.family.as_ref().is_some_and(|asked| asked != family) {
            return;
        }
        for kind in Show::EVERY.into_iter().filter(|kind| kind.has(&sample)) {
            *self.kinds.entry(kind).or_default() += 1;
        }
        if !filter.show.has(&sample) {
            return;
        }
        self.total += 1;
        let most = filter.limit.unwrap_or(MOST_SAMPLES).min(MOST_SAMPLES);
        let fits = self.samples.is_empty() || self.bytes + line.get().len() <= MOST_BYTES;
        if self.total > filter.offset && self.samples.len() < most && fits {
            self.bytes += line.get().len();
            self.samples.push(line);
        }
    }
}
