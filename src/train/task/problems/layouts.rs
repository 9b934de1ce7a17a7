//! Files of problems: a JSON object in each line, in one of several layouts.
//!
//! | layout | told by | prompt | reference | tests |
//! |---|---|---|---|---|
//! | HumanEval | `entry_point` | `prompt` | `prompt` and `canonical_solution` | `test` |
//! | MBPP | `test_list` | `text` or `prompt` | `code` | `test_imports`, `test_setup_code`, `test_list` |
//! | AceCode | `question` | `question` | `reference`, or of `inferences` one with a `pass_rate` of 1 | `tests` or `test_cases` |
//! | our own | `prompt` | `prompt` | `reference` | `tests`, or `checks` as in the HTTP API |
//!
//! Their names are `task_id` or `id`. Tests are lists of statements such as `assert f(1) == 2`. Other
//! fields are passed over. Our own layout may have a `family`, by which results are counted.

use super::texts::last_program;
use crate::domain::{Check, CheckKind, Text};
use crate::train::judge::Exam;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Reads the text of a JSON array of checks; says what is wrong with it otherwise.
pub type ReadChecks<'a> = &'a dyn Fn(&str) -> Result<Vec<Check>, String>;

/// A problem.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Names it.
    pub id: String,
    /// What results are counted by.
    pub family: Arc<str>,
    /// What is asked.
    pub prompt: String,
    /// A right program.
    pub reference: Arc<str>,
    /// What an answer has to pass.
    pub checks: Arc<[Arc<Check>]>,
}

impl Problem {
    /// What finds out what an answer is worth.
    pub fn exam(&self) -> Exam {
        Exam::Checks(self.checks.to_vec())
    }
}

/// What a file has.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// The problems, in the order of their lines.
    pub problems: Vec<Problem>,
    /// How many more came without a reference: there is nothing to judge tests by.
    pub without_reference: usize,
}

/// Lines that are not problems: their numbers, and what is wrong with each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken(pub Vec<(usize, String)>);

/// So many broken lines are told of.
const TOLD: usize = 10;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = self.0.iter().take(TOLD);
        let lines: Vec<String> = told
            .map(|(at, what)| format!("line {at}: {what}"))
            .collect();
        f.write_str(&lines.join("; "))?;
        match self.0.len().saturating_sub(TOLD) {
            0 => Ok(()),
            more => write!(f, "; and {more} more lines"),
        }
    }
}

impl std::error::Error for Broken {}

impl Listing {
    /// Reads a file's text. Empty lines are none.
    ///
    /// # Errors
    /// With all lines that are not problems.
    pub fn read(text: &str, checks: ReadChecks<'_>) -> Result<Self, Broken> {
        let mut listing = Listing::default();
        let mut broken = Vec::new();
        let mut lines: HashMap<String, usize> = HashMap::new();
        for (line, number) in text.lines().zip(1..) {
            if line.trim().is_empty() {
                continue;
            }
            match problem(line, checks) {
                Ok(Some(problem)) => match lines.insert(problem.id.clone(), number) {
                    Some(first) => {
                        let id = &problem.id;
                        broken.push((number, format!("line {first} has the id {id:?} too")));
                    }
                    None => listing.problems.push(problem),
                },
                Ok(None) => listing.without_reference += 1,
                Err(what) => broken.push((number, what)),
            }
        }
        match broken.is_empty() {
            true => Ok(listing),
            false => Err(Broken(broken)),
        }
    }
}

/// The problem in a line; `None` where it has no reference.
fn problem(line: &str, checks: ReadChecks<'_>) -> Result<Option<Problem>, String> {
    let all: Map<String, Value> =
        serde_json::from_str(line).map_err(|error| format!("is no JSON object: {error}"))?;
    let fields = Fields(&all);
    let has = |name: &str| fields.get(name).is_some();
    if has("entry_point") {
        humaneval(fields)
    } else if has("test_list") {
        mbpp(fields)
    } else if has("question") {
        acecode(fields)
    } else {
        own(fields, checks)
    }
}

fn humaneval(fields: Fields<'_>) -> Result<Option<Problem>, String> {
    let prompt = fields.text("prompt")?;
    let entry_point = fields.text("entry_point")?.to_owned();
    let test = script(fields.text("test")?, Some(entry_point));
    let Some(solution) = fields.optional_text("canonical_solution")? else {
        return Ok(None);
    };
    let reference = format!("{prompt}{solution}");
    fields.problem("humaneval", prompt, &reference, vec![test])
}

