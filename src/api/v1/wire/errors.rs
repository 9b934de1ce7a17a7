//! Which fields are at fault, all of them at once.

use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// One field at fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// Where it is, such as `submissions[3].checks[0].call`.
    #[schema(example = "submissions[3].checks[0].call")]
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

/// The faults found so far.
#[derive(Debug, Default)]
pub struct FieldErrors {
    listed: Vec<FieldError>,
    unlisted: usize,
}

impl FieldErrors {
    /// More help nobody, and every submission of a large batch may have the same fault.
    const LISTED: usize = 100;

    /// Notes a fault.
    pub fn add(&mut self, path: Path<'_>, message: impl fmt::Display) {
        if self.listed.len() == Self::LISTED {
            self.unlisted += 1;
            return;
        }
        let (path, message) = (path.to_string(), message.to_string());
        self.listed.push(FieldError { path, message });
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// The first faults.
    pub fn listed(&self) -> &[FieldError] {
        &self.listed
    }

    /// How many faults there are, listed or not.
    pub fn count(&self) -> usize {
        self.listed.len() + self.unlisted
    }
}

impl From<FieldError> for FieldErrors {
    fn from(error: FieldError) -> Self {
        FieldErrors {
            listed: vec![error],
            unlisted: 0,
        }
    }
}

/// Where a field is; becomes text only when there is something to complain about.
#[derive(Clone, Copy, Debug)]
pub enum Path<'a> {
    /// The whole document.
    Root,
    /// A field of an object.
    Field(&'a Path<'a>, &'a str),
    /// An item of a list.
    Item(&'a Path<'a>, usize),
}

impl<'a> Path<'a> {
    /// A field of the object here.
    pub fn field(&'a self, name: &'a str) -> Path<'a> {
        Path::Field(self, name)
    }

    /// An item of the list here.
    pub fn item(&'a self, index: usize) -> Path<'a> {
        Path::Item(self, index)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Field(Path::Root, name) => f.write_str(name),
            Path::Field(parent, name) => write!(f, "{parent}.{name}"),
            Path::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}
