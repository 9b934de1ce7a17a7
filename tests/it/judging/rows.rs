//! The rows of a text.
//!
//! `=== title`, the program; `--- reference` and a reference, where there is one; then `--- test`
//! and test code, `--- check NAME` and test code with that entry point, or `--- call EXPRESSION`
//! with `--- expected EXPRESSION` or `--- raising CLASS`; `--- limits JSON` where it has limits.
//! What must come of it is in lines of `--> OUTCOME`, `--> OUTCOME: MESSAGE` and
//! `--> FIELD = JSON`, with `split: ` or `shared: ` before it where that is for one of them only.

use super::{ISOLATIONS, Value, json};

/// A program and what it is judged by.
pub struct Row {
    pub title: String,
    pub expected: Vec<Expectation>,
    submission: Value,
    check: Value,
}

/// What a field of a verdict must be.
pub struct Expectation {
    /// Where; everywhere if it does not say.
    pub isolation: Option<&'static str>,
    pub field: String,
    pub value: Value,
}

impl Row {
    pub fn submission(&self, isolation: &str) -> Value {
        let mut submission = self.submission.clone();
        submission["checks"] = json!([self.check]);
        submission["isolation"] = json!(isolation);
        submission
    }

    fn direct(&mut self, word: &str, rest: &str) {
        match word {
            "test" => self.check = json!({"kind": "script", "source": ""}),
            "check" => {
                self.check = json!({"kind": "script", "source": "", "entry_point": rest});
            }
            "call" => self.check = json!({"kind": "call", "call": rest}),
            "expected" => self.check["expected"] = json!(rest),
            "raising" => self.check["expected_exception"] = json!(rest),
            "reference" => self.submission["reference"] = json!(""),
            "limits" => self.submission["limits"] = parsed(rest),
            _ => panic!("{}: what is {word}?", self.title),
        }
    }

    /// The text that lines after this directive belong to.
    fn text(&mut self, word: &str) -> &mut Value {
        match word {
            "reference" => &mut self.submission["reference"],
            "test" | "check" => &mut self.check["source"],
            _ => &mut self.submission["code"],
        }
    }
}

impl Expectation {
    pub fn is_of(&self, isolation: &str) -> bool {
        self.isolation.is_none_or(|own| own == isolation)
    }

    fn parse(line: &str) -> Vec<Expectation> {
        let of_one = |isolation: &'static str| {
            let rest = line.strip_prefix(isolation)?.strip_prefix(": ")?;
            Some((Some(isolation), rest))
        };
        let (isolation, rest) = ISOLATIONS
            .into_iter()
            .find_map(of_one)
            .unwrap_or((None, line));
        let expectation = |field: &str, value: Value| Expectation {
            isolation,
            field: field.to_owned(),
            value,
        };
        if let Some((field, value)) = rest.split_once(" = ")
            && field.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        {
            return vec![expectation(field, parsed(value))];
        }
        match rest.split_once(": ") {
            Some((outcome, message)) => vec![
                expectation("outcome", json!(outcome)),
                expectation("message", json!(message)),
            ],
            None => vec![expectation("outcome", json!(rest))],
        }
    }
}

pub fn rows(text: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut word = "";
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("=== ") {
            word = "";
            rows.push(Row {
                title: title.to_owned(),
                expected: Vec::new(),
                submission: json!({"code": ""}),
                check: Value::Null,
            });
            continue;
        }
        let row = rows.last_mut().expect("a row begins with its title");
        if let Some(directive) = line.strip_prefix("--- ") {
            let rest;
            (word, rest) = directive.split_once(' ').unwrap_or((directive, ""));
            row.direct(word, rest);
        } else if let Some(expected) = line.strip_prefix("--> ") {
            row.expected.extend(Expectation::parse(expected));
        } else if let Value::String(text) = row.text(word) {
            *text += line;
            text.push('\n');
        }
    }
    rows
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}
