//! Numbers of which only a bound may be known.
//!
//! A run that ended before it reached a level is censored: it would have taken more executions than
//! it made. Such a number enters means and ratios as what is known of it, so that a comparison holds,
//! fails, or cannot be told, whatever the run would have done.

/// What is known of a number: that it lies between two others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// It is not less.
    pub low: f64,
    /// It is not more; infinite where that is not known.
    pub high: f64,
}

impl Bounds {
    /// A known number.
    pub fn exactly(number: f64) -> Self {
        Bounds {
            low: number,
            high: number,
        }
    }

    /// A number that is greater than this.
    pub fn more_than(number: f64) -> Self {
        Bounds {
            low: number,
            high: f64::INFINITY,
        }
    }

    /// Whether the number itself is known.
    pub fn is_exact(self) -> bool {
        self.low == self.high
    }

    /// The geometric mean; none of nothing.
    pub fn geometric_mean(numbers: &[Bounds]) -> Option<Bounds> {
        let mean = |of: fn(&Bounds) -> f64| geometric_mean(numbers.iter().map(of));
        Some(Bounds {
            low: mean(|bounds| bounds.low)?,
            high: mean(|bounds| bounds.high)?,
        })
    }

    /// This in terms of another, both above 0.
    pub fn over(self, other: Bounds) -> Bounds {
        Bounds {
            low: self.low / other.high,
            high: self.high / other.low,
        }
    }

    /// Whether the number is less than a limit; none if that cannot be told.
    pub fn is_below(self, limit: f64) -> Option<bool> {
        told(self.high < limit, self.low >= limit)
    }

    /// Whether the number is at most a limit; none if that cannot be told.
    pub fn is_at_most(self, limit: f64) -> Option<bool> {
        told(self.high <= limit, self.low > limit)
    }
}

/// The geometric mean of numbers that are not negative; none of nothing.
pub fn geometric_mean(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    super::series::mean(numbers.map(f64::ln)).map(f64::exp)
}

fn told(holds: bool, fails: bool) -> Option<bool> {
    match (holds, fails) {
        (true, _) => Some(true),
        (false, true) => Some(false),
        (false, false) => None,
    }
}
