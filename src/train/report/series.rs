//! Numbers over executions, time or tokens: lines through points, and bands of several lines.

/// A number that was measured at a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Where: executions, seconds, tokens. Points of a run never go back.
    pub x: f64,
    /// What was measured.
    pub y: f64,
}

/// Several runs as one: their mean, and how far they are apart.
pub struct Band {
    /// How many runs.
    pub runs: usize,
    /// From left to right.
    pub slices: Vec<Slice>,
}

/// A band at one place.
pub struct Slice {
    /// Where.
    pub x: f64,
    /// The lowest run.
    pub low: f64,
    /// The mean of all.
    pub mean: f64,
    /// The highest run.
    pub high: f64,
}

/// Steps of a band's grid: a few pixels each, so that more would hardly be seen, and a page with
/// seven arms stays below a megabyte.
const STEPS: usize = 160;

/// The line through the points at a place; none to the left and to the right of all points.
pub fn interpolate(points: &[Point], x: f64) -> Option<f64> {
    let right = points.iter().position(|point| point.x >= x)?;
    let b = points[right];
    if b.x == x {
        return Some(b.y);
    }
    let a = points[right.checked_sub(1)?];
    Some(a.y + (b.y - a.y) * (x - a.x) / (b.x - a.x))
}

/// Where the line through the points first reaches a level: between the two points around it, or at
/// the first point if that has it already.
pub fn first_crossing(points: &[Point], level: f64) -> Option<f64> {
    let right = points.iter().position(|point| point.y >= level)?;
    let b = points[right];
    let Some(a) = right.checked_sub(1).map(|left| points[left]) else {
        return Some(b.x);
    };
    Some(a.x + (b.x - a.x) * (level - a.y) / (b.y - a.y))
}

/// The band of runs where every one of them has data. Runs without any are left out.
pub fn band(runs: &[Vec<Point>]) -> Option<Band> {
    let runs: Vec<&Vec<Point>> = runs.iter().filter(|run| !run.is_empty()).collect();
    let left = runs.iter().map(|run| run[0].x).reduce(f64::max)?;
    let right = runs.iter().map(|run| run[run.len() - 1].x);
    let right = right.reduce(f64::min)?;
    let slices = grid(left, right)
        .into_iter()
        .filter_map(|x| slice(&runs, x));
    Some(Band {
        runs: runs.len(),
        slices: slices.collect(),
    })
}

fn slice(runs: &[&Vec<Point>], x: f64) -> Option<Slice> {
    let values: Option<Vec<f64>> = runs.iter().map(|run| interpolate(run, x)).collect();
    let values = values?;
    Some(Slice {
        x,
        low: values.iter().copied().reduce(f64::min)?,
        mean: mean(values.iter().copied())?,
        high: values.iter().copied().reduce(f64::max)?,
    })
}

/// Places from left to right, both included; none where they are the wrong way round.
fn grid(left: f64, right: f64) -> Vec<f64> {
    if left > right {
        return Vec::new();
    }
    if left == right {
        return vec![left];
    }
    let place = |step: usize| match step {
        // Exactly: an interpolation must not miss the last point by a rounding.
        STEPS => right,
        _ => left + (right - left) * step as f64 / STEPS as f64,
    };
    (0..=STEPS).map(place).collect()
}

/// The mean; none of nothing.
pub fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}
