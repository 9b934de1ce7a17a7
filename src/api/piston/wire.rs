//! The JSON of Piston. Unknown fields are passed over, as that service does.

use crate::api::programs::{BASE64, among_files, clash, last_words, limits, relative, text};
use crate::api::v1::wire::{FieldError, FieldErrors, Path, TextWire};
use crate::domain::{Ended, File, Limits, Program, ProgramRun, RuntimeInfo, Text};
use base64::Engine;
use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Other names of the language.
const ALIASES: [&str; 3] = ["py", "py3", "python3"];

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

/// A language that programs may be in.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PistonRuntime {
    /// Its name.
    pub language: String,
    /// The interpreter's version.
    pub version: String,
    /// Its other names.
    pub aliases: Vec<String>,
    /// What runs it.
    pub runtime: String,
}

impl From<&RuntimeInfo> for PistonRuntime {
    fn from(runtime: &RuntimeInfo) -> Self {
        PistonRuntime {
            language: runtime.name.clone(),
            version: runtime.version.clone(),
            aliases: ALIASES.map(str::to_owned).to_vec(),
            runtime: "touchstone".into(),
        }
    }
}

impl PistonRuntime {
    /// The runtime that a request asks for.
    pub fn chosen(
        runtimes: &[RuntimeInfo],
        request: &ExecuteRequest,
    ) -> Result<PistonRuntime, FieldErrors> {
        let mut known = runtimes.iter().map(PistonRuntime::from);
        let found = known.find(|runtime| {
            runtime.is_called(&request.language) && matches(&request.version, &runtime.version)
        });
        found.ok_or_else(|| {
            let (language, version) = (&request.language, &request.version);
            fault("", format!("{language}-{version} runtime is unknown"))
        })
    }

    fn is_called(&self, name: &str) -> bool {
        self.language == name || self.aliases.iter().any(|alias| alias == name)
    }
}

/// Whether a version is among those of a selector, as npm reads selectors: a whole version means
/// itself, a part of one all that begin with it.
fn matches(selector: &str, version: &str) -> bool {
    let selector = selector.trim();
    let bare = selector.starts_with(|first: char| first.is_ascii_digit());
    let selector = match (bare, selector.matches('.').count()) {
        (true, 2) if !selector.contains(['x', 'X', '*']) => format!("={selector}"),
        (true, _) if !selector.contains(['x', 'X', '*']) => format!("~{selector}"),
        _ => selector.replace(' ', ", "),
    };
    match (VersionReq::parse(&selector), Version::parse(version)) {
        (Ok(selector), Ok(version)) => selector.matches(&version),
        _ => false,
    }
}

fn fault(path: &str, message: String) -> FieldErrors {
    let path = path.to_owned();
    FieldErrors::from(FieldError { path, message })
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

/// What came of a program.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ExecuteResponse {
    /// Its language.
    pub language: String,
    /// The interpreter's version.
    pub version: String,
    /// Its only stage: nothing is compiled.
    pub run: Stage,
}

/// What came of a stage.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Stage {
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
    /// Both, stdout first.
    pub output: String,
    /// The exit status, null where it was stopped.
    pub code: Option<i32>,
    /// What stopped it.
    pub signal: Option<String>,
    /// Why, for people.
    pub message: Option<String>,
    /// `RE` exit status other than 0, `SG` stopped, `TO` time, `OL` and `EL` output.
    pub status: Option<String>,
    /// Guest time in milliseconds.
    pub cpu_time: u64,
    /// The same.
    pub wall_time: u64,
    /// Memory in bytes, beyond the interpreter's own.
    pub memory: u64,
}

impl ExecuteResponse {
    /// The answer to a run.
    pub fn new(runtime: PistonRuntime, run: &ProgramRun, output_bytes: u64) -> Self {
        ExecuteResponse {
            language: runtime.language,
            version: runtime.version,
            run: Stage::of(run, output_bytes),
        }
    }
}

/// What a stage's `code`, `signal`, `status` and `message` say.
type Said = (
    Option<i32>,
    Option<&'static str>,
    Option<&'static str>,
    Option<String>,
);

impl Stage {
    fn of(run: &ProgramRun, output_bytes: u64) -> Self {
        let stdout = text(&run.stdout);
        let stderr = text(&run.stderr) + &last_words(&run.ended).unwrap_or_default();
        let (code, signal, status, message) = said(run, output_bytes);
        let time = run.fuel.as_ms().ceil() as u64;
        Stage {
            output: stdout.clone() + &stderr,
            stdout,
            stderr,
            code,
            signal: signal.map(str::to_owned),
            message,
            status: status.map(str::to_owned),
            cpu_time: time,
            wall_time: time,
            memory: run.memory_bytes,
        }
    }
}

fn said(run: &ProgramRun, output_bytes: u64) -> Said {
    let killed = |status, message: &str| {
        let message = Some(message.to_owned());
        (None, Some("SIGKILL"), Some(status), message)
    };
    match &run.ended {
        Ended::Exited { status: 0, .. } => (Some(0), None, None, None),
        Ended::Exited { status, .. } => {
            let message = match run.ended.is_out_of_memory() {
                true => "Memory limit exceeded".to_owned(),
                false => format!("Exited with error status {status}"),
            };
            (Some(*status), None, Some("RE"), Some(message))
        }
        Ended::TimeLimit { .. } => killed("TO", "Time limit exceeded"),
        Ended::MemoryLimit => killed("SG", "Memory limit exceeded"),
        Ended::OutputLimit if run.stdout.len() as u64 >= output_bytes => {
            killed("OL", "stdout length exceeded")
        }
        Ended::OutputLimit => killed("EL", "stderr length exceeded"),
        Ended::Crashed { message } => (None, Some("SIGABRT"), Some("SG"), Some(message.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors() {
        for (selector, expect) in [
            ("*", true),
            ("3", true),
            ("3.x", true),
            ("3.15", true),
            ("3.15.0", true),
            (">=3.10", true),
            (">=3.10 <4", true),
            ("^3.1.0", true),
            ("3.10", false),
            ("3.10.0", false),
            ("2.x", false),
            ("latest", false),
            ("", false),
        ] {
            assert_eq!(matches(selector, "3.15.0"), expect, "{selector:?}");
        }
    }

    #[test]
    fn hexadecimal_digits() {
        assert_eq!(unhexed(b"7072696e74"), Some(b"print".to_vec()));
        assert_eq!(unhexed(b"7"), None);
        assert_eq!(unhexed(b"zz"), None);
    }
}
