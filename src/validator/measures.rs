//! What the workers count and measure, for whoever keeps the service running. Nothing here decides
//! anything, and no time in it is a program's: that is its fuel.

use crate::domain::{Fuel, Outcome};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use std::time::Duration;

/// A label and its value, of which there are few.
pub type Label = [(&'static str, &'static str); 1];

/// Counts and distributions since the start.
#[derive(Clone, Debug)]
pub struct Measures {
    /// Checks that got a verdict, by their `outcome`.
    pub checks: Family<Label, Counter>,
    /// From being accepted to being taken up by a worker, in seconds.
    pub wait_seconds: Histogram,
    /// Wall-clock time of an execution, in seconds.
    pub execution_seconds: Histogram,
    /// Fuel of an execution.
    pub execution_fuel: Histogram,
}

impl Measures {
    pub(super) fn new() -> Self {
        let checks = Family::<Label, Counter>::default();
        // From the first on, so that a rate is not missing until one of a kind has happened.
        for outcome in OUTCOMES {
            drop(checks.get_or_create(&label(outcome)));
        }
        Measures {
            checks,
            // From what an idle queue takes to half an hour, fourfold each.
            wait_seconds: Histogram::new(exponential_buckets(1e-4, 4.0, 13)),
            // From half a fresh check to beyond the longest guest time that may be asked for.
            execution_seconds: Histogram::new(exponential_buckets(2.5e-4, 2.5, 15)),
            // The same in fuel: from 0.05 ms to 60 s of guest time and a bit.
            execution_fuel: Histogram::new(exponential_buckets(5e5, 4.0, 11)),
        }
    }

    pub(super) fn judged(&self, outcome: Outcome) {
        self.checks.get_or_create(&label(outcome)).inc();
    }

    pub(super) fn waited(&self, waited: Duration) {
        self.wait_seconds.observe(waited.as_secs_f64());
    }

    pub(super) fn executed(&self, took: Duration, fuel: Fuel) {
        self.execution_seconds.observe(took.as_secs_f64());
        self.execution_fuel.observe(fuel.0 as f64);
    }
}

const OUTCOMES: [Outcome; 8] = [
    Outcome::Pass,
    Outcome::Fail,
    Outcome::Error,
    Outcome::TimeLimit,
    Outcome::MemoryLimit,
    Outcome::OutputLimit,
    Outcome::Invalid,
    Outcome::Skipped,
];

fn label(outcome: Outcome) -> Label {
    [("outcome", name(outcome))]
}

/// An outcome's name, as the API has it.
pub(super) fn name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Fail => "fail",
        Outcome::Error => "error",
        Outcome::TimeLimit => "time_limit",
        Outcome::MemoryLimit => "memory_limit",
        Outcome::OutputLimit => "output_limit",
        Outcome::Invalid => "invalid",
        Outcome::Skipped => "skipped",
    }
}
