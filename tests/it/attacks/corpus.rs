//! The files of `fixtures/attacks/`, which its README describes.

use crate::runtime::read;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;

const FOLDER: &str = "fixtures/attacks";

/// The kinds of attacks; how they are numbered is in the README beside the fixtures.
pub const CLASSES: std::ops::RangeInclusive<u8> = 1..=14;

/// Every outcome that a check can have here.
pub const OUTCOMES: [&str; 7] = [
    "pass",
    "fail",
    "error",
    "time_limit",
    "memory_limit",
    "output_limit",
    "invalid",
];

/// What runs are allowed where an attack does not say: endless programs end soon, honest ones fit.
const TIME_MS: u64 = 500;
const MEMORY_BYTES: u64 = 64 << 20;
const OUTPUT_BYTES: u64 = 64 << 10;

/// What an honest program is judged by after each attack.
const HONEST_TASK: &str = "double";
const HONEST_CHECKS: [&str; 4] = ["call", "stdio", "asserts", "unittest"];

/// All attacks and the tasks that they pretend to solve.
pub struct Corpus {
    pub tasks: BTreeMap<String, Task>,
    pub attacks: Vec<Attack>,
}

/// A task with a right and a wrong solution, and one check or more.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    pub solution: Lines,
    pub wrong: Lines,
    checks: BTreeMap<String, Value>,
    compare: Option<Value>,
}

/// A program that must not get what it is after.
pub struct Attack {
    pub name: String,
    pub class: u8,
    /// Each check that it faces, and the outcomes that it may get there.
    pub expected: Vec<(String, Vec<String>)>,
    code: String,
    manifest: Manifest,
}

/// The text of a program, line by line.
#[derive(Deserialize)]
pub struct Lines(Vec<String>);

impl Lines {
    pub fn text(&self) -> String {
        self.0.join("\n") + "\n"
    }
}

/// What the file beside a program says of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    class: u8,
    tries: String,
    task: String,
    #[serde(default)]
    honest: bool,
    #[serde(default)]
    outcomes: BTreeMap<String, Outcomes>,
    #[serde(default)]
    checks: Vec<Map<String, Value>>,
    reference: Option<Reference>,
    limits: Option<Map<String, Value>>,
    compare: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Outcomes {
    One(String),
    AnyOf(Vec<String>),
}

