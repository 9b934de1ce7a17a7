//! What a request may ask a program to use.

use super::{FieldErrors, Path};
use crate::domain::Limits;
use serde::Deserialize;
use utoipa::ToSchema;

/// What each execution may use; what is not said is the default, or the cap where that is less.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
#[schema(as = Limits)]
pub struct LimitsWire {
    /// Guest time in milliseconds, 10,000,000 fuel each: the same under every load.
    #[schema(minimum = 1, default = 10_000)]
    pub time_ms: Option<u64>,
    /// Memory beyond the runtime's own.
    #[schema(minimum = 1, default = 268_435_456_u64)]
    pub memory_bytes: Option<u64>,
    /// Output to stdout, and as much again to stderr.
    #[schema(minimum = 1, default = 1_048_576)]
    pub output_bytes: Option<u64>,
}

impl LimitsWire {
    /// Notes every limit out of its range.
    pub(super) fn check(&self, caps: &Limits, path: Path<'_>, errors: &mut FieldErrors) {
        for (name, asked, cap) in [
            ("time_ms", self.time_ms, caps.time_ms),
            ("memory_bytes", self.memory_bytes, caps.memory_bytes),
            ("output_bytes", self.output_bytes, caps.output_bytes),
        ] {
            if asked.is_some_and(|asked| asked == 0 || asked > cap) {
                errors.add(path.field(name), format_args!("must be from 1 to {cap}"));
            }
        }
    }

    /// These limits, and where they say nothing those of the problem.
    pub(super) fn or(self, problem: LimitsWire) -> LimitsWire {
        LimitsWire {
            time_ms: self.time_ms.or(problem.time_ms),
            memory_bytes: self.memory_bytes.or(problem.memory_bytes),
            output_bytes: self.output_bytes.or(problem.output_bytes),
        }
    }

    /// Nothing left to default.
    pub(super) fn settle(self, caps: &Limits) -> Limits {
        let default = Limits::default();
        let settle = |asked: Option<u64>, default: u64, cap| asked.unwrap_or(default.min(cap));
        Limits {
            time_ms: settle(self.time_ms, default.time_ms, caps.time_ms),
            memory_bytes: settle(self.memory_bytes, default.memory_bytes, caps.memory_bytes),
            output_bytes: settle(self.output_bytes, default.output_bytes, caps.output_bytes),
        }
    }
}
