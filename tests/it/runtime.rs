//! The real runtime, loaded once for all tests, with sandboxes and validators over it.

use serde_json::{Value, json};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use touchstone::api::v1::wire::{ChecksRequest, Object, ResultWire, parse};
use touchstone::domain::Limits;
use touchstone::sandbox::{
    Backstop, Compiled, Ending, Execution, Job, Recipe, Run, Runtime, RuntimeSettings, Sandbox,
    THREAD_STACK_BYTES,
};
use touchstone::validator::{Executor, Settings, Tenant, Validator};

/// The most that a test may ask for; as much as a server allows.
pub const CAPS: Limits = Limits {
    time_ms: 60_000,
    memory_bytes: 1 << 30,
    output_bytes: 64 << 20,
};

/// More than all tests that run at the same time have.
const SANDBOXES: u32 = 32;

/// The user's cache, where the command line keeps it.
pub fn cache() -> PathBuf {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let base = variable("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cache")));
    base.expect("HOME or XDG_CACHE_HOME says where the cache is")
        .join("touchstone")
}

/// The folder of the runtime that these sources belong to.
pub fn folder() -> PathBuf {
    let named = std::env::var_os("TOUCHSTONE_VALIDATOR_RUNTIME");
    let folder = named.map_or_else(
        || {
            let (cache, wheels) = (cache(), Vec::new());
            Recipe { cache, wheels }.runtime()
        },
        PathBuf::from,
    );
    let there = folder.join("manifest.json").exists();
    assert!(
        there,
        "there is no runtime in {}: run `make build` first",
        folder.display()
    );
    folder
}

fn load(reset_in_place: bool) -> Runtime {
    let settings = RuntimeSettings {
        sandboxes: SANDBOXES,
        memory_bytes: CAPS.memory_bytes,
        reset_in_place,
        backstop: Backstop::default(),
    };
    Runtime::load(&folder(), settings).expect("the runtime loads")
}

/// The runtime as a server uses it.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| load(true))
}

/// The same with a new instance for every program.
pub fn mapping_anew() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| load(false))
}

/// A validator over the runtime, which remembers nothing.
pub fn validator() -> &'static Validator {
    static VALIDATOR: OnceLock<Validator> = OnceLock::new();
    VALIDATOR.get_or_init(|| validator_of(2))
}

/// Another one, with so many workers.
pub fn validator_of(workers: usize) -> Validator {
    let settings = Settings {
        workers: NonZeroUsize::new(workers).expect("some workers"),
        queue_checks: 100_000,
        cache_bytes: None,
    };
    let executors = || {
        let mut sandbox = runtime().sandbox();
        Ok(Box::new(move |run: &Run| Ok(sandbox.run(run)?)) as Executor)
    };
    let digest = runtime().digest().to_owned();
    Validator::start(executors, digest, settings).expect("the workers start")
}

/// Judges a request as `/v1/checks` takes it; gives the results as it answers them.
pub fn judge_text(request: &str) -> Vec<Value> {
    judge_text_by(validator(), request)
}

/// The same by another validator.
pub fn judge_text_by(validator: &Validator, request: &str) -> Vec<Value> {
    let parsed = parse::<Object<ChecksRequest>>(request.as_bytes());
    let submissions = parsed
        .unwrap_or_else(|error| panic!("{error:?}"))
        .0
        .convert(&CAPS)
        .unwrap_or_else(|errors| panic!("{:?}", errors.listed()));
    let mut results = validator
        .submit(submissions, Tenant::default())
        .expect("there is room");
    let mut sorted: Vec<_> = std::iter::from_fn(|| results.blocking_recv()).collect();
    sorted.sort_by_key(|(index, _)| *index);
    sorted
        .into_iter()
        .map(|(_, result)| serde_json::to_value(ResultWire::from(result)).expect("JSON"))
        .collect()
}

/// Judges submissions, which need not say that they are in Python.
pub fn judge(submissions: Vec<Value>) -> Vec<Value> {
    judge_by(validator(), submissions)
}

/// The same by another validator.
pub fn judge_by(validator: &Validator, mut submissions: Vec<Value>) -> Vec<Value> {
    for submission in &mut submissions {
        submission["language"] = json!("python");
    }
    judge_text_by(
        validator,
        &json!({ "submissions": submissions }).to_string(),
    )
}

/// Does something on a thread that guests can run on.
pub fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .stack_size(THREAD_STACK_BYTES)
            .spawn_scoped(scope, work)
            .expect("a thread");
        match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Does something with a new sandbox.
pub fn in_sandbox<T: Send>(work: impl FnOnce(&mut Sandbox) -> T + Send) -> T {
    on_large_stack(|| work(&mut runtime().sandbox()))
}

/// A program as `__main__`.
pub fn program(code: &str, stdin: &str) -> Run {
    Run {
        job: Job::Main {
            code: code.into(),
            stdin: stdin.into(),
            files: Vec::new(),
            arguments: Vec::new(),
            fetch: Vec::new(),
        },
        limits: Limits::default(),
        seed: 0,
        compiled: Compiled::default(),
    }
}

/// Runs one program in a new sandbox.
pub fn run(run: &Run) -> Execution {
    in_sandbox(|sandbox| sandbox.run(run).expect("no fault of ours"))
}

/// The exit status of a program that came to its end.
pub fn exit_status(execution: &Execution) -> Option<i32> {
    match execution.ending {
        Ending::Exited { status, .. } => Some(status),
        _ => None,
    }
}

/// What a program printed, as text.
pub fn printed(execution: &Execution) -> String {
    String::from_utf8_lossy(&execution.stdout).into_owned()
}

/// A file of the repository, as text.
pub fn read(path: impl AsRef<Path>) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names, without `.py`, of the programs in a folder of fixtures.
pub fn programs_in(folder: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(folder);
    let entries = std::fs::read_dir(&path).expect("the folder is there");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = names
        .filter_map(|name| Some(name.to_str()?.strip_suffix(".py")?.to_owned()))
        .collect();
    names.sort();
    assert!(!names.is_empty(), "{}", path.display());
    names
}

/// Fails with all that went wrong, so that one run tells everything.
pub fn report(mistakes: &[String]) {
    assert!(
        mistakes.is_empty(),
        "{} went wrong:\n{}",
        mistakes.len(),
        mistakes.join("\n")
    );
}
