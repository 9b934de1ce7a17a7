//! A report as one page: no script, no other file, no connection.

mod chart;
mod scale;

use super::document::{ArmLine, Block, Cell, Chart, Document, Section, Table};
use super::success::{Criterion, Judged, Verdict};
use super::text::counted;

const STYLE: &str = include_str!("html/style.css");

/// The whole page.
pub fn page(document: &Document) -> String {
    let sections: String = document.sections.iter().map(section).collect();
    let summary = escaped(&document.summary);
    // The policy is the browser's word for what the module promises; the empty icon keeps it from
    // asking for one where the page is served.
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\"/>\n\
         <link rel=\"icon\" href=\"data:,\"/>\n<title>Training report</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>Training report</h1>\n\
         <p>{summary}</p>\n</header>\n<main>\n{sections}</main>\n</body>\n</html>\n"
    )
}

/// Text that ends no element, attribute or style.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            character => escaped.push(character),
        }
    }
    escaped
}

fn section(section: &Section) -> String {
    let about = match section.about.is_empty() {
        true => String::new(),
        false => format!("<p class=\"about\">{}</p>\n", escaped(&section.about)),
    };
    let blocks: String = section.blocks.iter().map(block).collect();
    format!(
        "<section>\n<h2>{}</h2>\n{about}{blocks}</section>\n",
        section.title
    )
}

fn block(block: &Block) -> String {
    match block {
        Block::Success(arms) => arms.iter().map(judged).collect(),
        Block::Charts(charts) => {
            let figures: String = charts.iter().map(figure).collect();
            format!("<div class=\"charts\">\n{figures}</div>\n")
        }
        Block::Table(table) => rows(table),
        Block::Note(note) => format!("<p class=\"note\">{}</p>\n", escaped(note)),
    }
}

fn judged(judged: &Judged) -> String {
    let criteria: String = judged.criteria.iter().map(criterion).collect();
    format!(
        "<article class=\"{}\">\n<h3>{} <span class=\"conclusion\">{}</span></h3>\n\
         <ol class=\"criteria\">\n{criteria}</ol>\n</article>\n",
        class(judged.verdict()),
        escaped(judged.arm),
        escaped(&judged.conclusion()),
    )
}

fn criterion(criterion: &Criterion) -> String {
    let items = |class: &str, texts: Vec<&str>| {
        let item = |text: &str| format!("<li>{}</li>", escaped(text));
        match texts.is_empty() {
            true => String::new(),
            false => format!(
                "<ul class=\"{class}\">{}</ul>",
                texts.into_iter().map(item).collect::<String>()
            ),
        }
    };
    let verdict = criterion.verdict();
    let reasons = criterion.reasons();
    format!(
        "<li><span class=\"badge {}\">{}</span><div><p>{}</p>{}{}</div></li>\n",
        class(verdict),
        verdict.name(),
        escaped(criterion.statement),
        items("figures", criterion.figures()),
        items("reasons", reasons.iter().map(String::as_str).collect()),
    )
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Met => "met",
        Verdict::NotMet => "not-met",
        Verdict::CannotBeTold => "open",
    }
}

fn figure(chart: &Chart) -> String {
    let about = match chart.about.is_empty() {
        true => String::new(),
        false => format!("<p>{}</p>", escaped(&chart.about)),
    };
    let legend: String = chart.arms.iter().map(in_legend).collect();
    format!(
        "<figure{}>\n<figcaption><h3>{}</h3>{about}<ul class=\"legend\">{legend}</ul></figcaption>\n{}</figure>\n",
        if chart.wide { " class=\"wide\"" } else { "" },
        escaped(&chart.title),
        chart::drawn(chart),
    )
}

fn in_legend(line: &ArmLine) -> String {
    format!(
        "<li class=\"arm-{}\"><i></i>{} <small>{}</small></li>",
        line.colour % chart::COLOURS,
        escaped(&line.arm),
        counted(line.band.runs, "run"),
    )
}

fn rows(table: &Table) -> String {
    let title = table.title.as_ref();
    let caption = title.map(|title| format!("<caption>{}</caption>\n", escaped(title)));
    let names = table.columns.iter().enumerate();
    let head: String = names.map(|(at, name)| head(table, at, name)).collect();
    let row = |row: &Vec<Cell>| format!("<tr>{}</tr>\n", row.iter().map(cell).collect::<String>());
    let body: String = table.rows.iter().map(row).collect();
    format!(
        "<div class=\"table\"><table>\n{}<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table></div>\n",
        caption.unwrap_or_default(),
    )
}

/// The name of a column, on the side on which its cells stand.
fn head(table: &Table, at: usize, name: &str) -> String {
    let class = match table.rows.first().map(|row| &row[at]) {
        Some(Cell::Text(_)) | None => "",
        Some(_) => " class=\"number\"",
    };
    format!("<th{class}>{}</th>", escaped(name))
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => format!("<td>{}</td>", escaped(text)),
        Cell::Number(text) => format!("<td class=\"number\">{}</td>", escaped(text)),
        Cell::Faint(text) => format!("<td class=\"number faint\">{}</td>", escaped(text)),
        Cell::Share(share) => format!(
            "<td class=\"number share\" style=\"--share:{:.3}\">{}</td>",
            share.clamp(0.0, 1.0),
            super::text::share(*share),
        ),
    }
}
