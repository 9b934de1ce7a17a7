//! Jinja as transformers sets it up.

use std::io;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Output, State, Value, escape_formatter};
use minijinja_contrib::pycompat::unknown_method_callback;
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

use super::Date;

/// What a template says through `raise_exception`.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refusal(pub(super) String);

impl Refusal {
    /// The refusal behind an error, if it is one.
    pub(super) fn of(error: &Error) -> Option<&Refusal> {
        let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(error) = next {
            if let Some(refusal) = error.downcast_ref() {
                return Some(refusal);
            }
            next = error.source();
        }
        None
    }
}

/// Instructions that a template may execute, which takes a few seconds. Arbitrary, and far more than
/// what a conversation of a thousand messages needs.
const FUEL: u64 = 50_000_000;

pub(super) fn new() -> Environment<'static> {
    let mut environment = Environment::new();
    // A template is a program of whoever made the checkpoint, and need not end.
    environment.set_fuel(Some(FUEL));
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true);
    if let Ok(syntax) = syntax.build() {
        environment.set_syntax(syntax);
    }
    // Errors name what was undefined, in release builds too.
    environment.set_debug(true);
    environment.set_unknown_method_callback(unknown_method_callback);
    environment.set_formatter(write_value);
    environment.add_filter("tojson", to_json);
    environment.add_function("raise_exception", raise_exception);
    environment
}

/// Without it templates see no function of this name, and those that ask whether there is one use
/// a day of their own.
pub(super) fn set_date(environment: &mut Environment<'static>, date: Date) {
    environment.add_function("strftime_now", move |format: String| {
        date.format(&format).map_err(|directive| {
            let what = format!("strftime_now knows no {directive}");
            Error::new(ErrorKind::InvalidOperation, what)
        })
    });
}

fn raise_exception(reason: String) -> Result<Value, Error> {
    let error = Error::new(ErrorKind::InvalidOperation, reason.clone());
    Err(error.with_source(Refusal(reason)))
}

/// As Python writes values.
fn write_value(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    let name = match value.kind() {
        ValueKind::None => "None",
        ValueKind::Bool if value.is_true() => "True",
        ValueKind::Bool => "False",
        _ => return escape_formatter(out, state, value),
    };
    out.write_str(name).map_err(Error::from)
}

/// As Python's `json.dumps` with `ensure_ascii=False`, and an indentation where one is given.
fn to_json(value: &Value, options: Kwargs) -> Result<Value, Error> {
    let indent: Option<usize> = options.get("indent")?;
    if options
        .get::<Option<bool>>("ensure_ascii")?
        .unwrap_or(false)
    {
        let what = "tojson knows no ensure_ascii=true";
        return Err(Error::new(ErrorKind::InvalidOperation, what));
    }
    options.assert_all_used()?;
    let json = match indent {
        Some(width) => {
            let indent = " ".repeat(width);
            serialize(value, PrettyFormatter::with_indent(indent.as_bytes()))
        }
        None => serialize(value, Spaced),
    };
    json.map(Value::from_safe_string).map_err(|error| {
        let what = "a value cannot be written as JSON";
        Error::new(ErrorKind::BadSerialization, what).with_source(error)
    })
}

fn serialize(value: &Value, formatter: impl Formatter) -> Result<String, serde_json::Error> {
    let mut json = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut json, formatter))?;
    Ok(String::from_utf8_lossy(&json).into_owned())
}

/// On one line, with spaces after commas and colons.
struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        to: &mut W,
        first: bool,
    ) -> io::Result<()> {
        separate(to, first)
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        to: &mut W,
        first: bool,
    ) -> io::Result<()> {
        separate(to, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        to.write_all(b": ")
    }
}

fn separate<W: ?Sized + io::Write>(to: &mut W, first: bool) -> io::Result<()> {
    match first {
        true => Ok(()),
        false => to.write_all(b", "),
    }
}
