//! A report as Markdown.

use super::document::{Block, Cell, Document, Section, Table};
use super::success::{Criterion, Judged};

/// The whole text.
pub fn text(document: &Document) -> String {
    let mut text = format!("# Training report\n\n{}\n", escaped(&document.summary));
    for one in &document.sections {
        text += &section(one);
    }
    text
}

/// A section; nothing where it has only charts.
fn section(section: &Section) -> String {
    let blocks: String = section.blocks.iter().map(block).collect();
    match blocks.is_empty() {
        true => String::new(),
        false => {
            let about = match section.about.is_empty() {
                true => String::new(),
                false => format!("\n{}\n", escaped(&section.about)),
            };
            format!("\n## {}\n{about}{blocks}", section.title)
        }
    }
}

fn block(block: &Block) -> String {
    match block {
        Block::Success(arms) => arms.iter().map(judged).collect(),
        Block::Charts(_) => String::new(),
        Block::Table(table) => rows(table),
        Block::Note(note) => format!("\n{}\n", escaped(note)),
    }
}

fn judged(judged: &Judged) -> String {
    let row = |(at, criterion): (usize, &Criterion)| {
        vec![
            Cell::Number((at + 1).to_string()),
            Cell::Text(criterion.statement.to_owned()),
            Cell::Text(criterion.figures().join("; ")),
            Cell::Text(verdict(criterion)),
        ]
    };
    rows(&Table {
        title: Some(format!("{}: {}", judged.arm, judged.conclusion())),
        columns: ["", "criterion", "figures", "verdict"]
            .map(str::to_owned)
            .into(),
        rows: judged.criteria.iter().enumerate().map(row).collect(),
    })
}

fn verdict(criterion: &Criterion) -> String {
    let reasons = criterion.reasons();
    let name = criterion.verdict().name();
    match reasons.is_empty() {
        true => name.to_owned(),
        false => format!("{name}: {}", reasons.join("; ")),
    }
}

fn rows(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let title = table.title.as_ref();
    let mut text = title.map_or_else(
        || "\n".to_owned(),
        |title| format!("\n### {}\n\n", escaped(title)),
    );
    text += &line(table.columns.iter().map(|name| escaped(name)).collect());
    text += &line(sides(table));
    for row in &table.rows {
        text += &line(row.iter().map(cell).collect());
    }
    text
}

/// Which side the cells of each column stand on: that of most columns' first row.
fn sides(table: &Table) -> Vec<String> {
    let side = |at: usize| match table.rows.first().map(|row| &row[at]) {
        Some(Cell::Text(_)) | None => "---".to_owned(),
        Some(_) => "---:".to_owned(),
    };
    (0..table.columns.len()).map(side).collect()
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) | Cell::Number(text) | Cell::Faint(text) => escaped(text),
        Cell::Share(share) => super::text::share(*share),
    }
}

/// Names come from files: none of them ends a cell, begins a tag or a heading.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' => escaped.extend(['\\', character]),
            // "< 0.42" begins no tag, and is read by people who see the text itself.
            '<' if characters.peek() != Some(&' ') => escaped += "&lt;",
            character if character.is_control() => escaped.push(' '),
            character => escaped.push(character),
        }
    }
    escaped
}