fn mbpp(fields: Fields<'_>) -> Result<Option<Problem>, String> {
    let text = match fields.optional_text("text")? {
        Some(text) => text,
        None => fields.text("prompt")?,
    };
    let tests = fields.statements("test_list")?;
    let mut lines = fields.optional_statements("test_imports")?;
    lines.extend(fields.optional_text("test_setup_code")?);
    lines.extend(&tests);
    let test = script(&lines.join("\n"), None);
    let Some(reference) = fields.optional_text("code")? else {
        return Ok(None);
    };
    // The text alone does not say what the function is called.
    let prompt = format!("{text}\n\nOne of the tests:\n\n{}", tests[0]);
    fields.problem("mbpp", &prompt, reference, vec![test])
}

fn acecode(fields: Fields<'_>) -> Result<Option<Problem>, String> {
    let tests = match fields.get("tests") {
        Some(_) => fields.statements("tests")?,
        None => fields.statements("test_cases")?,
    };
    let test = script(&tests.join("\n"), None);
    let reference = match fields.optional_text("reference")? {
        Some(reference) => Some(reference),
        None => fields.inferred(),
    };
    let Some(reference) = reference else {
        return Ok(None);
    };
    let prompt = fields.text("question")?;
    fields.problem("acecode", prompt, reference, vec![test])
}

fn own(fields: Fields<'_>, checks: ReadChecks<'_>) -> Result<Option<Problem>, String> {
    let prompt = fields.text("prompt")?;
    let checks = match (fields.get("tests"), fields.get("checks")) {
        (Some(_), None) => vec![script(&fields.statements("tests")?.join("\n"), None)],
        (None, Some(array)) => checks(&array.to_string())?,
        (Some(_), Some(_)) => return Err("has `tests` and `checks`, of which one is needed".into()),
        (None, None) => return Err("has neither `tests` nor `checks`".to_owned()),
    };
    if checks.is_empty() {
        return Err("`checks` is empty".to_owned());
    }
    let Some(reference) = fields.optional_text("reference")? else {
        return Ok(None);
    };
    let family = fields.optional_text("family")?.unwrap_or("problems");
    fields.problem(family, prompt, reference, checks)
}

/// Test code. It is trusted: the reference is run on it before anything else is.
fn script(source: &str, entry_point: Option<String>) -> Check {
    Check {
        id: "tests".to_owned(),
        kind: CheckKind::Script {
            source: Text::from(source),
            entry_point,
        },
        trusted: true,
    }
}

/// The fields of a line.
#[derive(Clone, Copy)]
struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// What is there and not null.
    fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn optional_text(self, name: &str) -> Result<Option<&'a str>, String> {
        let text = |value: &'a Value| {
            let text = value.as_str();
            text.ok_or_else(|| format!("`{name}` is no text"))
        };
        self.get(name).map(text).transpose()
    }

    fn text(self, name: &str) -> Result<&'a str, String> {
        let text = self.optional_text(name)?;
        text.ok_or_else(|| format!("has no `{name}`"))
    }

    fn optional_statements(self, name: &str) -> Result<Vec<&'a str>, String> {
        let Some(value) = self.get(name) else {
            return Ok(Vec::new());
        };
        let list = value.as_array();
        let texts = list.and_then(|list| list.iter().map(Value::as_str).collect());
        texts.ok_or_else(|| format!("`{name}` is no list of texts"))
    }

    fn statements(self, name: &str) -> Result<Vec<&'a str>, String> {
        let statements = self.optional_statements(name)?;
        match statements.is_empty() {
            true => Err(format!("has no `{name}`, or an empty one")),
            false => Ok(statements),
        }
    }

    /// The first program of other models that is said to have passed everything.
    fn inferred(self) -> Option<&'a str> {
        let inferences = self.get("inferences")?.as_array()?;
        let passed = |one: &&Value| one["pass_rate"].as_f64().is_some_and(|rate| rate >= 1.0);
        let text = inferences.iter().find(passed)?["completion"].as_str()?;
        Some(last_program(text).unwrap_or(text))
    }

    fn id(self) -> Result<String, String> {
        let id = self.get("task_id").or_else(|| self.get("id"));
        match id.ok_or("has no `id`")? {
            Value::String(id) => Ok(id.clone()),
            Value::Number(id) => Ok(id.to_string()),
            _ => Err("its `id` is neither text nor number".to_owned()),
        }
    }

    fn problem(
        self,
        family: &str,
        prompt: &str,
        reference: &str,
        checks: Vec<Check>,
    ) -> Result<Option<Problem>, String> {
        Ok(Some(Problem {
            id: self.id()?,
            family: family.into(),
            prompt: prompt.to_owned(),
            reference: reference.into(),
            checks: checks.into_iter().map(Arc::new).collect(),
        }))
    }
}
