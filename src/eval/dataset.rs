//! Data sets of code benchmarks: what a model is shown, and the checks that its programs face.
//!
//! Owns the public file formats and what each says of a task: prompt, tests, how a sample becomes a
//! program, how outputs are compared. It does not know where samples come from, runs nothing, and
//! counts nothing: a task whose expected outputs have to be computed says which program computes
//! them ([`Oracle`]), and somebody else runs it.
//!
//! All tests of a data set are trusted: they are run as they stand, in the sandbox like everything
//! else, and never on the host.

mod apps;
mod bigcodebench;
mod code_contests;
mod cruxeval;
mod error;
mod evalplus;
mod field;
mod format;
mod humaneval;
mod json;
mod literal;
mod livecodebench;
mod mbpp;
mod modules;
mod own;
mod pickle;
mod prelude;
mod rows;
mod stdio;
mod task;

pub use super::samples::Answer;
pub use error::DatasetError;
pub use evalplus::{Oracle, OracleError};
pub use format::Format;
pub use livecodebench::contest;
pub use modules::{names_in_probe, probe};
pub use task::{Predicts, Shape, Suite, Suites, Task};

use rows::Row;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The tasks of a benchmark.
#[derive(Debug)]
pub struct Dataset {
    /// For people: the file's name without its endings, or the name by which it was asked for.
    pub name: String,
    /// In which format it was.
    pub format: Format,
    /// In the order of the file.
    pub tasks: Vec<Task>,
    /// Tasks that cannot be judged here; they are left out of every score, by name.
    pub unsupported: Vec<Unsupported>,
}

/// A task that cannot be judged here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// The task.
    pub id: String,
    /// Why, in words.
    pub reason: String,
}

impl Dataset {
    /// Reads a file: JSON lines or one JSON array, plain, gzip or zstd. Where no format is given,
    /// the fields of the first task tell it.
    pub fn open(path: &Path, format: Option<Format>) -> Result<Dataset, DatasetError> {
        let file = path.display().to_string();
        let opened = File::open(path).map_err(|source| DatasetError::Read {
            file: file.clone(),
            source,
        })?;
        Dataset::read(opened, &file, &name_of(path), format)
    }

    /// HumanEval, from the bytes of its `HumanEval.jsonl.gz`.
    pub fn humaneval(bytes: &[u8]) -> Result<Dataset, DatasetError> {
        let format = Some(Format::HumanEval);
        Dataset::read(bytes, "HumanEval.jsonl.gz", "humaneval", format)
    }

    /// Reads what [`Dataset::open`] reads from anywhere; `file` is what errors call it.
    pub fn read(
        input: impl Read,
        file: &str,
        name: &str,
        format: Option<Format>,
    ) -> Result<Dataset, DatasetError> {
        let mut builder = Builder::new(file, format);
        rows::for_each(input, file, |row| builder.add(row))?;
        builder.finish(name)
    }

    /// The tasks by id, for whoever has samples to match.
    pub fn index(&self) -> Index<'_> {
        let tasks = self.tasks.iter();
        Index {
            format: self.format,
            tasks: tasks.map(|task| (task.id.as_str(), task)).collect(),
        }
    }

    /// The modules that tasks of this set import, sorted: what [`probe`] asks the runtime about.
    pub fn modules(&self) -> BTreeSet<String> {
        let required = self.tasks.iter().flat_map(|task| &task.requires);
        required.cloned().collect()
    }

    /// Moves the tasks that need another module than these to the unsupported ones.
    pub fn keep_importable(&mut self, available: &BTreeSet<String>) {
        let (kept, left_out) = std::mem::take(&mut self.tasks)
            .into_iter()
            .partition(|task| task.missing(available).is_empty());
        self.tasks = kept;
        let left_out: Vec<Task> = left_out;
        self.unsupported.extend(left_out.iter().map(|task| {
            let missing = task.missing(available).join(", ");
            Unsupported {
                id: task.id.clone(),
                reason: format!("the runtime has no {missing}"),
            }
        }));
    }
}

/// The tasks of a data set by id.
#[derive(Debug)]
pub struct Index<'a> {
    format: Format,
    tasks: HashMap<&'a str, &'a Task>,
}

