//! A report before it is written as HTML or Markdown.

use super::series::{Band, Point};
use super::success::Judged;

/// All of it.
pub struct Document {
    /// What the report is of.
    pub summary: String,
    /// Its parts.
    pub sections: Vec<Section>,
}

/// A part with a title.
pub struct Section {
    /// The title.
    pub title: &'static str,
    /// What is shown and how it was computed.
    pub about: String,
    /// What is shown.
    pub blocks: Vec<Block>,
}

/// Something in a section.
pub enum Block {
    /// The criteria for each arm that is to meet them.
    Success(Vec<Judged>),
    /// Charts; Markdown leaves them out.
    Charts(Vec<Chart>),
    /// A table.
    Table(Table),
    /// A remark.
    Note(String),
}

/// Rows under names of columns.
pub struct Table {
    /// What it shows, where a section has several.
    pub title: Option<String>,
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, each as long as the columns.
    pub rows: Vec<Vec<Cell>>,
}

/// A place in a table.
pub enum Cell {
    /// Text, which stands to the left.
    Text(String),
    /// A number, which stands to the right.
    Number(String),
    /// A number that is a mere bound, or is missing.
    Faint(String),
    /// A share, which a page can shade.
    Share(f64),
}

/// Lines over a common axis.
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// How to read it.
    pub about: String,
    /// From left to right.
    pub x: Axis,
    /// From bottom to top.
    pub y: Axis,
    /// One for each arm.
    pub arms: Vec<ArmLine>,
    /// Whether it takes the page's whole width.
    pub wide: bool,
}

/// A direction of a chart.
#[derive(Clone)]
pub struct Axis {
    /// What is counted, and in which unit.
    pub label: String,
    /// Numbers are shown times this.
    pub scale: f64,
    /// Whether 0 and 1 are the ends that make sense at most.
    pub is_share: bool,
}

/// An arm in a chart.
pub struct ArmLine {
    /// Its name.
    pub arm: String,
    /// Which of the colours it has throughout the report.
    pub colour: usize,
    /// Mean, lowest and highest run, where all have data.
    pub band: Band,
    /// Each run by itself, where a chart shows them.
    pub runs: Vec<Vec<Point>>,
}
