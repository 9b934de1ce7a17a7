//! Programs that clients of other services send: what all those APIs need to have them run.

use super::called::Called;
use super::error::ApiError;
use crate::domain::{
    Ended, Fault, FaultCode, File, Limits, Program, ProgramResult, ProgramRun, Text,
};
use crate::validator::Rejected;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Output of one program to each of stdout and stderr, where an API has no field for it: far above
/// what people print and other services take, and the answer is held in memory whole.
const OUTPUT_BYTES: u64 = 8 << 20;

/// The standard alphabet; whether the end is padded does not matter.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The longest name that common file systems take, and far below what any takes for a path.
const NAME_BYTES: usize = 255;
const PATH_BYTES: usize = 1024;

/// Runs the program where modules lie beside it, which the runtime by itself does not look for.
const BESIDE: &str = include_str!("beside.py");

/// What such a program is called.
const MAIN_FILE: &str = "main.py";

/// Why there is nothing to tell of a program.
#[derive(Debug)]
pub(super) enum Failed {
    /// It was not taken.
    Rejected(Rejected),
    /// We failed.
    Fault(Fault),
}

impl From<Rejected> for Failed {
    fn from(rejected: Rejected) -> Self {
        Failed::Rejected(rejected)
    }
}

/// Runs one program.
pub(super) async fn run(api: &Called, program: Program) -> Result<ProgramRun, Failed> {
    let mut results = run_all(api, vec![program]).await?;
    let result = results.pop().unwrap_or_else(|| Err(unanswered()));
    result.map_err(Failed::Fault)
}

/// Runs programs side by side; the results are in their order.
pub(super) async fn run_all(
    api: &Called,
    programs: Vec<Program>,
) -> Result<Vec<ProgramResult>, Rejected> {
    let count = programs.len();
    let mut results = api
        .validator()
        .submit_programs(programs, api.tenant.clone())?;
    let mut sorted: Vec<ProgramResult> = (0..count).map(|_| Err(unanswered())).collect();
    while let Some((index, result)) = results.recv().await {
        sorted[index] = result;
    }
    Ok(sorted)
}

fn unanswered() -> Fault {
    Fault {
        code: FaultCode::Engine,
        message: "the engine failed".into(),
        retryable: true,
    }
}

/// Limits from what other services' fields say. Time that is more than the server allows is as much
/// as it allows; so is memory, also where none is said.
pub(super) fn limits(caps: &Limits, seconds: f64, memory_bytes: Option<u64>) -> Limits {
    let time_ms = (seconds * 1000.0).ceil().clamp(1.0, caps.time_ms as f64);
    let memory = memory_bytes.unwrap_or(caps.memory_bytes);
    Limits {
        time_ms: time_ms as u64,
        memory_bytes: memory.clamp(1, caps.memory_bytes),
        output_bytes: OUTPUT_BYTES.min(caps.output_bytes),
    }
}

/// A path in the working directory in its shortest form, or what is wrong with it. Those that lead
/// out of the directory are refused.
pub(super) fn relative(path: &str) -> Result<String, &'static str> {
    if path.starts_with('/') {
        return Err("is absolute; files are in the working directory");
    }
    if path.len() > PATH_BYTES || path.contains('\0') {
        return Err("is no path");
    }
    let mut names = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names
                    .pop()
                    .ok_or("leads out of the working directory")
                    .map(drop)?;
            }
            name if name.len() > NAME_BYTES => return Err("has a name that is too long"),
            name => names.push(name),
        }
    }
    if names.is_empty() {
        return Err("names no file");
    }
    Ok(names.join("/"))
}

/// Whether one of the files lies in a folder that is a file too.
pub(super) fn clash(files: &[File]) -> bool {
    let is_file = |path: &str| files.iter().any(|file| file.path == path);
    let mut folders = files
        .iter()
        .flat_map(|file| file.path.match_indices('/').map(|(at, _)| &file.path[..at]));
    folders.any(is_file)
}

/// The program among its files: where one of them is a module, it can be imported.
pub(super) fn among_files(code: Text, files: Vec<File>) -> (Text, Vec<File>) {
    if !files.iter().any(|file| file.path.ends_with(".py")) {
        return (code, files);
    }
    driven(BESIDE, &code, files)
}

/// The program as a file among its files, which another one takes up.
pub(super) fn driven(driver: &str, code: &Text, mut files: Vec<File>) -> (Text, Vec<File>) {
    files.retain(|file| file.path != MAIN_FILE);
    files.push(File {
        path: MAIN_FILE.to_owned(),
        contents: code.as_bytes().to_vec(),
    });
    (Text::from(driver), files)
}

/// Bytes as text for an answer.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What stderr says where the interpreter could not say it itself.
pub(super) fn last_words(ended: &Ended) -> Option<String> {
    match ended {
        Ended::MemoryLimit => Some("MemoryError: the memory limit is reached\n".into()),
        Ended::OutputLimit => Some("the output limit is reached\n".into()),
        Ended::Crashed { message } => Some(format!("Fatal Python error: {message}\n")),
        Ended::Exited { .. } | Ended::TimeLimit { .. } => None,
    }
}

/// A fault for clients that ask again where they are told to.
pub(super) fn refused(failed: Failed) -> ApiError {
    match failed {
        Failed::Rejected(rejected) => rejected.into(),
        Failed::Fault(_) => ApiError::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_in_the_directory() {
        for (path, expect) in [
            ("a", Some("a")),
            ("./a//b/", Some("a/b")),
            ("a/../b", Some("b")),
            ("..a/ü", Some("..a/ü")),
            ("", None),
            (".", None),
            ("..", None),
            ("a/../../b", None),
            ("/a", None),
            ("a\0b", None),
        ] {
            assert_eq!(relative(path).ok().as_deref(), expect, "{path:?}");
        }
    }

    #[test]
    fn limits_are_clamped() {
        let caps = Limits {
            time_ms: 1000,
            memory_bytes: 100,
            output_bytes: 10,
        };
        assert_eq!(limits(&caps, 0.0001, Some(7)).time_ms, 1);
        assert_eq!(limits(&caps, 0.5, Some(7)).time_ms, 500);
        assert_eq!(limits(&caps, 50.0, Some(7)).time_ms, 1000);
        assert_eq!(limits(&caps, 1.0, None).memory_bytes, 100);
        assert_eq!(limits(&caps, 1.0, Some(1 << 40)).memory_bytes, 100);
    }
}
