//! How a request wants its tests run: limits, whether failures end it, who judges.
//!
//! Settled once from the request's configuration; whoever runs tests reads no field of it again.

use super::requests::TestConfig;
use crate::api::error::ApiError;
use crate::api::programs::limits;
use crate::domain::{Fuel, Isolation, Limits, Text};
use serde_json::Value;

/// What a service does where a request says nothing.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) struct Defaults {
    /// Guest seconds of a test.
    pub run_seconds: f64,
    /// Guest seconds of all tests together.
    pub total_seconds: Option<f64>,
}

impl Defaults {
    /// SandboxFusion's.
    pub const SANDBOX_FUSION: Defaults = Defaults {
        run_seconds: 20.0,
        total_seconds: None,
    };
    /// Those of SandboxFusion for LiveCodeBench.
    pub const LIVE_CODE_BENCH: Defaults = Defaults {
        run_seconds: 6.0,
        total_seconds: None,
    };
    /// ScaleBox's.
    pub const SCALE_BOX: Defaults = Defaults {
        run_seconds: 20.0,
        total_seconds: Some(300.0),
    };
}

/// How tests are run.
#[derive(Clone, Debug)]
pub(in crate::api) struct Plan {
    /// Of each.
    pub limits: Limits,
    /// Of all together.
    budget: Option<Fuel>,
    /// Whether tests are run after one was failed.
    pub all: bool,
    /// Where test code runs.
    pub isolation: Isolation,
    /// A program that decides where outputs differ.
    pub judge: Option<Text>,
}

impl Plan {
    /// What the configuration says, and the defaults where it says nothing.
    pub fn new(config: &TestConfig, caps: &Limits, defaults: Defaults) -> Result<Self, ApiError> {
        let run = config.run_timeout.unwrap_or(defaults.run_seconds);
        let compile = config.compile_timeout.unwrap_or(defaults.run_seconds);
        let total = match config.extra("total_timeout") {
            None | Some(Value::Null) => defaults.total_seconds,
            // What is no number is no positive one.
            Some(value) => Some(value.as_f64().unwrap_or(f64::NAN)),
        };
        let named = [
            ("run_timeout", Some(run)),
            ("compile_timeout", Some(compile)),
        ];
        for (name, seconds) in named.into_iter().chain([("extra.total_timeout", total)]) {
            if seconds.is_some_and(|seconds| !(seconds.is_finite() && seconds > 0.0)) {
                let why = format!("config.{name} must be a positive number of seconds");
                return Err(ApiError::Request(why));
            }
        }
        let text = |name| config.extra(name).and_then(Value::as_str);
        Ok(Plan {
            limits: limits(caps, run, None),
            budget: total.map(|seconds| Fuel((seconds * 1000.0 * Fuel::PER_MS as f64) as u64)),
            all: config.runs_all_cases(),
            isolation: match text("isolation") {
                Some("shared") => Isolation::Shared,
                _ => Isolation::Split,
            },
            judge: text("special_judge_program").map(Text::from),
        })
    }

    /// A meter for the tests of one request.
    pub fn meter(&self) -> Meter {
        Meter {
            each: Fuel(self.limits.time_ms.saturating_mul(Fuel::PER_MS)),
            left: self.budget,
        }
    }
}

/// What is left of the guest time of all tests together.
///
/// Which tests count depends on what those before used, in their order, and on nothing else: neither on
/// how many were run at a time nor on how long any of it took. So of tests that are run side by side
/// some may be run in vain.
pub(in crate::api) struct Meter {
    each: Fuel,
    left: Option<Fuel>,
}

impl Meter {
    /// Whether no other test counts.
    pub fn is_spent(&self) -> bool {
        self.left.is_some_and(|left| left.0 == 0)
    }

    /// Of so many tests those to begin with: none of them can find the time spent, if not the first alone
    /// may take all of it.
    pub fn at_once(&self, tests: usize) -> usize {
        let Some(left) = self.left else { return tests };
        let safe = usize::try_from(left.0 / self.each.0.max(1)).unwrap_or(usize::MAX);
        tests.min(safe.max(1))
    }

    /// A test used so much.
    pub fn spend(&mut self, used: Fuel) {
        if let Some(left) = &mut self.left {
            left.0 = left.0.saturating_sub(used.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_of_those_begun_with_can_find_the_time_spent() {
        let mut meter = Meter {
            each: Fuel(10),
            left: Some(Fuel(35)),
        };
        assert_eq!(meter.at_once(2), 2);
        assert_eq!(meter.at_once(9), 3);
        meter.spend(Fuel(30));
        assert_eq!((meter.at_once(9), meter.is_spent()), (1, false));
        // A test that is running goes on to its own limit.
        meter.spend(Fuel(10));
        assert!(meter.is_spent());
    }

    #[test]
    fn without_a_bound_all_are_begun() {
        let mut meter = Meter {
            each: Fuel(10),
            left: None,
        };
        meter.spend(Fuel(u64::MAX));
        assert_eq!((meter.at_once(1000), meter.is_spent()), (1000, false));
    }
}
