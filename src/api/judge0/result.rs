//! What became of a submission, as clients of Judge0 read it.

use super::about::{STATUSES, StatusWire};
use super::store::{Done, Entry};
use crate::api::error::ApiError;
use crate::api::programs::{BASE64, last_words};
use crate::domain::{Compare, Ended, ProgramRun, outputs_equal};
use base64::Engine;
use serde_json::{Map, Value, json};
use std::time::{SystemTime, UNIX_EPOCH};
use url::Url;

/// What is told where nothing else is asked for.
const USUAL: [&str; 8] = [
    "stdout",
    "time",
    "memory",
    "stderr",
    "token",
    "compile_output",
    "message",
    "status",
];

/// Which fields, and how texts are told.
pub(super) struct Telling {
    pub base64: bool,
    pub fields: Fields,
}

/// Which fields of a submission are told.
pub(super) enum Fields {
    Usual,
    All,
    These(Vec<String>),
}

impl Fields {
    /// As the query says it.
    pub fn asked_for(query: Option<&str>) -> Self {
        match query.map(str::trim) {
            None | Some("") => Fields::Usual,
            Some("*") => Fields::All,
            Some(list) => {
                Fields::These(list.split(',').map(|name| name.trim().to_owned()).collect())
            }
        }
    }
}

impl Telling {
    /// The submission's fields.
    pub fn tell(&self, token: &str, entry: &Entry) -> Result<Value, ApiError> {
        let all = self.all(token, entry)?;
        let names: Vec<&str> = match &self.fields {
            Fields::All => return Ok(Value::Object(all)),
            Fields::Usual => USUAL.to_vec(),
            Fields::These(names) => names.iter().map(String::as_str).collect(),
        };
        let unknown: Vec<&str> = names
            .iter()
            .copied()
            .filter(|name| !all.contains_key(*name))
            .collect();
        if !unknown.is_empty() {
            return Err(ApiError::Query(format!(
                "invalid fields: [{}]",
                unknown.join(", ")
            )));
        }
        let told = names
            .iter()
            .map(|name| ((*name).to_owned(), all[*name].clone()));
        Ok(Value::Object(told.collect()))
    }

    fn all(&self, token: &str, entry: &Entry) -> Result<Map<String, Value>, ApiError> {
        let asked = &entry.asked;
        let done = entry.done();
        let expected = asked.expected_output.as_ref();
        let mut all = json!({
            "token": token,
            "source_code": self.text(asked.program.code.as_bytes())?,
            "language_id": asked.language_id,
            "language": {"id": asked.language_id, "name": "Python"},
            "stdin": self.some_text(&asked.program.stdin)?,
            "expected_output": expected.map(|text| self.text(text.as_bytes())).transpose()?,
            "command_line_arguments": asked.command_line_arguments,
            "cpu_time_limit": asked.cpu_seconds.to_string(),
            "wall_time_limit": asked.wall_seconds.to_string(),
            "memory_limit": asked.memory_kb,
            "number_of_runs": asked.runs,
            "redirect_stderr_to_stdout": asked.redirect,
            "callback_url": asked.callback.as_ref().map(Url::as_str),
            "additional_files": null,
            "compiler_options": null,
            "compile_output": null,
            "created_at": timestamp(entry.created),
            "finished_at": done.as_ref().map(|done| timestamp(done.finished)),
        });
        let result = match done {
            Some(done) => self.result(entry, &done)?,
            None => unknown_yet(),
        };
        if let (Value::Object(all), Value::Object(result)) = (&mut all, result) {
            all.extend(result);
        }
        match all {
            Value::Object(all) => Ok(all),
            _ => Err(ApiError::Internal),
        }
    }

