//! From numbers to places on paper.

use crate::train::report::document::Axis;

/// A direction of a chart: which numbers it shows, and where.
pub struct Scale {
    /// The least number, as it is shown.
    low: f64,
    /// The greatest number, as it is shown.
    high: f64,
    /// Between two ticks.
    step: f64,
    /// Numbers are shown times this.
    factor: f64,
    /// Where the least number stands.
    from: f64,
    /// Where the greatest number stands.
    to: f64,
}

impl Scale {
    /// A scale for numbers of an axis, with about so many steps between ticks.
    pub fn new(
        axis: &Axis,
        numbers: impl Iterator<Item = f64>,
        steps: f64,
        place: (f64, f64),
    ) -> Self {
        let shown = numbers.map(|number| number * axis.scale);
        let ends = |(low, high): (f64, f64), number: f64| (low.min(number), high.max(number));
        // All axes begin at 0, unless there are numbers below.
        let (low, high) = shown.fold((0.0, 0.0), ends);
        let step = nice_step((high - low).max(1e-9) / steps);
        let up = |number: f64| (number / step - 1e-9).ceil() * step;
        let high = match up(high) {
            high if high <= low => low + step,
            high if axis.is_share => high.min(1.0_f64.max(low + step)),
            high => high,
        };
        Scale {
            low: -up(-low),
            high,
            step,
            factor: axis.scale,
            from: place.0,
            to: place.1,
        }
    }

    /// Ends where the numbers end, rather than at the tick after them.
    pub fn ending_at(self, number: f64) -> Self {
        let shown = number * self.factor;
        match shown > self.low {
            true => Scale {
                high: shown,
                ..self
            },
            false => self,
        }
    }

    /// Where a number stands.
    pub fn place(&self, number: f64) -> f64 {
        self.place_of_shown(self.shown(number))
    }

    /// A number in the unit of the axis.
    pub fn shown(&self, number: f64) -> f64 {
        number * self.factor
    }

    /// The ticks: where they stand, and what is written there.
    pub fn ticks(&self) -> Vec<(f64, String)> {
        let digits = (-self.step.log10().floor()).max(0.0) as usize;
        // A step such as 2.5 has one digit more than its size says.
        let power = 10_f64.powi(digits as i32);
        let digits = match (self.step * power).fract().abs() < 1e-6 {
            true => digits,
            false => digits + 1,
        };
        let count = ((self.high - self.low) / self.step + 1e-6).floor() as usize;
        let tick = |at: usize| {
            let number = self.low + at as f64 * self.step;
            // Neither "-0.0" nor a rounding that looks like one.
            let number = if number.abs() < self.step * 1e-6 {
                0.0
            } else {
                number
            };
            (self.place_of_shown(number), format!("{number:.digits$}"))
        };
        (0..=count).map(tick).collect()
    }

    fn place_of_shown(&self, shown: f64) -> f64 {
        let share = (shown - self.low) / (self.high - self.low);
        self.from + share * (self.to - self.from)
    }
}

/// The next of 1, 2, 2.5, 5 times a power of ten.
fn nice_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0];
    let step = steps.into_iter().find(|step| step * power >= least);
    step.unwrap_or(10.0) * power
}
