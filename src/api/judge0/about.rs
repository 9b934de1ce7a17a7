//! What the service tells of itself to clients of Judge0.

use super::callback::{TIMEOUT, TRIES};
use super::wire::{CPU_SECONDS, MEMORY_KB, WALL_SECONDS};
use crate::api::error::ApiError;
use crate::api::router::Api;
use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// The version whose API this is: clients look languages up by it.
const VERSION: &str = "1.13.1";

/// Every number that this version and its clients know for Python 3.
pub(in crate::api) const LANGUAGE_IDS: [i64; 4] = [71, 92, 100, 109];

/// Submissions sent or asked for together, at most, as there.
pub(in crate::api) const MOST_TOGETHER: usize = 20;

/// A language.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Judge0Language)]
pub(in crate::api) struct LanguageWire {
    id: i64,
    name: String,
}

/// What can become of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Judge0Status)]
pub(in crate::api) struct StatusWire {
    /// Its number.
    pub id: u8,
    /// Its name.
    pub description: &'static str,
}

/// All of them.
pub(in crate::api) const STATUSES: [StatusWire; 14] = [
    status(1, "In Queue"),
    status(2, "Processing"),
    status(3, "Accepted"),
    status(4, "Wrong Answer"),
    status(5, "Time Limit Exceeded"),
    status(6, "Compilation Error"),
    status(7, "Runtime Error (SIGSEGV)"),
    status(8, "Runtime Error (SIGXFSZ)"),
    status(9, "Runtime Error (SIGFPE)"),
    status(10, "Runtime Error (SIGABRT)"),
    status(11, "Runtime Error (NZEC)"),
    status(12, "Runtime Error (Other)"),
    status(13, "Internal Error"),
    status(14, "Exec Format Error"),
];

const fn status(id: u8, description: &'static str) -> StatusWire {
    StatusWire { id, description }
}

fn language(api: &Api, id: i64) -> LanguageWire {
    let version = api
        .0
        .runtimes
        .first()
        .map_or("", |runtime| &runtime.version);
    let name = format!("Python ({version})");
    LanguageWire { id, name }
}

/// What this is.
#[utoipa::path(get, path = "/about", tag = "judge0", responses(
    (status = 200, description = "The API's version, and what stands behind it.", body = Object),
))]
pub(in crate::api) async fn about() -> Json<Value> {
    Json(json!({
        "version": VERSION,
        "homepage": "/",
        "source_code": "",
        "maintainer": format!("touchstone {}", env!("CARGO_PKG_VERSION")),
    }))
}

/// The languages that programs may be in.
#[utoipa::path(get, path = "/languages", tag = "judge0", responses(
    (status = 200, description = "All of them; one Python stands behind each.",
        body = Vec<LanguageWire>),
))]
pub(in crate::api) async fn languages(State(api): State<Api>) -> Json<Vec<LanguageWire>> {
    Json(LANGUAGE_IDS.map(|id| language(&api, id)).into())
}

/// One language.
#[utoipa::path(get, path = "/languages/{id}", tag = "judge0",
    params(("id" = String, Path, description = "Its number.")),
    responses(
        (status = 200, description = "The language.", body = LanguageWire),
        (status = 404, description = "There is none of that number.",
            body = super::error::Judge0Message),
    ))]
pub(in crate::api) async fn one_language(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<LanguageWire>, ApiError> {
    let known = id.parse().ok().filter(|id| LANGUAGE_IDS.contains(id));
    let id = known.ok_or(ApiError::NotFound)?;
    Ok(Json(language(&api, id)))
}

/// What can become of a submission.
#[utoipa::path(get, path = "/statuses", tag = "judge0", responses(
    (status = 200, description = "All of it.", body = Vec<StatusWire>),
))]
pub(in crate::api) async fn statuses() -> Json<[StatusWire; 14]> {
    Json(STATUSES)
}

/// What a submission may ask for.
#[utoipa::path(get, path = "/config_info", tag = "judge0", responses(
    (status = 200, description = "Defaults and bounds.", body = Object),
))]
pub(in crate::api) async fn config_info(State(api): State<Api>) -> Json<Value> {
    let caps = &api.0.caps;
    let (seconds, kb) = (caps.time_ms as f64 / 1000.0, caps.memory_bytes / 1024);
    Json(json!({
        "maintenance_mode": false,
        "enable_wait_result": true,
        "enable_compiler_options": false,
        "allowed_languages_for_compile_options": [],
        "enable_command_line_arguments": true,
        "enable_submission_delete": false,
        "enable_callbacks": api.0.callbacks.are_made(),
        "callbacks_max_tries": TRIES,
        "callbacks_timeout": TIMEOUT.as_secs_f64(),
        "enable_additional_files": false,
        "max_queue_size": api.0.validator.stats().capacity,
        "cpu_time_limit": CPU_SECONDS.min(seconds),
        "cpu_extra_time": 0.0,
        "max_cpu_time_limit": seconds,
        "max_cpu_extra_time": 0.0,
        "wall_time_limit": WALL_SECONDS.min(seconds),
        "max_wall_time_limit": seconds,
        "memory_limit": MEMORY_KB.min(kb as f64) as u64,
        "max_memory_limit": kb,
        "stack_limit": 0,
        "max_stack_limit": 0,
        "max_processes_and_or_threads": 1,
        "max_max_processes_and_or_threads": 1,
        "enable_per_process_and_thread_time_limit": false,
        "allow_enable_per_process_and_thread_time_limit": false,
        "enable_per_process_and_thread_memory_limit": false,
        "allow_enable_per_process_and_thread_memory_limit": false,
        "max_file_size": 0,
        "max_max_file_size": 0,
        "number_of_runs": 1,
        "max_number_of_runs": 20,
        "redirect_stderr_to_stdout": false,
        "enable_batched_submissions": true,
        "max_submission_batch_size": MOST_TOGETHER,
        "enable_network": false,
        "allow_enable_network": false,
        "submission_cache_duration": 0.0,
        "max_extract_size": 0,
        "use_docs_as_homepage": false,
    }))
}