    fn result(&self, entry: &Entry, done: &Done) -> Result<Value, ApiError> {
        let run = match &done.result {
            Ok(run) => run,
            Err(fault) => {
                let mut result = unknown_yet();
                result["status"] = json!(STATUSES[12]);
                result["status_id"] = json!(STATUSES[12].id);
                result["message"] = self.text(fault.message.as_bytes())?;
                return Ok(result);
            }
        };
        let status = status(entry, run);
        let (exit_code, exit_signal, message) = ended(run);
        let mut stderr = run.stderr.clone();
        stderr.extend(last_words(&run.ended).unwrap_or_default().into_bytes());
        let (stdout, stderr) = match entry.asked.redirect {
            true => ([run.stdout.as_slice(), &stderr].concat(), Vec::new()),
            false => (run.stdout.clone(), stderr),
        };
        let seconds = format!("{:.3}", run.fuel.as_ms() / 1000.0);
        Ok(json!({
            "stdout": self.some_text(&stdout)?,
            "stderr": self.some_text(&stderr)?,
            "exit_code": exit_code,
            "exit_signal": exit_signal,
            "message": message.map(|message| self.text(message.as_bytes())).transpose()?,
            "status": status,
            "status_id": status.id,
            "time": seconds,
            "wall_time": seconds,
            "memory": run.memory_bytes / 1024,
        }))
    }

    fn some_text(&self, bytes: &[u8]) -> Result<Value, ApiError> {
        match bytes {
            [] => Ok(Value::Null),
            bytes => self.text(bytes),
        }
    }

    fn text(&self, bytes: &[u8]) -> Result<Value, ApiError> {
        if self.base64 {
            return Ok(Value::String(BASE64.encode(bytes)));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| ApiError::Query(NOT_TEXT.into()))?;
        Ok(Value::String(text.to_owned()))
    }
}

const NOT_TEXT: &str = "some attributes for this submission cannot be converted to UTF-8, use base64_encoded=true query parameter";

fn unknown_yet() -> Value {
    json!({
        "stdout": null, "stderr": null, "exit_code": null, "exit_signal": null, "message": null,
        "status": STATUSES[0], "status_id": STATUSES[0].id,
        "time": null, "wall_time": null, "memory": null,
    })
}

fn status(entry: &Entry, run: &ProgramRun) -> StatusWire {
    let id = match &run.ended {
        Ended::Exited { status: 0, .. } => match &entry.asked.expected_output {
            Some(expected)
                if !outputs_equal(expected.as_bytes(), &run.stdout, &Compare::default()) =>
            {
                4
            }
            _ => 3,
        },
        Ended::TimeLimit { .. } => 5,
        Ended::OutputLimit => 8,
        Ended::Crashed { .. } => 10,
        Ended::Exited { .. } | Ended::MemoryLimit => 11,
    };
    STATUSES[id - 1]
}

/// Exit status, signal and message.
fn ended(run: &ProgramRun) -> (Option<i32>, Option<i32>, Option<String>) {
    match &run.ended {
        Ended::Exited { status: 0, .. } => (Some(0), None, None),
        Ended::Exited { status, .. } => {
            let message = match run.ended.is_out_of_memory() {
                true => "Memory limit exceeded".to_owned(),
                false => format!("Exited with error status {status}"),
            };
            (Some(*status), None, Some(message))
        }
        Ended::TimeLimit { .. } => (None, None, Some("Time limit exceeded".into())),
        Ended::MemoryLimit => (Some(1), None, Some("Memory limit exceeded".into())),
        Ended::OutputLimit => (None, Some(25), Some("Output limit exceeded".into())),
        Ended::Crashed { message } => (None, Some(6), Some(message.clone())),
    }
}

/// As `2026-01-31T23:59:59.999Z`.
fn timestamp(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let millis = since.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Year, month and day, so many days after 1970-01-01: counted from March of the year 0, so that a
/// leap day is the last of its year.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn times() {
        for (seconds, expect) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199, "2024-02-29T23:59:59.000Z"),
            (1_767_225_600, "2026-01-01T00:00:00.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(timestamp(time), expect);
        }
    }
}
