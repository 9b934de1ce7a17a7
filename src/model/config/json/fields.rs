//! The fields of a JSON object, each with a message that names it. A field that is null is absent.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::model::ModelError;

/// An object and where it stands.
#[derive(Debug)]
pub(crate) struct Fields {
    path: PathBuf,
    /// What goes before names in messages: empty, or such as `rope_scaling.`.
    prefix: String,
    map: Map<String, Value>,
}

impl Fields {
    /// Reads a file that is one object.
    pub(crate) fn read(path: &Path) -> Result<Self, ModelError> {
        let text = std::fs::read(path)
            .map_err(|error| ModelError::file(path, format_args!("cannot be read: {error}")))?;
        let map = serde_json::from_slice(&text)
            .map_err(|error| ModelError::file(path, format_args!("is not JSON: {error}")))?;
        match map {
            Value::Object(map) => Ok(Fields {
                path: path.to_owned(),
                prefix: String::new(),
                map,
            }),
            _ => Err(ModelError::file(path, "is not a JSON object")),
        }
    }

    pub(crate) fn into_map(self) -> Map<String, Value> {
        self.map
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// Whether a field is there and null.
    pub(crate) fn is_null(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(Value::is_null)
    }

    /// The names of all fields that are not null.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let present = self.map.iter().filter(|(_, value)| !value.is_null());
        present.map(|(name, _)| name.as_str())
    }

    /// A field that is an object itself.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Fields>, ModelError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Fields {
                path: self.path.clone(),
                prefix: format!("{}{name}.", self.prefix),
                map: map.clone(),
            })),
            Some(other) => Err(self.wrong(name, other, "an object")),
        }
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, ModelError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(name, other, "text")),
        }
    }

    /// False where it is absent.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, ModelError> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(self.wrong(name, other, "true or false")),
        }
    }

    /// A count from 1 to `most`.
    pub(crate) fn size(&self, name: &str, most: usize) -> Result<usize, ModelError> {
        let size = self.optional_size(name, most)?;
        size.ok_or_else(|| self.missing(name))
    }

    /// A count from 1 to `most`, where it is there.
    pub(crate) fn optional_size(
        &self,
        name: &str,
        most: usize,
    ) -> Result<Option<usize>, ModelError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let size = value.as_u64().and_then(|size| usize::try_from(size).ok());
        match size.filter(|size| (1..=most).contains(size)) {
            Some(size) => Ok(Some(size)),
            None => Err(self.wrong(name, value, format_args!("a whole number from 1 to {most}"))),
        }
    }

    pub(crate) fn positive(&self, name: &str) -> Result<f64, ModelError> {
        let number = self.optional_positive(name)?;
        number.ok_or_else(|| self.missing(name))
    }

    pub(crate) fn optional_positive(&self, name: &str) -> Result<Option<f64>, ModelError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match value.as_f64().filter(|number| *number > 0.0) {
            Some(number) => Ok(Some(number)),
            None => Err(self.wrong(name, value, "a number above 0")),
        }
    }

    /// A token, where there is one. Some old models write -1 for none.
    pub(crate) fn token(&self, name: &str, vocabulary: usize) -> Result<Option<u32>, ModelError> {
        match self.get(name) {
            None => Ok(None),
            Some(value) if value.as_i64() == Some(-1) => Ok(None),
            Some(value) => self.token_in(name, value, vocabulary).map(Some),
        }
    }

    /// A token, or a list of them.
    pub(crate) fn tokens(&self, name: &str, vocabulary: usize) -> Result<Vec<u32>, ModelError> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(all)) => all
                .iter()
                .map(|value| self.token_in(name, value, vocabulary))
                .collect(),
            Some(value) => Ok(vec![self.token_in(name, value, vocabulary)?]),
        }
    }

    fn token_in(&self, name: &str, value: &Value, vocabulary: usize) -> Result<u32, ModelError> {
        let id = value.as_u64().and_then(|id| u32::try_from(id).ok());
        let expected = || format!("a token id below the vocabulary's size {vocabulary}");
        id.filter(|id| (*id as usize) < vocabulary)
            .ok_or_else(|| self.wrong(name, value, expected()))
    }

    pub(crate) fn missing(&self, name: &str) -> ModelError {
        ModelError::file(
            &self.path,
            format_args!("the field {}{name} is missing", self.prefix),
        )
    }

    /// A field that has not the form that it should have.
    pub(crate) fn wrong(&self, name: &str, value: &Value, expected: impl Display) -> ModelError {
        let what = format_args!("{}{name} is {value}, not {expected}", self.prefix);
        ModelError::file(&self.path, what)
    }

    /// A field that is well-formed and that there is no code for.
    pub(crate) fn unsupported(
        &self,
        name: &str,
        value: &Value,
        supported: impl Display,
    ) -> ModelError {
        self.refuse(format_args!(
            "{}{name} is {value}; {supported}",
            self.prefix
        ))
    }

    /// Something that there is no code for.
    pub(crate) fn refuse(&self, what: impl Display) -> ModelError {
        ModelError::Unsupported(format!("{}: {what}", self.path.display()))
    }
}