impl<'a> Index<'a> {
    /// The task that a sample names. MBPP's tasks are plain numbers in its own files and `Mbpp/2`
    /// in samples, so both are understood there.
    pub fn find(&self, id: &str) -> Option<&'a Task> {
        let exact = self.tasks.get(id);
        exact
            .or_else(|| self.tasks.get(self.number_of(id)?))
            .copied()
    }

    fn number_of<'b>(&self, id: &'b str) -> Option<&'b str> {
        let (set, number) = id.split_once('/')?;
        (self.format.has_numbers() && set.eq_ignore_ascii_case("mbpp")).then_some(number)
    }
}

/// What a row of a file comes to.
#[derive(Debug)]
enum Entry {
    Task(Box<Task>),
    Unsupported(Unsupported),
}

impl Entry {
    fn id(&self) -> &str {
        match self {
            Entry::Task(task) => &task.id,
            Entry::Unsupported(task) => &task.id,
        }
    }
}

impl From<Task> for Entry {
    fn from(task: Task) -> Self {
        Entry::Task(Box::new(task))
    }
}

/// Collects the rows of one file.
struct Builder<'a> {
    file: &'a str,
    format: Option<Format>,
    tasks: Vec<Task>,
    unsupported: Vec<Unsupported>,
    lines: BTreeMap<String, usize>,
}

impl<'a> Builder<'a> {
    fn new(file: &'a str, format: Option<Format>) -> Self {
        Builder {
            file,
            format,
            tasks: Vec::new(),
            unsupported: Vec::new(),
            lines: BTreeMap::new(),
        }
    }

    fn add(&mut self, row: Row<'_>) -> Result<(), DatasetError> {
        let format = match self.format {
            Some(format) => format,
            None => *self.format.insert(format::detect(&row, self.file)?),
        };
        let entry = entry(format, &row).map_err(|message| DatasetError::Line {
            file: self.file.to_owned(),
            line: row.line,
            message,
        })?;
        self.note_line(entry.id(), row.line)?;
        match entry {
            Entry::Task(task) => self.tasks.push(*task),
            Entry::Unsupported(task) => self.unsupported.push(task),
        }
        Ok(())
    }

    fn note_line(&mut self, id: &str, line: usize) -> Result<(), DatasetError> {
        match self.lines.insert(id.to_owned(), line) {
            None => Ok(()),
            Some(first) => Err(DatasetError::Duplicate {
                file: self.file.to_owned(),
                id: id.to_owned(),
                first,
                line,
            }),
        }
    }

    fn finish(self, name: &str) -> Result<Dataset, DatasetError> {
        let empty = || DatasetError::Empty {
            file: self.file.to_owned(),
        };
        Ok(Dataset {
            name: name.to_owned(),
            format: self
                .format
                .filter(|_| !self.lines.is_empty())
                .ok_or_else(empty)?,
            tasks: self.tasks,
            unsupported: self.unsupported,
        })
    }
}

fn entry(format: Format, row: &Row<'_>) -> Result<Entry, String> {
    let json = json::Json::new(row.text)?;
    match format {
        Format::HumanEval => humaneval::entry(&json),
        Format::EvalPlus => evalplus::entry(&json),
        Format::Mbpp => mbpp::entry(&json),
        Format::MbppSanitized => mbpp::sanitized_entry(&json),
        Format::LiveCodeBench => livecodebench::entry(&json),
        Format::Apps => apps::entry(&json),
        Format::CodeContests => code_contests::entry(&json),
        Format::CruxEvalInput => cruxeval::entry(&json, Predicts::Input),
        Format::CruxEvalOutput => cruxeval::entry(&json, Predicts::Output),
        Format::BigCodeBench => bigcodebench::entry(&json, bigcodebench::Prompt::Complete),
        Format::BigCodeBenchInstruct => bigcodebench::entry(&json, bigcodebench::Prompt::Instruct),
        Format::Touchstone => own::entry(&json),
    }
}

/// The file's name without what says how it is packed.
fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut name = name.as_ref();
    for ending in [".gz", ".zst", ".jsonl", ".json"] {
        name = name.strip_suffix(ending).unwrap_or(name);
    }
    name.to_owned()
}
