//! How a request wants values and outputs compared.

use super::choice::{WHITESPACE, choose};
use super::{FieldErrors, Path, WhitespaceName};
use crate::domain::Compare;
use serde::Deserialize;
use utoipa::ToSchema;

/// How values and outputs are compared.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
#[schema(as = Compare)]
pub struct CompareWire {
    /// Relative and absolute tolerance wherever both sides are floats, nested too.
    #[schema(minimum = 0, default = 0.0)]
    pub float_tolerance: Option<f64>,
    /// Which white space counts in outputs; `trailing` where nothing is said.
    #[schema(value_type = Option<WhitespaceName>)]
    pub whitespace: Option<String>,
}

impl CompareWire {
    /// This comparison with its problem's and the defaults where it says nothing.
    pub(super) fn settle(
        &self,
        problem: Compare,
        path: Path<'_>,
        errors: &mut FieldErrors,
    ) -> Compare {
        let tolerance = self.float_tolerance.unwrap_or(problem.float_tolerance);
        if !(tolerance.is_finite() && tolerance >= 0.0) {
            errors.add(path.field("float_tolerance"), "must be a number from 0 up");
        }
        let name = self.whitespace.as_deref();
        let whitespace = choose(name, &WHITESPACE, path.field("whitespace"), errors);
        Compare {
            float_tolerance: tolerance,
            whitespace: whitespace.unwrap_or(problem.whitespace),
        }
    }
}
