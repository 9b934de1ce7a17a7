//! Charts as SVG within the page.

use super::escaped;
use super::scale::Scale;
use crate::train::report::document::{ArmLine, Chart};
use crate::train::report::series::{Point, Slice};
use std::fmt::Write;

/// How many colours the style has for arms.
pub const COLOURS: usize = 9;

/// Sizes in units that are pixels where the page has its full width.
struct Paper {
    width: f64,
    height: f64,
    /// Steps between ticks, about.
    steps: f64,
}

const WIDE: Paper = Paper {
    width: 1120.0,
    height: 430.0,
    steps: 10.0,
};
const HALF: Paper = Paper {
    width: 546.0,
    height: 300.0,
    steps: 6.0,
};

/// Room for labels.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 46.0;

/// Between places of a line that tell their number when pointed at; arbitrary.
const TOLD_EVERY: usize = 8;

/// A chart's picture.
pub fn drawn(chart: &Chart) -> String {
    let paper = if chart.wide { WIDE } else { HALF };
    let (x, y) = scales(chart, &paper);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}: {} over {}\">\n",
        paper.width,
        paper.height,
        escaped(&chart.title),
        escaped(&chart.y.label),
        escaped(&chart.x.label),
    );
    axes(&mut svg, chart, &paper, &x, &y);
    let draw = [bands, runs, means, told];
    for layer in draw {
        for line in &chart.arms {
            let _ = write!(svg, "<g class=\"arm-{}\">", line.colour % COLOURS);
            layer(&mut svg, line, &x, &y);
            svg += "</g>\n";
        }
    }
    svg += "</svg>\n";
    svg
}

fn scales(chart: &Chart, paper: &Paper) -> (Scale, Scale) {
    let (mut xs, mut ys) = (Vec::new(), Vec::new());
    for line in &chart.arms {
        let points = line.runs.iter().flatten();
        xs.extend(points.clone().map(|point| point.x));
        ys.extend(points.map(|point| point.y));
        for slice in &line.band.slices {
            xs.push(slice.x);
            ys.extend([slice.low, slice.high]);
        }
    }
    let end = xs.iter().copied().fold(0.0, f64::max);
    let across = (LEFT, paper.width - RIGHT);
    let up = (paper.height - BOTTOM, TOP);
    let steps = if chart.wide { 8.0 } else { 5.0 };
    (
        Scale::new(&chart.x, xs.into_iter(), paper.steps, across).ending_at(end),
        Scale::new(&chart.y, ys.into_iter(), steps, up),
    )
}

fn axes(svg: &mut String, chart: &Chart, paper: &Paper, x: &Scale, y: &Scale) {
    let (right, floor) = (paper.width - RIGHT, paper.height - BOTTOM);
    for (at, text) in y.ticks() {
        let _ = writeln!(
            svg,
            "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{right}\"/>\
             <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
            LEFT - 8.0,
            at + 4.0,
        );
    }
    for (at, text) in x.ticks() {
        let _ = writeln!(
            svg,
            "<path class=\"axis\" d=\"M{at:.1} {floor}v5\"/>\
             <text class=\"tick\" x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>",
            floor + 19.0,
        );
    }
    let middle = (TOP + floor) / 2.0;
    let _ = writeln!(
        svg,
        "<path class=\"axis\" d=\"M{LEFT} {floor}H{right}\"/>\
         <text class=\"label\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
         <text class=\"label\" transform=\"translate(13 {middle:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
        (LEFT + right) / 2.0,
        paper.height - 8.0,
        escaped(&chart.x.label),
        escaped(&chart.y.label),
    );
}

/// From the lowest to the highest run; of one run there is none.
fn bands(svg: &mut String, line: &ArmLine, x: &Scale, y: &Scale) {
    if line.band.runs < 2 {
        return;
    }
    let slices = &line.band.slices;
    let high = slices.iter().map(|slice| (slice.x, slice.high));
    let low = slices.iter().rev().map(|slice| (slice.x, slice.low));
    let places = high.chain(low).map(|(a, b)| (x.place(a), y.place(b)));
    let _ = write!(svg, "<path class=\"band\" d=\"{}Z\"/>", path(places));
}

fn runs(svg: &mut String, line: &ArmLine, x: &Scale, y: &Scale) {
    for run in &line.runs {
        let places = run
            .iter()
            .map(|Point { x: a, y: b }| (x.place(*a), y.place(*b)));
        let _ = write!(svg, "<path class=\"run\" d=\"{}\"/>", path(places));
    }
}

fn means(svg: &mut String, line: &ArmLine, x: &Scale, y: &Scale) {
    let slices = line.band.slices.iter();
    let places = slices.map(|slice| (x.place(slice.x), y.place(slice.mean)));
    let _ = write!(svg, "<path class=\"mean\" d=\"{}\"/>", path(places));
}

/// Invisible places that tell their number when pointed at.
fn told(svg: &mut String, line: &ArmLine, x: &Scale, y: &Scale) {
    for slice in line.band.slices.iter().step_by(TOLD_EVERY) {
        let _ = write!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"8\"><title>{}</title></circle>",
            x.place(slice.x),
            y.place(slice.mean),
            escaped(&what_is_told(line, slice, x)),
        );
    }
}

fn what_is_told(line: &ArmLine, slice: &Slice, x: &Scale) -> String {
    let (arm, at) = (&line.arm, x.shown(slice.x));
    match line.band.runs {
        1 => format!("{arm} at {at:.1}: {:.3}", slice.mean),
        _ => format!(
            "{arm} at {at:.1}: {:.3} ({:.3} to {:.3})",
            slice.mean, slice.low, slice.high
        ),
    }
}

/// A line through places.
fn path(places: impl Iterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (x, y) in places {
        let letter = if path.is_empty() { 'M' } else { 'L' };
        let _ = write!(path, "{letter}{x:.1} {y:.1}");
    }
    path
}