impl Outcomes {
    fn list(&self) -> Vec<String> {
        match self {
            Outcomes::One(outcome) => vec![outcome.clone()],
            Outcomes::AnyOf(outcomes) => outcomes.clone(),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Reference {
    /// The task's solution, where this is true.
    OfTask(bool),
    Own(Lines),
}

impl Corpus {
    pub fn load() -> Self {
        let tasks = from_json(&read(format!("{FOLDER}/tasks.json")), "tasks");
        let attacks = names("py").into_iter().map(Attack::load).collect();
        Corpus { tasks, attacks }
    }

    /// What is wrong with the fixtures themselves.
    pub fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        for attack in &self.attacks {
            let manifest = &attack.manifest;
            let mut wrong = |what: &str| mistakes.push(format!("{}: {what}", attack.name));
            if !CLASSES.contains(&attack.class)
                || !attack.name.starts_with(&format!("{:02}_", attack.class))
            {
                wrong("its name and its class differ");
            }
            if manifest.tries.is_empty() || attack.expected.is_empty() {
                wrong("it says too little");
            }
            let task = self.tasks.get(&manifest.task);
            let has = |kind: &String| task.is_some_and(|task| task.checks.contains_key(kind));
            if task.is_none() || !manifest.outcomes.keys().all(has) {
                wrong("no such task, or it lacks a check");
            }
            for (kind, outcomes) in &attack.expected {
                if !outcomes.iter().all(|o| OUTCOMES.contains(&o.as_str())) {
                    wrong(&format!("{kind}: no such outcome"));
                }
                let passes = outcomes.iter().any(|outcome| outcome == "pass");
                if outcomes.is_empty() || (passes && outcomes.len() > 1) {
                    wrong(&format!("{kind}: one pass, or some other outcomes"));
                }
                if passes && !manifest.honest {
                    wrong(&format!("{kind}: a pass is for honest programs"));
                }
            }
        }
        mistakes
    }

    /// An attack with the checks that it faces.
    pub fn submission(&self, attack: &Attack) -> Value {
        let manifest = &attack.manifest;
        let task = &self.tasks[&manifest.task];
        let listed = manifest.outcomes.keys().map(|kind| task.check(kind));
        let own = manifest.checks.iter().map(|check| {
            let mut check = check.clone();
            check.remove("outcome");
            expanded(check)
        });
        let mut submission = submission(&attack.code, listed.chain(own).collect());
        if let Some(compare) = manifest.compare.as_ref().or(task.compare.as_ref()) {
            submission["compare"] = compare.clone();
        }
        for (limit, value) in manifest.limits.iter().flatten() {
            submission["limits"][limit] = value.clone();
        }
        match &manifest.reference {
            Some(Reference::OfTask(true)) => submission["reference"] = json!(task.solution.text()),
            Some(Reference::Own(lines)) => submission["reference"] = json!(lines.text()),
            Some(Reference::OfTask(false)) | None => {}
        }
        submission
    }

    /// A program with nothing to hide.
    pub fn honest(&self) -> Value {
        let task = &self.tasks[HONEST_TASK];
        let checks = HONEST_CHECKS.iter().map(|kind| task.check(kind));
        submission(&task.solution.text(), checks.collect())
    }
}

impl Task {
    /// A program with all checks of the task, and their names.
    pub fn whole(&self, code: &str) -> (Vec<&String>, Value) {
        let kinds: Vec<_> = self.checks.keys().collect();
        let checks = kinds.iter().map(|kind| self.check(kind)).collect();
        let mut submission = submission(code, checks);
        if let Some(compare) = &self.compare {
            submission["compare"] = compare.clone();
        }
        (kinds, submission)
    }

    fn check(&self, kind: &str) -> Value {
        let check = self.checks[kind].as_object().expect("an object");
        let mut check = expanded(check.clone());
        check["id"] = json!(kind);
        check
    }
}

impl Attack {
    fn load(name: String) -> Self {
        let manifest: Manifest = from_json(&read(format!("{FOLDER}/{name}.json")), &name);
        let listed = manifest
            .outcomes
            .iter()
            .map(|(kind, outcomes)| (kind.clone(), outcomes.list()));
        let own = manifest.checks.iter().enumerate().map(|(number, check)| {
            let outcome = check.get("outcome").cloned().unwrap_or_default();
            let outcomes: Outcomes = from_json(&outcome.to_string(), &name);
            (format!("its own check {number}"), outcomes.list())
        });
        Attack {
            class: manifest.class,
            expected: listed.chain(own).collect(),
            code: read(format!("{FOLDER}/{name}.py")),
            name,
            manifest,
        }
    }
}

/// The names of the attacks that have a file of this kind.
pub fn names(extension: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER);
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let files = entries.map(|entry| entry.expect("an entry").path());
    let mut names: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .filter(|name| name != "tasks")
        .collect();
    names.sort();
    names
}

/// One submission as the text of a request. JSON's strings can hold lone surrogates, but those of
/// this program cannot: fixtures spell one as below.
pub fn submission_text(submission: &Value) -> String {
    let request = json!({ "submissions": [submission] }).to_string();
    request.replace("{lone surrogate}", r"\ud800")
}

fn submission(code: &str, checks: Vec<Value>) -> Value {
    json!({
        "language": "python",
        "code": code,
        "checks": checks,
        "limits": {
            "time_ms": TIME_MS,
            "memory_bytes": MEMORY_BYTES,
            "output_bytes": OUTPUT_BYTES,
        },
    })
}

/// A check as the API takes it: in the fixtures, programs are lists of lines, and very long texts
/// are lists of parts, each with how often it is repeated.
fn expanded(check: Map<String, Value>) -> Value {
    let field = |(name, value): (String, Value)| match name.strip_suffix("_repeat") {
        Some(name) => (name.to_owned(), json!(repeated(value))),
        None if value.is_array() => {
            let lines: Lines = serde_json::from_value(value).expect("lines");
            (name, json!(lines.text()))
        }
        None => (name, value),
    };
    check.into_iter().map(field).collect()
}

fn repeated(parts: Value) -> String {
    let parts: Vec<(String, usize)> = serde_json::from_value(parts).expect("texts and counts");
    parts
        .iter()
        .map(|(text, times)| text.repeat(*times))
        .collect()
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str, name: &str) -> T {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"))
}
