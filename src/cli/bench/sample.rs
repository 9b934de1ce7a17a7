//! What was measured, and how it is shown.

use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt::Write;

/// One case's figures.
#[derive(Serialize)]
pub(super) struct Sample {
    /// The group, a slash, the case.
    pub name: String,
    /// Half of the runs took less.
    pub median_us: f64,
    /// One in a hundred took longer.
    pub p99_us: f64,
    /// How many a second.
    pub per_second: f64,
    /// What is known only of this case.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// Times of one case, in microseconds.
pub(super) struct Series {
    name: String,
    times: Vec<f64>,
}

impl Series {
    /// No time yet.
    pub fn new(name: impl Into<String>) -> Self {
        Series {
            name: name.into(),
            times: Vec::new(),
        }
    }

    /// Adds times.
    pub fn extend(&mut self, times: impl IntoIterator<Item = f64>) {
        self.times.extend(times);
    }

    /// The figures, where each time is of one thing done.
    pub fn sample(self) -> Sample {
        self.sample_of(1.0)
    }

    /// The figures, where each time is of so many things done at once.
    pub fn sample_of(mut self, things: f64) -> Sample {
        self.times.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let last = self.times.len().saturating_sub(1);
            self.times
                .get((last as f64 * share).round() as usize)
                .copied()
                .unwrap_or(f64::NAN)
        };
        let median_us = at(0.5);
        Sample {
            name: self.name,
            median_us,
            p99_us: at(0.99),
            per_second: things * 1e6 / median_us,
            more: Map::new(),
        }
    }
}

/// For people.
pub(super) fn table(samples: &[Sample]) -> String {
    let mut text = format!(
        "{:<28}{:>14}{:>14}{:>14}\n",
        "", "median µs", "p99 µs", "a second"
    );
    for sample in samples {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:<28}{:>14.1}{:>14.1}{:>14.1}",
            sample.name, sample.median_us, sample.p99_us, sample.per_second
        );
        for (name, number) in &sample.more {
            let _ = writeln!(text, "  {name:<26}{number:>14}");
        }
    }
    text
}
