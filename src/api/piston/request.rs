//! What Piston is asked: a program with its files and limits. Unknown fields are passed over, as that
//! service does.

use crate::api::programs::{BASE64, among_files, clash, limits, relative};
use crate::api::v1::wire::{FieldErrors, Path, TextWire};
use crate::domain::{File, Limits, Program, Text};
use base64::Engine;
use serde::Deserialize;
use utoipa::ToSchema;

/// A program to be run.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(expecting = "an object")]
#[schema(example = json!({"language": "python", "version": "*", "files": [{"content": "print(1)"}]}))]
pub struct ExecuteRequest {
    /// `python`, or one of its other names.
    #[schema(example = "python")]
    pub language: String,
    /// Which versions will do, such as `*`, `3.x` or `>=3.10`.
    #[schema(example = "*")]
    pub version: String,
    /// The first one is the program, the others lie beside it.
    pub files: Vec<PistonFile>,
    /// What it reads.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub stdin: Option<TextWire>,
    /// `sys.argv[1:]`.
    #[serde(default)]
    pub args: Vec<String>,
    /// Guest time in milliseconds; -1 is as much as the server allows.
    #[serde(default)]
    #[schema(default = 3000)]
    pub run_timeout: Option<f64>,
    /// The same: a guest's time is the processor's.
    #[serde(default)]
    #[schema(default = 3000)]
    pub run_cpu_time: Option<f64>,
    /// Memory in bytes; -1 is as much as the server allows.
    #[serde(default)]
    #[schema(default = -1)]
    pub run_memory_limit: Option<f64>,
}

/// A file of a request.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(expecting = "an object")]
pub struct PistonFile {
    /// A relative path.
    #[serde(default)]
    pub name: Option<String>,
    /// What is in it.
    #[schema(value_type = String)]
    pub content: TextWire,
    /// `utf8`, `base64` or `hex`.
    #[serde(default)]
    #[schema(default = "utf8")]
    pub encoding: Option<String>,
}

impl ExecuteRequest {
    /// The program.
    pub fn convert(self, caps: &Limits) -> Result<Program, FieldErrors> {
        let mut errors = FieldErrors::default();
        let root = Path::Root;
        let times = [
            ("run_timeout", self.run_timeout.unwrap_or(3000.0)),
            ("run_cpu_time", self.run_cpu_time.unwrap_or(3000.0)),
        ];
        let mut time_ms = caps.time_ms as f64;
        for (name, asked) in times {
            time_ms = bounded(asked, time_ms, caps.time_ms, root.field(name), &mut errors);
        }
        let (memory, cap) = (self.run_memory_limit.unwrap_or(-1.0), caps.memory_bytes);
        let memory = bounded(
            memory,
            cap as f64,
            cap,
            root.field("run_memory_limit"),
            &mut errors,
        );
        let (code, files) = program(self.files, root.field("files"), &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Program {
            code,
            stdin: self.stdin.unwrap_or_default().0.as_bytes().to_vec(),
            files,
            arguments: self.args,
            fetch: Vec::new(),
            limits: limits(caps, time_ms / 1000.0, Some(memory as u64)),
            seed: 0,
        })
    }
}

/// What is asked for, but no more than `most`; -1 asks for that.
fn bounded(asked: f64, most: f64, cap: u64, path: Path<'_>, errors: &mut FieldErrors) -> f64 {
    if asked < 0.0 {
        return most;
    }
    if asked > cap as f64 {
        errors.add(
            path,
            format_args!("cannot exceed the configured limit of {cap}"),
        );
    } else if asked < 1.0 || asked.is_nan() {
        errors.add(path, "must be positive, or -1");
    }
    asked.min(most)
}

/// The program, and what lies beside it.
fn program(files: Vec<PistonFile>, path: Path<'_>, errors: &mut FieldErrors) -> (Text, Vec<File>) {
    let mut files = files.into_iter().enumerate();
    let Some((_, main)) = files.next() else {
        errors.add(path, "must hold at least one file");
        return (Text::default(), Vec::new());
    };
    let code = decoded(&main, path.item(0), errors);
    let mut beside = Vec::new();
    for (index, file) in files {
        let contents = decoded(&file, path.item(index), errors);
        let name = file.name.unwrap_or_else(|| format!("file{index}.code"));
        match relative(&name) {
            Ok(path) => beside.push(File { path, contents }),
            Err(fault) => errors.add(path.item(index).field("name"), fault),
        }
    }
    if clash(&beside) {
        errors.add(path, "holds a file that lies in another one");
    }
    among_files(Text::from_wtf8(code), beside)
}

fn decoded(file: &PistonFile, path: Path<'_>, errors: &mut FieldErrors) -> Vec<u8> {
    let bytes = file.content.0.as_bytes();
    let decoded = match file.encoding.as_deref().unwrap_or("utf8") {
        "utf8" => Some(bytes.to_vec()),
        "base64" => BASE64.decode(bytes).ok(),
        "hex" => unhexed(bytes),
        _ => {
            errors.add(path.field("encoding"), "must be `utf8`, `base64` or `hex`");
            return Vec::new();
        }
    };
    decoded.unwrap_or_else(|| {
        errors.add(
            path.field("content"),
            "is not in the encoding that is named",
        );
        Vec::new()
    })
}

fn unhexed(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => Some((digit(*high)? * 16 + digit(*low)?) as u8),
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits() {
        assert_eq!(unhexed(b"7072696e74"), Some(b"print".to_vec()));
        assert_eq!(unhexed(b"7"), None);
        assert_eq!(unhexed(b"zz"), None);
    }
}
